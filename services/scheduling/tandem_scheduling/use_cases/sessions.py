"""What is done with sessions that are to come: book, look, move, answer, cancel."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis.auth import Caller
from tandem_chassis.errors import Fault
from tandem_events.contracts import (
    SessionAnswered,
    SessionAttendeeWithdrawn,
    SessionCancelled,
    SessionRescheduled,
)
from tandem_scheduling.domain import sessions as rules
from tandem_scheduling.domain.calendars.replies import require_latest
from tandem_scheduling.domain.zones import zone_named
from tandem_scheduling.storage import sessions
from tandem_scheduling.storage.pairings import Pairing
from tandem_scheduling.storage.sessions import Session
from tandem_scheduling.use_cases.agendas import write_agenda_item
from tandem_scheduling.use_cases.availability import require_windows
from tandem_scheduling.use_cases.bookings import Slot, book, require_signed, settle_agendas, terms_in_force, zone_for
from tandem_scheduling.use_cases.facts import say
from tandem_scheduling.use_cases.reminders import plan_for_sessions
from tandem_scheduling.use_cases.rights import (
    concerned_in,
    held_session,
    held_session_to_move,
    held_to_book,
    require_member,
    seen_pairing,
    seen_session,
)
from tandem_scheduling.use_cases.tracks import prepared_agenda

MEMBER_LEFT = "member_left"
"""The reason of everything that is withdrawn because somebody left the relationship."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From when to when."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a session is to be."""

    starts_at: datetime
    ends_at: datetime
    way_of_meeting: str
    place: str | None = None
    time_zone: str | None = None
    kind: str = "meeting"
    attendees: Collection[UUID] | None = None
    debrief: Span | None = None
    step_id: UUID | None = None


async def schedule_session(
    session: AsyncSession, pairing_id: UUID, plan: Plan, caller: Caller, *, now: datetime
) -> Session:
    """Book a session of all members, or of those named; a shadowing session together with its debrief.

    Raises:
        AgreementNotSigned: not everybody signed the agreement.
        SessionTimeRefused: the time does not fit.
        OutsideWindows: a mentee books outside the mentor's windows.
        DoubleBooked: somebody has a session at that time.
    """
    booker = await held_to_book(session, pairing_id, caller)
    await require_signed(session, booker.pairing)
    time_zone = await zone_for(session, plan.time_zone, booker.member_id)
    zone = zone_named(time_zone)
    rules.require_bookable(plan.starts_at, plan.ends_at, now=now, zone=zone)
    attendees = attendees_of(booker.pairing, plan.attendees, booker.member_id)
    rules.require_debrief(
        kind=plan.kind, ends_at=plan.ends_at, debrief_starts_at=plan.debrief.starts_at if plan.debrief else None
    )
    slots = [Slot(starts_at=plan.starts_at, ends_at=plan.ends_at, attendees=attendees, kind=plan.kind)]
    if plan.debrief is not None:
        rules.require_bookable(plan.debrief.starts_at, plan.debrief.ends_at, now=now, zone=zone)
        slots.append(
            Slot(
                starts_at=plan.debrief.starts_at,
                ends_at=plan.debrief.ends_at,
                attendees=attendees,
                kind="debrief",
                debrief_of=slots[0].session_id,
            )
        )
    prepared = await prepared_agenda(session, pairing_id, plan.step_id) if plan.step_id else []
    await require_windows(session, booker, [(slot.starts_at, slot.ends_at) for slot in slots], attendees)
    booked = await book(
        session,
        booker.pairing,
        slots,
        way_of_meeting=plan.way_of_meeting,
        place=plan.place,
        organizer_id=booker.member_id,
        time_zone=time_zone,
        now=now,
    )
    for words in prepared:
        await write_agenda_item(session, booked[0], booker.member_id, words=words, now=now)
    return booked[0]


def attendees_of(pairing: Pairing, named: Collection[UUID] | None, organizer_id: UUID) -> tuple[UUID, ...]:
    """Who is invited: every member, or those named together with whoever invites them.

    Raises:
        UnknownAttendee: somebody is named who does not belong to the relationship.
        NoCounterparts: nobody but the organizer is left.
    """
    if named is None:
        return pairing.member_ids
    rules.require_attendees(named, attendees=pairing.member_ids, field="attendees")
    invited = {*named, organizer_id}
    if len(invited) < 2:
        raise rules.NoCounterparts(
            "A session needs at least two people. Name whom you want to meet.",
            faults=[Fault("Name somebody besides the one who books.", field="attendees")],
        )
    return tuple(sorted(invited))


async def see_session(session: AsyncSession, session_id: UUID, caller: Caller) -> Session:
    """A session.

    Raises:
        NoSuchSession: there is none, or the caller may not know of it.
    """
    return await seen_session(session, session_id, caller, delegates_too=True)


async def list_sessions(
    session: AsyncSession, pairing_id: UUID, caller: Caller, *, after: tuple[datetime, UUID] | None, limit: int
) -> list[Session]:
    """A pairing's sessions, in the order of their beginning; to delegates those of whom they book for.

    Raises:
        NoSuchPairing: there is none, or the caller may not know of it.
    """
    pairing = await seen_pairing(session, pairing_id, caller, delegates_too=True)
    of = await concerned_in(session, pairing, caller)
    return await sessions.of_pairing(session, pairing_id, of=of, after=after, limit=limit)


async def list_own_sessions(
    session: AsyncSession, caller: Caller, *, since: datetime, weeks: int, limit: int
) -> list[Session]:
    """The caller's sessions of the coming weeks, over all their relationships, in the order of their beginning."""
    return await sessions.of_person(
        session, caller.require_person(), since=since, until=since + timedelta(weeks=weeks), limit=limit
    )


