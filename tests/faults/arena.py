"""An arena: a database and a namespace of its own, the members that work in it, and what can be asked about them."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from tandem_events import kafka
from tandem_events.settings import EventSettings
from tandem_local.brokers import ApacheFromJars
from tandem_local.postgresql import Postgresql
from tandem_local.processes import ChildProcess
from tests.faults import database
from tests.faults.crew import Crew, Member
from tests.faults.database import Observer
from tests.faults.ledgers import TOPIC, LedgerChanged
from tests.faults.members import SERVICE
from tests.faults.writing import Task

ROOT = Path(__file__).parents[2]
PARTITIONS = 6
POLL_SECONDS = 0.5


@dataclass
class Arena:
    """Where members write, carry and read; everything a fault or a verdict needs to know of it."""

    name: str
    url: str
    broker: ApacheFromJars
    logs: Path
    observer: Observer
    crew: Crew
    batch_events: int
    writers: list[Member] = field(default_factory=list)

    @property
    def namespace(self) -> str:
        """Stands before its topic and its group."""
        return f"{self.name}."

    def settings(self, member: str) -> EventSettings:
        """The settings of this member, and of whoever acts in its place."""
        return EventSettings.model_validate(
            {
                "database_url": database.named(self.url, member),
                "kafka_bootstrap_servers": self.broker.bootstrap_servers,
                "kafka_namespace": self.namespace,
                "kafka_topic_partitions": PARTITIONS,
                "consumer_session_timeout_seconds": self.broker.session_timeout_seconds,
                "consumer_rebalance_timeout_seconds": 15,
                "consumer_stalled_after_seconds": 25,
                "consumer_batch_events": self.batch_events,
                "outbox_batch_events": self.batch_events,
            }
        )

    def employ(self, role: str, name: str, *arguments: str) -> Member:
        """Start a member; the crew starts it again whenever it ends before its work is done."""
        settings = self.settings(name).model_dump(mode="json", exclude_none=True)
        process = ChildProcess(
            name=name,
            command=[sys.executable, "-m", "tests.faults.members", role, name, *arguments],
            log=self.logs / f"{self.name}-{name}.log",
            environment={f"TANDEM_{setting.upper()}": str(value) for setting, value in settings.items()},
            directory=ROOT,
        )
        return self.crew.employ(Member(name=name, role=role, process=process))

    def employ_writers(self, task: Task, *, processes: int, lanes: int, first_lane: int = 0) -> None:
        """Start writers that share the task's lanes; each lane does `task.transactions`."""
        self.writers = [
            self.employ(
                *("writer", f"writer-{first_lane + number}", "--task", json.dumps(asdict(task)), "--lanes"),
                *(str(lane) for lane in range(first_lane + number, first_lane + lanes, processes)),
            )
            for number in range(processes)
        ]

    async def committed(self, *, lanes: int) -> int:
        """How many transactions the writers have committed."""
        return int(
            await self.observer.value(
                "SELECT sum((SELECT coalesce(max(number) + 1, 0) FROM transactions WHERE lane = l))"
                " FROM generate_series(0, $1::int - 1) AS l",
                lanes,
            )
        )

    async def written(self) -> None:
        """Return when every writer has done its lanes."""
        while not all(writer.done for writer in self.writers):  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS)

    async def unsent(self) -> int:
        """How many events wait in the outbox."""
        return int(await self.observer.value("SELECT count(*) FROM outbox WHERE sent_at IS NULL"))

    async def behind(self) -> tuple[int, int] | None:
        """The end of the topic, and how many messages the group is behind it; nothing while the broker is away."""
        settings = self.settings("observer")
        admin = AIOKafkaAdminClient(**kafka.connection(settings), request_timeout_ms=5_000)
        consumer = AIOKafkaConsumer(**kafka.connection(settings), group_id=None, request_timeout_ms=5_000)
        partitions = [TopicPartition(self.namespace + TOPIC, number) for number in range(PARTITIONS)]
        try:
            async with asyncio.timeout(15):
                await consumer.start()
                ends = await consumer.end_offsets(partitions)
                await admin.start()
                offsets = await admin.list_consumer_group_offsets(f"{self.namespace}tandem.{SERVICE}")
        except (KafkaError, OSError, TimeoutError):
            return None
        finally:
            with suppress(KafkaError, OSError):
                await consumer.stop()
                await admin.close()
        committed = {partition: max(0, found.offset) for partition, found in offsets.items()}
        end = sum(ends.values())
        return end, end - sum(committed.get(partition, 0) for partition in partitions)

    async def drained(self, *, within_seconds: float, quiet_seconds: float, marks_sent: bool = True) -> float | None:
        """How long it took until everything written was carried and read; None if it did not happen in time.

        It is taken for done when nothing new came for `quiet_seconds`, which are not part of the answer. Where the
        design does not mark what it sent, that the topic grows no more is all that can be asked.
        """
        clock = asyncio.get_running_loop().time
        began, since, end_then = clock(), None, -1
        while True:
            unsent = await self.unsent() if marks_sent else 0
            found = await self.behind()
            now = clock()
            if found is None or unsent or found[1] or found[0] != end_then:
                since = now if found is not None and not unsent and not found[1] else None
                end_then = found[0] if found is not None else -1
            elif since is None:
                since = now
            if since is not None and now - since >= quiet_seconds:
                return since - began
            if since is None and now - began > within_seconds:
                return None
            await asyncio.sleep(POLL_SECONDS)


@asynccontextmanager
async def arena(
    name: str,
    postgresql: Postgresql,
    broker: ApacheFromJars,
    *,
    logs: Path,
    books: int,
    ledgers_per_book: int,
    seed: int,
    batch_events: int = 500,
) -> AsyncIterator[Arena]:
    """A new arena, laid out; its members are ended with it."""
    url = await asyncio.to_thread(postgresql.ensure_database, name)
    await database.lay_out(url, books=books, ledgers_per_book=ledgers_per_book, seed=seed)
    made = Arena(
        name=name.replace("_", "-"),
        url=url,
        broker=broker,
        logs=logs,
        observer=Observer(url),
        crew=Crew(),
        batch_events=batch_events,
    )
    await kafka.ensure_topics(made.settings("observer"), [LedgerChanged])
    watching = asyncio.create_task(made.crew.watch())
    try:
        yield made
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        await made.crew.dismiss()
        await made.observer.close()
