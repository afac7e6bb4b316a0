"""Health: whether the process lives, whether it can serve, and what it waits for."""

from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from tandem_chassis.auth import CurrentCaller
from tandem_chassis.problems import problem


class Health:
    """What a service waits for at its start, and what has gone wrong with its background work since."""

    def __init__(self) -> None:
        self.waiting_for: str | None = "the start"
        self.failed: str | None = None
        self.checks: list[Callable[[], str | None]] = []

    def why_not_live(self) -> str | None:
        """The reason to restart this process, or nothing."""
        return self.failed or next((reason for check in self.checks if (reason := check())), None)


router = APIRouter(tags=["health"])


@router.get("/health/live", summary="Whether the process should be left running")
async def live(request: Request) -> JSONResponse:
    """200 while it lives; 503 with the reason when it should be restarted."""
    health: Health = request.app.state.health
    reason = health.why_not_live()
    if reason:
        return problem(request, 503, "unavailable", reason)
    return JSONResponse({"status": "live"})


@router.get("/health/ready", summary="Whether requests can be served")
async def ready(request: Request) -> JSONResponse:
    """200 when requests can be served; 503 with what it waits for."""
    health: Health = request.app.state.health
    if health.waiting_for:
        return problem(request, 503, "unavailable", f"waiting for {health.waiting_for}", waiting_for=health.waiting_for)
    try:
        await request.app.state.database.ping()
    except Exception as fault:  # noqa: BLE001 - whatever the driver raises, the answer is the same: not ready
        return problem(request, 503, "unavailable", f"the database does not answer ({type(fault).__name__})")
    return JSONResponse({"status": "ready"})


@router.get("/metrics", include_in_schema=False)
async def metrics(caller: CurrentCaller) -> PlainTextResponse:
    """Everything measured, for administrators; Prometheus has a port of its own."""
    caller.require_admin()
    return PlainTextResponse(generate_latest(), media_type=CONTENT_TYPE_LATEST)
