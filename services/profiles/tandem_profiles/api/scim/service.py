"""What this SCIM service is: its resources, what it can do, and who may call it."""

from typing import Annotated

from fastapi import Depends
from scim2_models import (
    AuthenticationScheme,
    Bulk,
    ChangePassword,
    EnterpriseUser,
    ETag,
    Filter,
    Group,
    Pagination,
    Patch,
    ResourceType,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
    User,
)

from tandem_chassis.auth import Caller, CurrentCaller

SCOPE = "scim"
MEDIA_TYPE = "application/scim+json"
MOST_RESULTS = 200
MOST_OPERATIONS = 1_000
LARGEST_BULK_BYTES = 1_048_576

UserModel = User[EnterpriseUser]

PROVIDER = ScimProvider(
    models=[User, EnterpriseUser, Group],
    resource_types=[ResourceType.from_resource(UserModel), ResourceType.from_resource(Group)],
    config=ServiceProviderConfig(
        patch=Patch(supported=True),
        bulk=Bulk(supported=True, max_operations=MOST_OPERATIONS, max_payload_size=LARGEST_BULK_BYTES),
        filter=Filter(supported=True, max_results=MOST_RESULTS),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=True),
        etag=ETag(supported=True),
        pagination=Pagination(cursor=False, index=True),
        authentication_schemes=[
            AuthenticationScheme(
                type=AuthenticationScheme.Type.oauthbearertoken,
                name="OAuth bearer token",
                description="A token of the organisation's identity provider with the scope scim.",
                primary=True,
            )
        ],
    ),
)


async def directory_caller(caller: CurrentCaller) -> Caller:
    """The caller, who must be an administrator or hold the scope `scim`."""
    caller.require_scope(SCOPE)
    return caller


DirectoryCaller = Annotated[Caller, Depends(directory_caller)]
