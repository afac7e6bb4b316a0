"""Measures events taken in, and health kept up: `python -m services.feedback.bench.health [--events N] [--rate N]`.

First so many events of 50 programs, as fast as they are handled, into what reports count and health rests on; the
numbers in the database are compared with what was sent. Then so many events each second, of pairs in any order, while
health is kept current beside them: how long after its event is it computed? Making the events is not in any figure.
"""

import asyncio
import resource
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, islice

import sqlalchemy as sa

from tandem_events.contracts import Event, SessionCompleted
from tandem_feedback.use_cases import health
from tests.bench.figures import Figures, finish, options, percentile

from .feeding import Feeding, as_received, migrated_database
from .traffic import EVENTS_EACH_SESSION, EVENTS_TO_BEGIN, Traffic

PROGRAMS = 50
EVENTS_EACH_PAIR = 40
SECONDS = 20
WANTED_SECONDS = 2.0
REPORTED_EVERY = 200_000


async def measure(figures: Figures, events: int, rate: int) -> None:
    """How many events are handled each second, and how soon health follows."""
    async with migrated_database() as url:
        feeding = Feeding(url)
        traffic = Traffic(programs=PROGRAMS, pairs=max(PROGRAMS, events // EVENTS_EACH_PAIR))
        await as_fast_as_possible(figures, feeding, traffic, events)
        await drain(figures, feeding)
        await at_a_rate(figures, feeding, traffic, rate)
        await feeding.database.close()


async def as_fast_as_possible(figures: Figures, feeding: Feeding, traffic: Traffic, events: int) -> None:
    """How many events are handled each second when nothing else is done, and whether everything is counted."""
    source: Iterator[Event] = chain(traffic.beginning(), traffic.sessions())
    size = feeding.settings.consumer_batch_events
    taken, handled, sent = 0.0, 0, 0
    worked = 0.0
    while sent < events:
        batch = as_received(islice(source, min(size, events - sent)))
        sent += len(batch)
        began, working = time.perf_counter(), time.process_time()
        handled += await feeding.handle(batch)
        taken += time.perf_counter() - began
        worked += time.process_time() - working
        if sent % REPORTED_EVERY < size:
            sys.stderr.write(f"  {sent:,} events: {sent / taken:,.0f} events/s, {_megabytes():,.0f} MB\n")
    async with feeding.database.transaction() as session:
        counted = await session.scalar(sa.text("SELECT sum(completed_sessions) FROM relationships"))
        held = await session.scalar(sa.text("SELECT count(*) FROM sessions WHERE state = 'completed'"))
        parked = await session.scalar(sa.text("SELECT count(*) FROM dead_letters"))
    begun = PROGRAMS + len(traffic.pairs) * EVENTS_TO_BEGIN
    # The last session may have been cut off before it was completed.
    expected = (events - begun) // EVENTS_EACH_SESSION + ((events - begun) % EVENTS_EACH_SESSION >= 3)
    complete = (handled, counted, held, parked) == (events, expected, expected, 0)
    figures.add(
        f"{events:,} events into reports and evidence",
        f"{events / taken:,.0f} events/s in {taken:,.0f} s, {1000 * worked / events:.2f} ms of processor time each"
        f" (besides PostgreSQL's), {_megabytes():,.0f} MB at most",
        bar=f"all of {expected:,} sessions of {len(traffic.pairs):,} pairs are counted",
        held=complete,
    )


async def drain(figures: Figures, feeding: Feeding) -> None:
    """How many relationships are assessed each second when many are due."""
    began, assessed = time.perf_counter(), 0
    while number := await assess(feeding):
        assessed += number
    taken = time.perf_counter() - began
    figures.add(f"{assessed:,} relationships assessed", f"{assessed / taken:,.0f} relationships/s")


async def assess(feeding: Feeding) -> int:
    """One turn of the worker that keeps health current."""
    limit = feeding.settings.health_batch_relationships
    async with feeding.database.transaction() as session:
        return await health.assess_due(session, now=datetime.now(UTC), limit=limit)


async def at_a_rate(figures: Figures, feeding: Feeding, traffic: Traffic, rate: int) -> None:
    """How long after its event a relationship's health is computed, at so many events each second."""
    begins = datetime.now(UTC) + timedelta(seconds=1 + rate * SECONDS / 4000)
    offered = [
        _moved(event, begins + timedelta(seconds=number / rate))
        for number, event in enumerate(islice(_scattered(traffic), rate * SECONDS))
    ]
    received = as_received(offered)
    if (early := (begins - datetime.now(UTC)).total_seconds()) < 0:
        raise RuntimeError(f"the events were not made in time: {-early:.1f} s late")
    waits: list[float] = []
    done = asyncio.Event()

    async def keep_current() -> None:
        while True:
            last = done.is_set()
            async with feeding.database.transaction() as session:
                due = await session.scalars(
                    sa.text("SELECT health_due_at FROM relationships WHERE health_due_at <= now()")
                )
                waiting = list(due)
            # Those that are assessed now are the ones that were due before: how late is each of them?
            number = await assess(feeding)
            at = datetime.now(UTC)
            waits.extend((at - one).total_seconds() for one in waiting)
            if last and not number:
                return
            if number < feeding.settings.health_batch_relationships:
                await asyncio.sleep(feeding.settings.health_poll_milliseconds / 1000)

    worker = asyncio.create_task(keep_current())
    handled = 0
    while handled < len(received):
        happened = int((datetime.now(UTC) - begins).total_seconds() * rate)
        batch = received[handled : min(happened, handled + feeding.settings.consumer_batch_events)]
        if batch:
            handled += await feeding.handle(batch)
        await asyncio.sleep(0.01)
    taken = (datetime.now(UTC) - begins).total_seconds()
    done.set()
    await worker
    middle, high, most = (percentile(waits, share) for share in (0.5, 0.99, 1))
    figures.add(
        f"health at {handled / taken:,.0f} events/s (asked for {rate}): computed after the event",
        f"median {middle:.2f} s, 99th percentile {high:.2f} s, {most:.2f} s at most, {len(waits):,} times",
        bar=f"at most {WANTED_SECONDS:.0f} s",
        held=most < WANTED_SECONDS,
    )


def _moved(event: Event, at: datetime) -> Event:
    """The same event at another time; a session ends in the moment in which it is said to be completed."""
    times = {"ends_at": at} if isinstance(event, SessionCompleted) else {}
    return event.model_copy(update={"occurred_at": at, **times})


def _scattered(traffic: Traffic) -> Iterator[Event]:
    """Sessions of many pairs at once, so that events which follow each other are of different pairs."""
    source = traffic.sessions()
    while True:
        meetings = [list(islice(source, EVENTS_EACH_SESSION)) for _ in range(min(100, len(traffic.pairs)))]
        for step in range(EVENTS_EACH_SESSION):
            yield from (meeting[step] for meeting in meetings)


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    parser = options(__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rate", type=int, default=500)
    chosen = parser.parse_args()
    found = Figures("Events into reports and health: `make bench-feedback`", quiet=chosen.json)
    asyncio.run(measure(found, chosen.events, chosen.rate))
    finish(found, chosen)
