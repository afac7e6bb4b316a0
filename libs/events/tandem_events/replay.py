"""Replay: rebuilds a read model from the topics, beside the running group, and switches over at a proven point.

Proven means: while no batch of the group is under way, the rebuilt tables hold the effects of exactly those events that
the group has handled. What the group has seen is in its inbox, in the same transaction as the effect, so the inbox is
asked; the offsets in Kafka may lag behind it after a crash.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import sqlalchemy as sa
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from tandem_events import database, kafka
from tandem_events.clients import incoming
from tandem_events.contracts.contract import Event
from tandem_events.handling import Handling
from tandem_events.outbox import FACTS_ADDED
from tandem_events.reading import Item, Reader
from tandem_events.settings import EventSettings
from tandem_events.subscriptions import Subscription
from tandem_events.switching import HANDLING_LOCK
from tandem_events.tables import dead_letters, inbox

log = structlog.get_logger(__name__)

SHADOW = "replay"
"""The schema in which the tables are rebuilt. One replay at a time: it is held by a lock."""

REPLAY_LOCK = 0x7A6DE304
BATCH_EVENTS = 500


@dataclass(frozen=True, slots=True)
class ReadModel:
    """Tables that are nothing but the effect of these events: their handlers write there and say no facts."""

    name: str
    tables: tuple[str, ...]
    events: tuple[type[Event], ...]


@dataclass(slots=True)
class Progress:
    """How far a replay is."""

    read: int = 0
    applied: int = 0
    total: int = 0
    switched: bool = False
    rows: dict[str, int] = field(default_factory=dict)


class ReplayRefused(Exception):
    """The replay cannot be done, and nothing was changed; the sentence says why."""


async def replay(
    settings: EventSettings,
    subscriptions: Sequence[Subscription],
    model: ReadModel,
    *,
    service: str,
    since: datetime | None = None,
) -> AsyncGenerator[Progress]:
    """Rebuild a read model; yields the progress once a batch, and at last with `switched` true.

    From the beginning of the topics the tables are built anew. With `since`, they begin as a copy of what they are now
    and the events from then on are applied again. Until the switch the service serves from its old tables; a replay
    that ends early leaves them as they are.

    Raises:
        ReplayRefused: another replay runs, or the broker does not have what was asked for.
    """
    chosen = [one for one in subscriptions if one.event in model.events]
    reader = Reader(chosen, max_event_bytes=settings.consumer_max_event_bytes)
    engine = create_async_engine(
        "postgresql+asyncpg://",
        pool_size=3,
        connect_args=database.engine_arguments(settings.direct_dsn(), encryption=database.tls(settings)),
    )
    moment = int(since.timestamp() * 1000) if since else 0
    handling = Handling(reader, partial(AsyncSession, engine), name=service, retry_seconds=0, waiting_retry_seconds=1)
    try:
        async with _alone(engine), _messages(settings, reader.topics, since) as (consumer, begin):
            await _begin_shadow(engine, model, copy=since is not None)
            progress = Progress()
            ends = await consumer.end_offsets(list(begin))
            progress.total = sum(max(0, ends[place] - begin[place]) for place in begin)
            yield progress
            async for _ in _catch_up(consumer, ends, settings, engine, handling, progress, moment):
                yield progress
            async with engine.connect() as holder:
                await holder.execute(sa.text("SELECT pg_advisory_lock(:lock)"), {"lock": HANDLING_LOCK})
                ends = await consumer.end_offsets(list(begin))
                async for _ in _catch_up(consumer, ends, settings, engine, handling, progress, moment):
                    pass
                await _switch(engine, model, progress)
            progress.switched = True
            yield progress
    finally:
        await engine.dispose()


@asynccontextmanager
async def _alone(engine: AsyncEngine) -> AsyncIterator[None]:
    async with engine.connect() as connection:
        if not await connection.scalar(sa.text("SELECT pg_try_advisory_lock(:lock)"), {"lock": REPLAY_LOCK}):
            raise ReplayRefused("Another replay of this service is running: wait for its end.")
        await connection.commit()
        yield


@asynccontextmanager
async def _messages(
    settings: EventSettings, topics: Sequence[str], since: datetime | None
) -> AsyncIterator[tuple[AIOKafkaConsumer, dict[TopicPartition, int]]]:
    """A client that reads all partitions without joining the group, and where it begins."""
    consumer = AIOKafkaConsumer(**kafka.connection(settings), enable_auto_commit=False, group_id=None)
    await kafka.start(consumer)
    try:
        places: list[TopicPartition] = []
        for topic, partitions in (await kafka.partitions_of(settings, topics)).items():
            if not partitions:
                raise ReplayRefused(f"The broker has no topic {topic}: publish the archive again first.")
            places += [TopicPartition(settings.kafka_namespace + topic, partition) for partition in partitions]
        consumer.assign(places)
        begin = await consumer.beginning_offsets(places)
        if since is not None:
            moment = int(since.astimezone(UTC).timestamp() * 1000)
            found = await consumer.offsets_for_times(dict.fromkeys(places, moment))
            ends = await consumer.end_offsets(places)
            begin = {place: found[place].offset if found.get(place) else ends[place] for place in places}
        for place, offset in begin.items():
            consumer.seek(place, offset)
        yield consumer, begin
    finally:
        await consumer.stop()


async def _catch_up(
    consumer: AIOKafkaConsumer,
    ends: dict[TopicPartition, int],
    settings: EventSettings,
    engine: AsyncEngine,
    handling: Handling,
    progress: Progress,
    since_milliseconds: int,
) -> AsyncIterator[None]:
    """Apply what stands before these offsets, and on until nothing more is found that the group has handled.

    Going on costs one look, and makes up for brokers that name an end too low for messages sent in batches.
    """
    while True:
        fetched: dict[TopicPartition, list[Any]] = await consumer.getmany(timeout_ms=300, max_records=BATCH_EVENTS)
        namespace = settings.kafka_namespace
        items = [
            handling.reader.read(incoming(record, namespace=namespace))
            for records in fetched.values()
            for record in records
            if record.timestamp >= since_milliseconds  # brokers may point a little before the moment
        ]
        applied = await _apply(engine, handling, items)
        progress.read += len(items)
        progress.applied += applied
        progress.total = max(progress.total, progress.read)
        yield
        if not applied and all([await consumer.position(place) >= end for place, end in ends.items()]):
            return


async def _apply(engine: AsyncEngine, handling: Handling, items: Sequence[Item]) -> int:
    """Apply those events that the group has handled, and no others, to the shadow tables; the answer is how many."""
    wanted = [item for item in items if item.passed_over is None and item.fault is None]
    if not wanted:
        return 0
    ids = [item.event_id for item in wanted]
    async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
        parked = sa.select(dead_letters.c.event_id).where(dead_letters.c.reader == handling.name)
        handled = sa.select(inbox.c.event_id).where(
            inbox.c.reader == handling.name, inbox.c.event_id.in_(ids), inbox.c.event_id.not_in(parked)
        )
        seen = set(await session.scalars(handled))
        await session.execute(sa.text(f"SET LOCAL search_path = {SHADOW}, public"))
        for item in wanted:
            if item.event_id in seen:
                await handling.apply(item, session)
        if FACTS_ADDED in session.info:
            raise ReplayRefused(
                "A handler of this read model says facts, and would say them again: it cannot be replayed."
            )
    return len(seen)


async def _begin_shadow(engine: AsyncEngine, model: ReadModel, *, copy: bool) -> None:
    async with engine.begin() as connection:
        await connection.execute(sa.text(f"DROP SCHEMA IF EXISTS {SHADOW} CASCADE"))
        await connection.execute(sa.text(f"CREATE SCHEMA {SHADOW}"))
        for table in model.tables:
            await connection.execute(sa.text(f"CREATE TABLE {SHADOW}.{table} (LIKE public.{table} INCLUDING ALL)"))
            if copy:
                await connection.execute(sa.text(f"INSERT INTO {SHADOW}.{table} SELECT * FROM public.{table}"))  # noqa: S608


async def _switch(engine: AsyncEngine, model: ReadModel, progress: Progress) -> None:
    """Put the rebuilt rows in the place of the old ones, in one transaction."""
    async with engine.begin() as connection:
        for table in reversed(model.tables):
            await connection.execute(sa.text(f"DELETE FROM public.{table}"))  # noqa: S608
        for table in model.tables:
            moved = await connection.execute(
                sa.text(f"INSERT INTO public.{table} SELECT * FROM {SHADOW}.{table}")  # noqa: S608
            )
            progress.rows[table] = moved.rowcount
        await connection.execute(sa.text(f"DROP SCHEMA {SHADOW} CASCADE"))
    log.info("read_model_replayed", model=model.name, read=progress.read, applied=progress.applied)
