"""The trials of the controls: each wrong design works under conditions in which its fault must show, and is judged."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from tandem_local.brokers import ApacheFromJars
from tandem_local.postgresql import Postgresql
from tests.faults import evidence
from tests.faults.arena import Arena, arena
from tests.faults.controls.commit_first import HANDLING_SECONDS, IN_BETWEEN_LOCK
from tests.faults.crew import Member
from tests.faults.verdict import judge
from tests.faults.writing import Task

LANES = 8
BOOKS = 5
DRAINED_WITHIN_SECONDS = 45.0
QUIET_SECONDS = 3.0
KILLS = 2


@dataclass(frozen=True, slots=True)
class Trial:
    """A wrong design, what it must be caught at, and how."""

    design: str
    caught_at: str
    conditions: str
    hold: Callable[[Arena, int], Awaitable[None]]
    transactions_per_lane: int = 75
    ledgers: int = 60
    batch_events: int = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the verdict found about a wrong design."""

    design: str
    caught_at: str
    conditions: str
    transactions: int
    found: dict[str, int]

    @property
    def caught(self) -> bool:
        """Whether it failed, and for the right reason."""
        return self.found.get(self.caught_at, 0) > 0


def _write(place: Arena, trial: Trial, seed: int, *, held_share: float) -> None:
    task = Task(
        transactions=trial.transactions_per_lane,
        ledgers=trial.ledgers,
        per_second=1000.0,
        begins_at=time.time(),
        held_share=held_share,
        held_seconds=0.3,
        seed=seed,
    )
    place.employ_writers(task, processes=1, lanes=LANES)


async def _cursor(place: Arena, seed: int) -> None:
    place.employ("cursor-relay", "relay-1")
    place.employ("consumer", "consumer-1")
    _write(place, CURSOR, seed, held_share=0.2)
    await place.written()
    await place.drained(within_seconds=DRAINED_WITHIN_SECONDS, quiet_seconds=QUIET_SECONDS, marks_sent=False)


async def _skip_locked(place: Arena, seed: int) -> None:
    place.employ("skip-locked-relay", "relay-1", "--delay-seconds", "0.1")
    place.employ("skip-locked-relay", "relay-2")
    place.employ("consumer", "consumer-1")
    _write(place, SKIP_LOCKED, seed, held_share=0.0)
    await place.written()
    await place.drained(within_seconds=DRAINED_WITHIN_SECONDS, quiet_seconds=QUIET_SECONDS)


async def _commit_first(place: Arena, seed: int) -> None:
    place.employ("relay", "relay-1")
    consumer = place.employ("commit-first-consumer", "consumer-1")
    _write(place, COMMIT_FIRST, seed, held_share=0.0)
    for _ in range(KILLS):
        await _stop_in_between(place, consumer)
        await place.crew.kill(consumer)
    await place.written()
    await place.drained(within_seconds=DRAINED_WITHIN_SECONDS, quiet_seconds=QUIET_SECONDS)


async def _stop_in_between(place: Arena, consumer: Member) -> None:
    """Return with the consumer standing still when offsets are committed and nothing of them took effect.

    Whether it is so is asked again when it stands still: on a busy machine the moment may be over by then.
    """
    held = """
        SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = pg_locks.database
        WHERE d.datname = current_database() AND locktype = 'advisory' AND objid = $1::bigint::oid AND granted
    """
    async with asyncio.timeout(DRAINED_WITHIN_SECONDS):
        while True:
            if await place.observer.value(held, IN_BETWEEN_LOCK):
                consumer.process.send(signal.SIGSTOP)
                if await place.observer.value(held, IN_BETWEEN_LOCK):
                    return
                consumer.process.send(signal.SIGCONT)
            await asyncio.sleep(0.02)


CURSOR = Trial(
    design="a relay that remembers the last id it sent",
    caught_at="lost",
    conditions="a fifth of the transactions stays open for up to 0.3 s after its facts were added",
    hold=_cursor,
)
SKIP_LOCKED = Trial(
    design="two relays with FOR UPDATE SKIP LOCKED",
    caught_at="inverted",
    conditions="batches of 20, and one of the two relays takes 0.1 s longer to send",
    hold=_skip_locked,
    ledgers=10,
)
COMMIT_FIRST = Trial(
    design="a consumer that commits its offsets before it handles",
    caught_at="lost",
    conditions=f"batches of 50 that take {HANDLING_SECONDS} s to handle; the consumer is killed (SIGKILL) in between,"
    f" {KILLS} times",
    hold=_commit_first,
    batch_events=50,
)
TRIALS = (CURSOR, SKIP_LOCKED, COMMIT_FIRST)


async def hold(trial: Trial, postgresql: Postgresql, broker: ApacheFromJars, *, logs: Path, seed: int) -> Outcome:
    """Hold a trial in an arena of its own, and judge it as everything is judged."""
    async with arena(
        *(f"control_{TRIALS.index(trial) + 1}", postgresql, broker),
        logs=logs,
        books=BOOKS,
        ledgers_per_book=trial.ledgers // BOOKS,
        seed=seed,
        batch_events=trial.batch_events,
    ) as place:
        await trial.hold(place, seed)
        await place.crew.dismiss()
        verdict = judge(await evidence.collect(place))
        committed = await place.committed(lanes=LANES)
    return Outcome(
        design=trial.design,
        caught_at=trial.caught_at,
        conditions=trial.conditions,
        transactions=committed,
        found={kind: len(found) for kind, found in verdict.faults().items()},
    )
