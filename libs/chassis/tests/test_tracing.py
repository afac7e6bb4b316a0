"""One trace from a request through outbox, relay, Kafka and handlers, and what it never tells."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs
from tandem_demo.main import on_program_launched, router
from tandem_demo.settings import Settings

from tandem_chassis import spans, telemetry
from tandem_chassis.app import Service, create_application
from tandem_chassis.testing import Tokens, running
from tandem_events import outbox
from tandem_events.contracts import PersonRegistered, ProgramLaunched
from tandem_events.subscriptions import Subscription
from tandem_events.testing import Seen, eventually, tap

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
CALLERS_TRACE, CALLERS_SPAN = 0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7


async def on_person_registered(event: PersonRegistered, session: AsyncSession) -> None:
    """Says another fact because of this one: a program with the person's id."""
    await outbox.add(
        session, ProgramLaunched(program_id=event.person_id, format="group", occurred_at=event.occurred_at), version=1
    )


class Recorded:
    """The spans that were sent so far, as a collector would get them."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()

    def of(self, kind: SpanKind, name: str = "") -> list[ReadableSpan]:
        return [span for span in self.exporter.get_finished_spans() if span.kind is kind and name in span.name]


@pytest.fixture
def recorded(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorded]:
    found = Recorded()
    provider = spans.provider(settings, SimpleSpanProcessor(spans.WithoutWords(found.exporter)), service="demo")
    # The SDK lets a process choose its provider once; a test has to give it back.
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    yield found
    provider.shutdown()


@pytest.fixture
def chain(settings: Settings) -> FastAPI:
    """The demo, which here also answers a person with a program, and a program with a row."""
    service = Service(
        name="demo",
        title="Demo",
        description="For tests.",
        routers=[router],
        subscriptions=[
            Subscription(PersonRegistered, on_person_registered),
            Subscription(ProgramLaunched, on_program_launched),
        ],
        sends=[PersonRegistered, ProgramLaunched],
    )
    return create_application(service, settings, migrate=True)


@pytest.fixture
async def traced(recorded: Recorded, chain: FastAPI, tokens: Tokens) -> AsyncIterator[httpx2.AsyncClient]:
    async with running(chain, tokens) as started:
        yield started


async def heard(app: FastAPI, program: str) -> bool:
    async with app.state.database.transaction() as session:
        found = sa.text("SELECT count(*) FROM heard WHERE program_id = :program")
        return bool(await session.scalar(found, {"program": UUID(program)}))


async def both_facts(settings: Settings) -> list[Seen]:
    async with tap(settings) as topics:
        return await topics.until(lambda seen: len(seen) == 2)


async def test_a_request_and_all_that_follows_from_it_are_one_trace(
    traced: httpx2.AsyncClient, recorded: Recorded, chain: FastAPI, settings: Settings, tokens: Tokens
) -> None:
    headers = {**tokens.admin(), "traceparent": CALLER, "X-Request-ID": "story-7"}
    person = (await traced.post("/notes", json={"words": "hello"}, headers=headers)).json()["id"]
    await eventually(lambda: heard(chain, person))
    await eventually(lambda: len(recorded.of(SpanKind.CONSUMER, "program.launched")) == 1)

    (request,) = recorded.of(SpanKind.SERVER)
    (first_sent,) = recorded.of(SpanKind.PRODUCER, "person.registered")
    (first_handled,) = recorded.of(SpanKind.CONSUMER, "person.registered")
    (next_sent,) = recorded.of(SpanKind.PRODUCER, "program.launched")
    (next_handled,) = recorded.of(SpanKind.CONSUMER, "program.launched")
    line = [request, first_sent, first_handled, next_sent, next_handled]
    assert {span.context.trace_id for span in line} == {CALLERS_TRACE}
    parents = [span.parent.span_id for span in line if span.parent]
    assert parents == [CALLERS_SPAN, *(span.context.span_id for span in line[:-1])]
    assert request.name == "POST /notes"
    assert dict(request.attributes or {})["http.response.status_code"] == 201

    registered, launched = sorted(await both_facts(settings), key=lambda one: one.envelope.name)
    assert {registered.envelope.correlation_id, launched.envelope.correlation_id} == {"story-7"}
    assert registered.envelope.causation_id is None
    assert launched.envelope.causation_id == str(registered.envelope.event_id)
    assert registered.envelope.traceparent == f"00-{CALLERS_TRACE:032x}-{request.context.span_id:016x}-01"
    assert launched.envelope.traceparent == f"00-{CALLERS_TRACE:032x}-{first_handled.context.span_id:016x}-01"


async def test_a_batch_has_a_span_that_is_linked_with_its_messages_and_they_with_it(
    traced: httpx2.AsyncClient, recorded: Recorded, chain: FastAPI, tokens: Tokens
) -> None:
    person = (await traced.post("/notes", json={"words": "hello"}, headers=tokens.admin())).json()["id"]
    await eventually(lambda: heard(chain, person))
    await eventually(lambda: len(recorded.of(SpanKind.CONSUMER, "a batch")) == 2)

    batches = recorded.of(SpanKind.CONSUMER, "a batch")
    sent = {span.context.span_id for span in recorded.of(SpanKind.PRODUCER)}
    handled = [span for name in ("registered", "launched") for span in recorded.of(SpanKind.CONSUMER, name)]
    assert {link.context.span_id for batch in batches for link in batch.links} == sent
    assert {link.context.span_id for span in handled for link in span.links} == {
        batch.context.span_id for batch in batches
    }
    assert all(batch.parent is None for batch in batches)


async def test_queries_are_part_of_the_trace_and_tell_no_values(
    traced: httpx2.AsyncClient, recorded: Recorded, tokens: Tokens
) -> None:
    await traced.post("/notes", json={"words": "Moira Ngata"}, headers=tokens.admin())
    (request,) = recorded.of(SpanKind.SERVER)
    within = [span for span in recorded.of(SpanKind.CLIENT) if span.context.trace_id == request.context.trace_id]
    assert any("INSERT" in span.name for span in within)
    assert "Moira" not in "".join(span.to_json() for span in recorded.exporter.get_finished_spans())
    assert all(span.parent is not None for span in recorded.of(SpanKind.CLIENT)), "timers ask all the time"


async def test_a_fault_is_told_by_its_kind_and_never_in_words(
    traced: httpx2.AsyncClient, recorded: Recorded, chain: FastAPI, tokens: Tokens
) -> None:
    with capture_logs(), pytest.raises(RuntimeError):
        await traced.get("/notes/fault", params={"words": "Moira Ngata"}, headers=tokens.admin())
    with trace.get_tracer("tests").start_as_current_span("a part of a story"):
        async with chain.state.database.transaction() as session:
            twice = sa.text("INSERT INTO notes (id, words, version) VALUES (:id, :words, 1), (:id, :words, 1)")
            with pytest.raises(sa.exc.IntegrityError):
                await session.execute(twice, {"id": uuid4(), "words": "Moira Ngata"})
            await session.rollback()

    (request,) = recorded.of(SpanKind.SERVER)
    assert (request.status.status_code, request.name) == (StatusCode.ERROR, "GET /notes/fault")
    told = [span.to_json() for span in recorded.exporter.get_finished_spans()]
    assert any('"ERROR"' in span and "INSERT" in span for span in told)
    assert not any("Moira" in span or "=(" in span for span in told)


async def test_health_pages_are_no_traces_and_unknown_addresses_are_not_told(
    traced: httpx2.AsyncClient, recorded: Recorded
) -> None:
    await traced.get("/health/ready")
    await traced.get("/people/moira@example.org")
    (request,) = recorded.of(SpanKind.SERVER)
    assert "moira" not in request.to_json()


async def test_without_tracing_the_callers_trace_is_handed_on_to_what_follows(
    chain: FastAPI, settings: Settings, tokens: Tokens
) -> None:
    async with running(chain, tokens) as client:
        headers = {**tokens.admin(), "traceparent": CALLER}
        person = (await client.post("/notes", json={"words": "hello"}, headers=headers)).json()["id"]
        await eventually(lambda: heard(chain, person))
    assert [one.envelope.traceparent for one in await both_facts(settings)] == [CALLER, CALLER]


async def test_a_malformed_traceparent_begins_a_trace(
    traced: httpx2.AsyncClient, recorded: Recorded, tokens: Tokens
) -> None:
    answer = await traced.post("/notes", json={"words": "x"}, headers={**tokens.admin(), "traceparent": "00-zz-1-01"})
    assert answer.status_code == 201
    assert recorded.of(SpanKind.SERVER)[0].parent is None


def test_a_log_line_names_its_trace(recorded: Recorded) -> None:
    assert telemetry.name_the_trace(None, "info", {"event": "before"}) == {"event": "before"}
    with trace.get_tracer("tests").start_as_current_span("now") as span:
        line = telemetry.name_the_trace(None, "info", {"event": "inside"})
    assert line["trace_id"] == f"{span.get_span_context().trace_id:032x}"


def test_only_a_part_of_all_traces_is_recorded_when_so_set(settings: Settings) -> None:
    exporter = InMemorySpanExporter()
    quarter = settings.model_copy(update={"trace_sample_ratio": 0.25})
    provider = spans.provider(quarter, SimpleSpanProcessor(exporter), service="demo")
    for _ in range(400):
        provider.get_tracer("tests").start_span("one").end()
    assert 40 < len(exporter.get_finished_spans()) < 180
    provider.shutdown()


class Collector(BaseHTTPRequestHandler):
    """Takes what is sent to it."""

    received: list[tuple[str, int]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.received.append((self.path, len(body)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def test_spans_reach_the_collector_that_is_set(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", type(trace._TRACER_PROVIDER_SET_ONCE)())
    Collector.received = []
    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        there = f"http://127.0.0.1:{server.server_port}/v1/traces"
        chosen = Settings.model_validate({**settings.model_dump(), "otlp_endpoint": there})
        telemetry.set_up_tracing(chosen, service="demo")
        trace.get_tracer("tests").start_span("one").end()
        trace.get_tracer_provider().shutdown()  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    ((path, size),) = Collector.received
    assert (path, size > 50) == ("/v1/traces", True)


def test_a_service_that_stops_does_not_wait_long_for_a_collector_that_is_away(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        program = (
            "import os, time; from tandem_demo.settings import Settings; from tandem_chassis import telemetry\n"
            "from opentelemetry import trace\n"
            "telemetry.set_up_tracing(Settings(), service='demo')\n"
            "for _ in range(2000): trace.get_tracer('tests').start_span('one').end()\n"
            "print('ends', flush=True)\n"
        )
        environment = {
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parent),
            "TANDEM_DATABASE_URL": str(settings.database_url),
            "TANDEM_KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
            "TANDEM_OIDC_ISSUER": settings.oidc_issuer,
            "TANDEM_OIDC_JWKS_URL": settings.oidc_jwks_url,
            "TANDEM_OTLP_ENDPOINT": f"http://127.0.0.1:{deaf.getsockname()[1]}/v1/traces",
        }
        with subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ends\n"
            began = time.monotonic()
            assert process.wait(timeout=60) == 0
            seconds = time.monotonic() - began
    assert seconds < spans.EXPORT_SECONDS * 2 + spans.LAST_SECONDS


def test_without_a_collector_nothing_is_loaded_or_recorded(settings: Settings) -> None:
    telemetry.set_up_tracing(settings, service="demo")
    assert not trace.get_tracer("tests").start_span("one").get_span_context().is_valid
