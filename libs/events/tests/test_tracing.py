"""Tracing in the backbone: what stands in headers with and without it, and how spans hang together."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events import tracing
from tandem_events.contracts import ProgramLaunched
from tandem_events.envelope import Cause, Message, caused_by, to_message
from tandem_events.handling import Handling
from tandem_events.reading import Incoming, Reader
from tandem_events.sending import Recorded, recorded
from tandem_events.subscriptions import Subscription

from .conftest import Transaction

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    # The SDK lets a process choose its provider once; a test has to give it back.
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    yield exporter
    provider.shutdown()


def launched(format_: str = "group") -> Message:
    return to_message(ProgramLaunched(program_id=uuid4(), format=format_, occurred_at=datetime.now(UTC)), version=1)


def row(message: Message) -> dict[str, Any]:
    """The message as the outbox keeps it."""
    today = datetime.now(UTC).date()
    return {
        "id": 1,
        "recorded_on": today,
        "topic": message.topic,
        "key": message.key,
        "headers": message.headers,
        "value": message.value,
    }


def incoming(sent: Recorded, headers: tracing.Headers, *, offset: int) -> Incoming:
    return Incoming(sent.topic, 0, offset, 0, sent.key, tuple(headers), sent.value)


def test_without_tracing_the_hop_repeats_where_the_fact_arose() -> None:
    with caused_by(Cause("story", traceparent=CALLER)):
        sent = recorded(row(launched()))
    with tracing.sending([sent]) as (headers,):
        assert headers is sent.headers
    assert [value for name, value in headers if name.endswith("traceparent")] == [CALLER.encode()] * 2
    assert "traceparent" not in dict(recorded(row(launched())).headers)


def test_with_tracing_the_hop_is_the_span_that_sends(spans: InMemorySpanExporter) -> None:
    with caused_by(Cause("story", traceparent=CALLER)):
        sent = recorded(row(launched()))
    with tracing.sending([sent]) as (headers,):
        pass
    (span,) = spans.get_finished_spans()
    assert [name for name, _ in headers].count("traceparent") == 1
    assert dict(headers)["traceparent"].decode().split("-")[1:3] == [
        CALLER.split("-")[1],
        f"{span.context.span_id:016x}",
    ]
    assert dict(headers)["ce_traceparent"] == CALLER.encode()
    assert span.parent is not None


def test_what_is_said_inside_a_span_arose_there(spans: InMemorySpanExporter) -> None:
    with (
        caused_by(Cause("story", traceparent=CALLER)),
        trace.get_tracer("tests").start_as_current_span("inside") as span,
    ):
        said = launched()
    assert said.headers["ce_traceparent"].split("-")[2] == f"{span.get_span_context().span_id:016x}"


@pytest.mark.parametrize("malformed", ["", "00-zz-1-01", "x" * 500, "00-" + "0" * 32 + "-" + "0" * 16 + "-01"])
def test_a_malformed_traceparent_begins_a_trace(spans: InMemorySpanExporter, malformed: str) -> None:
    with tracing.handling("tests", "tandem.profiles", [("traceparent", malformed.encode())]):
        pass
    assert spans.get_finished_spans()[0].parent is None


async def test_a_batch_is_linked_with_all_its_messages_and_a_failed_handler_is_told_by_its_kind(
    spans: InMemorySpanExporter, transaction: Transaction
) -> None:
    async def on_launched(event: ProgramLaunched, session: AsyncSession) -> None:
        if event.format == "flash":
            raise ValueError("Moira Ngata")

    reader = Reader([Subscription(ProgramLaunched, on_launched)], max_event_bytes=10_000)
    handling = Handling(reader, transaction, name="tests", retry_seconds=0.1, waiting_retry_seconds=0.1)
    batch = [recorded(row(launched())), recorded(row(launched())), recorded(row(launched("flash")))]
    with tracing.sending(batch) as hops:
        read = [
            reader.read(incoming(sent, headers, offset=offset))
            for offset, (sent, headers) in enumerate(zip(batch, hops, strict=True))
        ]
    outcome = await handling.handle(read)

    assert (outcome.handled, outcome.parked) == (2, 1)
    finished = spans.get_finished_spans()
    senders = {span.context.span_id for span in finished if span.name.startswith("send")}
    (of_batch,) = [span for span in finished if "batch" in span.name]
    handled = [span for span in finished if span.name.startswith("handle tandem")]
    assert {link.context.span_id for link in of_batch.links} == senders
    assert len(senders) == 3
    assert {span.parent.span_id for span in handled if span.parent} == senders
    assert all(link.context.span_id == of_batch.context.span_id for span in handled for link in span.links)
    failed = {span.status.description for span in handled if span.status.status_code is StatusCode.ERROR}
    assert failed == {"ValueError"}
    assert not any(span.events for span in finished)
