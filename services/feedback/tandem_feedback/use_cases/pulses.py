"""Pulses: two answers every so often, where they point, and a private call for help."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from tandem_chassis.auth import Caller
from tandem_events.contracts import PulseSubmitted
from tandem_feedback.domain import pulses as rules
from tandem_feedback.domain.pulses import CallSettled, NoSuchCallForHelp, Trend
from tandem_feedback.storage import pulses, relationships
from tandem_feedback.storage.pulses import CallForHelp, Pulse
from tandem_feedback.use_cases.programs import addressed_as_manager
from tandem_feedback.use_cases.relationships import locked_for_member, member_of, require_active, say, visible_to

MEMBERS_TOGETHER = 2
"""Fewer members' pulses together are somebody's own."""


async def submit(
    session: AsyncSession, pairing_id: UUID, *, author_id: UUID, listening: int, interest: int, at: datetime
) -> Pulse:
    """Take a member's pulse.

    Raises:
        NoSuchRelationship: the person is in no such relationship.
        RelationshipEnded: it is over.
        PulseTooSoon: the last one was less than two weeks ago.
    """
    relationship = await locked_for_member(session, author_id, pairing_id)
    require_active(relationship)
    rules.check_time(await pulses.last_of(session, pairing_id, author_id), at)
    pulse = Pulse(
        pulse_id=uuid7(),
        pairing_id=pairing_id,
        program_id=relationship.program_id,
        author_id=author_id,
        listening=listening,
        interest=interest,
        submitted_at=at,
    )
    session.add(pulse)
    await session.flush()
    event = PulseSubmitted(
        pulse_id=pulse.pulse_id,
        pairing_id=pairing_id,
        program_id=relationship.program_id,
        author_id=author_id,
        occurred_at=at,
    )
    await say(session, relationship, event, version=1, person_id=author_id)
    return pulse


async def own_pulses(
    session: AsyncSession, pairing_id: UUID, *, author_id: UUID, after: UUID | None, limit: int
) -> list[Pulse]:
    """A member's own pulses; nobody else sees their values.

    Raises:
        NoSuchRelationship: the person is in no such relationship.
    """
    await member_of(session, author_id, pairing_id)
    return await pulses.list_of(session, pairing_id, author_id, after=after, limit=limit)


async def trend_of(session: AsyncSession, caller: Caller, pairing_id: UUID) -> tuple[Trend, bool]:
    """Where pulses point, without their values, and whether they are the caller's own alone.

    A member sees where their own point: of two people, whoever knows one knows the other. The program's managers see
    where all point together, once two members have answered.

    Raises:
        NoSuchRelationship: there is none, or it is none of the caller's business.
    """
    await visible_to(session, caller, pairing_id)
    found = await pulses.values_of(session, pairing_id)
    if caller.person_id in await relationships.members_of(session, pairing_id):
        return rules.trend([value for author_id, value in found if author_id == caller.person_id]), True
    if len({author_id for author_id, _ in found}) < MEMBERS_TOGETHER:
        return Trend.UNKNOWN, False
    return rules.trend([value for _, value in found]), False


async def due_pulses(
    session: AsyncSession, person_id: UUID, *, now: datetime, after: UUID | None, limit: int
) -> list[tuple[UUID, UUID, datetime]]:
    """The pulses that are due from this person: of which relationship and program, and since when."""
    found = await pulses.due_of(session, person_id, before=now - rules.PULSE_EVERY, after=after, limit=limit)
    return [
        (pairing_id, program_id, rules.due_from(began_at, last)) for pairing_id, program_id, began_at, last in found
    ]


async def call_for_help(
    session: AsyncSession, pairing_id: UUID, *, author_id: UUID, words: str, at: datetime
) -> CallForHelp:
    """A member asks the program's managers for help. Nobody else learns of it, not even that it was asked for.

    Raises:
        NoSuchRelationship: the person is in no such relationship.
    """
    relationship = await locked_for_member(session, author_id, pairing_id)
    call = CallForHelp(
        call_id=uuid7(),
        pairing_id=pairing_id,
        program_id=relationship.program_id,
        author_id=author_id,
        words=words,
        called_at=at,
    )
    session.add(call)
    await session.flush()
    return call


async def calls_to(
    session: AsyncSession, caller: Caller, program_id: UUID, *, after: UUID | None, limit: int
) -> Sequence[CallForHelp]:
    """Calls for help to a program, for its managers.

    Raises:
        NotYourProgram, NoSuchProgram: the caller is no manager of such a program.
    """
    await addressed_as_manager(session, caller, program_id)
    return await pulses.calls(session, program_id=program_id, after=after, limit=limit)


async def calls_of(session: AsyncSession, author_id: UUID, *, after: UUID | None, limit: int) -> Sequence[CallForHelp]:
    """A person's own calls for help, and what was answered."""
    return await pulses.calls(session, author_id=author_id, after=after, limit=limit)


async def settle(session: AsyncSession, caller: Caller, call_id: UUID, *, answer: str, at: datetime) -> CallForHelp:
    """A manager has taken care of a call.

    Raises:
        NoSuchCallForHelp: there is none in the caller's programs.
        CallSettled: somebody was faster.
    """
    call = await pulses.find_call(session, call_id, lock=True)
    if call is None or call.program_id not in caller.programs:
        raise NoSuchCallForHelp("There is no such call for help in your programs.")
    if call.settled_at is not None:
        raise CallSettled("Somebody has taken care of this call already.")
    call.settled_at, call.answer = at, answer
    await session.flush()
    return call
