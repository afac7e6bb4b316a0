"""Telemetry: JSON logs on stdout without personal data, traces where wanted, and what every HTTP service measures."""

import logging
import logging.config
import sys
import traceback
from typing import Any

import structlog
from opentelemetry import trace
from prometheus_client import Counter, Gauge, Histogram
from sqlalchemy import Pool, QueuePool
from structlog.typing import EventDict, WrappedLogger

from tandem_chassis.settings import ServiceSettings

REQUESTS = Counter("tandem_http_requests_total", "Requests answered", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "tandem_http_request_seconds", "From a request's arrival to its answer", ["method", "route"]
)
POOL_IN_USE = Gauge("tandem_database_pool_in_use", "Connections to PostgreSQL that a request, event or timer holds")
POOL_LIMIT = Gauge("tandem_database_pool_limit", "Connections to PostgreSQL that this process may open for them")


def watch_pool(pool: Pool, *, limit: int) -> None:
    """Show the use of this pool from here on; asking costs nothing."""
    assert isinstance(pool, QueuePool)
    POOL_IN_USE.set_function(pool.checkedout)
    POOL_LIMIT.set(limit)


def places_of_fault(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Put where a fault arose in place of its words: those may quote the data of people."""
    raised = event.pop("exc_info", None)
    if raised is True:
        raised = sys.exc_info()[1]
    if isinstance(raised, tuple):
        raised = raised[1]
    if isinstance(raised, BaseException):
        chain: list[str] = []
        fault: BaseException | None = raised
        while fault is not None and len(chain) < 5:
            frames = traceback.extract_tb(fault.__traceback__)[-8:]
            places = " > ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames)
            chain.append(f"{type(fault).__name__} at {places}")
            fault = fault.__cause__ or fault.__context__
        event["fault_places"] = chain
    return event


def name_the_trace(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Put the trace that a line belongs to beside it, so that one leads to the other."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
    return event


def set_up_tracing(settings: ServiceSettings, *, service: str) -> None:
    """Send traces to the collector that the settings name; without one, load nothing and record nothing."""
    if settings.otlp_endpoint is None:
        return
    # Loaded here because it takes memory and time that most installations on one machine have no use for.
    from tandem_chassis import spans

    spans.send_to_collector(settings, service=service)


def set_up_logging(*, service: str, level: str) -> None:
    """Log JSON lines on stdout, also what libraries log."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_the_service(service),
        name_the_trace,
        places_of_fault,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "json": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        structlog.processors.JSONRenderer(),
                    ],
                    "foreign_pre_chain": shared,
                }
            },
            "handlers": {"stdout": {"class": "logging.StreamHandler", "stream": sys.stdout, "formatter": "json"}},
            "root": {"handlers": ["stdout"], "level": level},
            "loggers": {
                "uvicorn": {"level": "WARNING", "propagate": True},
                "uvicorn.error": {"level": "WARNING", "propagate": True},
                "uvicorn.access": {"level": "WARNING", "propagate": False},
                "aiokafka": {"level": "WARNING", "propagate": True},
                "httpx2": {"level": "WARNING", "propagate": True},
                "alembic": {"level": "WARNING", "propagate": True},
            },
        }
    )


def _name_the_service(service: str) -> Any:
    def name_the_service(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return name_the_service
