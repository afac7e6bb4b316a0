"""Tracing: one trace from a request through outbox and Kafka to the last handler; silent where no SDK is set up."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    NoOpTracerProvider,
    ProxyTracerProvider,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

HOP = "traceparent"
"""The header of this hop: the span that sent the message. Without tracing it repeats where the fact arose."""

AROSE = "ce_traceparent"
"""The header that says where the fact arose."""

Headers = list[tuple[str, bytes]]

_w3c = TraceContextTextMapPropagator()


class Carried(Protocol):
    """An event on its way to Kafka, as far as tracing looks at it."""

    @property
    def topic(self) -> str:
        """Where it goes."""

    @property
    def headers(self) -> Headers:
        """Its envelope."""


def is_on() -> bool:
    """Whether this process records spans. Where it does not, everything here leaves messages as they are."""
    return not isinstance(trace.get_tracer_provider(), ProxyTracerProvider | NoOpTracerProvider)


def traceparent_now() -> str | None:
    """The current span as W3C writes it, or nothing where no span is current."""
    return _written(trace.get_current_span().get_span_context())


def context_of(traceparent: str | None) -> Context:
    """The context to be a child in; an empty one, in which a trace begins, where there is no sound traceparent."""
    return _w3c.extract({HOP: traceparent}, context=Context()) if traceparent else Context()


def fail(span: Span, fault: BaseException) -> None:
    """Mark a span as failed. Only the kind of fault is kept: its words may quote the data of people."""
    span.set_status(Status(StatusCode.ERROR, type(fault).__name__))


@contextmanager
def current(span: Span) -> Iterator[Span]:
    """Everything inside is part of this span, which ends with the block."""
    with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield span
        except BaseException as fault:
            fail(span, fault)
            raise


@contextmanager
def sending(batch: Sequence[Carried]) -> Iterator[list[Headers]]:
    """The headers to send with each event of a batch: with tracing, each names a span of its own as this hop.

    The spans end with the block, which ends when the batch is acknowledged.
    """
    if not is_on():
        yield [event.headers for event in batch]
        return
    tracer = _tracer()
    spans = [_start_sending(tracer, event) for event in batch]
    try:
        yield [_naming_the_hop(event.headers, span) for event, span in zip(batch, spans, strict=True)]
    except BaseException as fault:
        for span in spans:
            fail(span, fault)
        raise
    finally:
        for span in spans:
            span.end()


@contextmanager
def handling_batch(reader: str, messages: Iterable[Iterable[tuple[str, bytes]]]) -> Iterator[None]:
    """A span for a batch, linked with every message in it (given by their headers)."""
    if not is_on():
        yield
        return
    contexts = [_sender(_readable(headers)) for headers in messages]
    span = _tracer().start_span(
        f"handle a batch in {reader}",
        context=Context(),
        kind=SpanKind.CONSUMER,
        links=[Link(context) for context in contexts if context.is_valid],
        attributes={
            "messaging.system": "kafka",
            "messaging.operation.type": "process",
            "messaging.consumer.group.name": reader,
            "messaging.batch.message_count": len(contexts),
        },
    )
    with current(span):
        yield


@contextmanager
def handling(reader: str, topic: str, headers: Iterable[tuple[str, bytes]]) -> Iterator[None]:
    """A span for one event that is handled: part of its sender's trace, linked with the batch that it came in."""
    if not is_on():
        yield
        return
    read = _readable(headers)
    around = trace.get_current_span().get_span_context()
    span = _tracer().start_span(
        f"handle {read.get('ce_type', 'an event')}",
        context=context_of(read.get(HOP) or read.get(AROSE)),
        kind=SpanKind.CONSUMER,
        links=[Link(around)] if around.is_valid else [],
        attributes={
            **_attributes(topic, read),
            "messaging.operation.type": "process",
            "messaging.consumer.group.name": reader,
        },
    )
    with current(span):
        yield


def _tracer() -> Tracer:
    return trace.get_tracer("tandem_events")


def _start_sending(tracer: Tracer, event: Carried) -> Span:
    read = _readable(event.headers)
    return tracer.start_span(
        f"send {read.get('ce_type', 'an event')}",
        context=context_of(read.get(AROSE)),
        kind=SpanKind.PRODUCER,
        attributes={**_attributes(event.topic, read), "messaging.operation.type": "send"},
    )


def _attributes(topic: str, headers: dict[str, str]) -> dict[str, Any]:
    """Ids and names of the platform only, never what somebody wrote."""
    named = {
        "messaging.system": "kafka",
        "messaging.destination.name": topic,
        "messaging.message.id": headers.get("ce_id"),
        "tandem.event.type": headers.get("ce_type"),
        "tandem.correlation_id": headers.get("ce_correlationid"),
    }
    return {name: value for name, value in named.items() if value}


def _naming_the_hop(headers: Headers, span: Span) -> Headers:
    hop = _written(span.get_span_context())
    if hop is None:
        return headers
    return [*(header for header in headers if header[0] != HOP), (HOP, hop.encode())]


def _sender(headers: dict[str, str]) -> SpanContext:
    return trace.get_current_span(context_of(headers.get(HOP) or headers.get(AROSE))).get_span_context()


def _readable(headers: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    return {name: value.decode(errors="replace") for name, value in headers}


def _written(context: SpanContext) -> str | None:
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
