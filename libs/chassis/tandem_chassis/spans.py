"""Spans: what a service records of each trace, and sends to a collector. Loaded only where tracing is wanted."""

import atexit
from collections.abc import Sequence
from threading import Timer

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import Link, SpanKind, Status, TraceState
from opentelemetry.util.types import Attributes
from sqlalchemy import Engine

from tandem_chassis.settings import ServiceSettings

EXPORT_SECONDS = 3.0
"""How long the collector may take for a batch, repetitions included."""

LAST_SECONDS = 2.0
"""How long a stopping service goes on handing over what is left; a request that is under way then is its last."""

WORDS_OF_FAULTS = frozenset({"exception.message", "exception.stacktrace"})


class WithoutWords(SpanExporter):
    """Passes spans on without the words of faults: a database's may quote the data of people."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._ended = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Blocks until the exporter inside has them, or has given them up."""
        if self._ended:
            return SpanExportResult.FAILURE
        return self._exporter.export([_without_words(span) for span in spans])

    def shutdown(self) -> None:
        """Let the exporter inside end, and whatever it is doing. Repeats safely."""
        if not self._ended:
            self._ended = True
            self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Let the exporter inside send what it holds."""
        return self._exporter.force_flush(timeout_millis)


def _without_words(span: ReadableSpan) -> ReadableSpan:
    kind_of_fault = span.status.description
    if kind_of_fault and not kind_of_fault.isidentifier():
        kind_of_fault = None  # a sentence: the libraries' own spans put it there
    if not span.events and kind_of_fault == span.status.description:
        return span
    return ReadableSpan(
        name=span.name,
        context=span.get_span_context(),
        parent=span.parent,
        resource=span.resource,
        attributes=span.attributes,
        events=[
            Event(
                event.name,
                {name: value for name, value in (event.attributes or {}).items() if name not in WORDS_OF_FAULTS},
                event.timestamp,
            )
            for event in span.events
        ],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code, kind_of_fault),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


class PartsOfAStory(Sampler):
    """Records a part of what others record, and never a database query on its own: timers ask all the time."""

    def __init__(self, ratio: float) -> None:
        self._others = ParentBased(TraceIdRatioBased(ratio))

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Whether this span is recorded."""
        parent = trace.get_current_span(parent_context).get_span_context()
        if kind is SpanKind.CLIENT and not parent.is_valid:
            return SamplingResult(Decision.DROP)
        return self._others.should_sample(parent_context, trace_id, name, kind, attributes, links)

    def get_description(self) -> str:
        """As the SDK names samplers."""
        return type(self).__name__


def provider(settings: ServiceSettings, processor: SpanProcessor, *, service: str) -> TracerProvider:
    """Makes the spans of this service and hands them to the processor."""
    # The span of a batch is linked with all its messages; the SDK would keep 128 links.
    limits = SpanLimits(max_links=max(128, settings.consumer_batch_events + 1))
    made = TracerProvider(
        sampler=PartsOfAStory(settings.trace_sample_ratio),
        resource=Resource.create({"service.name": f"tandem-{service}", "service.namespace": "tandem"}),
        span_limits=limits,
        shutdown_on_exit=False,
    )
    made.add_span_processor(processor)
    return made


def send_to_collector(settings: ServiceSettings, *, service: str) -> None:
    """From here on, in this process, record spans and send them to the collector of the settings.

    A collector that is away costs spans, never requests or events.
    """
    exporter = WithoutWords(OTLPSpanExporter(endpoint=str(settings.otlp_endpoint), timeout=EXPORT_SECONDS))
    made = provider(settings, BatchSpanProcessor(exporter), service=service)
    trace.set_tracer_provider(made)
    atexit.register(_end, made, exporter)


def _end(made: TracerProvider, exporter: WithoutWords) -> None:
    """Hand over what is left, for as long as a stopping service can wait. By itself the SDK would wait for 30 s."""
    patience = Timer(LAST_SECONDS, exporter.shutdown)
    patience.daemon = True
    patience.start()
    made.shutdown()
    patience.cancel()


def trace_queries(engine: Engine) -> None:
    """Record a span for each statement of this engine: its SQL with placeholders, never the values."""
    # SQLAlchemy 2.1 is newer than the instrumentation declares; a test proves that they go together.
    SQLAlchemyInstrumentor().instrument(engine=engine, skip_dep_check=True)


def leave_queries() -> None:
    """Undo `trace_queries`."""
    SQLAlchemyInstrumentor().uninstrument()
