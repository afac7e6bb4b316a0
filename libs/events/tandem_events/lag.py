"""Lag: how far a reader is behind, as the broker knows it and not as a client that may have stopped believes."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from tandem_events import kafka, metrics
from tandem_events.settings import EventSettings

log = structlog.get_logger(__name__)

LOOK_SECONDS = 10.0
ANSWER_SECONDS = 10.0


class Lag:
    """What a client has not handled yet: asked of the broker every few seconds, beside the reading."""

    def __init__(
        self,
        settings: EventSettings,
        handled: Mapping[TopicPartition, int],
        *,
        idle: Callable[[], bool],
        progress: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._every_seconds = min(LOOK_SECONDS, settings.consumer_stalled_after_seconds / 3)
        self._idle = idle
        self._handled = handled
        self._progress = progress
        self._asking = asyncio.Lock()
        self.events = 0
        self._oldest_milliseconds: float | None = None

    async def watch(self, consumer: AIOKafkaConsumer) -> None:
        """Look again and again, until `leave` ends it."""
        while True:
            await asyncio.sleep(self._every_seconds)
            try:
                async with self._asking, asyncio.timeout(ANSWER_SECONDS):
                    await self.look(consumer)
            except (KafkaError, OSError, TimeoutError) as fault:
                log.warning("lag_not_known", fault=type(fault).__name__)
                if not await _reachable(self._settings):
                    self._progress()  # a broker that is away is no reason to end the process

    async def leave(self, watching: asyncio.Task[None]) -> None:
        """End the watch.

        A question on its way has a moment, since a client that is cut off while it connects leaks the connection.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(kafka.LEAVING_SECONDS), self._asking:
                watching.cancel()
        watching.cancel()
        await asyncio.wait([watching])

    async def look(self, consumer: AIOKafkaConsumer) -> None:
        """Compare what there is with what was handled. Nothing to read counts as progress; a stopped client does not.

        Raises:
            KafkaError: the broker did not answer this client.
        """
        assigned = consumer.assignment()
        metrics.CONSUMER_PARTITIONS.set(len(assigned))
        if not assigned:
            self.events = 0
            self._progress()  # a member without partitions is spare; a group without members is seen by the metric
            return
        events = 0
        for place, end in (await consumer.end_offsets(assigned)).items():
            behind = max(0, end - await self._at(consumer, place))
            metrics.CONSUMER_LAG.labels(place.topic, place.partition).set(behind)
            events += behind
        self.events = events
        if events == 0:
            self.caught_up()
            self._progress()
        elif self._oldest_milliseconds is None:
            self._oldest_milliseconds = now_milliseconds()  # nothing of it was fetched: since now at the latest

    async def _at(self, consumer: AIOKafkaConsumer, place: TopicPartition) -> int:
        """The first offset that is not handled.

        Between batches it is where the client reads on: the client knows that without asking anybody, and has stepped
        over an end that is no message but a mark of a transaction.
        """
        if self._idle():
            return int(await consumer.position(place))
        at = self._handled.get(place)
        if at is None:
            at = await consumer.committed(place)
        if at is None:
            at = (await consumer.beginning_offsets([place]))[place]
        return at

    def in_hand(self, oldest_milliseconds: float) -> None:
        """The oldest event of the batch that is being handled."""
        self._oldest_milliseconds = oldest_milliseconds

    def caught_up(self) -> None:
        """Nothing is left to read."""
        self._oldest_milliseconds = None

    def age_of_the_oldest(self) -> float:
        """Seconds; it grows while reading is held up, whatever holds it up."""
        oldest = self._oldest_milliseconds
        return max(0.0, now_milliseconds() - oldest) / 1000 if oldest is not None else 0.0


async def _reachable(settings: EventSettings) -> bool:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await kafka.reachable(settings)
    except TimeoutError:
        return False


def now_milliseconds() -> float:
    """The time now as Kafka writes it into its records."""
    return datetime.now(UTC).timestamp() * 1000
