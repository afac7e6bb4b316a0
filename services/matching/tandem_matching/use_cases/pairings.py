"""Pairings: how relationships begin and end, and who is in line for one."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from tandem_chassis.auth import Caller
from tandem_events import outbox
from tandem_events.contracts import (
    MentorCandidateSuggested,
    MentorCapacityChanged,
    PairingCreated,
    PairingEnded,
    PairingMemberLeft,
    PairingState,
    RematchRequested,
)
from tandem_events.contracts.contract import Event, Member
from tandem_events.contracts.pairings import EndReason
from tandem_events.contracts.programs import Format
from tandem_matching.domain.endings import MENTOR_LEFT, REASONS_OF_MEMBERS, told_reason
from tandem_matching.domain.places import Taken, goes_on_without, places_taken
from tandem_matching.domain.refusals import (
    MentorFullyBooked,
    MentorNotAvailable,
    NoSuchPairing,
    NotAMentee,
    PairingOver,
    ReasonForManagers,
)
from tandem_matching.domain.rules import CIRCLE, FACILITATOR, PEER
from tandem_matching.storage import ledger, pairings, runs, waiting
from tandem_matching.storage.ledger import Line
from tandem_matching.storage.pairings import NewPairing
from tandem_matching.storage.tables import Pairing, PairingMember, Program, Proposal, ProposedCircle
from tandem_matching.use_cases.waiting import put_first_in_line


async def begin_pairings(
    session: AsyncSession,
    new: Sequence[NewPairing],
    *,
    program_id: UUID,
    program_format: str,
    run_id: UUID | None,
    at: datetime,
) -> None:
    """Store relationships, take the places, and say so. The lines of all members must be locked and free."""
    await pairings.store_pairings(
        session, new, program_id=program_id, program_format=program_format, run_id=run_id, at=at
    )
    taken = places_taken((one.members for one in new if not one.fallback), program_format=program_format)
    await ledger.take(session, program_id, by_mentor=taken.by_mentor, by_mentee=taken.by_mentee, by_peer=taken.by_peer)
    await waiting.leave_line(session, program_id, {*taken.by_mentee, *taken.by_peer})
    said: list[tuple[Event, int]] = []
    for one in new:
        members = tuple(Member(person_id=person, role=_role(role)) for person, role in one.members)
        pairing_format = cast("Format", one.format_in(program_format))
        created = PairingCreated(
            occurred_at=at,
            pairing_id=one.pairing_id,
            program_id=program_id,
            format=pairing_format,
            members=members,
            run_id=run_id,
        )
        state = PairingState(
            occurred_at=at,
            pairing_id=one.pairing_id,
            program_id=program_id,
            format=pairing_format,
            members=members,
            status="active",
        )
        said += [(created, 1), (state, 1)]
    await outbox.add_many(session, said)
    await say_capacity(session, await ledger.lines_of(session, taken.by_mentor), at=at)


async def pair_two(session: AsyncSession, program: Program, *, mentor_id: UUID, mentee_id: UUID, at: datetime) -> UUID:
    """Begin the relationship on which two people agreed; its id. Their ledger lines must be locked.

    Raises:
        MentorFullyBooked: the last place went to somebody else in the meantime.
        NotAMentee: the mentee left, or found mentors in the meantime.
        MentorNotAvailable: the two are paired already, or one of them wants never to be paired with the other.
    """
    holding = await pairings.holdings(
        session, program.program_id, {mentor_id, mentee_id}, program_format=program.format
    )
    mentor, mentee = holding.get(mentor_id), holding.get(mentee_id)
    if mentor is None or not mentor.here or not mentor.free:
        raise MentorFullyBooked("All places of the mentor are taken: one has to become free first.")
    if mentee is None or not mentee.here or not mentee.wanted:
        raise NotAMentee("The mentee left the program, or found a mentor in the meantime.")
    if (mentor_id, mentee_id) in await pairings.existing_pairs(session, {mentee_id}, program_format=program.format):
        raise MentorNotAvailable("The two of you are paired already.")
    both = {mentor_id, mentee_id}
    if any(set(pair) == both for pair in await pairings.excluded_pairs(session, program.program_id, both)):
        # Somebody changed their mind since the question was asked; who of the two it was is not told.
        raise MentorNotAvailable("The two of you cannot be paired any more.")
    pairing_id = uuid7()
    await begin_pairings(
        session,
        [NewPairing(pairing_id, ((mentor_id, "mentor"), (mentee_id, "mentee")))],
        program_id=program.program_id,
        program_format=program.format,
        run_id=None,
        at=at,
    )
    return pairing_id


async def say_capacity(session: AsyncSession, lines: Iterable[Line], *, at: datetime) -> None:
    """Say what mentors carry now over all programs."""
    await outbox.add_many(
        session,
        [
            (
                MentorCapacityChanged(
                    occurred_at=at, person_id=line.person_id, places=line.places, taken=min(line.taken, 1000)
                ),
                line.version,
            )
            for line in lines
        ],
    )


def _role(role: str) -> Literal["mentor", "mentee", "peer", "facilitator"]:
    return cast("Literal['mentor', 'mentee', 'peer', 'facilitator']", role)


async def find_pairing(session: AsyncSession, pairing_id: UUID, caller: Caller) -> tuple[Pairing, list[PairingMember]]:
    """The pairing and its members, for those who may see it. Raises `NoSuchPairing` also for everybody else."""
    pairing = await pairings.find_pairing(session, pairing_id)
    members = (await pairings.members_of(session, [pairing_id]))[pairing_id]
    if pairing is None or not (
        caller.manages(pairing.program_id) or caller.person_id in {one.person_id for one in members}
    ):
        raise NoSuchPairing("There is no pairing with this id that you are in or manage.")
    return pairing, members


async def end_pairing(
    session: AsyncSession, pairing_id: UUID, caller: Caller, *, reason: EndReason, at: datetime
) -> Pairing:
    """End a relationship. After a no-fault rematch its mentees are first in line.

    Raises:
        NoSuchPairing: there is none with this id that the caller is in or manages.
        ReasonForManagers: a member gave a reason that only a manager may give.
        PairingOver: it has ended already.
    """
    seen, _ = await find_pairing(session, pairing_id, caller)
    if reason not in REASONS_OF_MEMBERS and not caller.manages(seen.program_id):
        raise ReasonForManagers(
            "As a member you can end a pairing as completed or for a no-fault rematch; for anything else, turn to the "
            "program's managers."
        )
    pairing, members = await end(session, pairing_id, reason=reason, at=at)
    mentees = [one.person_id for one in members if one.role in ("mentee", PEER)]
    if pairing.fallback:
        mentees = []  # they wait for a mentor as before, and are no further in the line by a group's end
    if reason == "no_fault_rematch":
        member = caller.person_id if caller.person_id in {one.person_id for one in members} else None
        asked = RematchRequested(
            occurred_at=at, pairing_id=pairing_id, program_id=pairing.program_id, requested_by=member
        )
        await outbox.add(session, asked, version=pairing.version)
        await put_first_in_line(session, pairing.program_id, mentees, reason=reason, at=at, peers=True)
    if reason == "left":
        await put_first_in_line(session, pairing.program_id, mentees, reason=MENTOR_LEFT, at=at, peers=True)
    if reason == "completed":
        await _suggest_as_mentors(session, pairing, mentees, at=at)
    return pairing


async def _suggest_as_mentors(
    session: AsyncSession, pairing: Pairing, mentees: Iterable[UUID], *, at: datetime
) -> None:
    """Say who of these is still here and could be a mentor next."""
    suggested = await pairings.mentor_candidates(session, pairing.program_id, among=mentees)
    await outbox.add_many(
        session,
        [
            (
                MentorCandidateSuggested(
                    occurred_at=at,
                    person_id=one.person_id,
                    program_id=pairing.program_id,
                    pairing_id=pairing.pairing_id,
                ),
                pairing.version,
            )
            for one in suggested
        ],
    )


async def end_for_leaver(session: AsyncSession, pairing_id: UUID, *, leaver: UUID, at: datetime) -> None:
    """End a relationship because one of its members left; whoever they leave behind is first in line.

    A group goes on without a mentee who leaves, as long as it has another, and a circle or a peer group without anybody
    of several.
    """
    if await _goes_on_without(session, pairing_id, leaver, at=at):
        return
    try:
        pairing, members = await end(session, pairing_id, reason="left", at=at)
    except PairingOver:
        return  # somebody ended it at the same moment: that is what was wanted
    if not pairing.fallback and any(one.person_id == leaver and one.role != "mentee" for one in members):
        behind = [one.person_id for one in members if one.role in ("mentee", PEER) and one.person_id != leaver]
        await put_first_in_line(session, pairing.program_id, behind, reason=MENTOR_LEFT, at=at, peers=True)


async def _goes_on_without(session: AsyncSession, pairing_id: UUID, leaver: UUID, *, at: datetime) -> bool:
    """Take somebody out of a relationship of several that has others, and say so. False: it cannot go on."""
    members = (await pairings.members_of(session, [pairing_id]))[pairing_id]
    if not goes_on_without(leaver, _roles(members)):
        return False
    program_id = members[0].program_id
    mentors = [one.person_id for one in members if one.role in ("mentor", FACILITATOR)]
    await ledger.lock(session, mentors, program_id, [one.person_id for one in members])
    pairing = await pairings.find_pairing(session, pairing_id, lock=True)
    if pairing is None or pairing.status == "ended":
        return False
    # Seen again under the lock: another member may have left at the same moment.
    members = (await pairings.members_of(session, [pairing_id]))[pairing_id]
    if not goes_on_without(leaver, _roles(members)):
        return False
    rest = [one for one in members if one.person_id != leaver]
    await pairings.remove_member(session, pairing_id, leaver, at=at)
    pairing.version += 1
    await session.flush()
    given = _taken_by(pairing, members).less(_taken_by(pairing, rest))
    await ledger.take(session, program_id, by_mentor=given.by_mentor, by_mentee=given.by_mentee, by_peer=given.by_peer)
    said = tuple(Member(person_id=one.person_id, role=_role(one.role)) for one in rest)
    left = PairingMemberLeft(
        occurred_at=at, pairing_id=pairing_id, program_id=program_id, person_id=leaver, members=said
    )
    state = PairingState(
        occurred_at=at,
        pairing_id=pairing_id,
        program_id=program_id,
        format=cast("Format", pairing.format),
        members=said,
        status="active",
    )
    await outbox.add_many(session, [(left, pairing.version), (state, pairing.version)])
    await say_capacity(session, await ledger.lines_of(session, given.by_mentor), at=at)
    return True


def _taken_by(pairing: Pairing, members: Iterable[PairingMember]) -> Taken:
    return places_taken([_roles(members)], program_format=pairing.format, fallback=pairing.fallback)


def _roles(members: Iterable[PairingMember]) -> list[tuple[UUID, str]]:
    return [(one.person_id, one.role) for one in members]


async def end(
    session: AsyncSession, pairing_id: UUID, *, reason: EndReason, at: datetime
) -> tuple[Pairing, list[PairingMember]]:
    """End a relationship, give its places back, and say so. Raises `NoSuchPairing`, `PairingOver`."""
    members = (await pairings.members_of(session, [pairing_id]))[pairing_id]
    if not members:
        raise NoSuchPairing("There is no such pairing.")
    mentors = [one.person_id for one in members if one.role in ("mentor", FACILITATOR)]
    await ledger.lock(session, mentors, members[0].program_id, [one.person_id for one in members])
    pairing = await pairings.find_pairing(session, pairing_id, lock=True)
    if pairing is None:
        raise NoSuchPairing("There is no such pairing.")
    if pairing.status == "ended":
        raise PairingOver("This pairing has ended already.")
    pairing.status, pairing.end_reason, pairing.ended_at = "ended", reason, at
    await session.flush()
    given = _taken_by(pairing, members).given_back()
    await ledger.take(
        session, pairing.program_id, by_mentor=given.by_mentor, by_mentee=given.by_mentee, by_peer=given.by_peer
    )
    said = tuple(Member(person_id=one.person_id, role=_role(one.role)) for one in members)
    told = cast("EndReason", told_reason(reason))
    ended = PairingEnded(
        occurred_at=at, pairing_id=pairing_id, program_id=pairing.program_id, members=said, reason=told
    )
    state = PairingState(
        occurred_at=at,
        pairing_id=pairing_id,
        program_id=pairing.program_id,
        format=cast("Format", pairing.format),
        members=said,
        status="ended",
        end_reason=told,
    )
    await outbox.add_many(session, [(ended, pairing.version), (state, pairing.version)])
    await say_capacity(session, await ledger.lines_of(session, given.by_mentor), at=at)
    return pairing, members


async def explain_pairing(
    session: AsyncSession, pairing_id: UUID, caller: Caller
) -> tuple[Sequence[Proposal], ProposedCircle | None]:
    """Why the members were proposed to each other: for managers all pairs, for a member those they are in; or a circle.

    A peer group of mentees who wait for a mentor has its reasons together, as a circle does.

    Empty where people chose each other themselves. Raises `NoSuchPairing`.
    """
    pairing, members = await find_pairing(session, pairing_id, caller)
    if pairing.run_id is None:
        return [], None
    if pairing.format == CIRCLE or pairing.fallback:
        return [], await runs.circle_of(session, pairing.run_id, [one.person_id for one in members])
    own = None if caller.manages(pairing.program_id) else caller.person_id
    return await runs.proposals_among(session, pairing.run_id, {one.person_id for one in members}, of=own), None
