"""Match runs: asked for by a manager, computed in the background, published or not."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from tandem_chassis.auth import Caller
from tandem_chassis.errors import Fault
from tandem_matching.domain.advised import Found
from tandem_matching.domain.people import Pool
from tandem_matching.domain.pins import check_wishes
from tandem_matching.domain.refusals import (
    NobodyToAssume,
    NoSuchProgram,
    NoSuchRun,
    ProgramNotRunning,
    RunOver,
)
from tandem_matching.domain.relationships import Arrangement
from tandem_matching.domain.rules import PEER, Rules
from tandem_matching.domain.settings_document import changed, rules_from
from tandem_matching.domain.vanished import people_of, without_vanished
from tandem_matching.storage import pairings, pools, requests, runs, world
from tandem_matching.storage.pools import Assumed, PoolCount
from tandem_matching.storage.runs import Comparison, Difference
from tandem_matching.storage.tables import MatchRun, Program

MOST_TAKEOVERS = 3
"""A run is taken over less often than this; then it fails."""


async def count_pool(session: AsyncSession, program_id: UUID) -> PoolCount:
    """How many a run would find now. Raises `NoSuchProgram`."""
    program = await known_program(session, program_id)
    return await pools.count_pool(session, program_id, program_format=program.format)


async def known_program(session: AsyncSession, program_id: UUID) -> Program:
    """The program. Raises `NoSuchProgram`."""
    program = await world.find_program(session, program_id)
    if program is None:
        raise NoSuchProgram("No program with this id is known to matching. Right after its creation, try again soon.")
    return program


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a manager wants of one run, beyond the program's settings."""

    matching: Mapping[str, Any] = field(default_factory=dict)
    """Changes to the program's rules and weights, for this run only."""
    pinned: tuple[tuple[UUID, UUID], ...] = ()
    """Pairs (mentor, mentee) that are wanted."""
    forbidden: tuple[tuple[UUID, UUID], ...] = ()
    without: tuple[UUID, ...] = ()
    """People who are assumed not to take part."""
    places: Mapping[UUID, int] = field(default_factory=dict)
    """Free places that mentors (or peers) are assumed to have."""
    people: Mapping[UUID, Mapping[str, Any]] = field(default_factory=dict)
    """People who are assumed to take part although they pause, or to want, or be, something else."""
    compared_to: UUID | None = None
    """The run whose pairs are the earlier ones."""
    costs: bool = False
    """Whether to report what each rule costs, and which pairs would rather have each other."""

    def as_document(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "pinned": [[str(mentor), str(mentee)] for mentor, mentee in self.pinned],
            "forbidden": [[str(mentor), str(mentee)] for mentor, mentee in self.forbidden],
            "without": [str(person) for person in self.without],
            "places": {str(person): places for person, places in self.places.items()},
            "people": [{"person_id": str(person), **other} for person, other in self.people.items()],
            "costs": self.costs,
        }


async def request_run(
    session: AsyncSession, program_id: UUID, *, seed: int, wishes: Wishes, caller: Caller, at: datetime
) -> MatchRun:
    """Queue a run under the program's rules as they are now, with a manager's wishes.

    Raises:
        NoSuchProgram: nothing is known of the program.
        ProgramNotRunning: it was not launched, or it is closed.
        SettingsMalformed: its rules or weights cannot be used.
        PinsContradict: a pair is pinned and forbidden.
        NobodyToAssume: something is assumed of somebody who takes no part, or no such part.
        NoSuchRun: the run to compare with is not one of this program.
    """
    program = await known_program(session, program_id)
    if program.status != "running":
        raise ProgramNotRunning(f"The program is {program.status}, and only running programs are matched: launch it.")
    rules = rules_from(changed(program.matching, wishes.matching), program_format=program.format)
    check_wishes(wishes.pinned, wishes.forbidden, either_order=program.format == PEER)
    await _check_assumptions(session, program, wishes)
    if wishes.compared_to is not None:
        compared = await find_run(session, wishes.compared_to, caller)
        if compared.program_id != program_id:
            raise NoSuchRun("The run to compare with belongs to another program.")
    run = MatchRun(
        run_id=uuid7(),
        program_id=program_id,
        state="queued",
        seed=seed,
        matching=rules.as_document(),
        compared_to=wishes.compared_to,
        wishes=wishes.as_document(),
        progress=0.0,
        summary={},
        requested_at=at,
    )
    session.add(run)
    await session.flush()
    return run


