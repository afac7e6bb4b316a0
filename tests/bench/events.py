"""`python -m tests.bench.events`: the event backbone side by side with the bare clients, in one run."""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import sqlalchemy as sa
from aiokafka import AIOKafkaProducer
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from uuid_utils.compat import uuid7

from tandem_events import kafka, outbox, tables
from tandem_events.consumer import Consumer
from tandem_events.contracts import CONTRACTS, PersonRegistered
from tandem_events.envelope import to_message
from tandem_events.relay import Relay
from tandem_events.sending import Recorded, recorded
from tandem_events.settings import EventSettings
from tandem_events.testing import eventually
from tandem_local import brokers, postgresql
from tandem_local.ports import free_port
from tests.bench.figures import Figures, finish, options
from tests.bench.members import reading, transactions

say = Console(stderr=True)
BATCH = 2000


@contextmanager
def parts(broker_kind: str) -> Iterator[tuple[Any, Any]]:
    """A PostgreSQL and a broker of our own; the admin URL and the broker."""
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as folder:
        root = Path(folder)
        root.chmod(0o711)
        server = postgresql.choose(directory=root / "postgresql", port=free_port, log=root / "postgresql.log")
        os.environ["TANDEM_TEST_BROKER"] = broker_kind
        broker = brokers.choose_for_tests(directory=root)
        server.start()
        broker.start()
        try:
            yield server, broker
        finally:
            broker.stop()
            server.stop()


async def fresh(server: Any, broker: Any, name: str) -> EventSettings:
    """Settings on a database of its own that has the event tables and one business table."""
    url = server.ensure_database(name)
    connection = await asyncpg.connect(url)
    for statement in tables.create_statements(datetime.now(UTC).date()):
        await connection.execute(statement)
    await connection.execute(
        "CREATE TABLE effects (event_id uuid PRIMARY KEY, subject uuid NOT NULL, what text NOT NULL)"
    )
    await connection.close()
    settings = EventSettings(
        database_url=url,
        kafka_bootstrap_servers=broker.bootstrap_servers,
        kafka_idempotent_producer=broker.idempotent_producer,
        kafka_namespace=f"{name.replace('_', '-')}.",
        consumer_session_timeout_seconds=broker.session_timeout_seconds,
    )
    await kafka.ensure_topics(settings, CONTRACTS)
    return settings


async def fill_outbox(settings: EventSettings, number: int) -> None:
    """Facts as a service records them: full envelopes, 200 aggregates."""
    connection = await asyncpg.connect(settings.asyncpg_dsn())
    people = [uuid7() for _ in range(200)]
    done = 0
    while done < number:
        rows = []
        for index in range(done, min(done + 10_000, number)):
            event = PersonRegistered(person_id=people[index % 200], occurred_at=datetime.now(UTC))
            message = to_message(event, version=index)
            rows.append(
                (
                    message.event_id,
                    message.type,
                    message.topic,
                    message.key,
                    message.subject,
                    json.dumps(message.headers),
                    message.value,
                )
            )
        await connection.copy_records_to_table(
            "outbox", records=rows, columns=["event_id", "type", "topic", "key", "subject", "headers", "value"]
        )
        done += len(rows)
    await connection.execute("ANALYZE outbox")
    await connection.close()


async def all_sent(connection: asyncpg.Connection) -> bool:
    """Whether no fact waits any more."""
    return not await connection.fetchval("SELECT EXISTS (SELECT FROM outbox WHERE sent_at IS NULL)")


async def relay_rate(settings: EventSettings, number: int) -> float:
    """Events a second from the outbox to acknowledged and marked."""
    await fill_outbox(settings, number)
    connection = await asyncpg.connect(settings.asyncpg_dsn())
    relay = Relay(settings)
    began = time.perf_counter()
    task = asyncio.create_task(relay.run())
    await eventually(lambda: all_sent(connection), within_seconds=600)
    seconds = time.perf_counter() - began
    await ended(task)
    await connection.close()
    return number / seconds


async def bare_producer_rate(settings: EventSettings, number: int) -> float:
    """The same messages in the same batches, handed to a bare producer out of memory."""
    connection = await asyncpg.connect(settings.asyncpg_dsn())
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    rows: list[Recorded] = [
        recorded(row)
        for row in await connection.fetch(
            "SELECT id, recorded_on, topic, key, headers, value FROM outbox ORDER BY id LIMIT $1", number
        )
    ]
    await connection.close()
    producer: AIOKafkaProducer = kafka.producer(settings)
    await producer.start()
    began = time.perf_counter()
    for start in range(0, len(rows), BATCH):
        sent = [
            await producer.send(settings.kafka_namespace + row.topic, row.value, key=row.key, headers=row.headers)
            for row in rows[start : start + BATCH]
        ]
        await producer.flush()
        for acknowledged in sent:
            acknowledged.result()
    seconds = time.perf_counter() - began
    await producer.stop()
    return len(rows) / seconds


