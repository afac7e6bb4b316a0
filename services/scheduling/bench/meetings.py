"""Scheduling at the size of an enterprise: `python -m services.scheduling.bench.meetings`.

Measures, on a real PostgreSQL and a broker: common free time for 2 to 12 people over six weeks, computed alone and
asked for over the API; a person's next six weeks among a million stored sessions; bookings among them; and ten thousand
reminders that are due in the same minute, said by two replicas, each once. It fails where a bar is missed. With other
work on the machine, read it as an upper bound. With `--page FILE` the figures are also written into a page.
"""

import asyncio
import contextlib
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import asyncpg
import httpx2

from tandem_chassis import migrations
from tandem_chassis.telemetry import set_up_logging
from tandem_chassis.testing import Tokens, running, settings_for
from tandem_events.contracts import ReminderDue
from tandem_events.testing import own_namespace, tap
from tandem_local import brokers, postgresql
from tandem_local.brokers import Broker
from tandem_local.ports import free_port
from tandem_scheduling.domain.availability import Availability, free_together
from tandem_scheduling.main import create_app
from tandem_scheduling.settings import Settings
from tests.bench.figures import Figures, finish, options

from .filling import BUSY_SPANS, GROUP_SIZE, ZONES, fill, fill_groups

LIMITS = {"free": 20.0, "six weeks": 20.0, "reminders": 60.0}


def free_times(figures: Figures) -> None:
    """Common free time, for few and for many, in many zones and in one, of people whose calendars are full."""
    since = datetime(2027, 3, 1, tzinfo=UTC)
    until = since + timedelta(weeks=6)
    first = int(since.timestamp())
    chance = random.Random(6)  # noqa: S311 - the same calendars in every run
    for number, zones in ((2, ZONES), (12, ZONES), (12, ZONES[:1])):
        took, computed = [], []
        for _ in range(300):
            people = [Availability(zone=ZoneInfo(chance.choice(zones)), holidays="DE-BE") for _ in range(number)]
            begins = [[first + chance.randrange(3_600_000) for _ in range(BUSY_SPANS)] for _ in people]
            busy = [[(begin, begin + chance.randrange(300, 3600)) for begin in listed] for listed in begins]
            began, processor = time.perf_counter(), time.thread_time()
            free_together(people, busy, since=since, until=until)
            took.append((time.perf_counter() - began) * 1000)
            computed.append((time.thread_time() - processor) * 1000)
        where = "6 zones" if len(zones) > 1 else "1 zone"
        figures.add_times(f"common free time of {number} people in {where} over 6 weeks", took, limit=LIMITS["free"])
        figures.add_times("… of which this process computed", computed)


async def suggestions(figures: Figures, client: httpx2.AsyncClient, tokens: Tokens, url: str) -> None:
    """Common free time of twelve people in six zones whose calendars are full, over the API."""
    pairings = await fill_groups(url)
    connection = await asyncpg.connect(url)
    rows = await connection.fetch(
        "SELECT DISTINCT ON (pairing_id) pairing_id, person_id FROM pairing_members WHERE pairing_id = ANY ($1)",
        pairings,
    )
    await connection.close()
    took, computed, found = [], [], 0
    for turn in range(330):
        row = rows[turn % len(rows)]
        headers, body = tokens.person(row["person_id"]), {"minutes": 30, "weeks": 6, "most": 10}
        began, processor = time.perf_counter(), time.thread_time()
        answer = await client.post(f"/pairings/{row['pairing_id']}/time-suggestions", json=body, headers=headers)
        # The first thirty warm up what a running service has warm: connections, plans, zones and holidays.
        if turn >= 30:
            took.append((time.perf_counter() - began) * 1000)
            computed.append((time.thread_time() - processor) * 1000)
        assert answer.status_code == 200, answer.text
        found += len(answer.json()["items"])
    assert found, "twelve people find a time within six weeks"
    what = f"{GROUP_SIZE} people with {BUSY_SPANS} busy times each: suggestions for 6 weeks over the API"
    figures.add_times(what, took, limit=LIMITS["free"])
    figures.add_times("… of which this process computed", computed)


