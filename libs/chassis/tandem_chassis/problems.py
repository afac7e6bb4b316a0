"""Problem documents (RFC 9457): the one table from kinds of refusal to HTTP answers."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException

from tandem_chassis.errors import Refusal
from tandem_events.database import DATABASE_AWAY
from tandem_events.faults import passes
from tandem_events.outbox import EventTooLarge

log = structlog.get_logger(__name__)

STATUS_BY_KIND: Mapping[str, HTTPStatus] = {
    "invalid": HTTPStatus.UNPROCESSABLE_ENTITY,
    "not-found": HTTPStatus.NOT_FOUND,
    "conflict": HTTPStatus.CONFLICT,
    "forbidden": HTTPStatus.FORBIDDEN,
    "unauthenticated": HTTPStatus.UNAUTHORIZED,
    "precondition-failed": HTTPStatus.PRECONDITION_FAILED,
    "precondition-required": HTTPStatus.PRECONDITION_REQUIRED,
    "too-large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "unsupported-media": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
}

TYPE_BASE = "https://tandem.example/problems/"
"""What `type` begins with. It names a kind of problem; `docs/problems.md` explains each."""

MEDIA_TYPE = "application/problem+json"


class FaultDocument(BaseModel):
    """One thing that is wrong, and where."""

    model_config = ConfigDict(extra="allow")

    reason: str
    field: str | None = None
    row: int | None = None
    column: str | None = None


class Problem(BaseModel):
    """What went wrong, as RFC 9457 writes it."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    request_id: str | None = None
    faults: list[FaultDocument] = []


def problem(
    request: Request,
    status: int,
    kind: str,
    detail: str,
    *,
    faults: list[dict[str, Any]] | None = None,
    headers: Mapping[str, str] | None = None,
    **details: Any,
) -> JSONResponse:
    """A problem document as an answer."""
    body: dict[str, Any] = {
        "type": TYPE_BASE + kind,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": getattr(request.state, "request_id", None),
        **details,
    }
    if faults:
        body["faults"] = faults
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def install(app: FastAPI) -> None:
    """Let every error of this application be answered with a problem document."""
    app.add_exception_handler(Refusal, _refusal)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(StaleDataError, _stale)
    app.add_exception_handler(EventTooLarge, _too_large_to_tell)
    for away in DATABASE_AWAY:
        app.add_exception_handler(away, _database)
    app.add_exception_handler(Exception, _unexpected)


async def _refusal(request: Request, refusal: Exception) -> JSONResponse:
    assert isinstance(refusal, Refusal)
    status = STATUS_BY_KIND[refusal.kind]
    headers = {"WWW-Authenticate": 'Bearer realm="tandem"'} if status == HTTPStatus.UNAUTHORIZED else None
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers = {"Retry-After": "2"}
    return problem(
        request,
        status,
        refusal.kind,
        refusal.sentence,
        faults=[fault.as_document() for fault in refusal.faults],
        headers=headers,
        **refusal.details,
    )


async def _invalid_request(request: Request, refused: Exception) -> JSONResponse:
    assert isinstance(refused, RequestValidationError)
    faults = [
        {"field": ".".join(str(part) for part in error["loc"][1:]) or str(error["loc"][0]), "reason": error["msg"]}
        for error in refused.errors()
    ]
    where = ", ".join(fault["field"] for fault in faults[:5])
    return problem(request, 422, "invalid", f"The request does not fit: look at {where}.", faults=faults)


async def _http(request: Request, raised: Exception) -> JSONResponse:
    assert isinstance(raised, HTTPException)
    kinds = {404: "not-found", 405: "method-not-allowed", 400: "invalid", 413: "too-large"}
    detail = {
        404: "There is nothing at this address.",
        405: "This address does not answer to this method.",
    }.get(raised.status_code, str(raised.detail))
    return problem(
        request, raised.status_code, kinds.get(raised.status_code, "refused"), detail, headers=raised.headers
    )


async def _stale(request: Request, _: Exception) -> JSONResponse:
    return problem(
        request,
        HTTPStatus.CONFLICT,
        "conflict",
        "Somebody else changed this at the same moment. Read it again and repeat what you wanted.",
    )


async def _too_large_to_tell(request: Request, refused: Exception) -> JSONResponse:
    log.warning("event_too_large", reason=str(refused), path=request.url.path)
    return problem(
        request,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "too-large",
        "With this, what the other services have to be told at once would be larger than they can be told. Nothing was "
        "changed. Shorten the texts, or split what you wrote.",
    )


async def _database(request: Request, fault: Exception) -> JSONResponse:
    if passes(fault):
        log.warning("database_away", fault=type(fault).__name__)
        return problem(
            request,
            HTTPStatus.SERVICE_UNAVAILABLE,
            "unavailable",
            "The database does not answer. Nothing was changed; try again in a moment.",
            headers={"Retry-After": "2"},
        )
    return await _unexpected(request, fault)


async def _unexpected(request: Request, fault: Exception) -> JSONResponse:
    # Only the kind is logged with its place: a fault's words may quote personal data.
    log.error("unexpected_fault", fault=type(fault).__name__, path=request.url.path, exc_info=fault)
    return problem(
        request,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "unexpected",
        "Something went wrong on our side. Nothing was changed. Tell the operators the request id.",
    )


RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": description, "content": {MEDIA_TYPE: {}}}
    for status, description in {
        400: "The request is not HTTP or JSON as it should be.",
        401: "No token, or one that does not hold.",
        403: "The caller may not do this.",
        404: "There is no such thing, or the caller may not know of it.",
        409: "The state of things does not allow it.",
        412: "The thing was changed since the caller last saw it.",
        413: "The request is too large.",
        415: "The request's body is of a type that is not understood.",
        422: "The request does not fit; `faults` names every reason.",
        428: "An update must say with If-Match which version it changes.",
        503: "Something that is needed is away.",
    }.items()
}
"""What any route may answer besides its own; part of every OpenAPI document."""