async def _check_assumptions(session: AsyncSession, program: Program, wishes: Wishes) -> None:
    """Raises `NobodyToAssume`, naming everybody of whom something is assumed that cannot be."""
    named = {*wishes.without, *wishes.places, *wishes.people}
    if not named:
        return
    known = await pools.assumable(session, program.program_id)
    faults = [Fault(reason="takes no part in this program", field=str(one)) for one in sorted(named - known.keys())]
    if program.format != PEER:
        for role, number in (("mentor", "places"), ("mentee", "wanted")):
            asked = {person for person, other in wishes.people.items() if other.get(number) is not None}
            asked |= set(wishes.places) if role == "mentor" else set()
            faults += [
                Fault(reason=f"takes part in this program, and not as a {role}", field=str(one))
                for one in sorted(asked & known.keys())
                if role not in known[one]
            ]
    if faults:
        raise NobodyToAssume(
            f"Of {len(faults)} of the people you name this cannot be assumed in this program.", faults=faults[:100]
        )


def _assumed(wishes: Mapping[str, Any]) -> dict[UUID, Assumed]:
    """What is assumed of people."""
    assumed = {UUID(person): Assumed(places=int(places)) for person, places in wishes.get("places", {}).items()}
    for other in wishes.get("people", ()):
        person = UUID(other["person_id"])
        traits = {
            name: tuple(value) if name == "languages" else value
            for name, value in other.items()
            if name not in ("person_id", "places", "wanted") and value is not None
        }
        places = other.get("places")
        if places is None and person in assumed:
            places = assumed[person].places
        assumed[person] = Assumed(places=places, wanted=other.get("wanted"), here=True, traits=traits)
    return assumed


def _as_wished(pool: Pool, wishes: Mapping[str, Any], earlier: frozenset[tuple[UUID, UUID]]) -> Pool:
    """The pool as a manager wants it to be looked at."""

    def pairs(name: str) -> frozenset[tuple[UUID, UUID]]:
        return frozenset((UUID(mentor), UUID(mentee)) for mentor, mentee in wishes.get(name, ()))

    absent = {UUID(person) for person in wishes.get("without", ())}
    return replace(
        pool,
        mentors=tuple(one for one in pool.mentors if one.person_id not in absent),
        mentees=tuple(one for one in pool.mentees if one.person_id not in absent),
        forbidden_pairs=pairs("forbidden"),
        pinned_pairs=pairs("pinned"),
        earlier_pairs=earlier,
    )


async def find_run(session: AsyncSession, run_id: UUID, caller: Caller, *, lock: bool = False) -> MatchRun:
    """The run, for a manager of its program. Raises `NoSuchRun` also where it belongs to somebody else's program."""
    run = await runs.find_run(session, run_id, lock=lock)
    if run is None or not caller.manages(run.program_id):
        raise NoSuchRun("There is no match run with this id among your programs'.")
    return run


@dataclass(frozen=True, slots=True)
class Claimed:
    """A run to be computed, with everything that it needs."""

    run_id: UUID
    program_id: UUID
    program_format: str
    seed: int
    rules: Rules
    pool: Pool
    requested_at: datetime
    costs: bool = False


async def claim_run(session: AsyncSession, worker: UUID, *, now: datetime, claim: timedelta) -> MatchRun | None:
    """The next run that nobody works on, claimed for this worker; None where there is none.

    A run whose workers fell silent again and again is not tried once more: it may be the run that kills them.
    """
    run = await runs.claim_run(session, worker, now=now, claim=claim)
    while run is not None and run.takeovers >= MOST_TAKEOVERS:
        run.state = "failed"
        run.reason = (
            f"{MOST_TAKEOVERS} times in a row the process that computed this run ended before the run did: it may need "
            "more memory than there is. Tell the operators the run's id, or try a smaller pool."
        )
        _close(run, now)
        await session.flush()
        run = await runs.claim_run(session, worker, now=now, claim=claim)
    return run


async def take_snapshot(session: AsyncSession, run: MatchRun) -> Claimed:
    """The pool as it is at one moment, for a run. Needs a transaction of its own, in which nothing was read yet."""
    await session.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    program = await known_program(session, run.program_id)
    assumed = _assumed(run.wishes)
    pool = await pools.read_pool(session, run.program_id, program_format=program.format, assumed=assumed)
    rules = rules_from(run.matching, program_format=program.format)
    if rules.requests_first:
        pool = _after_choices(pool, await requests.standing(session, run.program_id), assumed.keys())
    if rules.peer_group is not None:
        pool = replace(pool, accompanied=frozenset(await pairings.accompanied(session, run.program_id)))
    before = await runs.proposed_pairs(session, run.compared_to) if run.compared_to else []
    pool = _as_wished(pool, run.wishes, frozenset(before))
    return Claimed(
        run.run_id,
        run.program_id,
        program.format,
        run.seed,
        rules,
        pool,
        run.requested_at,
        bool(run.wishes.get("costs")),
    )


