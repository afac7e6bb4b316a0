"""What is done about reminders: plan them, say what is due, keep what people prefer."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from tandem_chassis.auth import Caller
from tandem_events import outbox
from tandem_events.contracts import Reminder, ReminderDue
from tandem_scheduling.domain.reminders import Due, Preferences, decide
from tandem_scheduling.domain.zones import UnknownTimeZone, zone_named
from tandem_scheduling.storage import people, reminders
from tandem_scheduling.storage.reminders import Planned, ReminderPreferences
from tandem_scheduling.storage.sessions import Session

MOST_TOGETHER = 100
"""How many things somebody is reminded of at once; what is more waits for the next time."""


async def plan_for_sessions(session: AsyncSession, meetings: Sequence[Session], *, now: datetime) -> None:
    """Plan to remind everybody of these sessions, and of an agenda that is still missing, as each prefers.

    Who books shorter than that before the session needs no reminder of it.
    """
    known = await reminders.preferences(session, {one for meeting in meetings for one in meeting.attendee_ids})
    planned = [
        Planned(
            person_id=person_id,
            kind=kind,
            subject=str(meeting.session_id),
            pairing_id=meeting.pairing_id,
            program_id=meeting.program_id,
            session_id=meeting.session_id,
            due_at=meeting.starts_at - timedelta(hours=hours),
        )
        for meeting in meetings
        for person_id in meeting.attendee_ids
        for kind, hours in (
            ("session_upcoming", known[person_id].session_lead_hours),
            ("agenda_missing", known[person_id].agenda_lead_hours),
        )
    ]
    await reminders.plan(session, [one for one in planned if one.due_at > now])


async def say_due(session: AsyncSession, *, now: datetime, limit: int) -> int:
    """Say what is due to as many people as `limit`; the answer is to how many something was due.

    Safe in several replicas: each person is held by one of them, and what was said is written in the same transaction.
    """
    recipients = await reminders.claim_recipients(session, now=now, limit=limit)
    if not recipients:
        return 0
    person_ids = [one.person_id for one in recipients]
    known = await reminders.preferences(session, person_ids)
    zones = await people.zone_names(session, person_ids)
    waiting = await reminders.waiting(session, person_ids, now=now, most=MOST_TOGETHER + 1)
    events: list[tuple[ReminderDue, int]] = []
    settled: list[tuple[UUID, Due, str, UUID | None]] = []
    standings: list[dict[str, Any]] = []
    for recipient in recipients:
        person_id = recipient.person_id
        try:
            zone = zone_named(zones.get(person_id, "UTC"))
        except UnknownTimeZone:
            zone = zone_named("UTC")
        dues = waiting.get(person_id, [])
        decision = decide(
            dues[:MOST_TOGETHER],
            known[person_id],
            zone,
            now=now,
            last_said_at=recipient.last_said_at,
            more_from=dues[MOST_TOGETHER].due_at if len(dues) > MOST_TOGETHER else None,
        )
        reminder_id = uuid7() if decision.say else None
        settled += [(person_id, due, "dropped", None) for due in decision.drop]
        settled += [(person_id, due, "said", reminder_id) for due in decision.say]
        standings.append(
            {
                "person_id": person_id,
                "next_due_at": decision.next_due_at,
                "said_at": now if decision.say else None,
            }
        )
        if reminder_id is not None:
            events.append((_due(reminder_id, person_id, decision.say, now), 1))
    await reminders.settle(session, settled, recipients=standings)
    await outbox.add_many(session, events)
    return len(recipients)


def _due(reminder_id: UUID, person_id: UUID, dues: Sequence[Due], now: datetime) -> ReminderDue:
    return ReminderDue(
        reminder_id=reminder_id,
        person_id=person_id,
        reminders=tuple(
            Reminder(
                kind=due.kind,
                pairing_id=due.pairing_id,
                program_id=due.program_id,
                session_id=due.session_id,
                module_id=due.module_id,
            )
            for due in dues
        ),
        occurred_at=now,
    )


async def see_preferences(session: AsyncSession, caller: Caller) -> tuple[Preferences, int]:
    """What the caller prefers, and its version; 0 where they set nothing."""
    kept = await reminders.preferences_of(session, caller.require_person())
    return (kept.as_rules(), kept.version) if kept else (Preferences(), 0)


async def set_preferences(
    session: AsyncSession, caller: Caller, preferred: Preferences, *, seen: Callable[[int], None]
) -> tuple[Preferences, int]:
    """Keep what the caller prefers. Lead times hold for sessions that are booked or moved from now on.

    `seen` is told the current version and raises where the caller has not seen it.
    """
    person_id = caller.require_person()
    kept = await reminders.preferences_of(session, person_id, lock=True)
    seen(kept.version if kept else 0)
    if kept is None:
        kept = ReminderPreferences(person_id=person_id)
        session.add(kept)
    kept.quiet_from, kept.quiet_until = preferred.quiet_from, preferred.quiet_until
    kept.muted = list(preferred.muted)
    kept.session_lead_hours, kept.agenda_lead_hours = preferred.session_lead_hours, preferred.agenda_lead_hours
    kept.digest_minutes = preferred.digest_minutes
    await session.flush()
    return kept.as_rules(), kept.version