async def consumer_rate(settings: EventSettings, number: int) -> float:
    """Events a second from fetch to committed, with inbox and one row written for each."""
    engine = engine_of(settings)
    member = Consumer(settings, reading(), transactions(engine), service=f"bench{time.time_ns()}")
    task = asyncio.create_task(member.run())
    await eventually(lambda: member.handled)
    first, began = member.handled, time.perf_counter()
    await eventually(lambda: member.handled >= number, within_seconds=600)
    seconds = time.perf_counter() - began
    await member.stop()
    await ended(task)
    await engine.dispose()
    return (number - first) / seconds


async def bare_insert_rate(settings: EventSettings, number: int, *, one_by_one: bool) -> float:
    """The same rows into the same table, in the same batches, by bare asyncpg."""
    connection = await asyncpg.connect(settings.asyncpg_dsn())
    await connection.execute("TRUNCATE effects")
    rows = [(uuid7(), uuid7(), datetime.now(UTC).isoformat()) for _ in range(number)]
    began = time.perf_counter()
    for start in range(0, number, settings.consumer_batch_events):
        async with connection.transaction():
            batch = rows[start : start + settings.consumer_batch_events]
            if one_by_one:
                for row in batch:
                    await connection.execute("INSERT INTO effects (event_id, subject, what) VALUES ($1, $2, $3)", *row)
            else:
                await connection.executemany("INSERT INTO effects (event_id, subject, what) VALUES ($1, $2, $3)", batch)
    seconds = time.perf_counter() - began
    await connection.execute("TRUNCATE effects")
    await connection.close()
    return number / seconds


async def latencies(settings: EventSettings, *, seconds: float, per_second: int) -> list[float]:
    """Milliseconds from the commit in one process to the commit of the effect in another, at a steady pace."""
    times = Path(tempfile.mkstemp(prefix="tandem-bench-")[1])
    reader = start_member("consume", settings, str(times))
    await eventually(lambda: "assigned" in times.read_text(), within_seconds=60)
    engine = engine_of(settings)
    relay = Relay(settings)
    task = asyncio.create_task(relay.run())
    committed: dict[str, float] = {}
    people = [uuid7() for _ in range(50)]

    async def say_one(index: int) -> None:
        async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
            event = PersonRegistered(person_id=people[index % 50], occurred_at=datetime.now(UTC))
            await outbox.add(session, event, version=index)
            event_id = await session.scalar(sa.text("SELECT event_id FROM outbox ORDER BY id DESC LIMIT 1"))
        committed[str(event_id)] = time.time()
        relay.wake()

    await say_one(0)
    number, began = int(seconds * per_second), time.perf_counter()
    for index in range(1, number):
        await asyncio.sleep(max(0.0, began + index / per_second - time.perf_counter()))
        await say_one(index)
    await eventually(lambda: committed.keys() <= handled_at(times).keys(), within_seconds=60)
    await ended(task)
    await engine.dispose()
    reader.terminate()
    await asyncio.to_thread(reader.wait)
    handled = handled_at(times)
    await asyncio.to_thread(times.unlink)
    return sorted((handled[event_id] - at) * 1000 for event_id, at in committed.items())


def handled_at(times: Path) -> dict[str, float]:
    """When each event's effect was committed, by its id."""
    whole, _, _ = times.read_text().rpartition("\n")
    lines = [line.split() for line in whole.splitlines() if " " in line]
    return {event_id: float(at) for event_id, at in lines}


def start_member(kind: str, settings: EventSettings, *options: str) -> "subprocess.Popen[bytes]":
    """A relay or consumer as a process of its own."""
    environment = {
        **os.environ,
        "TANDEM_DATABASE_URL": settings.asyncpg_dsn(),
        "TANDEM_KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "TANDEM_KAFKA_IDEMPOTENT_PRODUCER": str(settings.kafka_idempotent_producer),
        "TANDEM_KAFKA_NAMESPACE": settings.kafka_namespace,
        "TANDEM_CONSUMER_SESSION_TIMEOUT_SECONDS": str(settings.consumer_session_timeout_seconds),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "tests.bench.members", kind, *options],
        env=environment,
        cwd=Path(__file__).parent.parent.parent,
    )


