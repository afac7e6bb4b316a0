"""The relay: carries recorded facts from the outbox to Kafka, in order, by one leader at a time."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime, timedelta

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from tandem_events import kafka, metrics, partitions
from tandem_events.database import DATABASE_AWAY
from tandem_events.republishing import Newest, newest_sent, send_newest_states
from tandem_events.sending import Recorded, connected, recorded, send_all
from tandem_events.settings import EventSettings

__all__ = ["LEADER_LOCK", "LeadershipLost", "Recorded", "Relay", "recorded", "send_all"]

log = structlog.get_logger(__name__)

LEADER_LOCK = 0x7A6DE301
"""The advisory lock of the leading relay; advisory locks belong to one database, so each service has its own."""

STANDBY_SECONDS = 1.0
START_SECONDS = 15.0
"""A client that meets a broker while that is starting may wait for ever; it is given up after this time."""

UPKEEP_SECONDS = 3600.0
UPKEEP_AGAIN_SECONDS = 60.0
LATE_COMMITS = timedelta(days=2)
"""A fact belongs to the day on which its transaction began. What commits even later is found within the hour."""

FAULTS_THAT_PASS = (KafkaError, *DATABASE_AWAY)


class LeadershipLost(Exception):
    """Another relay took over; nothing was marked as sent by this one since."""


class Relay:
    """Sends what is in the outbox, one batch after the other, until it is stopped.

    Order: rows are read by id and handed to the producer in that order; a batch is acknowledged as a whole before the
    next one begins, so a failed send is repeated before anything behind it is sent.
    """

    def __init__(self, settings: EventSettings) -> None:
        self._settings = settings
        self._wakeup = asyncio.Event()
        self._upkeep_at = 0.0
        self._first_day = date.min
        self._in_hand: list[Recorded] = []
        self.leading = False
        self.epoch = 0
        self.sent = 0

    def wake(self) -> None:
        """A fact was committed in this process: look now. Never blocks."""
        self._wakeup.set()

    async def run(self) -> None:
        """Lead when nobody else does, stand by otherwise, begin again after faults; until cancelled."""
        while True:
            try:
                await self._leave_the_newest_states()
                async with self._leadership() as (connection, marks, producer):
                    await self._carry(connection, marks, producer)
            except* LeadershipLost:
                log.warning("relay_leadership_lost", epoch=self.epoch)
                metrics.RELAY_FAILURES.labels("leadership_lost").inc()
            except* FAULTS_THAT_PASS as faults:
                fault = faults.exceptions[0]
                log.warning("relay_begins_again", fault=type(fault).__name__, detail=str(fault))
                metrics.RELAY_FAILURES.labels(type(fault).__name__).inc()
            await asyncio.sleep(STANDBY_SECONDS)

    @asynccontextmanager
    async def _leadership(self) -> AsyncIterator[tuple[asyncpg.Connection, asyncpg.Connection, AIOKafkaProducer]]:
        """Hold the lock, on a connection of its own: when that connection is gone, so is the leadership.

        The second connection marks what was sent while the first one reads what follows.
        """
        async with connected(self._settings) as connection:
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LEADER_LOCK):  # noqa: ASYNC110
                await asyncio.sleep(STANDBY_SECONDS)
            self.epoch = await connection.fetchval("UPDATE outbox_leader SET epoch = epoch + 1 RETURNING epoch")
            await self._keep_up(connection)  # also while Kafka is away: facts are recorded all the same
            async with connected(self._settings) as marks:
                producer = kafka.producer(self._settings)
                try:
                    async with asyncio.timeout(START_SECONDS):
                        await kafka.start(producer)
                    self.leading = True
                    metrics.OUTBOX_LEADER.set(1)
                    log.info("relay_leads", epoch=self.epoch)
                    yield connection, marks, producer
                finally:
                    self.leading = False
                    metrics.OUTBOX_LEADER.set(0)
                    await kafka.stop(producer)

    async def _leave_the_newest_states(self) -> None:
        """What was in hand when a leadership ended may have reached Kafka after what the next leader sent.

        Facts bear that: readers know them by their ids. Of a state, a topic that is compacted would keep the old one.
        Where nobody has led since, whoever is next sends the same again, and what is newer after it.
        """
        states = newest_sent(self._in_hand)
        if states:
            async with connected(self._settings) as connection:
                if await connection.fetchval("SELECT epoch FROM outbox_leader") != self.epoch:
                    await self._send_newest(states, connection)
        self._in_hand = []

    async def _send_newest(self, states: Newest, connection: asyncpg.Connection) -> None:
        first_day = min(event.recorded_on for event in self._in_hand)
        producer = kafka.producer(self._settings)
        try:
            async with asyncio.timeout(START_SECONDS):
                await kafka.start(producer)
            await send_newest_states(
                connection, producer, states, namespace=self._settings.kafka_namespace, since=first_day
            )
        finally:
            await kafka.stop(producer)

    async def _carry(
        self, connection: asyncpg.Connection, marks: asyncpg.Connection, producer: AIOKafkaProducer
    ) -> None:
        pause = self._settings.outbox_poll_min_milliseconds / 1000
        clock = asyncio.get_running_loop().time
        while True:
            if clock() >= self._upkeep_at:
                await self._keep_up(connection)
            self._wakeup.clear()
            batch = await self._unsent(connection)
            if batch:
                await self._carry_all_from(batch, connection, marks, producer)
                pause = self._settings.outbox_poll_min_milliseconds / 1000
            # Not wait_for: on Python 3.11 it swallows a cancellation that comes together with the wake-up.
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wakeup.wait()
            pause = min(pause * 1.5, self._settings.outbox_poll_max_milliseconds / 1000)

    async def _carry_all_from(
        self,
        batch: list[Recorded],
        connection: asyncpg.Connection,
        marks: asyncpg.Connection,
        producer: AIOKafkaProducer,
    ) -> None:
        """Carry this batch and all behind it: while one is on its way, the next is read and the last is marked.

        A batch is handed to the producer only when the one before it is acknowledged.
        """
        acknowledged: list[Recorded] = []
        while batch:
            self._in_hand = acknowledged + batch
            async with asyncio.TaskGroup() as group:
                group.create_task(send_all(producer, batch, namespace=self._settings.kafka_namespace))
                if acknowledged:
                    group.create_task(self._mark_sent(marks, acknowledged))
                following = await self._unsent(connection, but=acknowledged + batch) if self._is_full(batch) else []
            self.sent += len(batch)
            for topic, number in Counter(event.topic for event in batch).items():
                metrics.EVENTS_SENT.labels(topic).inc(number)
            acknowledged, batch = batch, following
        await self._mark_sent(marks, acknowledged)
        self._in_hand = []

    def _is_full(self, batch: Sequence[Recorded]) -> bool:
        return len(batch) == self._settings.outbox_batch_events

    async def _unsent(self, connection: asyncpg.Connection, *, but: Sequence[Recorded] = ()) -> list[Recorded]:
        """What waits, by id, without those that are on their way. There is no cursor: a lower id may commit later.

        Only the days that may hold something unsent are looked at, not the whole archive.
        """
        rows = await connection.fetch(
            """
            SELECT id, recorded_on, topic, key, headers, value FROM outbox
            WHERE sent_at IS NULL AND id <> ALL ($1::bigint[]) AND recorded_on >= $3 ORDER BY id LIMIT $2
            """,
            [event.id for event in but],
            self._settings.outbox_batch_events,
            self._first_day,
        )
        return [recorded(row) for row in rows]

    async def _mark_sent(self, connection: asyncpg.Connection, batch: Sequence[Recorded]) -> None:
        marked = await connection.execute(
            """
            UPDATE outbox SET sent_at = now()
            WHERE id = ANY($1::bigint[]) AND recorded_on BETWEEN $2 AND $3
              AND (SELECT epoch FROM outbox_leader) = $4
            """,
            [event.id for event in batch],
            min(event.recorded_on for event in batch),
            max(event.recorded_on for event in batch),
            self.epoch,
        )
        if int(marked.removeprefix("UPDATE ")) != len(batch):
            raise LeadershipLost

    async def _keep_up(self, connection: asyncpg.Connection) -> None:
        """Look after the partitions. What cannot be done now is done later: nothing keeps facts from being sent."""
        try:
            await partitions.keep_up(connection, self._settings)
            wait = UPKEEP_SECONDS
        except asyncpg.PostgresError as fault:
            if connection.is_closed():
                raise
            log.warning("outbox_upkeep_postponed", fault=type(fault).__name__, detail=str(fault))
            metrics.RELAY_FAILURES.labels("upkeep").inc()
            wait = UPKEEP_AGAIN_SECONDS
        self._upkeep_at = asyncio.get_running_loop().time() + wait
        oldest = await partitions.oldest_unsent_day(connection)
        recent = datetime.now(UTC).date() - LATE_COMMITS
        self._first_day = min(oldest, recent) if oldest else recent
