"""How sessions end: they took place, with what was done and agreed, or somebody did not come."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from tandem_chassis.auth import Caller
from tandem_events.contracts import ActionItemAgreed, SessionCompleted, SessionMissed
from tandem_scheduling.domain import sessions as rules
from tandem_scheduling.storage import action_items, agendas, tracks
from tandem_scheduling.storage.sessions import Session
from tandem_scheduling.use_cases.bookings import settle_agendas
from tandem_scheduling.use_cases.cadence import note_contact
from tandem_scheduling.use_cases.facts import say
from tandem_scheduling.use_cases.rights import held_session
from tandem_scheduling.use_cases.sessions import withdraw_debrief

SHADOWING_MISSED = "shadowing_missed"
"""The reason for which the debrief is cancelled of a shadowing session to which somebody did not come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What somebody commits to do."""

    words: str
    owner_id: UUID
    due_on: date | None = None


async def complete_session(
    session: AsyncSession,
    session_id: UUID,
    caller: Caller,
    *,
    attended: Collection[UUID],
    agenda_items_done: Collection[UUID],
    agreed: Sequence[Agreed],
    now: datetime,
) -> Session:
    """Say that a session took place: who came, what was talked about, who will do what.

    Raises:
        SessionNotBegun: it is still to come.
        SessionSettled: it is completed, cancelled or missed.
        UnknownAttendee: somebody is named who is not invited.
        NoSuchAgendaItem: an item is named that is not on its agenda.
    """
    pairing, meeting = await held_session(session, session_id, caller)
    rules.require_still_scheduled(meeting.state)
    rules.require_over_or_running(meeting.starts_at, now=now)
    rules.require_attendees(attended, attendees=meeting.attendee_ids, field="attended")
    rules.require_attendees([one.owner_id for one in agreed], attendees=meeting.attendee_ids, field="action_items")
    agenda = await agendas.of_session(session, session_id)
    rules.require_agenda_items(agenda_items_done, agenda=[item.agenda_item_id for item in agenda])
    for attendee in meeting.attendees:
        attendee.attended = attendee.person_id in attended
    meeting.state = "completed"
    meeting.agenda_items_done = len(set(agenda_items_done))
    meeting.changed_at = now
    pairing.completed_sessions += 1
    pairing.last_met_at = max(meeting.starts_at, pairing.last_met_at or meeting.starts_at)
    await note_contact(session, pairing, at=meeting.starts_at)
    await say(
        session,
        SessionCompleted(
            session_id=session_id,
            pairing_id=pairing.pairing_id,
            program_id=pairing.program_id,
            starts_at=meeting.starts_at,
            ends_at=meeting.ends_at,
            attended=tuple(sorted(set(attended))),
            completed_sessions=pairing.completed_sessions,
            agenda_items=meeting.agenda_items,
            agenda_items_done=meeting.agenda_items_done,
            occurred_at=now,
        ),
        of=meeting,
    )
    await tracks.fall_due_after(session, pairing, now=now)
    await settle_agendas(session, [meeting], agenda_items_done, now=now)
    for one in agreed:
        await _agree_action_item(session, meeting, one, now=now)
    return meeting


async def _agree_action_item(session: AsyncSession, meeting: Session, agreed: Agreed, *, now: datetime) -> None:
    item = action_items.add(
        session,
        uuid7(),
        session_id=meeting.session_id,
        pairing_id=meeting.pairing_id,
        program_id=meeting.program_id,
        owner_id=agreed.owner_id,
        words=agreed.words,
        due_on=agreed.due_on,
        agreed_at=now,
    )
    await say(
        session,
        ActionItemAgreed(
            action_item_id=item.action_item_id,
            pairing_id=meeting.pairing_id,
            program_id=meeting.program_id,
            session_id=meeting.session_id,
            owner_id=agreed.owner_id,
            due_on=agreed.due_on,
            occurred_at=now,
        ),
        of=item,
    )


async def miss_session(
    session: AsyncSession, session_id: UUID, caller: Caller, *, missed_by: Collection[UUID], now: datetime
) -> Session:
    """Say that a session did not take place, and who did not come.

    Raises:
        SessionNotBegun: it is still to come.
        SessionSettled: it is completed, cancelled or missed.
        UnknownAttendee: somebody is named who is not invited.
    """
    _, meeting = await held_session(session, session_id, caller)
    rules.require_still_scheduled(meeting.state)
    rules.require_over_or_running(meeting.starts_at, now=now)
    rules.require_attendees(missed_by, attendees=meeting.attendee_ids, field="missed_by")
    for attendee in meeting.attendees:
        attendee.attended = attendee.person_id not in missed_by
    meeting.state = "missed"
    meeting.changed_at = now
    await say(
        session,
        SessionMissed(
            session_id=session_id,
            pairing_id=meeting.pairing_id,
            program_id=meeting.program_id,
            starts_at=meeting.starts_at,
            missed_by=tuple(sorted(set(missed_by))),
            occurred_at=now,
        ),
        of=meeting,
    )
    debriefs = await withdraw_debrief(session, meeting, reason=SHADOWING_MISSED, by=None, at=now)
    await settle_agendas(session, [meeting, *debriefs], now=now)
    return meeting