async def memory_with_backlog(
    settings: EventSettings, kind: str, done: Callable[[], Awaitable[bool]]
) -> tuple[float, float, float]:
    """Resident MB of a process while it works a backlog off: after a tenth of the time, at its end, and at its peak."""
    process = start_member(kind, settings)
    seen: list[float] = []
    status = psutil.Process(process.pid)
    while not await done():
        if process.poll() is not None:
            raise RuntimeError(f"the {kind} process ended with {process.returncode}")
        seen.append(status.memory_info().rss / 1e6)
        await asyncio.sleep(0.25)
    process.terminate()
    await asyncio.to_thread(process.wait)
    return statistics.median(seen[len(seen) // 10 :][:5]), statistics.median(seen[-5:]), max(seen)


def engine_of(settings: EventSettings) -> AsyncEngine:
    """SQLAlchemy on this database."""
    return create_async_engine(sa.make_url(settings.asyncpg_dsn()).set(drivername="postgresql+asyncpg"), pool_size=10)


async def ended(task: "asyncio.Task[Any]") -> None:
    """Cancel a task and wait for its end."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def measure(figures: Figures, server: Any, broker: Any, *, events: int, backlog: int, rounds: int) -> None:
    """Every line of the table."""
    ours, bare = [], []
    for round_ in range(rounds):
        say.print(f"relay and bare producer, round {round_ + 1} of {rounds} ...")
        settings = await fresh(server, broker, f"bench_relay_{round_}")
        ours.append(await relay_rate(settings, events))
        bare.append(await bare_producer_rate(settings, events))
    ratio = statistics.median(a / b for a, b in zip(ours, bare, strict=True))
    rate = statistics.median(ours)
    figures.add(
        "relay, outbox to acknowledged",
        f"{rate:,.0f} events/s, beside a bare producer's {statistics.median(bare):,.0f}: {ratio:.0%}",
        bar="at least 50 %, 15,000/s",
        held=ratio >= 0.5 and rate >= 15_000,
    )
    ours, many, single = [], [], []
    for round_ in range(rounds):
        say.print(f"consumer and bare inserts, round {round_ + 1} of {rounds} ...")
        settings = await fresh(server, broker, f"bench_consumer_{round_}")
        await fill_outbox(settings, events)
        await bare_producer_rate(settings, events)
        ours.append(await consumer_rate(settings, events))
        many.append(await bare_insert_rate(settings, events, one_by_one=False))
        single.append(await bare_insert_rate(settings, events, one_by_one=True))
    rate = statistics.median(ours)
    ratio = statistics.median(a / b for a, b in zip(ours, single, strict=True))
    ratio_many = statistics.median(a / b for a, b in zip(ours, many, strict=True))
    figures.add(
        "consumer, inbox and a row an event",
        f"{rate:,.0f} events/s, beside bare asyncpg's {statistics.median(single):,.0f} INSERTs in the same batches: "
        f"{ratio:.0%}",
        bar="at least 60 %, 3,000/s",
        held=ratio >= 0.6 and rate >= 3_000,
    )
    figures.add(
        "… beside all rows of a batch in one message (executemany)", f"{statistics.median(many):,.0f}: {ratio_many:.0%}"
    )
    say.print("commit to handled in another process at 200 events/s ...")
    settings = await fresh(server, broker, "bench_latency")
    found = await latencies(settings, seconds=15, per_second=200)
    median, worst = found[len(found) // 2], found[int(len(found) * 0.99)]
    figures.add(
        "commit to handled in another process, at 200 events/s",
        f"median {median:.1f} ms, 99th percentile {worst:.1f} ms, {len(found):,} times",
        bar="below 30 ms, 150 ms",
        held=median < 30 and worst < 150,
    )
    settings = await fresh(server, broker, "bench_backlog")
    say.print(f"a backlog of {backlog:,} events ...")
    await fill_outbox(settings, backlog)
    connection = await asyncpg.connect(settings.asyncpg_dsn())

    async def all_handled() -> bool:
        number = await connection.fetchval("SELECT reltuples FROM pg_class WHERE relname = 'effects'")
        return bool(number >= backlog * 0.98 and await connection.fetchval("SELECT count(*) FROM effects") == backlog)

    for kind, done in (("relay", partial(all_sent, connection)), ("consume", all_handled)):
        begin, end, peak = await memory_with_backlog(settings, kind, done)
        figures.add(
            f"{kind}, resident memory with a backlog of {backlog:,}",
            f"{peak:.0f} MB at most, from {begin:.0f} to {end:.0f} MB",
            bar="below 200 MB, flat",
            held=peak < 200 and end - begin < 20,
        )
    await connection.close()


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--broker", default="apache", choices=["apache", "embedded"])
    parser.add_argument("--events", type=int, default=60_000)
    parser.add_argument("--backlog", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    figures = Figures("The event backbone beside bare clients: `make bench-events`", quiet=given.json)
    with parts(given.broker) as (server, broker):
        figures.say(f"{given.events:,} events, {broker.description}")
        sizes = {"events": given.events, "backlog": given.backlog, "rounds": given.rounds}
        asyncio.run(measure(figures, server, broker, **sizes))
    finish(figures, given)


if __name__ == "__main__":
    main()