async def six_weeks(figures: Figures, client: httpx2.AsyncClient, tokens: Tokens, url: str) -> None:
    """A person's next six weeks, and a booking, by HTTP and as the database alone answers."""
    connection = await asyncpg.connect(url)
    rows = await connection.fetch(
        "SELECT pairing_id, person_id FROM pairing_members ORDER BY md5(pairing_id || person_id::text) LIMIT 600"
    )
    now = datetime.now(UTC)
    query = (
        "SELECT session_id, starts_at FROM session_attendees WHERE person_id = $1 AND holds AND starts_at > $2 "
        "AND ends_at > $3 AND starts_at < $4 ORDER BY starts_at LIMIT 500"
    )
    alone, asked, computed, booked = [], [], [], []
    for row in rows:
        began = time.perf_counter()
        await connection.fetch(query, row["person_id"], now - timedelta(days=1), now, now + timedelta(weeks=6))
        alone.append((time.perf_counter() - began) * 1000)
    for row in rows:
        headers = tokens.person(row["person_id"])
        began, processor = time.perf_counter(), time.thread_time()
        answer = await client.get("/me/sessions?weeks=6", headers=headers)
        asked.append((time.perf_counter() - began) * 1000)
        computed.append((time.thread_time() - processor) * 1000)
        assert answer.status_code == 200, answer.text
        assert answer.json()["items"], "everybody here meets within six weeks"
    for row in rows[:200]:
        begins = (now + timedelta(days=200)).replace(hour=15, minute=0, second=0, microsecond=0)
        body = {
            "starts_at": begins.isoformat(),
            "ends_at": (begins + timedelta(minutes=30)).isoformat(),
            "way_of_meeting": "video",
        }
        headers = tokens.person(row["person_id"])
        began = time.perf_counter()
        answer = await client.post(f"/pairings/{row['pairing_id']}/sessions", json=body, headers=headers)
        booked.append((time.perf_counter() - began) * 1000)
        assert answer.status_code in (201, 409), answer.text
    await connection.close()
    figures.add_times("a person's next 6 weeks: the database alone", alone, limit=LIMITS["six weeks"])
    figures.add_times("a person's next 6 weeks: over the API, token and all", asked, limit=LIMITS["six weeks"])
    figures.add_times("… of which this process computed", computed)
    figures.add_times("a booking over the API", booked)


async def reminders(figures: Figures, settings: Settings, url: str, number: int) -> None:
    """So many reminders due in the same moment, said by two replicas that are processes of their own."""
    with _replicas(settings):
        connection = await asyncpg.connect(url)
        async with tap(settings) as topics:
            await _ready(settings)
            due = datetime.now(UTC) + timedelta(seconds=3)
            await connection.execute(
                """
                INSERT INTO reminders (person_id, kind, subject, pairing_id, program_id, due_at, state)
                SELECT md5('mentee' || number)::uuid, 'module_due', number::text, md5('pairing' || number)::uuid,
                       md5('program' || number % 40)::uuid, $1, 'waiting'
                FROM generate_series(0, $2::integer - 1) AS number
                """,
                due,
                number,
            )
            await connection.execute(
                """
                INSERT INTO reminder_preferences
                SELECT DISTINCT person_id, '00:00'::time, '00:00'::time, '[]'::jsonb, 24, 48, 0, 1 FROM reminders
                """
            )
            await connection.execute(
                """
                INSERT INTO reminder_recipients AS known (person_id, next_due_at)
                SELECT person_id, due_at FROM reminders WHERE kind = 'module_due'
                ON CONFLICT (person_id) DO UPDATE SET next_due_at = least(known.next_due_at, excluded.next_due_at)
                """
            )
            await asyncio.sleep(max((due - datetime.now(UTC)).total_seconds(), 0))
            began = time.perf_counter()
            await topics.until(
                lambda seen: sum(isinstance(one.event, ReminderDue) for one in seen) >= number, within_seconds=180
            )
            took = time.perf_counter() - began
        # Both look again a few times: what one of them said twice would be said by now.
        await asyncio.sleep(5 * settings.due_poll_milliseconds / 1000)
    # They have stopped, so nothing more is said: what stands in the outbox is all that ever was.
    said, told = await connection.fetchrow(
        "SELECT count(*), count(DISTINCT key) FROM outbox WHERE type = $1", ReminderDue.contract.type
    )
    standing = await connection.fetch("SELECT state, count(*) FROM reminders WHERE kind = 'module_due' GROUP BY state")
    await connection.close()
    people = Counter(one.event.person_id for one in topics.seen if isinstance(one.event, ReminderDue))
    once = len(people) == number and set(people.values()) == {1} and (said, told) == (number, number)
    states = ", ".join(f"{row['count']:,} {row['state']}" for row in standing)
    figures.add(
        f"{number:,} reminders due in the same moment, said by two replicas",
        f"read back from Kafka after {took:.1f} s ({number / took:,.0f}/s)",
        bar=f"below {LIMITS['reminders']:.0f} s",
        held=took < LIMITS["reminders"],
    )
    found = f"{len(people):,} people told in Kafka; {said:,} events to {told:,} people in the outbox; {states}"
    figures.add("… each once", found, bar="each exactly once", held=once)


