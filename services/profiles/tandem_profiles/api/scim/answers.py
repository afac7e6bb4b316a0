"""SCIM's answers: its media type, and refusals in its own words."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from scim2_models import Context, Error
from scim2_models.exceptions import SCIMException

from tandem_chassis import idempotency
from tandem_chassis.errors import Refusal
from tandem_chassis.problems import STATUS_BY_KIND
from tandem_profiles.api.scim.service import MEDIA_TYPE
from tandem_profiles.domain.directory import NameTaken, TooManyToLookThrough
from tandem_profiles.domain.people import ManagersInCircle


def answer(content: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in SCIM's media type."""
    return JSONResponse(content, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def error_of(fault: Exception) -> Error:
    """What SCIM calls a refusal."""
    if isinstance(fault, SCIMException):
        return fault.to_error()
    if isinstance(fault, ValidationError):
        return Error.from_validation_error(fault.errors()[0])
    if isinstance(fault, Refusal):
        kinds = {NameTaken: "uniqueness", TooManyToLookThrough: "tooMany", ManagersInCircle: "invalidValue"}
        status = int(STATUS_BY_KIND[fault.kind])
        if fault.kind == "invalid":
            status = 400
        return Error(status=status, scim_type=kinds.get(type(fault)), detail=fault.sentence)
    raise fault


class ScimRoute(idempotency.Route):
    """A route that refuses as SCIM wants it; what was begun is rolled back before."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, wrapped."""
        handler = super().get_route_handler()

        async def refuse_as_scim_does(request: Request) -> Response:
            try:
                return await handler(request)
            except (SCIMException, ValidationError, Refusal) as fault:
                error = error_of(fault)
                content = error.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
                return answer(content, status=error.status or 400)

        return refuse_as_scim_does
