"""Publications: a run's proposals become real, all in one transaction or not at all."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from tandem_chassis.auth import Caller
from tandem_chassis.errors import Fault
from tandem_events import outbox
from tandem_events.contracts import MatchRunPublished
from tandem_matching.domain.refusals import (
    NoSuchProposal,
    PoolChanged,
    ProgramNotRunning,
    RunNotFinished,
    RunOver,
    TrialOnly,
)
from tandem_matching.domain.rules import CIRCLE, FACILITATOR, PEER, ROTATION
from tandem_matching.storage import ledger, pairings, runs, waiting
from tandem_matching.storage.pairings import Holding, NewPairing
from tandem_matching.storage.waiting import Waiting
from tandem_matching.use_cases.pairings import begin_pairings
from tandem_matching.use_cases.runs import find_run, known_program
from tandem_matching.use_cases.waiting import say_places_in_line

SEEKING = ("mentee", PEER)
"""The roles of those who wait when they are left without."""

POOL_CHANGED = "You were matched, and then people or places changed before the match was published."
LEFT_OUT = "You were matched, and the program's managers look for somebody who suits you better."
IN_PEER_GROUP = "Until there is a mentor, you have a peer group."


@dataclass(frozen=True, slots=True)
class Publication:
    """What came of publishing a run."""

    pairings: int
    unmatched_mentees: int
    left_out: int


async def publish_run(
    session: AsyncSession,
    run_id: UUID,
    caller: Caller,
    *,
    leave_out_changed: bool,
    unwanted: Collection[UUID] = (),
    at: datetime,
) -> Publication:
    """Make a run's proposals real, all in one transaction: pairings, places in the ledger, the line, the facts.

    `leave_out_changed`: publish the pairs that still hold and leave out those that no longer do. `unwanted`: the ids
    of proposals that the manager does not want to become pairs.

    Raises:
        NoSuchRun: not among the caller's.
        RunNotFinished: it is still queued or running.
        RunOver: it was published, cancelled, or failed.
        PoolChanged: pairs no longer hold; nothing was published.
        NoSuchProposal: one of the unwanted is none of this run's.
    """
    run = await find_run(session, run_id, caller, lock=True)
    if run.state in ("queued", "running"):
        raise RunNotFinished(f"This run is {run.state}: publish it when it is completed.")
    if run.state != "completed":
        raise RunOver(f"This run is {run.state}: start a new one.")
    if any(run.wishes.get(name) for name in ("without", "places", "people")):
        raise TrialOnly("This run assumes other people or places than there are: change those, and start a new run.")
    program = await known_program(session, run.program_id)
    if program.status != "running":
        raise ProgramNotRunning(f"The program is {program.status}: nobody is paired in it now.")
    proposed = await _proposed(session, run_id, program.format)
    dropped = _unwanted(proposed, unwanted)
    chosen = [one for one in proposed if one.proposal_id not in dropped]
    everybody = {person for one in chosen for person, _ in one.members}
    mentors = {person for one in chosen for person, role in one.members if role in ("mentor", FACILITATOR)}
    await ledger.lock(session, mentors, run.program_id, everybody)
    holding = await pairings.holdings(session, run.program_id, everybody, program_format=program.format)
    existing = await pairings.existing_pairs(session, everybody, program_format=program.format)
    excluded = await pairings.excluded_pairs(session, run.program_id, everybody)
    accompanied = await pairings.accompanied(session, run.program_id) if any(one.fallback for one in chosen) else set()
    kept, faults = _still_holding(
        chosen, holding, existing, excluded, accompanied, takes_places=program.format != ROTATION
    )
    if faults and not leave_out_changed:
        raise PoolChanged(
            f"{len(faults)} of {len(chosen)} proposals no longer hold, because people or places changed since the run. "
            "Start a new run, or publish with leave_out_changed.",
            faults=faults[:100],
        )
    await begin_pairings(
        session,
        _relationships(kept, program.format),
        program_id=run.program_id,
        program_format=program.format,
        run_id=run_id,
        at=at,
    )
    paired = {person for one in kept if not one.fallback for person, role in one.members if role in SEEKING}
    in_peer_group = {person for one in kept if one.fallback for person, _ in one.members}
    why = {
        one.person_id: (one.rule, f"{one.words} {IN_PEER_GROUP}" if one.person_id in in_peer_group else one.words)
        for one in await runs.list_unmatched(session, run_id)
        if one.role in SEEKING
    }
    for one in (one for one in proposed if not one.fallback):
        told = ("left_out", LEFT_OUT) if one.proposal_id in dropped else ("pool_changed", POOL_CHANGED)
        why |= {person: told for person, role in one.members if role in SEEKING and person not in paired}
    line = await pairings.holdings(session, run.program_id, why, program_format=program.format)
    in_line = [
        Waiting(line[person].enrollment_id, person, reason, words)
        for person, (reason, words) in why.items()
        if person in line and line[person].here and line[person].wanted
    ]
    await waiting.put_in_line(session, run.program_id, in_line, first=False, at=at)
    run.state = "published"
    left_out = len(proposed) - len(kept)
    run.summary = {**run.summary, "published_pairings": len(kept), "left_out": left_out}
    await session.flush()
    if in_line:
        await say_places_in_line(session, run.program_id, {one.person_id for one in in_line}, at=at)
    published = MatchRunPublished(
        occurred_at=at,
        run_id=run_id,
        program_id=run.program_id,
        pairings=len(kept),
        unmatched_mentees=len(in_line),
        fingerprint=run.fingerprint or "none",
    )
    await outbox.add(session, published, version=run.version)
    return Publication(len(kept), len(in_line), left_out)


@dataclass(frozen=True, slots=True)
class _Proposed:
    """People whom a run would bring together."""

    proposal_id: UUID
    members: tuple[tuple[UUID, str], ...]
    turn: int | None = None
    fallback: bool = False
    """Whether they are mentees who wait for a mentor, and this is what they have until then."""


async def _proposed(session: AsyncSession, run_id: UUID, program_format: str) -> list[_Proposed]:
    """What a run proposes, the best score first; peer groups of those who are left without a mentor after all pairs."""
    if program_format == CIRCLE:
        return [
            _Proposed(one.proposal_id, tuple(zip(one.people, one.roles, strict=True)))
            for one in await runs.list_circles(session, run_id)
        ]
    roles = (PEER, PEER) if program_format == PEER else ("mentor", "mentee")
    return [
        _Proposed(one.proposal_id, tuple(zip((one.mentor_id, one.mentee_id), roles, strict=True)), one.turn)
        for one in await runs.proposed_ids(session, run_id)
    ] + [
        _Proposed(one.proposal_id, tuple(zip(one.people, one.roles, strict=True)), fallback=True)
        for one in await runs.list_circles(session, run_id, fallback=True)
    ]


def _unwanted(proposed: list[_Proposed], unwanted: Collection[UUID]) -> set[UUID]:
    """These ids as a set. Raises `NoSuchProposal`, naming every one that is none of the run's."""
    if unknown := sorted(set(unwanted) - {one.proposal_id for one in proposed}):
        raise NoSuchProposal(
            "Some of the proposals to be left out are none of this run's.",
            faults=[Fault(reason="is no proposal of this run", field=str(one)) for one in unknown[:100]],
        )
    return set(unwanted)


