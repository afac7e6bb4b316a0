"""The consumer: fetches messages from Kafka, hands them to the handling in batches, and commits what took effect."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from tandem_events import inbox, kafka, metrics
from tandem_events.clients import incoming, place_of, require_known, started
from tandem_events.database import DATABASE_AWAY, Transaction
from tandem_events.handling import Handling
from tandem_events.lag import Lag, now_milliseconds
from tandem_events.reading import Item, Reader, undecodable
from tandem_events.settings import EventSettings
from tandem_events.subscriptions import AroundBatch, Subscription, nothing_around

log = structlog.get_logger(__name__)

POLL_MILLISECONDS = 500
RESTART_SECONDS = 1.0
INBOX_UPKEEP_SECONDS = 3600.0
EVENTS_A_LANE = 8
"""Fewer events than this are not worth a transaction of their own beside another."""

FETCH_BYTES = 16_777_216
"""At most so much comes with one answer of the broker. What bounds memory is in docs/decisions/back-pressure.md."""


class Consumer(ConsumerRebalanceListener):  # type: ignore[misc]
    """Reads a service's subscriptions as a member of its group, until it is stopped.

    A batch's effects are committed to the database before its offsets are committed to Kafka. A crash in between means
    that the batch comes again, and the inbox passes it over.
    """

    def __init__(
        self,
        settings: EventSettings,
        subscriptions: Iterable[Subscription],
        transaction: Transaction,
        *,
        service: str,
        around_batch: AroundBatch = nothing_around,
    ) -> None:
        subscriptions = list(subscriptions)
        self._settings = settings
        self._events = [subscription.event for subscription in subscriptions]
        self.group = f"{settings.kafka_namespace}tandem.{service}"
        self._reader = Reader(subscriptions, max_event_bytes=settings.consumer_max_event_bytes)
        self._transaction = transaction
        self.handling = Handling(
            self._reader,
            transaction,
            name=service,
            retry_seconds=settings.consumer_retry_seconds,
            waiting_retry_seconds=settings.waiting_retry_seconds,
            around_batch=around_batch,
        )
        self._consumer: AIOKafkaConsumer | None = None
        self._in_batch = asyncio.Lock()
        self._generation = 0
        self._stopping = asyncio.Event()
        self._progress_at = 0.0
        self._uncommitted: dict[TopicPartition, int] = {}
        self._committing: asyncio.Task[None] | None = None
        self._positions: dict[TopicPartition, int] = {}
        self.lag = Lag(
            settings, self._positions, idle=lambda: not self._in_batch.locked(), progress=self._note_progress
        )
        metrics.OLDEST_UNHANDLED_SECONDS.set_function(self.lag.age_of_the_oldest)
        self.handled = 0

    async def run(self) -> None:
        """Consume until `stop`; after a fault of the client or of its own, begin again with a new client."""
        while not self._stopping.is_set():
            try:
                await self._consume()
            except (KafkaError, kafka.TopicsRefused, OSError, TimeoutError) as fault:
                metrics.CONSUMER_FAILURES.labels(type(fault).__name__).inc()
                log.warning("consumer_begins_again", fault=type(fault).__name__, detail=str(fault))
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), timeout=RESTART_SECONDS)

    async def stop(self) -> None:
        """Finish the batch in hand, commit it, and leave the group."""
        self._stopping.set()
        async with self._in_batch:
            log.info("consumer_stops", group=self.group)

    async def _consume(self) -> None:
        settings = self._settings
        consumer = AIOKafkaConsumer(
            **kafka.connection(settings),
            group_id=self.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=settings.consumer_session_timeout_seconds * 1000,
            heartbeat_interval_ms=settings.consumer_session_timeout_seconds * 1000 // 3,
            rebalance_timeout_ms=settings.consumer_rebalance_timeout_seconds * 1000,
            max_poll_interval_ms=settings.consumer_max_poll_interval_seconds * 1000,
            max_partition_fetch_bytes=max(1_048_576, settings.consumer_max_event_bytes * 2),
            fetch_max_bytes=FETCH_BYTES,
            fetch_max_wait_ms=settings.consumer_fetch_wait_milliseconds,
        )
        self._consumer = consumer
        watching: asyncio.Task[None] | None = None
        self._note_progress()  # a broker that is away is no reason to end the process: that would not bring it back
        topics = [settings.kafka_namespace + topic for topic in self._reader.topics]
        consumer.subscribe(topics, listener=self)
        try:
            await kafka.ensure_topics(settings, self._events)
            await started(consumer)
            log.info("consumer_started", group=self.group, topics=self._reader.topics)
            self._note_progress()
            watching = asyncio.create_task(self.lag.watch(consumer), name="lag")
            while not self._stopping.is_set():
                generation = self._generation
                try:
                    fetched = await consumer.getmany(
                        timeout_ms=POLL_MILLISECONDS, max_records=settings.consumer_batch_events
                    )
                except UnicodeDecodeError as fault:
                    await self._step_over(consumer, fault)
                    continue
                async with self._in_batch:
                    if generation != self._generation:
                        # Fetched before, or just after, a rebalance: what is still ours would otherwise be passed over.
                        self._read_again(consumer, fetched)
                        continue
                    if fetched:
                        await self._handle(consumer, fetched)
                require_known(consumer, topics)
            await self._all_committed()
        finally:
            self._consumer = None
            try:
                if watching is not None:
                    await self.lag.leave(watching)
            finally:
                metrics.CONSUMER_PARTITIONS.set(0)
                self._forget_commits()
                await consumer.stop()

    def _read_again(self, consumer: AIOKafkaConsumer, fetched: Mapping[TopicPartition, Sequence[Any]]) -> None:
        """Go back to where this batch began, in the partitions that this member owns now."""
        owned = consumer.assignment()
        for partition, records in fetched.items():
            if partition in owned:
                consumer.seek(partition, records[0].offset)

    async def _step_over(self, consumer: AIOKafkaConsumer, fault: UnicodeDecodeError) -> None:
        """A message that the client cannot decode stops it: what is before is handled, its place is parked, and on.

        Raises:
            KafkaError: it is not to be found; the client begins again.
        """
        where = place_of(fault)
        if where is None:
            raise KafkaError(f"a message that cannot be decoded, nobody knows where: {fault}") from fault
        async with self._in_batch:
            for place in consumer.assignment():  # what this fetch had of other partitions is lost with the fault
                at = self._positions.get(place)
                if at is None:
                    at = await consumer.committed(place)
                if at is None:
                    at = (await consumer.beginning_offsets([place]))[place]
                consumer.seek(place, at)
            if where not in consumer.assignment():
                return
            at_most, first = self._settings.consumer_batch_events, -1
            while not self._stopping.is_set():
                try:
                    fetched = await consumer.getmany(where, timeout_ms=POLL_MILLISECONDS, max_records=at_most)
                except UnicodeDecodeError:
                    at = await consumer.position(where)
                    if at_most > 1:
                        at_most = max(1, at_most // 8)
                    else:
                        first = at if first < 0 else first
                        at += 1
                    consumer.seek(where, at)
                    continue
                if first >= 0:
                    following = fetched[where][0].offset if fetched else await consumer.position(where)
                    await self._park_place(consumer, where, first, following)
                if fetched:
                    await self._handle(consumer, fetched)
                if first >= 0 or not fetched:
                    return

    async def _park_place(self, consumer: AIOKafkaConsumer, where: TopicPartition, first: int, following: int) -> None:
        metrics.CONSUMER_FAILURES.labels("undecodable").inc()
        topic = where.topic.removeprefix(self._settings.kafka_namespace)
        await self.handling.handle([undecodable(topic, where.partition, first, following - 1)])
        self._positions[where] = following
        self._commit_meanwhile(consumer, {where: following})
        self._note_progress()

    async def _handle(self, consumer: AIOKafkaConsumer, fetched: Mapping[TopicPartition, Sequence[Any]]) -> None:
        with metrics.BATCH_SECONDS.time():
            items = [
                self._reader.read(incoming(record, namespace=self._settings.kafka_namespace))
                for records in fetched.values()
                for record in records
            ]
            oldest = min(item.incoming.timestamp_milliseconds for item in items)
            self.lag.in_hand(oldest)
            async with asyncio.TaskGroup() as lanes:
                for lane in self._spread(items):
                    lanes.create_task(self.handling.handle(lane))
        offsets = {partition: records[-1].offset + 1 for partition, records in fetched.items()}
        self._positions.update(offsets)
        if all((consumer.highwater(place) or 0) <= self._positions.get(place, 0) for place in consumer.assignment()):
            self.lag.caught_up()
        self._commit_meanwhile(consumer, offsets)
        metrics.EVENT_SECONDS.observe(max(0.0, now_milliseconds() - oldest) / 1000)
        self.handled += len(items)
        self._note_progress()

    def _commit_meanwhile(self, consumer: AIOKafkaConsumer, offsets: Mapping[TopicPartition, int]) -> None:
        """Commit these offsets while the next batch is handled: their effects are committed, so nothing waits for them.

        Raises:
            KafkaError: an earlier commit failed; what it was for comes again, and the inbox passes it over.
        """
        self._uncommitted.update(offsets)
        if self._committing is None or self._committing.done():
            if self._committing is not None:
                self._committing.result()
            self._committing = asyncio.create_task(self._commit(consumer), name="offsets")

    async def _commit(self, consumer: AIOKafkaConsumer) -> None:
        while self._uncommitted:
            offsets, self._uncommitted = self._uncommitted, {}
            try:
                await consumer.commit(offsets)
            except (CommitFailedError, IllegalStateError) as late:
                # The group moved on without us. The effects are committed, so the new owner passes them over.
                log.warning("offset_commit_refused", reason=str(late))

    async def _all_committed(self) -> None:
        if self._committing is not None:
            await self._committing

    def _forget_commits(self) -> None:
        """What this client did not commit comes again to the next one."""
        if self._committing is not None and not self._committing.cancel() and not self._committing.cancelled():
            self._committing.exception()  # it was seen: the client begins again
        self._committing = None
        self._uncommitted.clear()

    def _spread(self, items: Sequence[Item]) -> list[list[Item]]:
        """Spread keys over the lanes; within a lane, and so within a key, the order stays."""
        number = min(self._settings.consumer_lanes, 1 + len(items) // EVENTS_A_LANE)
        lanes: list[list[Item]] = [[] for _ in range(number)]
        for item in items:
            lanes[hash(item.lane) % number].append(item)
        return [lane for lane in lanes if lane]

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Finish and commit the batch in hand, then let go."""
        async with self._in_batch:
            self._generation += 1
            self._positions.clear()
            metrics.CONSUMER_LAG.clear()  # another member measures it from now on
            with suppress(KafkaError):  # what is not committed comes again to whoever is next
                await self._all_committed()
        log.info("partitions_revoked", partitions=len(list(revoked)))

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Nothing to prepare: positions come from the committed offsets."""
        self._note_progress()
        log.info("partitions_assigned", partitions=len(list(assigned)))

    def _note_progress(self) -> None:
        self._progress_at = asyncio.get_running_loop().time()

    def stalled(self) -> str | None:
        """Why liveness should fail, in words, or nothing.

        Kafka clients are known to stop silently: lag without progress is the only sign of it.
        """
        if self._consumer is None or self._progress_at == 0.0:
            return None
        idle = asyncio.get_running_loop().time() - self._progress_at
        if idle > self._settings.consumer_stalled_after_seconds:
            return f"the consumer has made no progress for {idle:.0f} s, {self.lag.events} events behind"
        return None

    async def retry_waiting(self) -> None:
        """Try events again that wait for another topic, and forget old inbox entries; until cancelled."""
        upkeep_at = 0.0
        while True:
            await asyncio.sleep(self._settings.waiting_retry_seconds)
            try:
                await self.handling.redriving.redrive_due(datetime.now(UTC))
                clock = asyncio.get_running_loop().time()
                if clock >= upkeep_at:
                    await self._forget_old_entries()
                    upkeep_at = clock + INBOX_UPKEEP_SECONDS
            except DATABASE_AWAY as fault:
                log.warning("retry_of_waiting_events_postponed", fault=type(fault).__name__)

    async def _forget_old_entries(self) -> None:
        before = datetime.now(UTC) - timedelta(days=self._settings.inbox_retention_days)
        deleted = 1
        while deleted:
            async with self._transaction() as session:
                deleted = await inbox.forget(session, before=before)