async def reschedule_session(
    session: AsyncSession, session_id: UUID, plan: Plan, caller: Caller, *, reason: str, now: datetime
) -> Session:
    """Move a session to another time or place, with the reason. Everybody is asked anew whether they come.

    Raises:
        SessionSettled: it is completed, cancelled or missed.
        SessionTimeRefused: the time does not fit.
        DoubleBooked: somebody has a session at that time.
        NothingMoved: time, way and place are the same.
        DebriefMissing: a shadowing session would end after its debrief begins.
    """
    booker, meeting = await held_session_to_move(session, session_id, caller)
    rules.require_still_scheduled(meeting.state)
    time_zone = plan.time_zone or meeting.time_zone
    rules.require_bookable(plan.starts_at, plan.ends_at, now=now, zone=zone_named(time_zone))
    planned = (plan.starts_at, plan.ends_at, plan.way_of_meeting, plan.place, time_zone)
    if planned == (meeting.starts_at, meeting.ends_at, meeting.way_of_meeting, meeting.place, meeting.time_zone):
        raise rules.NothingMoved("This is when and where the session is already. Name another time or place.")
    await _require_order(session, meeting, starts_at=plan.starts_at, ends_at=plan.ends_at)
    # A session that somebody agreed to outside their windows may meet elsewhere at the same time.
    if (plan.starts_at, plan.ends_at) != (meeting.starts_at, meeting.ends_at):
        await require_windows(session, booker, [(plan.starts_at, plan.ends_at)], meeting.attendee_ids)
    late = await note_notice(session, meeting, now=now)
    await sessions.lock_calendars(session, meeting.attendee_ids)
    previous = meeting.starts_at
    meeting.starts_at, meeting.ends_at, meeting.way_of_meeting, meeting.place, meeting.time_zone = planned
    for attendee in meeting.attendees:
        attendee.starts_at, attendee.ends_at = plan.starts_at, plan.ends_at
        attendee.answer = attendee.answered_at = attendee.answer_written_at = None
    meeting.reschedules += 1
    meeting.sequence += 1
    meeting.changed_at = now
    await sessions.store(session)
    await say(
        session,
        SessionRescheduled(
            session_id=session_id,
            pairing_id=meeting.pairing_id,
            program_id=meeting.program_id,
            starts_at=meeting.starts_at,
            ends_at=meeting.ends_at,
            previous_starts_at=previous,
            attendees=meeting.attendee_ids,
            way_of_meeting=meeting.way_of_meeting,
            reason=reason,
            rescheduled_by=booker.caller_id,
            reschedules=meeting.reschedules,
            late=late,
            occurred_at=now,
        ),
        of=meeting,
    )
    await plan_for_sessions(session, [meeting], now=now)
    return meeting


async def note_notice(session: AsyncSession, meeting: Session, *, now: datetime) -> bool:
    """Whether a change of a session comes later than its members agreed, which is counted."""
    terms = await terms_in_force(session, meeting.pairing_id)
    late = terms is not None and rules.is_late(meeting.starts_at, notice_hours=terms.change_notice_hours, now=now)
    meeting.late_changes += int(late)
    return late


async def _require_order(session: AsyncSession, meeting: Session, *, starts_at: datetime, ends_at: datetime) -> None:
    """What somebody was taken along to is talked about afterwards, also once one of both was moved."""
    debrief = await sessions.lock_debrief_of(session, meeting.session_id)
    if debrief is not None:
        rules.require_debrief(kind=meeting.kind, ends_at=ends_at, debrief_starts_at=debrief.starts_at)
    if meeting.debrief_of is not None:
        shadowing = await sessions.lock(session, meeting.debrief_of)
        rules.require_debrief(kind=shadowing.kind, ends_at=shadowing.ends_at, debrief_starts_at=starts_at)