PORTS = [free_port(), free_port()]


@contextlib.contextmanager
def _replicas(settings: Settings) -> Iterator[None]:
    environment = {
        **os.environ,
        "TANDEM_DATABASE_URL": settings.asyncpg_dsn(),
        "TANDEM_KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "TANDEM_KAFKA_IDEMPOTENT_PRODUCER": str(settings.kafka_idempotent_producer).lower(),
        "TANDEM_KAFKA_NAMESPACE": settings.kafka_namespace,
        "TANDEM_KAFKA_TOPIC_PARTITIONS": "3",
        "TANDEM_CONSUMER_SESSION_TIMEOUT_SECONDS": str(settings.consumer_session_timeout_seconds),
        "TANDEM_OIDC_ISSUER": settings.oidc_issuer,
        "TANDEM_OIDC_JWKS_URL": settings.oidc_jwks_url,
        "TANDEM_LOG_LEVEL": "ERROR",
    }
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tandem_chassis", "serve", "tandem_scheduling"],
            env={**environment, "TANDEM_HTTP_PORT": str(port)},
            stdout=subprocess.DEVNULL,
        )
        for port in PORTS
    ]
    try:
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(timeout=20)


async def _ready(settings: Settings) -> None:
    deadline = time.perf_counter() + 60
    async with httpx2.AsyncClient(trust_env=False) as client:
        for port in PORTS:
            while True:
                with contextlib.suppress(httpx2.HTTPError):
                    if (await client.get(f"http://{settings.http_host}:{port}/health/ready")).status_code == 200:
                        break
                if time.perf_counter() > deadline:
                    raise TimeoutError("a replica is not ready after 60 s")
                await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def platform(figures: Figures) -> AsyncIterator[tuple[str, Broker]]:
    """A migrated database and a broker of this run's own."""
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as folder:
        directory = Path(folder)
        # PostgreSQL runs as a user of its own where this runs as root.
        os.chmod(directory, 0o711)  # noqa: S103
        server = postgresql.choose(
            directory=directory / "postgresql", port=free_port, log=directory / "postgresql.log", durable=False
        )
        broker = brokers.choose_for_tests(directory=directory)
        server.start()
        broker.start()
        try:
            figures.say(f"postgresql: {server.description}; broker: {broker.description}")
            url = server.ensure_database("bench_scheduling")
            await migrations.upgrade(url, package="tandem_scheduling")
            yield url, broker
        finally:
            getattr(broker, "remove", broker.stop)()
            server.stop()


async def measure(figures: Figures, pairings: int, due: int) -> None:
    """Everything, one after the other."""
    figures.say(f"load {os.getloadavg()[0]:.1f} at the start")
    free_times(figures)
    tokens = Tokens()
    async with platform(figures) as (url, broker):
        took = await fill(url, pairings)
        figures.add(f"{pairings * 10:,} sessions of {pairings + pairings // 2:,} people stored", f"in {took:.0f} s")
        settings: Settings = settings_for(Settings, database=url, broker=broker, namespace=own_namespace())
        async with running(create_app(settings), tokens) as client:
            await six_weeks(figures, client, tokens, url)
            await suggestions(figures, client, tokens, url)
        await reminders(figures, settings, url, due)


def main() -> None:
    """Read the sizes and measure."""
    parser = options(__doc__)
    parser.add_argument("--pairings", type=int, default=100_000, help="each has ten sessions (default: 100,000)")
    parser.add_argument("--reminders", type=int, default=10_000)
    chosen = parser.parse_args()
    set_up_logging(service="bench", level="ERROR")
    figures = Figures("Scheduling: `make bench-scheduling`", quiet=chosen.json)
    asyncio.run(measure(figures, chosen.pairings, chosen.reminders))
    finish(figures, chosen)


if __name__ == "__main__":
    main()
