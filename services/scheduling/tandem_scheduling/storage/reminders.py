"""Reminders: what waits for whom, and the recipients by whom replicas divide the work."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_scheduling.domain.reminders import Due, Preferences
from tandem_scheduling.storage.base import Table


class ReminderPreferences(Table):
    """When and of what somebody wants to be reminded."""

    __tablename__ = "reminder_preferences"
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    quiet_from: Mapped[time]
    quiet_until: Mapped[time]
    muted: Mapped[list[str]] = mapped_column(JSONB)
    session_lead_hours: Mapped[int]
    agenda_lead_hours: Mapped[int]
    digest_minutes: Mapped[int]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy reads it as it is

    def as_rules(self) -> Preferences:
        """As the rules take them."""
        return Preferences(
            quiet_from=self.quiet_from,
            quiet_until=self.quiet_until,
            muted=tuple(self.muted),
            session_lead_hours=self.session_lead_hours,
            agenda_lead_hours=self.agenda_lead_hours,
            digest_minutes=self.digest_minutes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A reminder to be kept until it is due."""

    person_id: UUID
    kind: str
    subject: str
    pairing_id: UUID
    program_id: UUID
    due_at: datetime
    session_id: UUID | None = None
    module_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Somebody for whom something is due, held by this transaction."""

    person_id: UUID
    last_said_at: datetime | None


async def preferences(session: AsyncSession, person_ids: Collection[UUID]) -> dict[UUID, Preferences]:
    """The preferences of these people; the house's where they set none."""
    rows = await session.scalars(
        sa.select(ReminderPreferences).where(ReminderPreferences.person_id.in_(list(person_ids)))
    )
    known = {one.person_id: one.as_rules() for one in rows}
    return {person_id: known.get(person_id, Preferences()) for person_id in person_ids}


async def preferences_of(session: AsyncSession, person_id: UUID, *, lock: bool = False) -> ReminderPreferences | None:
    """What somebody set, if they set anything."""
    return await session.get(ReminderPreferences, person_id, with_for_update=lock or None, populate_existing=lock)


_PLAN_RECIPIENTS = sa.text(
    """
    INSERT INTO reminder_recipients AS known (person_id, next_due_at)
    SELECT person_id, min(due_at)
    FROM unnest(CAST(:people AS uuid[]), CAST(:dues AS timestamptz[])) AS planned (person_id, due_at)
    GROUP BY person_id ORDER BY person_id
    ON CONFLICT (person_id) DO UPDATE SET next_due_at = least(known.next_due_at, excluded.next_due_at)
    """
)
_PLAN_REMINDERS = sa.text(
    """
    INSERT INTO reminders (person_id, kind, subject, pairing_id, program_id, session_id, module_id, due_at, state)
    SELECT *, 'waiting'
    FROM unnest(CAST(:people AS uuid[]), CAST(:kinds AS text[]), CAST(:subjects AS text[]), CAST(:pairings AS uuid[]),
                CAST(:programs AS uuid[]), CAST(:sessions AS uuid[]), CAST(:modules AS text[]),
                CAST(:dues AS timestamptz[]))
    ON CONFLICT (person_id, kind, subject) DO UPDATE SET due_at = excluded.due_at, state = 'waiting', said_in = NULL
    """
)


async def plan(session: AsyncSession, planned: Sequence[Planned]) -> None:
    """Keep reminders until they are due; one that is known already is planned anew.

    The recipients come first: whoever holds a recipient holds their reminders, here as where they are said.
    """
    if not planned:
        return
    await session.flush()
    people, dues = [one.person_id for one in planned], [one.due_at for one in planned]
    await session.execute(_PLAN_RECIPIENTS, {"people": people, "dues": dues})
    await session.execute(
        _PLAN_REMINDERS,
        {
            "people": people,
            "kinds": [one.kind for one in planned],
            "subjects": [one.subject for one in planned],
            "pairings": [one.pairing_id for one in planned],
            "programs": [one.program_id for one in planned],
            "sessions": [one.session_id for one in planned],
            "modules": [one.module_id for one in planned],
            "dues": dues,
        },
    )


