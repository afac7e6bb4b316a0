"""Sessions: what scheduling tells of them counts for health, and leads to rounds of feedback."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_feedback.storage import recognition, relationships, sessions
from tandem_feedback.use_cases import rounds
from tandem_feedback.use_cases.relationships import locked, note, reach


async def expect(
    session: AsyncSession, session_id: UUID, *, pairing_id: UUID, starts_at: datetime, ends_at: datetime, at: datetime
) -> None:
    """A session was booked."""
    relationship = await locked(session, pairing_id)
    await sessions.note_scheduled(session, session_id, pairing_id=pairing_id, starts_at=starts_at, ends_at=ends_at)
    await note(session, relationship, "session.scheduled", session_id, at=at)


async def complete(
    session: AsyncSession,
    session_id: UUID,
    *,
    pairing_id: UUID,
    starts_at: datetime,
    ends_at: datetime,
    attended: Sequence[UUID],
    completed_sessions: int,
    agenda_items: int,
    agenda_items_done: int,
    at: datetime,
) -> None:
    """A session took place: it counts from its end, and may be followed by a round of feedback."""
    relationship = await locked(session, pairing_id)
    await sessions.note_completed(
        session, session_id, pairing_id=pairing_id, starts_at=starts_at, ends_at=ends_at, attended=attended
    )
    met_at = min(ends_at, at)
    minutes = max(0, round((ends_at - starts_at) / timedelta(minutes=1)))
    relationship.completed_sessions = completed_sessions
    relationship.session_minutes += minutes
    relationship.first_met_at = min(met_at, relationship.first_met_at or met_at)
    relationship.last_met_at = max(met_at, relationship.last_met_at or met_at)
    await note(
        session,
        relationship,
        "session.completed",
        session_id,
        at=met_at,
        amount=agenda_items,
        amount_done=agenda_items_done,
    )
    members = await relationships.members_of(session, pairing_id)
    await recognition.enter(
        session,
        [person_id for person_id in attended if members.get(person_id) == "mentor"],
        pairing_id=pairing_id,
        program_id=relationship.program_id,
        kind="session",
        subject_id=session_id,
        at=met_at,
        minutes=minutes,
    )
    present = [person_id for person_id in members if person_id in attended]
    if not relationship.all_met:
        await reach(session, relationship, "met", present, at=met_at)
        relationship.all_met = len(present) == len(members)
    await rounds.ask_both_sides(session, relationship, session_id=session_id, authors=present, at=at)


async def move(
    session: AsyncSession, session_id: UUID, *, pairing_id: UUID, starts_at: datetime, ends_at: datetime, at: datetime
) -> None:
    """A session was moved to another time."""
    relationship = await locked(session, pairing_id)
    await sessions.note_moved(session, session_id, starts_at=starts_at, ends_at=ends_at)
    await note(session, relationship, "session.rescheduled", session_id, at=at)


async def miss(session: AsyncSession, session_id: UUID, *, pairing_id: UUID, at: datetime) -> None:
    """A session did not take place, because somebody did not come."""
    relationship = await locked(session, pairing_id)
    await sessions.note_cancelled(session, session_id)
    await note(session, relationship, "session.missed", session_id, at=at)


async def cancel(
    session: AsyncSession, session_id: UUID, *, pairing_id: UUID, cancelled_by: UUID | None, at: datetime
) -> None:
    """A session will not take place."""
    relationship = await locked(session, pairing_id)
    await sessions.note_cancelled(session, session_id)
    await note(session, relationship, "session.cancelled", session_id, at=at, person_id=cancelled_by)


async def hear_of_agenda(
    session: AsyncSession, session_id: UUID, *, pairing_id: UUID, person_id: UUID, items: int, at: datetime
) -> None:
    """A member prepared an agenda."""
    relationship = await locked(session, pairing_id)
    await note(session, relationship, "agenda.prepared", session_id, at=at, person_id=person_id, amount=items)


async def hear_of_action(
    session: AsyncSession, action_item_id: UUID, *, pairing_id: UUID, owner_id: UUID, due_on: date | None, at: datetime
) -> None:
    """Somebody committed to do something, until the end of its day where it has one."""
    relationship = await locked(session, pairing_id)
    due_at = datetime.combine(due_on + timedelta(days=1), time(), UTC) if due_on else None
    await note(session, relationship, "action_item.agreed", action_item_id, at=at, person_id=owner_id, due_at=due_at)


APPLIED_PERCENT = {"applied": 100, "partly": 50, "dropped": 0}


async def hear_of_applied_action(
    session: AsyncSession, action_item_id: UUID, *, pairing_id: UUID, owner_id: UUID, outcome: str, at: datetime
) -> None:
    """Somebody reported what became of what they had committed to."""
    relationship = await locked(session, pairing_id)
    await note(
        session,
        relationship,
        "action_item.applied",
        action_item_id,
        at=at,
        person_id=owner_id,
        amount=APPLIED_PERCENT.get(outcome, 0),
    )