async def answer_session(
    session: AsyncSession, session_id: UUID, caller: Caller, *, answer: str, now: datetime
) -> Session:
    """Say whether one comes: accepted, tentative or declined.

    Raises:
        SessionSettled: it is completed, cancelled or missed.
        UnknownAttendee: the caller is not invited.
    """
    pairing, meeting = await held_session(session, session_id, caller)
    await record_answer(session, meeting, require_member(caller, pairing), answer=answer, now=now)
    return meeting


async def record_answer(
    session: AsyncSession,
    meeting: Session,
    person_id: UUID,
    *,
    answer: str,
    now: datetime,
    written_at: datetime | None = None,
) -> None:
    """Keep whether somebody comes, and say so where it is new; the caller holds the session.

    Raises:
        ReplyOutdated: they wrote a later answer, which is known already.
    """
    rules.require_still_scheduled(meeting.state)
    rules.require_attendees([person_id], attendees=meeting.attendee_ids, field="person_id")
    attendee = next(one for one in meeting.attendees if one.person_id == person_id)
    # A clock that is ahead of ours does not keep later answers out.
    written_at = min(written_at or now, now)
    require_latest(written_at, answered_at=attendee.answer_written_at)
    attendee.answer_written_at = written_at
    if attendee.answer == answer:
        return
    attendee.answer, attendee.answered_at = answer, now
    meeting.changed_at = now
    await say(
        session,
        SessionAnswered(
            session_id=meeting.session_id,
            pairing_id=meeting.pairing_id,
            program_id=meeting.program_id,
            person_id=person_id,
            answer=answer,
            occurred_at=now,
        ),
        of=meeting,
    )


async def cancel_session(
    session: AsyncSession, session_id: UUID, caller: Caller, *, reason: str, now: datetime
) -> Session:
    """Cancel a session, with the reason.

    Raises:
        SessionSettled: it is completed, cancelled or missed.
    """
    booker, meeting = await held_session_to_move(session, session_id, caller)
    rules.require_still_scheduled(meeting.state)
    late = await note_notice(session, meeting, now=now)
    await withdraw_session(session, meeting, reason=reason, by=booker.caller_id, at=now, late=late)
    debriefs = await withdraw_debrief(session, meeting, reason=reason, by=booker.caller_id, at=now)
    await settle_agendas(session, [meeting, *debriefs], now=now)
    return meeting


async def withdraw_debrief(
    session: AsyncSession, meeting: Session, *, reason: str, by: UUID | None, at: datetime
) -> list[Session]:
    """What did not take place is not talked about afterwards: the debrief, if there was one, which the caller settles.

    The caller holds the pairing.
    """
    debrief = await sessions.lock_debrief_of(session, meeting.session_id)
    if debrief is None:
        return []
    await withdraw_session(session, debrief, reason=reason, by=by, at=at)
    return [debrief]


async def withdraw_session(
    session: AsyncSession, meeting: Session, *, reason: str, by: UUID | None, at: datetime, late: bool = False
) -> None:
    """Give the time of a session back to everybody, and say so; the caller holds its pairing."""
    meeting.state = "cancelled"
    meeting.cancel_reason = reason
    meeting.cancelled_by = by
    meeting.sequence += 1
    meeting.changed_at = at
    meeting.hold(holds=False)
    await say(
        session,
        SessionCancelled(
            session_id=meeting.session_id,
            pairing_id=meeting.pairing_id,
            program_id=meeting.program_id,
            reason=reason,
            cancelled_by=by,
            attendees=meeting.attendee_ids,
            late=late,
            occurred_at=at,
        ),
        of=meeting,
    )


async def withdraw_attendee(session: AsyncSession, meeting: Session, person_id: UUID, *, at: datetime) -> None:
    """Let a session take place without somebody, or not where only one is left; the caller holds its pairing."""
    if person_id not in meeting.attendee_ids:
        return
    if len(meeting.attendees) <= 2:
        await withdraw_session(session, meeting, reason=MEMBER_LEFT, by=None, at=at)
        return
    await sessions.uninvite(session, meeting, person_id, at=at)
    # What is told of one session of a series counts the series' own changes, which include this one.
    meeting.sequence += 0 if meeting.series_id else 1
    meeting.changed_at = at
    await say(
        session,
        SessionAttendeeWithdrawn(
            session_id=meeting.session_id,
            pairing_id=meeting.pairing_id,
            program_id=meeting.program_id,
            person_id=person_id,
            attendees=meeting.attendee_ids,
            reason=MEMBER_LEFT,
            occurred_at=at,
        ),
        of=meeting,
    )
