"""The run: controls, writing under faults, draining, verdict, release, second verdict."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tandem_local import postgresql
from tandem_local.brokers import ApacheFromJars
from tandem_local.ports import free_port
from tandem_local.postgresql import Postgresql
from tests.faults import evidence, release
from tests.faults.arena import Arena, arena
from tests.faults.broker import BrokerHands
from tests.faults.controls import trials
from tests.faults.evidence import Latencies
from tests.faults.plan import Fault, draw
from tests.faults.striking import Striker
from tests.faults.verdict import Verdict, judge, judge_released
from tests.faults.writing import Task

BOOKS = 200
LEDGERS_PER_BOOK = 3
LEDGERS = BOOKS * LEDGERS_PER_BOOK
WRITERS, LANES = 2, 16
RELAYS = 2
CONSUMERS = 3
DRAINED_WITHIN_SECONDS = 60.0
QUIET_SECONDS = 4.0
AFTER_RELEASE_SHARE = 0.02
PROGRESS_SECONDS = 10.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked for on the command line."""

    seed: int
    transactions: int
    faults: int
    seconds_per_fault: float
    controls: bool


@dataclass
class Findings:
    """Everything the report tells."""

    wishes: Wishes
    began_at: datetime
    postgresql: str
    broker: str
    plan: tuple[Fault, ...]
    controls: list[trials.Outcome] = field(default_factory=list)
    struck: Counter[str] = field(default_factory=Counter)
    restarts: Counter[str] = field(default_factory=Counter)
    ended_by_itself: Counter[str] = field(default_factory=Counter)
    had_to_be_killed: Counter[str] = field(default_factory=Counter)
    transactions: int = 0
    events: int = 0
    writing_seconds: float = 0.0
    load_average: float = 0.0
    """Of the last fifteen minutes, when all was written."""

    drained_seconds: float | None = None
    latencies: Latencies | None = None
    parked: int = 0
    poison_refused: int = 0
    poison_malformed: int = 0
    produced_again: int = 0
    verdict: Verdict = field(default_factory=Verdict)
    written_while_redriven: int = 0
    redriven: int = 0
    redriving_seconds: float = 0.0
    verdict_after_release: Verdict = field(default_factory=Verdict)
    seconds: float = 0.0

    def reasons(self) -> list[str]:
        """Why the run failed, one sentence each; none when everything held."""
        found = [f"the control was not caught: {one.design} ({one.found})" for one in self.controls if not one.caught]
        if self.drained_seconds is None:
            found.append(f"not drained within {DRAINED_WITHIN_SECONDS:g} s after the last fault")
        for when, verdict in (("", self.verdict), (" after the release", self.verdict_after_release)):
            found += [f"{len(what)} {kind}{when}, such as: {what[0]}" for kind, what in verdict.faults().items()]
        if sum(self.struck.values()) < self.wishes.faults:
            found.append(f"only {sum(self.struck.values())} of {self.wishes.faults} faults struck")
        return found


async def run(wishes: Wishes, *, workplace: Path, say: Say) -> Findings:
    """Do everything that was wished for; takes minutes."""
    began = time.monotonic()
    async with _servers(workplace, say) as (database, hands):
        findings = Findings(
            wishes=wishes,
            began_at=datetime.now(UTC),
            postgresql=database.description,
            broker=hands.broker.description,
            plan=draw(wishes.seed, wishes.faults),
        )
        if wishes.controls:
            say("negative controls: three wrong designs, each of which must be caught")
            findings.controls = await asyncio.gather(
                *(
                    trials.hold(trial, database, hands.broker, logs=workplace, seed=wishes.seed)
                    for trial in trials.TRIALS
                )
            )
            for outcome in findings.controls:
                say(f"  {'caught' if outcome.caught else 'NOT CAUGHT'}: {outcome.design}: {outcome.found}")
        async with arena(
            *("faults", database, hands.broker),
            logs=workplace,
            books=BOOKS,
            ledgers_per_book=LEDGERS_PER_BOOK,
            seed=wishes.seed,
        ) as place:
            await _under_faults(place, hands, findings, say)
            await _after_the_release(place, findings, say)
            findings.restarts = place.crew.restarts
            findings.ended_by_itself = place.crew.ended_by_itself
            findings.had_to_be_killed = place.crew.had_to_be_killed
    findings.seconds = time.monotonic() - began
    return findings


@asynccontextmanager
async def _servers(workplace: Path, say: Say) -> AsyncIterator[tuple[Postgresql, BrokerHands]]:
    database = postgresql.choose(
        directory=workplace / "postgresql", port=free_port, log=workplace / "postgresql.log", environment={}
    )
    hands = BrokerHands(
        ApacheFromJars(
            directory=workplace / "apache-kafka",
            port=free_port(),
            controller_port=free_port(),
            log=workplace / "broker.log",
        )
    )
    say(f"starting {database.description} and {hands.broker.description}")
    try:
        database.start()
        await hands.start()
        yield database, hands
    finally:
        await hands.let_go()
        database.stop()


