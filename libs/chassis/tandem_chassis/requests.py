"""The outermost layer of every request: its id, cause and span, its size limit, its log line and its measurements."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import structlog
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils.compat import uuid7

from tandem_chassis.errors import TooLarge
from tandem_chassis.problems import problem
from tandem_chassis.telemetry import REQUEST_SECONDS, REQUESTS
from tandem_events import tracing
from tandem_events.envelope import Cause, caused_by

log = structlog.get_logger("tandem.requests")

_ID = re.compile(r"^[A-Za-z0-9._-]{1,64}$")
_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")
_QUIET = ("/health/", "/metrics")


class RequestLayer:
    """Pure ASGI, so that what it names (ids, causes) is known to everything inside."""

    def __init__(self, app: ASGIApp, *, max_body_bytes: int) -> None:
        self.app = app
        self.max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _ID.match(given) else str(uuid7())
        traceparent = headers.get("traceparent", "")
        scope.setdefault("state", {})["request_id"] = request_id
        began, status = time.perf_counter(), 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        given_trace = traceparent if _TRACEPARENT.match(traceparent) else None
        cause = Cause(correlation_id=request_id, traceparent=given_trace)
        structlog.contextvars.clear_contextvars()
        with (
            caused_by(cause),
            structlog.contextvars.bound_contextvars(request_id=request_id),
            _span_of(scope, given_trace, request_id) as span,
        ):
            try:
                length = headers.get("content-length", "0")
                if length.isdigit() and int(length) > self.max_body_bytes:
                    answer = problem(Request(scope), 413, TooLarge.kind, self._too_large())
                    await answer(scope, receive, send_with_id)
                else:
                    await self._within_the_limit(scope, receive, send_with_id)
            finally:
                self._record(scope, span, status, time.perf_counter() - began)

    async def _within_the_limit(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request whose length is not known beforehand.

        Whatever reads the body may take the refusal for a fault of its own and answer with that (FastAPI does, where it
        reads JSON). So the answer is given here, in place of any that begins after the limit was passed.
        """
        received, answered = 0, False

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.max_body_bytes:
                raise TooLarge(self._too_large())
            return message

        async def send_unless_too_large(message: Message) -> None:
            nonlocal answered
            if received <= self.max_body_bytes or answered:
                answered = True
                await send(message)

        with suppress(TooLarge):
            await self.app(scope, limited, send_unless_too_large)
        if not answered:
            answer = problem(Request(scope), 413, TooLarge.kind, self._too_large())
            await answer(scope, receive, send)

    def _too_large(self) -> str:
        return f"The request is larger than the {self.max_body_bytes // 1_048_576} MiB that are accepted. Split it."

    def _record(self, scope: Scope, span: Span, status: int, seconds: float) -> None:
        route: Any = scope.get("route")
        path = getattr(route, "path_format", None) or getattr(route, "path", None) or "(none)"
        span.update_name(f"{scope['method']} {path}")
        span.set_attributes({"http.route": path, "http.response.status_code": status})
        if status >= 500:
            span.set_status(Status(StatusCode.ERROR))
        REQUESTS.labels(scope["method"], path, status).inc()
        REQUEST_SECONDS.labels(scope["method"], path).observe(seconds)
        if not str(scope["path"]).startswith(_QUIET):
            log.info(
                "request", method=scope["method"], route=path, status=status, milliseconds=round(seconds * 1000, 1)
            )


@contextmanager
def _span_of(scope: Scope, traceparent: str | None, request_id: str) -> Iterator[Span]:
    """The span of a request, within the caller's trace; its name follows once the route is known.

    It names the route and never the address: that may tell of people.
    """
    if not tracing.is_on() or str(scope["path"]).startswith(_QUIET):
        yield trace.INVALID_SPAN
        return
    span = trace.get_tracer("tandem_chassis").start_span(
        scope["method"],
        context=tracing.context_of(traceparent),
        kind=SpanKind.SERVER,
        attributes={"http.request.method": scope["method"], "tandem.correlation_id": request_id},
    )
    with tracing.current(span):
        yield span
