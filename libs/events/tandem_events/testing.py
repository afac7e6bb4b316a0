"""What a platform team needs to test its own service: publish events as another service would, and see what is sent."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import sqlalchemy as sa
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from tandem_events import dead_letters, kafka
from tandem_events.contracts import CONTRACTS
from tandem_events.contracts.contract import Event
from tandem_events.database import Transaction
from tandem_events.envelope import Envelope, Message, read_envelope, to_message
from tandem_events.handling import Handling
from tandem_events.reading import Incoming, Reader
from tandem_events.settings import EventSettings
from tandem_events.subscriptions import AroundBatch, Subscription, nothing_around
from tandem_events.tables import outbox

EventType = TypeVar("EventType", bound=Event)


def own_namespace() -> str:
    """A namespace for topics and groups that no other test uses."""
    return f"t{secrets.token_hex(4)}."


@dataclass(frozen=True, slots=True)
class Seen:
    """An event that was read from Kafka; `event` is null where a state is gone."""

    envelope: Envelope
    event: Event | None
    topic: str
    partition: int
    offset: int


class Tap:
    """Everything that is on the platform's topics, from the beginning on, in the order of each partition."""

    def __init__(self, consumer: AIOKafkaConsumer, namespace: str, types: Mapping[str, type[Event]]) -> None:
        self._consumer = consumer
        self._namespace = namespace
        self._types = types
        self.seen: list[Seen] = []

    async def until(self, holds: Callable[[list[Seen]], bool], *, within_seconds: float = 20) -> list[Seen]:
        """Read until the condition holds for all that was seen.

        Raises:
            TimeoutError: it does not hold in time; the message lists what was seen.
        """
        deadline = asyncio.get_running_loop().time() + within_seconds
        while not holds(self.seen):
            if asyncio.get_running_loop().time() > deadline:
                raise TimeoutError(
                    f"not seen in {within_seconds} s; seen: {[seen.envelope.name for seen in self.seen]}"
                )
            for records in (await self._consumer.getmany(timeout_ms=100)).values():
                for record in records:
                    envelope = read_envelope(record.headers)
                    model = self._types[envelope.type]
                    event = None if record.value is None else model.model_validate_json(record.value)
                    topic = record.topic.removeprefix(self._namespace)
                    self.seen.append(Seen(envelope, event, topic, record.partition, record.offset))
        return self.seen

    async def first(self, kind: type[EventType], *, within_seconds: float = 20) -> EventType:
        """The first event of this kind, once it is there."""
        return (await self.all_of(kind, at_least=1, within_seconds=within_seconds))[0]

    async def all_of(self, kind: type[EventType], *, at_least: int = 1, within_seconds: float = 20) -> list[EventType]:
        """Every event of this kind seen so far, once there are at least so many."""

        def of_kind(seen: list[Seen]) -> list[EventType]:
            return [one.event for one in seen if isinstance(one.event, kind)]

        return of_kind(await self.until(lambda seen: len(of_kind(seen)) >= at_least, within_seconds=within_seconds))


@asynccontextmanager
async def tap(settings: EventSettings, *, own: Iterable[type[Event]] = ()) -> AsyncIterator[Tap]:
    """Listen to all topics of the platform, and of a service's own events, without joining any group."""
    types = _by_type(own)
    await kafka.ensure_topics(settings, types.values())
    topics = sorted({settings.kafka_namespace + event.contract.topic for event in types.values()})
    consumer = AIOKafkaConsumer(*topics, **kafka.connection(settings), auto_offset_reset="earliest", group_id=None)
    await consumer.start()
    try:
        yield Tap(consumer, settings.kafka_namespace, types)
    finally:
        await consumer.stop()


async def publish(settings: EventSettings, *events: Event) -> list[Message]:
    """Publish events as their senders would, in this order; the answer is what was sent."""
    messages = [to_message(event, version=1) for event in events]
    await publish_messages(settings, *messages, own={type(event) for event in events})
    return messages


async def publish_messages(settings: EventSettings, *messages: Message, own: Iterable[type[Event]] = ()) -> None:
    """Publish messages as they are: also the same again, to test that a second delivery has no second effect.

    `own` are kinds that are not the platform's: their topics are made too.
    """
    await kafka.ensure_topics(settings, _by_type(own).values())
    producer: AIOKafkaProducer = kafka.producer(settings)
    await producer.start()
    try:
        pending = [
            await producer.send(
                settings.kafka_namespace + message.topic,
                message.value,
                key=message.key.encode(),
                headers=[(name, text.encode()) for name, text in message.headers.items()],
            )
            for message in messages
        ]
        await asyncio.gather(*pending)
    finally:
        await producer.stop()


async def eventually(holds: Callable[[], object], *, within_seconds: float = 20) -> None:
    """Wait until a condition holds (a plain function, or one that returns an awaitable).

    Raises:
        TimeoutError: it does not hold in time.
    """
    deadline = asyncio.get_running_loop().time() + within_seconds
    while True:
        answer = holds()
        if asyncio.iscoroutine(answer):
            answer = await answer
        if answer:
            return
        if asyncio.get_running_loop().time() > deadline:
            raise TimeoutError(f"the condition does not hold after {within_seconds} s")
        await asyncio.sleep(0.02)


async def when_handled(
    subscriptions: Iterable[Subscription],
    transaction: Transaction,
    *given: Event | Message,
    service: str = "tested",
    around_batch: AroundBatch = nothing_around,
    own: Iterable[type[Event]] = (),
) -> list[Event]:
    """What a service says when it handles these events: given, when, then, on its real database and without a broker.

    The events are handled in this order, as one batch, inside what the service does around one. States that are gone
    are left out of the answer. `own` are the kinds that the service says and that are not the platform's.

    Raises:
        AssertionError: an event was parked; the message says why.
    """
    subscriptions = list(subscriptions)
    types = _by_type([*own, *(subscription.event for subscription in subscriptions)])
    reader = Reader(subscriptions, max_event_bytes=1_048_576)
    handling = Handling(
        reader, transaction, name=service, retry_seconds=1, waiting_retry_seconds=1, around_batch=around_batch
    )
    messages = [one if isinstance(one, Message) else to_message(one, version=1) for one in given]
    async with transaction() as session:
        last = await session.scalar(sa.select(sa.func.coalesce(sa.func.max(outbox.c.id), 0)))
    await handling.handle([reader.read(as_received(message, offset)) for offset, message in enumerate(messages)])
    async with transaction() as session:
        parked = await dead_letters.list_parked(session, service)
        if parked:
            raise AssertionError(f"parked: {[(one.type, one.reason) for one in parked]}")
        said = await session.execute(
            sa.select(outbox.c.type, outbox.c.value).where(outbox.c.id > last).order_by(outbox.c.id)
        )
        return [types[row.type].model_validate_json(row.value) for row in said if row.value is not None]


def _by_type(own: Iterable[type[Event]]) -> dict[str, type[Event]]:
    """The platform's kinds of events and these, by the type in their envelope."""
    return {event.contract.type: event for event in (*CONTRACTS, *own)}


def as_received(message: Message, offset: int = 0) -> Incoming:
    """A message as a consumer gets it from Kafka."""
    return Incoming(
        topic=message.topic,
        partition=0,
        offset=offset,
        timestamp_milliseconds=0,
        key=message.key.encode(),
        headers=tuple((name, text.encode()) for name, text in message.headers.items()),
        value=message.value,
    )
