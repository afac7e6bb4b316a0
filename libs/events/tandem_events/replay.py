"""Replay: rebuilds a read model from the topics, beside the running group, and switches over at a proven point.

Proven means: while no batch of the group is under way, the rebuilt tables hold the effects of exactly those events that
the group has handled. What the group has seen is in its inbox, in the same transaction as the effect, so the inbox is
asked; the offsets in Kafka may lag behind it after a crash.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from tandem_events import database, kafka
from tandem_events.clients import incoming
from tandem_events.contracts.contract import Event
from tandem_events.faults import reason_of
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
UNHANDLED_AT_MOST = 20_000
"""So many events that the group has yet to handle, or has parked, are kept until it has handled them."""


@dataclass(frozen=True, slots=True)
class ReadModel:
    """Tables that are nothing but the effect of events, and what each of these events does to them.

    A projection writes these tables and nothing else, and says no facts. Where a handler does more, it calls what the
    projection calls, and does the rest beside it.
    """

    name: str
    tables: tuple[str, ...]
    """Those that others refer to come first."""
    projections: tuple[Subscription, ...]
    decisive: tuple[type[Event], ...] = ()
    """What holds against anything that was said before it on another topic, such as that somebody was erased: topics
    are read in any order, so these are applied once more when all is read. They repeat safely."""
    keeps_untold: bool = False
    """Whether rows stay of which the topics tell nothing any more, because facts are kept for a time only, or because
    the rows outlive what they tell of. What the topics do tell is put right in them."""
    take_away: Callable[[AsyncSession], Awaitable[None]] | None = None
    """Takes out of the rebuilt tables what the service itself decided to take away, whatever events say."""

    @property
    def events(self) -> tuple[type[Event], ...]:
        """The kinds of events that it is made of."""
        return tuple(one.event for one in self.projections)


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
    settings: EventSettings, model: ReadModel, *, service: str, since: datetime | None = None
) -> AsyncGenerator[Progress]:
    """Rebuild a read model; yields the progress once a batch, and at last with `switched` true.

    From the beginning of the topics the tables are built anew. With `since`, they begin as a copy of what they are now
    and the events from then on are applied again; so do those that keep what the topics tell nothing of. Until the
    switch the service serves from its old tables; a replay that ends early leaves them as they are.

    Raises:
        ReplayRefused: another replay runs, the broker does not have what was asked for, the group is far behind, or
            the rebuilt rows do not fit what other tables refer to.
    """
    reader = Reader(model.projections, max_event_bytes=settings.consumer_max_event_bytes)
    engine = create_async_engine(
        "postgresql+asyncpg://",
        pool_size=3,
        connect_args=database.engine_arguments(settings.direct_dsn(), encryption=database.tls(settings)),
    )
    handling = Handling(reader, partial(AsyncSession, engine), name=service, retry_seconds=0, waiting_retry_seconds=1)
    try:
        async with _alone(engine), _messages(settings, reader.topics, since) as (consumer, begin):
            rebuilding = _Rebuilding(settings, engine, model, handling, consumer, since=since)
            progress = rebuilding.progress
            await rebuilding.begin(copy=since is not None or model.keeps_untold)
            ends = await consumer.end_offsets(list(begin))
            progress.total = sum(max(0, ends[place] - begin[place]) for place in begin)
            yield progress
            # What comes meanwhile need not be awaited here: a busy topic has no end.
            async for _ in rebuilding.catch_up(ends, with_at_most=BATCH_EVENTS // 2):
                yield progress
            async with engine.connect() as holder:
                await holder.execute(sa.text("SELECT pg_advisory_lock(:lock)"), {"lock": HANDLING_LOCK})
                ends = await consumer.end_offsets(list(begin))
                async for _ in rebuilding.catch_up(ends, with_at_most=0):
                    pass
                await rebuilding.switch()
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


class _Rebuilding:
    """The shadow tables of one read model, and what was read for them."""

    def __init__(
        self,
        settings: EventSettings,
        engine: AsyncEngine,
        model: ReadModel,
        handling: Handling,
        consumer: AIOKafkaConsumer,
        *,
        since: datetime | None,
    ) -> None:
        self._namespace = settings.kafka_namespace
        self._engine = engine
        self._model = model
        self._handling = handling
        self._consumer = consumer
        self._since_milliseconds = int(since.timestamp() * 1000) if since else 0
        remembered = datetime.now(UTC) - timedelta(days=settings.inbox_retention_days)
        self._forgotten_before_milliseconds = int(remembered.timestamp() * 1000)
        self._unhandled: list[Item] = []
        self._decisive: list[Item] = []
        self.progress = Progress()

    async def begin(self, *, copy: bool) -> None:
        """Make the shadow tables, empty or as a copy of what the tables are now."""
        async with self._engine.begin() as connection:
            await connection.execute(sa.text(f"DROP SCHEMA IF EXISTS {SHADOW} CASCADE"))
            await connection.execute(sa.text(f"CREATE SCHEMA {SHADOW}"))
            for table in self._model.tables:
                await connection.execute(sa.text(f"CREATE TABLE {SHADOW}.{table} (LIKE public.{table} INCLUDING ALL)"))
                if copy:
                    await connection.execute(sa.text(f"INSERT INTO {SHADOW}.{table} SELECT * FROM public.{table}"))  # noqa: S608

    async def catch_up(self, ends: Mapping[TopicPartition, int], *, with_at_most: int) -> AsyncIterator[None]:
        """Apply what stands before these offsets, and on until a look finds no more than so many that are handled.

        Going on costs one look, and makes up for brokers that name an end too low for messages sent in batches.
        """
        while True:
            fetched: dict[TopicPartition, list[Any]] = await self._consumer.getmany(
                timeout_ms=300, max_records=BATCH_EVENTS
            )
            items = [
                self._handling.reader.read(incoming(record, namespace=self._namespace))
                for records in fetched.values()
                for record in records
                if record.timestamp >= self._since_milliseconds  # brokers may point a little before the moment
            ]
            applied = await self._apply(items)
            self.progress.read += len(items)
            self.progress.applied += applied
            self.progress.total = max(self.progress.total, self.progress.read)
            yield
            read = all([await self._consumer.position(place) >= end for place, end in ends.items()])
            if read and applied <= with_at_most:
                return

    async def _apply(self, items: Sequence[Item]) -> int:
        """Apply those events that the group has handled to the shadow tables; the answer is how many.

        What was published again is applied again: the newest of it comes last.

        The others are kept, and come first the next time: the group may handle them before the switch, or try again
        what it has parked.
        """
        readable = [item for item in items if item.passed_over is None and item.fault is None]
        wanted = {item.event_id: item for item in (*self._unhandled, *readable)}
        if not wanted:
            return 0
        async with AsyncSession(self._engine, expire_on_commit=False) as session, session.begin():
            handled = await self._handled(session, wanted)
            await session.execute(sa.text(f"SET LOCAL search_path = {SHADOW}, public"))
            for event_id, item in wanted.items():
                if event_id in handled:
                    await self._project(item, session)
        self._unhandled = [item for event_id, item in wanted.items() if event_id not in handled]
        if len(self._unhandled) > UNHANDLED_AT_MOST:
            raise ReplayRefused(
                f"More than {UNHANDLED_AT_MOST:,} events of this read model are not handled yet, or parked: "
                "wait until the service has caught up."
            )
        self._decisive += [
            item
            for event_id, item in wanted.items()
            if event_id in handled and isinstance(item.event, self._model.decisive)
        ]
        return len(handled)

    async def _handled(self, session: AsyncSession, wanted: Mapping[UUID, Item]) -> set[UUID]:
        """What the group has handled of these and not parked; it has forgotten in its inbox what is older than that."""
        name = self._handling.name
        ids = sa.any_(sa.literal(list(wanted), sa.ARRAY(sa.Uuid[UUID]())))
        # THE ORDER MATTERS: what is parked in between is not in the inbox yet when that is asked.
        seen = set(
            await session.scalars(sa.select(inbox.c.event_id).where(inbox.c.reader == name, inbox.c.event_id == ids))
        )
        parked = await session.scalars(
            sa.select(dead_letters.c.event_id).where(dead_letters.c.reader == name, dead_letters.c.event_id == ids)
        )
        forgotten = {
            event_id
            for event_id, item in wanted.items()
            if item.incoming.timestamp_milliseconds < self._forgotten_before_milliseconds
        }
        return (seen | forgotten) - set(parked)

    async def _project(self, item: Item, session: AsyncSession) -> None:
        await self._handling.apply(item, session)
        if FACTS_ADDED in session.info:
            raise ReplayRefused(
                "A projection of this read model says facts, and would say them again: it cannot be replayed."
            )

    async def switch(self) -> None:
        """Make the old tables what the rebuilt ones are, in one transaction; rows that are right stay untouched.

        Only while nobody handles events. Whoever writes to the old tables otherwise is waited for, and waits.
        """
        try:
            async with AsyncSession(self._engine) as session, session.begin():
                for table in self._model.tables:
                    await session.execute(sa.text(f"LOCK TABLE public.{table} IN SHARE ROW EXCLUSIVE MODE"))
                await session.execute(sa.text(f"SET LOCAL search_path = {SHADOW}, public"))
                for item in self._decisive:
                    await self._project(item, session)
                if self._model.take_away is not None:
                    await self._model.take_away(session)
                columns = {table: await _columns(session, table) for table in self._model.tables}
                for table in reversed(self._model.tables):
                    await session.execute(_delete_others(table, columns[table]))
                for table in self._model.tables:
                    await session.execute(_put_right(table, columns[table]))
                    counted = sa.text(f"SELECT count(*) FROM {SHADOW}.{table}")  # noqa: S608
                    self.progress.rows[table] = await session.scalar(counted) or 0
                await session.execute(sa.text(f"DROP SCHEMA {SHADOW} CASCADE"))
        except IntegrityError as refused:
            raise ReplayRefused(
                f"The rebuilt rows do not fit what other tables refer to: {reason_of(refused)}. Nothing was changed."
            ) from refused
        log.info("read_model_replayed", model=self._model.name, read=self.progress.read, applied=self.progress.applied)


async def _columns(session: AsyncSession, table: str) -> dict[str, bool]:
    """The columns of a table, and whether each belongs to its primary key."""
    rows = await session.execute(
        sa.text(
            """
            SELECT a.attname AS name, coalesce(a.attnum = ANY (i.indkey), false) AS key
            FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
            WHERE a.attrelid = CAST(:table AS regclass) AND a.attnum > 0 AND NOT a.attisdropped
            ORDER BY a.attnum
            """
        ),
        {"table": f"public.{table}"},
    )
    return {row.name: row.key for row in rows}


def _delete_others(table: str, columns: Mapping[str, bool]) -> sa.TextClause:
    same = " AND ".join(f"rebuilt.{name} = old.{name}" for name, key in columns.items() if key)
    return sa.text(
        f"DELETE FROM public.{table} AS old WHERE NOT EXISTS (SELECT FROM {SHADOW}.{table} AS rebuilt WHERE {same})"  # noqa: S608
    )


def _put_right(table: str, columns: Mapping[str, bool]) -> sa.TextClause:
    """Rows are changed in place, since a transaction that waits for one would not see another put in its stead."""
    names, key = ", ".join(columns), ", ".join(name for name, key in columns.items() if key)
    others = [name for name, key in columns.items() if not key]
    right = "NOTHING"
    if others:
        changed = ", ".join(f"{name} = excluded.{name}" for name in others)
        before, after = (", ".join(f"{of}.{name}" for name in others) for of in ("old", "excluded"))
        right = f"UPDATE SET {changed} WHERE ROW({before}) IS DISTINCT FROM ROW({after})"
    return sa.text(
        f"INSERT INTO public.{table} AS old ({names}) SELECT {names} FROM {SHADOW}.{table} "  # noqa: S608
        f"ON CONFLICT ({key}) DO {right}"
    )