def _relationships(kept: list[_Proposed], program_format: str) -> list[NewPairing]:
    """A relationship for each proposal; in a group program, one for each mentor with all their mentees."""
    if program_format != "group":
        return [NewPairing(uuid7(), one.members, one.turn, one.fallback) for one in kept]
    groups: dict[tuple[UUID, str], list[tuple[UUID, str]]] = {}
    for one in (one for one in kept if not one.fallback):
        mentor, mentee = one.members
        groups.setdefault(mentor, []).append(mentee)
    return [
        *(NewPairing(uuid7(), (mentor, *mentees)) for mentor, mentees in groups.items()),
        *(NewPairing(uuid7(), one.members, fallback=True) for one in kept if one.fallback),
    ]


_GONE = {
    "mentor": "the mentor has no free place any more, or left",
    FACILITATOR: "the facilitator has no free place any more, or left",
    "mentee": "the mentee wants no mentor any more, or left",
    PEER: "one of the peers wants nobody any more, or left",
}


def _still_holding(
    proposed: list[_Proposed],
    holding: Mapping[UUID, Holding],
    existing: set[tuple[UUID, UUID]],
    excluded: set[tuple[UUID, UUID]],
    accompanied: set[UUID],
    *,
    takes_places: bool,
) -> tuple[list[_Proposed], list[Fault]]:
    """What can become real now, and what is wrong with the rest."""
    free = {person: one.free if one.here else 0 for person, one in holding.items()}
    wanted = {person: one.wanted if one.here else 0 for person, one in holding.items()}
    kept: list[_Proposed] = []
    faults: list[Fault] = []
    for one in proposed:
        room = [(wanted if role == "mentee" or one.fallback else free, person, role) for person, role in one.members]
        gone = next((role for left, person, role in room if left.get(person, 0) < 1), None)
        people = [person for person, _ in one.members]
        if gone is not None:
            reason = _GONE[gone]
        elif one.fallback and not accompanied.isdisjoint(people):
            reason = "one of them found a mentor, or another peer group"
        elif len(people) == 2 and (people[0], people[1]) in existing:
            reason = "are paired already"
        elif excluded and any((first, second) in excluded for first in people for second in people):
            reason = "cannot be paired any more"
        else:
            if takes_places and not one.fallback:
                for left, person, _ in room:
                    left[person] -= 1
            kept.append(one)
            continue
        faults.append(Fault(reason=reason, field=" and ".join(str(person) for person in people)))
    return kept, faults
