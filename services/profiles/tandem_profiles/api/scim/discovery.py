"""SCIM's discovery: what this service can do, which resources it has, and of what they are made."""

from typing import Any

from fastapi import APIRouter, Request, Response
from scim2_models import Context, ListResponse, ResourceType, Schema
from scim2_models.exceptions import ForbiddenException, NotFoundException, SCIMException

from tandem_profiles.api.scim import PREFIX
from tandem_profiles.api.scim.answers import ScimRoute, answer
from tandem_profiles.api.scim.service import PROVIDER, DirectoryCaller

router = APIRouter(prefix=PREFIX, tags=["directory"], route_class=ScimRoute, include_in_schema=False)


CHANGES = ["POST", "PUT", "PATCH", "DELETE"]


def _listed(model: Any, found: list[Any], request: Request) -> Response:
    if "filter" in request.query_params:
        raise ForbiddenException(detail="What this service is cannot be filtered.")
    listed = ListResponse[model](total_results=len(found), start_index=1, items_per_page=len(found), resources=found)
    return answer(listed.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE))


@router.get("/ServiceProviderConfig")
async def show_config(caller: DirectoryCaller) -> Response:
    """What this service can do."""
    del caller
    if PROVIDER.config is None:
        raise NotFoundException
    return answer(PROVIDER.config.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE))


@router.get("/ResourceTypes")
async def list_resource_types(request: Request, caller: DirectoryCaller) -> Response:
    """Which resources this service has."""
    del caller
    return _listed(ResourceType, list(PROVIDER.resource_types), request)


@router.get("/ResourceTypes/{name}")
async def show_resource_type(name: str, caller: DirectoryCaller) -> Response:
    """One kind of resource."""
    del caller
    for found in PROVIDER.resource_types:
        if found.id == name:
            return answer(found.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE))
    raise NotFoundException(detail="There is no such resource type.")


@router.get("/Schemas")
async def list_schemas(request: Request, caller: DirectoryCaller) -> Response:
    """Of what the resources are made."""
    del caller
    return _listed(Schema, list(PROVIDER.schemas), request)


@router.get("/Schemas/{urn}")
async def show_schema(urn: str, caller: DirectoryCaller) -> Response:
    """One schema."""
    del caller
    for found in PROVIDER.schemas:
        if str(found.id) == urn:
            return answer(found.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE))
    raise NotFoundException(detail="There is no such schema.")


class OnlyRead(SCIMException):
    """Something that describes the service was to be changed."""

    status = 405
    _default_detail = "This can be read and not be changed."


@router.api_route("/ServiceProviderConfig", methods=CHANGES)
@router.api_route("/ResourceTypes", methods=CHANGES)
@router.api_route("/Schemas", methods=CHANGES)
async def refuse_change(caller: DirectoryCaller) -> Response:
    """What this service is cannot be changed over SCIM."""
    del caller
    raise OnlyRead
