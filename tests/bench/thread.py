"""`python -m tests.bench.thread`: a whole program on the large sheets: import, match, and until everyone has heard."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import asyncpg
import psutil
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from tandem_local.ports import free_base_port
from tandem_profiles.domain.sample_sheets import mentee_sheet, mentor_sheet
from tests.bench.figures import Figures, finish, options
from tests.platform import SERVICES, RunningPlatform, running_platform
from tests.thread import REAL_SHEETS, Thread, sheets


@dataclass(frozen=True, slots=True)
class ToDo:
    """What a service has to send or to handle yet, and how many events there are on the topics that it reads."""

    left: int
    published: int


async def measure(figures: Figures, platform: RunningPlatform, content: dict[str, bytes]) -> None:
    """The figures of one program."""
    async with AsyncExitStack() as stack:
        looks = {service: await stack.enter_async_context(left_to_do(platform, service)) for service in SERVICES}
        thread = await stack.enter_async_context(Thread(platform))
        await thread.create_program("Measured")
        began = time.perf_counter()
        reports = await thread.import_sheets(content)
        seconds = time.perf_counter() - began
        people = sum(report["accepted"] for report in reports.values())
        figures.add(f"import of {people:,} people", f"{seconds:.2f} s", bar="below 5 s", held=seconds < 5)
        began = time.perf_counter()
        await thread.until_the_pool_is_complete()
        figures.add("until matching knows them all", f"{time.perf_counter() - began:.2f} s")
        began = time.perf_counter()
        run = await thread.match()
        seconds = time.perf_counter() - began
        what = "match, from request to proposals with reasons"
        figures.add(what, f"{seconds:.2f} s", bar="below 2 s", held=seconds < 2)
        began = time.perf_counter()
        await thread.publish(run["run_id"])
        await until_all_is_handled(looks)
        seconds = time.perf_counter() - began
        what = f"{len(thread.pairs)} pairings published, until every service has handled them"
        figures.add(what, f"{seconds:.2f} s", bar="below 10 s", held=seconds < 10)
        began = time.perf_counter()
        asked = [heard(thread, pair.pairing_id) for pair in thread.pairs for heard in (until_agreed, until_followed)]
        await asyncio.gather(*asked)
        what = f"asked afterwards: {len(asked):,} agreements and healths, all there"
        figures.add(what, f"{time.perf_counter() - began:.2f} s")


async def until_all_is_handled(looks: Mapping[str, Callable[[], Awaitable[ToDo]]]) -> None:
    """No service has anything left to send or to read: profiles too, which shows nothing of a pairing itself.

    Services are asked one after another, so what one says may have been overtaken by the next one's facts: only when
    nothing was left twice in a row, and nothing came in between, is everything handled.
    """
    deadline = time.perf_counter() + 120
    before: dict[str, ToDo] = {}
    while True:
        now = {service: await look() for service, look in looks.items()}
        if now == before and not any(to_do.left for to_do in now.values()):
            return
        if time.perf_counter() > deadline:
            raise TimeoutError(f"not everything is handled after 120 s: {now}")
        before = now
        await asyncio.sleep(0.05)


@asynccontextmanager
async def left_to_do(platform: RunningPlatform, service: str) -> AsyncIterator[Callable[[], Awaitable[ToDo]]]:
    """A question to a service: how many facts it has not sent yet, and how many published ones it has not handled."""
    database = await asyncpg.connect(platform.database_url(service))
    reader = AIOKafkaConsumer(bootstrap_servers=platform.bootstrap_servers, group_id=None)
    await reader.start()
    topics = {one.event.contract.topic for one in import_module(f"tandem_{service}.handlers").SUBSCRIPTIONS}
    group = AIOKafkaAdminClient(bootstrap_servers=platform.bootstrap_servers)
    await group.start()

    async def look() -> ToDo:
        unsent: int = await database.fetchval("SELECT count(*) FROM outbox WHERE sent_at IS NULL")
        partitions = [
            TopicPartition(topic, partition)
            for topic in topics
            for partition in (reader.partitions_for_topic(topic) or await partitions_of(reader, topic))
        ]
        ends = await reader.end_offsets(partitions)
        committed = await group.list_consumer_group_offsets(f"tandem.{service}", partitions=partitions)
        read = {partition: given.offset for partition, given in committed.items()}
        unread: int = sum(max(0, end - max(0, read.get(partition, 0))) for partition, end in ends.items())
        return ToDo(left=unsent + unread, published=sum(ends.values()))

    try:
        yield look
    finally:
        await group.close()
        await reader.stop()
        await database.close()


async def partitions_of(reader: AIOKafkaConsumer, topic: str) -> set[int]:
    """The partitions of a topic that the client did not know yet."""
    reader.subscribe([topic])
    await reader.topics()
    return reader.partitions_for_topic(topic) or set()


async def until_agreed(thread: Thread, pairing_id: str) -> None:
    """Scheduling has proposed an agreement to this pairing."""
    await thread.until(
        lambda: thread.call("manager", "GET", "scheduling", f"/pairings/{pairing_id}/agreement"),
        bool,
        within_seconds=60,
    )


async def until_followed(thread: Thread, pairing_id: str) -> None:
    """Feedback follows this pairing."""
    await thread.until(
        lambda: thread.call("manager", "GET", "feedback", f"/pairings/{pairing_id}/health"), bool, within_seconds=60
    )


async def idle(figures: Figures, platform: RunningPlatform, seconds: float) -> None:
    """Memory and processor time of the whole platform while nobody uses it."""
    supervisor = psutil.Process(platform.record["pid"])
    processes = [supervisor, *supervisor.children(recursive=True)]
    await asyncio.sleep(5)
    before, began = processor_seconds(processes), time.perf_counter()
    await asyncio.sleep(seconds)
    share = (processor_seconds(processes) - before) / (time.perf_counter() - began)
    memory = sum(process.memory_full_info().pss for process in processes) / 1e6
    what = f"idle memory of {len(processes)} processes, shared pages counted once"
    figures.add(what, f"{memory:.0f} MB", bar="below 1,000 MB", held=memory < 1000)
    what = f"idle processor time over {seconds:.0f} s"
    figures.add(what, f"{share:.1%} of a core", bar="below 5 %", held=share < 0.05)


def processor_seconds(processes: Sequence[psutil.Process]) -> float:
    """User and system time so far."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument(
        "--sheets",
        type=Path,
        default=REAL_SHEETS if REAL_SHEETS.exists() else None,
        help="A folder with large_mentors.csv and large_mentees.csv; else real ones beside the project, else invented.",
    )
    parser.add_argument("--kafka", default="embedded", choices=["apache", "embedded"])
    parser.add_argument("--idle-seconds", type=float, default=20)
    given = parser.parse_args()
    content = (
        sheets(given.sheets, "large")
        if given.sheets
        else {"mentor": mentor_sheet(500, 1).encode(), "mentee": mentee_sheet(500, 2).encode()}
    )
    source = "sheets" if given.sheets else "invented sheets"
    figures = Figures("A whole program, and an idle platform: `make bench`", quiet=given.json)
    figures.say(f"a program on {source} of 500 + 500 people, on the {given.kafka} broker")
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as folder:
        Path(folder).chmod(0o711)
        began = time.perf_counter()
        home, base_port = Path(folder) / "home", free_base_port()
        with running_platform(home, base_port=base_port, kafka=given.kafka) as platform:
            seconds = time.perf_counter() - began
            figures.add("empty platform ready, from nothing", f"{seconds:.1f} s", bar="below 15 s", held=seconds < 15)
            asyncio.run(measure(figures, platform, content))
            asyncio.run(idle(figures, platform, given.idle_seconds))
    finish(figures, given)


if __name__ == "__main__":
    main()