def _after_choices(pool: Pool, asked: Mapping[UUID, UUID | None], assumed: Collection[UUID]) -> Pool:
    """The pool without those who wait for the answer of a mentor they asked, and without the places kept for them.

    Of whom something is assumed, that is what they have.
    """
    kept = Counter(mentor for mentor in asked.values() if mentor is not None and mentor not in assumed)
    return replace(
        pool,
        mentors=tuple(replace(one, places=max(0, one.places - kept[one.person_id])) for one in pool.mentors),
        mentees=tuple(one for one in pool.mentees if one.person_id not in asked),
    )


async def keep_claim(session: AsyncSession, run_id: UUID, worker: UUID, *, until: datetime, progress: float) -> bool:
    """Say that a run is being worked on. False: it was cancelled, or another worker took it over."""
    return await runs.keep_claim(session, run_id, worker, until=until, progress=progress)


async def give_back_claim(session: AsyncSession, run_id: UUID, worker: UUID) -> None:
    """Put a run back in the queue, because this worker stops."""
    await runs.give_back_claim(session, run_id, worker)


async def complete_run(session: AsyncSession, run_id: UUID, worker: UUID, found: Found, *, at: datetime) -> bool:
    """Store what a run found. False, and nothing is stored, where the run is no longer this worker's.

    Who was erased since the run took its snapshot is named nowhere in what is stored.
    """
    await world.hold_off_erasures(session)
    people = people_of(found)
    found = without_vanished(found, people - await world.known_among(session, people))
    run = await runs.find_run(session, run_id, lock=True)
    if run is None or run.claimed_by != worker or run.state != "running":
        return False
    if isinstance(found, Arrangement):
        await runs.store_arrangement(session, run_id, found)
    else:
        await runs.store_match(session, run_id, found)
    run.state, run.progress, run.summary, run.fingerprint = "completed", 1.0, found.summary, found.fingerprint
    _close(run, at)
    return True


async def fail_run(session: AsyncSession, run_id: UUID, worker: UUID, *, reason: str, at: datetime) -> None:
    """Say why a run could not be computed."""
    run = await runs.find_run(session, run_id, lock=True)
    if run is not None and run.claimed_by == worker and run.state == "running":
        run.state, run.reason = "failed", reason
        _close(run, at)


def _close(run: MatchRun, at: datetime) -> None:
    run.finished_at, run.claimed_by, run.claimed_until = at, None, None


async def cancel_run(session: AsyncSession, run_id: UUID, caller: Caller, *, at: datetime) -> MatchRun:
    """Give a run up, whether it waits, is computed or is completed; what it found can no longer be published.

    Raises:
        NoSuchRun: not among the caller's.
        RunOver: it was published, or is over anyway.
    """
    run = await find_run(session, run_id, caller, lock=True)
    if run.state in ("published", "failed", "cancelled"):
        raise RunOver(f"This run is {run.state}: there is nothing to cancel.")
    run.state = "cancelled"
    _close(run, at)
    await session.flush()
    return run


async def list_differences(
    session: AsyncSession, run_id: UUID, caller: Caller, *, to: UUID | None, beyond: UUID | None, limit: int
) -> list[Difference]:
    """Where a run differs from another (from the one it was compared to, where none is named), by mentee.

    Raises:
        NoSuchRun: one of the two is not among the caller's, or there is none to compare with.
    """
    before = await _other_run(session, run_id, caller, to=to)
    return await runs.list_differences(session, before=before, after=run_id, beyond=beyond, limit=limit)


async def compare_runs(
    session: AsyncSession, run_id: UUID, caller: Caller, *, to: UUID | None
) -> tuple[UUID, Comparison]:
    """A run beside another, in sum, and which other one that is. Raises `NoSuchRun` as for the differences."""
    before = await _other_run(session, run_id, caller, to=to)
    return before, await runs.compare(session, before=before, after=run_id)


async def _other_run(session: AsyncSession, run_id: UUID, caller: Caller, *, to: UUID | None) -> UUID:
    run = await find_run(session, run_id, caller)
    before = to or run.compared_to
    if before is None:
        raise NoSuchRun("This run was compared to none: name one of the same program with `to`.")
    other = await find_run(session, before, caller)
    if other.program_id != run.program_id:
        raise NoSuchRun("The run to compare with belongs to another program.")
    return before
