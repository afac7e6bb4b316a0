"""What is done about cadence: what is expected, what happened, and what is said where people do not meet."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from tandem_chassis.auth import Caller
from tandem_events import outbox
from tandem_events.contracts import CadenceLapsed, TouchpointLogged
from tandem_scheduling.domain.cadence import expectation, require_happened
from tandem_scheduling.domain.programs import NoSuchProgram
from tandem_scheduling.storage import cadence, programs, reminders
from tandem_scheduling.storage.cadence import DEFAULT_GRACE_DAYS, MeetingPolicy, Touchpoint
from tandem_scheduling.storage.pairings import Pairing
from tandem_scheduling.storage.reminders import Planned
from tandem_scheduling.storage.sessions import Session
from tandem_scheduling.use_cases.facts import say
from tandem_scheduling.use_cases.rights import held_pairing, own_next_session, require_member, seen_pairing


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """Whether the members meet as often as they agreed."""

    pairing: Pairing
    next_session: Session | None

    @property
    def lapsed(self) -> bool:
        """Whether they did not meet by when they were expected to."""
        return self.pairing.lapsed_at is not None


async def see_cadence(session: AsyncSession, pairing_id: UUID, caller: Caller, *, now: datetime) -> Cadence:
    """By when a pairing is expected to meet, and whether the caller has booked, or, if they only look, anybody."""
    pairing = await seen_pairing(session, pairing_id, caller)
    return Cadence(pairing=pairing, next_session=await own_next_session(session, pairing, caller, now=now))


async def expect(session: AsyncSession, pairing: Pairing, *, since: datetime, meeting_every_days: int) -> None:
    """Reckon from the agreement in force by when a pairing meets; the caller holds it."""
    policy = await cadence.policy(session, pairing.program_id)
    expected = expectation(
        max(since, pairing.last_contact_at or since),
        meeting_every_days=meeting_every_days,
        grace_days=policy.grace_days if policy else DEFAULT_GRACE_DAYS,
    )
    pairing.meeting_every_days = meeting_every_days
    pairing.expected_by, pairing.lapses_at = expected.expected_by, expected.lapses_at
    # What is expected anew can lapse anew.
    pairing.lapsed_at = None


async def note_contact(session: AsyncSession, pairing: Pairing, *, at: datetime) -> None:
    """The members met or were in touch: the next meeting is expected from here; the caller holds the pairing."""
    if pairing.last_contact_at is not None and at <= pairing.last_contact_at:
        return
    pairing.last_contact_at = at
    if pairing.meeting_every_days is not None:
        await expect(session, pairing, since=at, meeting_every_days=pairing.meeting_every_days)


async def log_touchpoint(
    session: AsyncSession, pairing_id: UUID, caller: Caller, *, channel: str, happened_at: datetime, now: datetime
) -> Touchpoint:
    """Log that the members were in touch outside a session. It counts as a meeting where the program says so.

    Raises:
        TouchpointRefused: it is still to come, or longer ago than a year.
    """
    pairing = await held_pairing(session, pairing_id, caller)
    require_happened(happened_at, now=now)
    policy = await cadence.policy(session, pairing.program_id)
    counts = policy is not None and policy.touchpoints_count
    touchpoint = Touchpoint(
        touchpoint_id=uuid7(),
        pairing_id=pairing_id,
        person_id=require_member(caller, pairing),
        channel=channel,
        happened_at=happened_at,
        counts_as_meeting=counts,
    )
    session.add(touchpoint)
    if counts:
        await note_contact(session, pairing, at=happened_at)
    await session.flush()
    event = TouchpointLogged(
        touchpoint_id=touchpoint.touchpoint_id,
        pairing_id=pairing_id,
        program_id=pairing.program_id,
        person_id=touchpoint.person_id,
        channel=channel,
        happened_at=happened_at,
        counts_as_meeting=counts,
        occurred_at=now,
    )
    await outbox.add(session, event, version=1)
    return touchpoint


async def list_touchpoints(
    session: AsyncSession, pairing_id: UUID, caller: Caller, *, after: UUID | None, limit: int
) -> list[Touchpoint]:
    """A pairing's touchpoints, in the order in which they were logged."""
    await seen_pairing(session, pairing_id, caller)
    return await cadence.touchpoints_of(session, pairing_id, after=after, limit=limit)


async def see_policy(session: AsyncSession, program_id: UUID, caller: Caller) -> MeetingPolicy:
    """What a program's manager set about meeting, or what holds where they set nothing (version 0)."""
    await _require_program(session, program_id, caller)
    return await cadence.policy(session, program_id) or MeetingPolicy(
        program_id=program_id, touchpoints_count=False, grace_days=DEFAULT_GRACE_DAYS, version=0
    )


async def set_policy(
    session: AsyncSession,
    program_id: UUID,
    caller: Caller,
    *,
    touchpoints_count: bool,
    grace_days: int,
    seen: Callable[[int], None],
) -> MeetingPolicy:
    """Set whether touchpoints count as meetings, and how many days of grace there are from now on.

    `seen` is told the current version (0 where nothing was set) and raises where the caller has not seen it.
    """
    await _require_program(session, program_id, caller)
    policy = await cadence.policy(session, program_id, lock=True)
    seen(policy.version if policy else 0)
    if policy is None:
        policy = MeetingPolicy(program_id=program_id)
        session.add(policy)
    policy.touchpoints_count, policy.grace_days = touchpoints_count, grace_days
    await session.flush()
    return policy


async def _require_program(session: AsyncSession, program_id: UUID, caller: Caller) -> None:
    caller.require_manager(program_id)
    if await programs.find(session, program_id) is None:
        raise NoSuchProgram("No program of yours has this id.")


async def say_lapsed(session: AsyncSession, *, now: datetime, limit: int) -> int:
    """Say of pairings that they did not meet in time, once each, and remind their members; the answer is how many."""
    lapsed = await cadence.claim_lapsed(session, now=now, limit=limit)
    planned: list[Planned] = []
    for pairing in lapsed:
        assert pairing.expected_by is not None, "what lapses was expected"
        pairing.lapsed_at = now
        await say(
            session,
            CadenceLapsed(
                pairing_id=pairing.pairing_id,
                program_id=pairing.program_id,
                expected_by=pairing.expected_by,
                last_contact_at=pairing.last_contact_at,
                occurred_at=now,
            ),
            of=pairing,
        )
        planned += [
            Planned(
                person_id=member_id,
                kind="cadence_lapsed",
                subject=f"{pairing.pairing_id}/{pairing.expected_by.isoformat()}",
                pairing_id=pairing.pairing_id,
                program_id=pairing.program_id,
                due_at=now,
            )
            for member_id in pairing.member_ids
        ]
    await reminders.plan(session, planned)
    return len(lapsed)