async def drop_of_member(session: AsyncSession, person_id: UUID, pairing_id: UUID) -> None:
    """Remind somebody no more of what concerns a pairing. The recipient comes first, as everywhere."""
    await session.execute(
        sa.text("SELECT FROM reminder_recipients WHERE person_id = :person FOR UPDATE"), {"person": person_id}
    )
    await session.execute(
        sa.text(
            "UPDATE reminders SET state = 'dropped' "
            "WHERE person_id = :person AND pairing_id = :pairing AND state = 'waiting'"
        ),
        {"person": person_id, "pairing": pairing_id},
    )


async def claim_recipients(session: AsyncSession, *, now: datetime, limit: int) -> list[Recipient]:
    """People for whom something is due, held by this transaction; other replicas pass over them."""
    rows = await session.execute(
        sa.text(
            """
            SELECT person_id, last_said_at FROM reminder_recipients
            WHERE next_due_at <= :now ORDER BY next_due_at LIMIT :limit FOR UPDATE SKIP LOCKED
            """
        ),
        {"now": now, "limit": limit},
    )
    return [Recipient(person_id=row.person_id, last_said_at=row.last_said_at) for row in rows]


_WAITING = sa.text(
    """
    SELECT r.person_id, r.kind, r.subject, r.pairing_id, r.program_id, r.session_id, r.module_id, r.due_at,
           p.ended_at IS NULL
           AND (r.session_id IS NULL OR (s.state = 'scheduled' AND s.starts_at > :now))
           AND (r.kind <> 'agenda_missing' OR s.agenda_items = 0)
           AND (r.kind <> 'cadence_lapsed' OR p.lapsed_at IS NOT NULL) AS stands
    FROM unnest(CAST(:people AS uuid[])) AS recipients (person_id)
    CROSS JOIN LATERAL (
        SELECT * FROM reminders AS one
        WHERE one.person_id = recipients.person_id AND one.state = 'waiting'
        ORDER BY one.due_at, one.kind, one.subject LIMIT :most
    ) AS r
    JOIN pairings AS p ON p.pairing_id = r.pairing_id
    LEFT JOIN sessions AS s ON s.session_id = r.session_id
    ORDER BY r.person_id, r.due_at, r.kind, r.subject
    """
)


async def waiting(
    session: AsyncSession, person_ids: Collection[UUID], *, now: datetime, most: int
) -> dict[UUID, list[Due]]:
    """What waits for each of these people, at the most so much for each, in the order in which it is due."""
    found: dict[UUID, list[Due]] = defaultdict(list)
    for row in await session.execute(_WAITING, {"people": list(person_ids), "now": now, "most": most}):
        values: dict[str, Any] = dict(row._mapping)
        found[values.pop("person_id")].append(Due(**values))
    return found


async def settle(
    session: AsyncSession,
    settled: Sequence[tuple[UUID, Due, str, UUID | None]],
    *,
    recipients: Sequence[dict[str, Any]],
) -> None:
    """Write what became of reminders (`said` in which event, or `dropped`), and when each recipient is next due."""
    if settled:
        await session.execute(
            sa.text(
                """
                UPDATE reminders AS r SET state = done.state, said_in = done.said_in
                FROM unnest(CAST(:people AS uuid[]), CAST(:kinds AS text[]), CAST(:subjects AS text[]),
                            CAST(:states AS text[]), CAST(:said_in AS uuid[]))
                     AS done (person_id, kind, subject, state, said_in)
                WHERE (r.person_id, r.kind, r.subject) = (done.person_id, done.kind, done.subject)
                """
            ),
            {
                "people": [person_id for person_id, *_ in settled],
                "kinds": [due.kind for _, due, *_ in settled],
                "subjects": [due.subject for _, due, *_ in settled],
                "states": [state for *_, state, _ in settled],
                "said_in": [said_in for *_, said_in in settled],
            },
        )
    await session.execute(
        sa.text(
            """
            UPDATE reminder_recipients AS r
            SET next_due_at = done.next_due_at, last_said_at = coalesce(done.said_at, r.last_said_at)
            FROM unnest(CAST(:people AS uuid[]), CAST(:dues AS timestamptz[]), CAST(:said AS timestamptz[]))
                 AS done (person_id, next_due_at, said_at)
            WHERE r.person_id = done.person_id
            """
        ),
        {
            "people": [one["person_id"] for one in recipients],
            "dues": [one["next_due_at"] for one in recipients],
            "said": [one["said_at"] for one in recipients],
        },
    )