async def _under_faults(place: Arena, hands: BrokerHands, findings: Findings, say: Say) -> None:
    wishes = findings.wishes
    per_lane = -(-wishes.transactions // LANES)
    per_second = per_lane * LANES / max(1.0, wishes.faults * wishes.seconds_per_fault)
    task = Task(
        transactions=per_lane,
        ledgers=LEDGERS,
        per_second=per_second / LANES,
        begins_at=time.time() + 2,
        held_share=0.05,
        held_seconds=0.3,
        seed=wishes.seed,
    )
    say(
        f"writing {per_lane * LANES} transactions at {per_second:.0f}/s under {wishes.faults} faults,"
        f" seed {wishes.seed}"
    )
    for number in range(RELAYS):
        place.employ("relay", f"relay-{number}")
    for number in range(CONSUMERS):
        place.employ("consumer", f"consumer-{number}")
    place.employ_writers(task, processes=WRITERS, lanes=LANES)
    striker = Striker(place, seed=wishes.seed, ledgers=LEDGERS, broker=hands)
    began = time.monotonic()
    writing = asyncio.create_task(_time_of(place.written(), began))
    await _strike_all(striker, findings, say, total=per_lane * LANES)
    findings.writing_seconds = await writing
    findings.load_average = os.getloadavg()[2]
    say("all faults have struck and all is written; draining")
    findings.drained_seconds = await place.drained(within_seconds=DRAINED_WITHIN_SECONDS, quiet_seconds=QUIET_SECONDS)
    findings.transactions = await place.committed(lanes=LANES)
    facts = await evidence.collect(place)
    findings.events = len(facts.oracle)
    findings.latencies = await evidence.latencies(place)
    findings.parked = len(facts.parked_entries) + len(facts.parked_tokens)
    findings.poison_refused = sum(one.refused for one in facts.oracle)
    findings.poison_malformed = len(facts.injected_tokens)
    findings.produced_again = striker.produced_again
    findings.verdict = await asyncio.to_thread(judge, facts)
    drained = "not drained" if findings.drained_seconds is None else f"drained in {findings.drained_seconds:.1f} s"
    say(f"{drained}; verdict: {_words(findings.verdict)}")


async def _strike_all(striker: Striker, findings: Findings, say: Say, *, total: int) -> None:
    """Start each fault when its share is written; returns when the cause of the last one is gone."""
    waiting = list(findings.plan)
    said_at = 0.0

    async def strike(fault: Fault) -> None:
        await striker.strike(fault)
        findings.struck[fault.kind.value] += 1

    async with asyncio.TaskGroup() as under_way:
        while waiting:
            committed = await striker.arena.committed(lanes=LANES)
            while waiting and committed / total >= waiting[0].share:
                under_way.create_task(strike(waiting.pop(0)))
            if time.monotonic() - said_at > PROGRESS_SECONDS:
                said_at = time.monotonic()
                begun = len(findings.plan) - len(waiting)
                say(
                    f"  {committed / total:4.0%} written, {begun} faults struck"
                    f" ({begun - sum(findings.struck.values())} under way)"
                )
            await asyncio.sleep(0.2)


async def _after_the_release(place: Arena, findings: Findings, say: Say) -> None:
    """The handler is repaired and everything parked is redriven, while the writers go on."""
    task = Task(
        transactions=max(10, int(findings.wishes.transactions * AFTER_RELEASE_SHARE) // LANES),
        ledgers=LEDGERS,
        per_second=20.0,
        begins_at=time.time(),
        held_share=0.05,
        held_seconds=0.3,
        seed=findings.wishes.seed,
    )
    say(f"releasing the poison and redriving {findings.parked} parked events while writing goes on")
    before = findings.events
    place.employ_writers(task, processes=WRITERS, lanes=LANES, first_lane=LANES)
    findings.redriven, findings.redriving_seconds = await release.redrive_everything(place)
    await place.drained(within_seconds=DRAINED_WITHIN_SECONDS, quiet_seconds=QUIET_SECONDS)
    more, _ = await release.redrive_everything(place)
    findings.redriven += more
    facts = await evidence.collect(place)
    findings.written_while_redriven = len(facts.oracle) - before
    findings.verdict_after_release = await asyncio.to_thread(judge_released, facts)
    say(
        f"redriven {findings.redriven} in {findings.redriving_seconds:.1f} s;"
        f" verdict: {_words(findings.verdict_after_release)}"
    )


async def _time_of(work: Awaitable[None], began: float) -> float:
    await work
    return time.monotonic() - began


def _words(verdict: Verdict) -> str:
    return ", ".join(f"{len(found)} {kind}" for kind, found in verdict.faults().items()) or "everything held"
