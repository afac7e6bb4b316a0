"""SCIM's bulk requests: many changes in one request, each for itself, later ones naming earlier ones."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from scim2_models import Context
from scim2_models.exceptions import InvalidSyntaxException, PayloadTooLargeException, SCIMException
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis.app import Now
from tandem_chassis.database import Transaction
from tandem_chassis.errors import Refusal
from tandem_profiles.api.scim import PREFIX, resources
from tandem_profiles.api.scim.answers import ScimRoute, answer, error_of
from tandem_profiles.api.scim.service import LARGEST_BULK_BYTES, MOST_OPERATIONS, DirectoryCaller
from tandem_profiles.api.scim.users import with_manager_address
from tandem_profiles.storage.people import lock_roster

router = APIRouter(prefix=PREFIX, tags=["directory"], route_class=ScimRoute, include_in_schema=False)

BULK_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"


@router.post("/Bulk")
async def change_many(request: Request, caller: DirectoryCaller, now: Now, session: Transaction) -> Response:
    """Do each operation, in order; one that fails is undone by itself, and named with its error."""
    del caller
    if len(await request.body()) > LARGEST_BULK_BYTES:
        raise PayloadTooLargeException(detail=f"At most {LARGEST_BULK_BYTES:,} bytes are taken at once.")
    document = await resources.document_of(request)
    operations = document.get("Operations")
    if not isinstance(operations, list) or not all(isinstance(one, dict) for one in operations):
        raise InvalidSyntaxException(detail="Operations must be a list of objects.")
    if len(operations) > MOST_OPERATIONS:
        raise PayloadTooLargeException(detail=f"At most {MOST_OPERATIONS:,} operations are taken at once.")
    most_errors = document.get("failOnErrors")
    done: list[dict[str, Any]] = []
    ids: dict[str, str] = {}
    failed = 0
    # Users and groups in any order: two such requests at once would wait for each other's.
    await lock_roster(session)
    for operation in operations:
        shown = {name: operation[name] for name in ("method", "bulkId") if name in operation}
        try:
            async with session.begin_nested():
                done.append({**shown, **await _do(session, _with_ids(operation, ids), at=now)})
        except (SCIMException, ValidationError, Refusal) as fault:  # one of many: the others are done all the same
            error = error_of(fault)
            content = error.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
            done.append({**shown, "status": str(error.status or 400), "response": content})
            failed += 1
            if isinstance(most_errors, int) and failed >= most_errors > 0:
                break
        else:
            if "bulkId" in operation and "location" in done[-1]:
                ids[str(operation["bulkId"])] = done[-1]["location"].rpartition("/")[2]
    return answer({"schemas": [BULK_RESPONSE], "Operations": done})


def _with_ids(value: Any, ids: dict[str, str]) -> Any:
    """The same with every `bulkId:name` replaced by the id that the operation of this name was given."""
    if isinstance(value, dict):
        return {name: _with_ids(entry, ids) for name, entry in value.items()}
    if isinstance(value, list):
        return [_with_ids(entry, ids) for entry in value]
    if isinstance(value, str) and "bulkId:" in value:
        for name, known in ids.items():
            value = value.replace(f"bulkId:{name}", known)
    return value


async def _do(session: AsyncSession, operation: dict[str, Any], *, at: Any) -> dict[str, Any]:
    method, data = str(operation.get("method", "")).upper(), operation.get("data")
    kind, _, resource_id = str(operation.get("path", "")).strip("/").partition("/")
    model = resources.model_of(kind)
    if method != "DELETE" and not isinstance(data, dict):
        raise InvalidSyntaxException(detail="data must be an object.")
    if isinstance(data, dict) and method != "PATCH":
        data = with_manager_address(data)
    if method == "POST" and not resource_id:
        resource = model.model_validate(data, scim_ctx=Context.RESOURCE_CREATION_REQUEST)
        made = await resources.create(session, kind, resource, at=at)
        return {"status": "201", "location": made.meta.location, "version": made.meta.version}
    version = operation.get("version")
    before = await resources.find_to_change(session, kind, resource_id, None if version is None else str(version))
    if method == "DELETE":
        await resources.remove(session, kind, resource_id, before, at=at)
        return {"status": "204", "location": before.meta.location}
    if method == "PUT":
        resource = model.model_validate(data, scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST)
        resource.replace(before)
        changed = await resources.change(session, kind, resource_id, resource, at=at)
    elif method == "PATCH" and isinstance(data, dict):
        changed = await resources.patch(session, kind, resource_id, before, data, at=at)
    else:
        raise InvalidSyntaxException(detail="method must be POST, PUT, PATCH or DELETE.")
    return {"status": "200", "location": changed.meta.location, "version": changed.meta.version}
