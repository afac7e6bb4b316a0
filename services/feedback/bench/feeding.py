"""What benchmarks of the feedback service share: its handlers on a database of their own, fed like the consumer's."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tandem_chassis import migrations
from tandem_chassis.database import Database
from tandem_events.contracts import Event
from tandem_events.envelope import Message, to_message
from tandem_events.handling import Handling
from tandem_events.reading import Incoming, Item, Reader
from tandem_feedback.handlers import SUBSCRIPTIONS, around_batch
from tandem_feedback.settings import Settings
from tandem_local import postgresql
from tandem_local.ports import free_port


@asynccontextmanager
async def migrated_database() -> AsyncIterator[str]:
    """The address of a migrated database on a server of its own, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="tandem-bench-", ignore_cleanup_errors=True) as place:
        directory = Path(place)
        directory.chmod(0o711)  # noqa: ASYNC240 - nothing else runs yet
        server = postgresql.choose(
            directory=directory / "postgresql", port=free_port, log=directory / "postgresql.log", durable=False
        )
        await asyncio.to_thread(server.start)
        try:
            url = await asyncio.to_thread(server.ensure_database, "feedback_bench")
            await migrations.upgrade(url, package="tandem_feedback")
            yield url
        finally:
            await asyncio.to_thread(server.stop)


class Feeding:
    """The service's own reader, handlers and lanes, with its usual settings."""

    def __init__(self, url: str) -> None:
        self.settings = Settings(
            database_url=url,
            kafka_bootstrap_servers="127.0.0.1:9",
            oidc_issuer="https://issuer.test",
            oidc_jwks_url="http://127.0.0.1:9/jwks",
        )
        self.database = Database(self.settings, service="feedback")
        self._reader = Reader(SUBSCRIPTIONS, max_event_bytes=self.settings.consumer_max_event_bytes)
        self._handling = Handling(
            self._reader,
            self.database.transaction,
            name="feedback",
            retry_seconds=30,
            waiting_retry_seconds=2,
            around_batch=around_batch,
        )

    async def handle(self, batch: Sequence[Incoming]) -> int:
        """Read and handle a batch, each key in one lane; how many took effect."""
        lanes: list[list[Item]] = [[] for _ in range(self.settings.consumer_lanes)]
        for one in batch:
            item = self._reader.read(one)
            lanes[hash(item.lane) % len(lanes)].append(item)
        outcomes = await asyncio.gather(*(self._handling.handle(lane) for lane in lanes if lane))
        return sum(outcome.handled for outcome in outcomes)


def as_received(events: Iterable[Event]) -> list[Incoming]:
    """Events as a client gives them."""
    return [_received(to_message(event, version=1)) for event in events]


def _received(message: Message) -> Incoming:
    headers = tuple((name, text.encode()) for name, text in message.headers.items())
    return Incoming(message.topic, 0, 0, 0, message.key.encode(), headers, message.value)
