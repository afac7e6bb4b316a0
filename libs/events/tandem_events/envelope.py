"""The envelope around every event: CloudEvents 1.0 in Kafka's binary mode, and what it says about cause and effect."""

from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from cloudevents.core.bindings.kafka import to_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from uuid_utils.compat import uuid7

from tandem_events import tracing
from tandem_events.contracts.contract import Contract, Event

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA_BASE = "https://schemas.tandem.example/events/"
"""What `ce_dataschema` begins with. It names a schema; nothing is ever loaded from there."""


class Cause(NamedTuple):
    """Why something happens: the story it belongs to, the event that led to it, and the trace it is part of."""

    correlation_id: str
    causation_id: str | None = None
    traceparent: str | None = None


_cause: ContextVar[Cause | None] = ContextVar("tandem_cause", default=None)


def follow(cause: Cause) -> None:
    """From here on, in this task, everything said belongs to this cause."""
    _cause.set(cause)


@contextmanager
def caused_by(cause: Cause) -> "Iterator[None]":
    """Everything said inside belongs to this cause."""
    token = _cause.set(cause)
    try:
        yield
    finally:
        _cause.reset(token)


def current_cause() -> Cause:
    """The cause of what is happening now; a story of its own where nothing was named."""
    return _cause.get() or Cause(correlation_id=str(uuid7()))


@dataclass(frozen=True, slots=True)
class Message:
    """An event as Kafka carries it."""

    event_id: UUID
    type: str
    topic: str
    key: str
    subject: str
    headers: dict[str, str]
    value: bytes | None


def to_message(event: Event, *, version: int) -> Message:
    """Wrap an event. `version` is its aggregate's version after the change."""
    return _message(
        event.contract,
        subject=str(event.subject_id()),
        key=event.partition_key(),
        occurred_at=event.occurred_at,
        version=version,
        value=event.model_dump_json().encode(),
    )


def to_tombstone(state: type[Event], subject: UUID, *, occurred_at: datetime, version: int) -> Message:
    """Say that a thing of a state topic is gone: a null value, with the envelope that says when and why."""
    return _message(
        state.contract, subject=str(subject), key=str(subject), occurred_at=occurred_at, version=version, value=None
    )


def _message(
    contract: Contract, *, subject: str, key: str, occurred_at: datetime, version: int, value: bytes | None
) -> Message:
    cause = current_cause()
    event_id = uuid7()
    attributes: dict[str, Any] = {
        "specversion": "1.0",
        "id": str(event_id),
        "source": f"/tandem/{contract.sender}",
        "type": contract.type,
        "subject": subject,
        "time": occurred_at.astimezone(UTC),
        "datacontenttype": "application/json",
        "dataschema": SCHEMA_BASE + contract.schema_name,
        "partitionkey": key,
        "correlationid": cause.correlation_id,
        "aggregateversion": str(version),
    }
    if cause.causation_id:
        attributes["causationid"] = cause.causation_id
    if traceparent := tracing.traceparent_now() or cause.traceparent:
        attributes["traceparent"] = traceparent
    # The SDK checks the attributes; the value is ours already, so it is not encoded twice.
    bound = to_binary(CloudEvent(attributes), JSONFormat())
    return Message(
        event_id=event_id,
        type=contract.type,
        topic=contract.topic,
        key=key,
        subject=subject,
        headers={name: text.decode() for name, text in bound.headers.items()},
        value=value,
    )


class NotACloudEvent(ValueError):
    """A message on one of our topics that does not have the envelope; the sentence says what is missing."""


class Envelope(NamedTuple):
    """What the headers of a message say."""

    event_id: UUID
    type: str
    source: str
    subject: str
    occurred_at: str
    key: str
    correlation_id: str
    causation_id: str | None
    aggregate_version: int
    traceparent: str | None

    @property
    def name(self) -> str:
        """The event's name without prefix and version, such as `pairing.created`."""
        return self.type.removeprefix("tandem.").rpartition(".v")[0]

    def as_cause(self) -> Cause:
        """What happens because of this event belongs to the same story and is caused by this event."""
        return Cause(correlation_id=self.correlation_id, causation_id=str(self.event_id), traceparent=self.traceparent)


def read_envelope(headers: Iterable[tuple[str, bytes]] | Mapping[str, bytes]) -> Envelope:
    """Read the headers of a message.

    This is on the path of every message, and takes a fifth of the SDK's time; a test holds both to the same result.

    Raises:
        NotACloudEvent: a required attribute is missing or malformed.
    """
    found = dict(headers)
    read = found.get
    try:
        if found["ce_specversion"] != b"1.0":
            raise NotACloudEvent(f"ce_specversion is {found['ce_specversion']!r}, not 1.0")
        written_id = found["ce_id"].decode()
        causation, trace = read("ce_causationid"), read("ce_traceparent")
        return Envelope(
            event_id=UUID(written_id),
            type=found["ce_type"].decode(),
            source=found["ce_source"].decode(),
            subject=read("ce_subject", b"").decode(),
            occurred_at=read("ce_time", b"").decode(),
            key=read("ce_partitionkey", b"").decode(),
            correlation_id=read("ce_correlationid", b"").decode() or written_id,
            causation_id=causation.decode() if causation else None,
            aggregate_version=int(read("ce_aggregateversion", b"0")),
            traceparent=trace.decode() if trace else None,
        )
    except KeyError as missing:
        raise NotACloudEvent(f"the header {missing.args[0]} is missing") from missing
    except (ValueError, AttributeError) as malformed:
        raise NotACloudEvent(f"a header is malformed: {malformed}") from malformed
