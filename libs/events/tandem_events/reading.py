"""Reading: from the bytes of a message to an event, or to the reason why it is none."""

import json
from collections.abc import Iterable
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import ValidationError

from tandem_events.contracts.contract import Event, State
from tandem_events.envelope import Envelope, NotACloudEvent, read_envelope
from tandem_events.subscriptions import Subscription

LONGEST_KEY = 300
"""Characters. The keys of the platform are ids; anything longer is a stranger's."""

Lane = tuple[str, str]
"""A topic and a key: what is handled in order."""


class Incoming(NamedTuple):
    """A message as it came: bytes and position, nothing read yet."""

    topic: str
    partition: int
    offset: int
    timestamp_milliseconds: int
    key: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    value: bytes | None


class Item(NamedTuple):
    """A message that was read: to be handled, to be passed over, or with the fault that forbids both."""

    incoming: Incoming
    lane: Lane
    event_id: UUID
    type: str | None = None
    envelope: Envelope | None = None
    subscription: Subscription | None = None
    event: Event | None = None
    passed_over: str | None = None
    fault: str | None = None


class Reader:
    """Reads messages for one service's subscriptions. It never raises: a fault becomes part of the item."""

    def __init__(self, subscriptions: Iterable[Subscription], *, max_event_bytes: int) -> None:
        self._by_type = {subscription.event.contract.type: subscription for subscription in subscriptions}
        self._max_event_bytes = max_event_bytes

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics to read, sorted."""
        return tuple(sorted({subscription.event.contract.topic for subscription in self._by_type.values()}))

    def read(self, incoming: Incoming) -> Item:
        """What this message is to this service."""
        try:
            envelope = read_envelope(incoming.headers)
        except NotACloudEvent as refused:
            return Item(incoming, _lane(incoming), _made_up_id(incoming), fault=f"not a CloudEvent: {refused}")
        lane = _lane(incoming)
        subscription = self._by_type.get(envelope.type)
        if subscription is None:
            return Item(incoming, lane, envelope.event_id, envelope.type, envelope, passed_over="not_subscribed")
        fault = self._fault_of_the_envelope(incoming, envelope, subscription)
        event: Event | None = None
        if fault is None and incoming.value is not None:
            try:
                event = subscription.event.model_validate_json(incoming.value)
            except ValidationError as invalid:
                fault = "schema violation: " + violations(invalid)
        return Item(
            incoming,
            lane,
            envelope.event_id,
            envelope.type,
            envelope,
            subscription,
            event,
            fault=fault,
        )

    def _fault_of_the_envelope(self, incoming: Incoming, envelope: Envelope, subscription: Subscription) -> str | None:
        contract = subscription.event.contract
        if incoming.topic != contract.topic:
            return f"{envelope.type} belongs on {contract.topic}, not on {incoming.topic}"
        if incoming.key is None or incoming.key.decode(errors="replace") != envelope.key:
            return f"the message's key is not its ce_partitionkey ({envelope.key})"
        if incoming.value is None and not issubclass(subscription.event, State):
            return "a fact without a value: only a state can be gone"
        if incoming.value is not None and len(incoming.value) > self._max_event_bytes:
            return f"too large: {len(incoming.value)} bytes, at most {self._max_event_bytes} are read"
        return None


def violations(refused: ValidationError) -> str:
    """Which fields are wrong and how, without their values: those may be personal."""
    return "; ".join(
        f"{'.'.join(str(part) for part in error['loc']) or 'the value'}: {error['type']}"
        for error in refused.errors(include_url=False, include_input=False, include_context=False)[:20]
    )


def storable(text: str) -> str:
    """Text as PostgreSQL takes it: what it refuses (NUL, halves of surrogate pairs) is escaped."""
    return text.encode(errors="backslashreplace").decode().replace("\x00", "\\x00")


def readable_headers(headers: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """Headers as text, for storing and showing; names and bytes that are no such text are escaped."""
    return {storable(name): storable(value.decode(errors="backslashreplace")) for name, value in headers}


def undecodable(topic: str, partition: int, offset: int, last: int) -> Item:
    """What stands for messages that no client can decode: where they are is all that can be kept of them."""
    place = Incoming(topic, partition, offset, timestamp_milliseconds=0, key=None, headers=(), value=None)
    fault = f"not decodable: the name of a header is no UTF-8, somewhere in the offsets {offset} to {last}"
    return Item(place, _lane(place), _made_up_id(place), fault=fault)


def as_incoming(parked: Any) -> Incoming:
    """A parked event as the message that it was."""
    key = parked.key
    named = parked.headers.get("ce_partitionkey", "")
    if key != named and key == bounded(named):
        key = named
    return Incoming(
        topic=parked.topic,
        partition=parked.partition,
        offset=parked.offset,
        timestamp_milliseconds=int(parked.parked_at.timestamp() * 1000),
        key=key.encode(),
        headers=tuple((name, text.encode()) for name, text in parked.headers.items()),
        value=parked.value,
    )


def _lane(incoming: Incoming) -> Lane:
    if incoming.key is None:
        return incoming.topic, f"(no key) {incoming.partition}:{incoming.offset}"
    return incoming.topic, bounded(storable(incoming.key.decode(errors="backslashreplace")))


def bounded(key: str) -> str:
    """A key as it is remembered: a very long one by its beginning and its digest, because an index has to hold it."""
    if len(key) <= LONGEST_KEY:
        return key
    return f"{key[:100]}... sha256:{sha256(key.encode()).hexdigest()}"


def _made_up_id(incoming: Incoming) -> UUID:
    """An id for a message that has none: the same message at the same place always gets the same."""
    place = json.dumps([incoming.topic, incoming.partition, incoming.offset, incoming.timestamp_milliseconds])
    return uuid5(NAMESPACE_URL, place)
