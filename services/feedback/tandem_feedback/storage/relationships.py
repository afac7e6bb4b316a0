"""Relationships: who is in them, what happened in them, and how they go."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_feedback.domain.health import COUNTED, Evidence
from tandem_feedback.storage import pending
from tandem_feedback.storage.pending import Pending
from tandem_feedback.storage.tables import Table


class Relationship(Table):
    """A pairing, as this service follows it. Whoever says a fact about it holds its row."""

    __tablename__ = "relationships"

    pairing_id: Mapped[UUID] = mapped_column(primary_key=True)
    program_id: Mapped[UUID]
    format: Mapped[str]
    status: Mapped[str]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    end_reason: Mapped[str | None] = mapped_column(default=None)
    agreed_every_days: Mapped[int | None] = mapped_column(default=None)
    proposed_every_days: Mapped[int | None] = mapped_column(default=None)
    completed_sessions: Mapped[int] = mapped_column(default=0)
    session_minutes: Mapped[int] = mapped_column(default=0)
    first_met_at: Mapped[datetime | None] = mapped_column(default=None)
    last_met_at: Mapped[datetime | None] = mapped_column(default=None)
    health_score: Mapped[int | None] = mapped_column(default=None)
    health_band: Mapped[str | None] = mapped_column(default=None)
    health_assessed_at: Mapped[datetime | None] = mapped_column(default=None)
    health_due_at: Mapped[datetime | None] = mapped_column(default=None)
    mentee_id: Mapped[UUID | None] = mapped_column(default=None)
    feedback_asked: Mapped[int] = mapped_column(default=0)
    feedback_answered: Mapped[int] = mapped_column(default=0)
    practices: Mapped[int] = mapped_column(default=0)
    all_met: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - how SQLAlchemy reads it

    def assess_from(self, at: datetime) -> None:
        """Something happened at this time that may change the relationship's health."""
        self.health_due_at = at if self.health_due_at is None else min(at, self.health_due_at)


class RelationshipMember(Table):
    """Somebody in a relationship, and as what."""

    __tablename__ = "relationship_members"

    pairing_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    role: Mapped[str]


class Happening(Table):
    """An event that counts for a relationship's health, in the order in which it was heard."""

    __tablename__ = "evidence"

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    pairing_id: Mapped[UUID]
    event: Mapped[str]
    subject_id: Mapped[UUID]
    event_id: Mapped[UUID | None]
    occurred_at: Mapped[datetime]
    person_id: Mapped[UUID | None]
    amount: Mapped[int]
    amount_done: Mapped[int]
    due_at: Mapped[datetime | None]


async def find(session: AsyncSession, pairing_id: UUID) -> Relationship | None:
    """A relationship, or nothing."""
    return await session.get(Relationship, pairing_id)


async def lock(session: AsyncSession, pairing_id: UUID) -> Relationship | None:
    """A relationship, its row held until this transaction ends, or nothing."""
    if (batch := pending.of(session)) is not None:
        if pairing_id in batch.relationships:
            batch.changed.add(pairing_id)
        return batch.relationships.get(pairing_id)
    await session.flush()  # what this transaction changed before must not be overwritten by what is read now
    return await session.get(Relationship, pairing_id, with_for_update=True, populate_existing=True)


async def begin(session: AsyncSession, relationship: Relationship, members: Mapping[UUID, str]) -> None:
    """Store a new relationship, and who is in it as what."""
    if (batch := pending.of(session)) is not None:
        batch.relationships[relationship.pairing_id] = relationship
        batch.members[relationship.pairing_id] = _mentors_first(members)
        batch.begun.append(relationship)
        return
    await _insert(session, [relationship], {relationship.pairing_id: members})


async def hold_all(session: AsyncSession, batch: Pending, pairing_ids: Iterable[UUID]) -> None:
    """Hold the rows of these relationships for a batch, in the order of their ids, and read their members."""
    ids = sorted(set(pairing_ids))
    if not ids:
        return
    held = sa.select(Relationship).where(pending.among(Relationship.pairing_id, ids)).order_by(Relationship.pairing_id)
    for relationship in await session.scalars(held.with_for_update()):
        session.expunge(relationship)
        batch.relationships[relationship.pairing_id] = relationship
    rows = await session.execute(
        sa.select(RelationshipMember.pairing_id, RelationshipMember.person_id, RelationshipMember.role).where(
            pending.among(RelationshipMember.pairing_id, batch.relationships)
        )
    )
    found: dict[UUID, dict[UUID, str]] = defaultdict(dict)
    for row in rows:
        found[row.pairing_id][row.person_id] = row.role
    batch.members.update({pairing_id: _mentors_first(members) for pairing_id, members in found.items()})


async def write_pending(session: AsyncSession, batch: Pending) -> None:
    """Write the relationships that a batch began and those that it changed."""
    await _insert(session, batch.begun, batch.members)
    begun = {relationship.pairing_id for relationship in batch.begun}
    changed = [batch.relationships[pairing_id] for pairing_id in sorted(batch.changed - begun)]
    rows = [{name: getattr(one, name) for name in CHANGED_BY_EVENTS} for one in changed]
    await pending.write(session, UPDATE_AFTER_EVENTS, CHANGED_BY_EVENTS, rows)


async def _insert(
    session: AsyncSession, begun: Sequence[Relationship], members: Mapping[UUID, Mapping[UUID, str]]
) -> None:
    if not begun:
        return
    session.add_all(begun)
    await session.flush()
    await _insert_members(session, {one.pairing_id: members[one.pairing_id] for one in begun})


async def _insert_members(session: AsyncSession, members: Mapping[UUID, Mapping[UUID, str]]) -> None:
    await session.execute(
        sa.insert(RelationshipMember),
        [
            {"pairing_id": pairing_id, "person_id": person_id, "role": role}
            for pairing_id, each in members.items()
            for person_id, role in each.items()
        ],
    )


async def keep_members(session: AsyncSession, pairing_id: UUID, members: Mapping[UUID, str]) -> None:
    """Make these the members of a relationship that is known, and nobody else."""
    await session.execute(sa.delete(RelationshipMember).where(RelationshipMember.pairing_id == pairing_id))
    await _insert_members(session, {pairing_id: members})


def _mentors_first(members: Mapping[UUID, str]) -> dict[UUID, str]:
    in_order = sorted(sorted(members.items()), key=lambda member: member[1], reverse=True)
    return dict(in_order)


async def members_of(session: AsyncSession, pairing_id: UUID) -> dict[UUID, str]:
    """The members and their roles, mentors first."""
    if (batch := pending.of(session)) is not None and pairing_id in batch.members:
        return batch.members[pairing_id]
    rows = await session.execute(
        sa.select(RelationshipMember.person_id, RelationshipMember.role).where(
            RelationshipMember.pairing_id == pairing_id
        )
    )
    return _mentors_first({row.person_id: row.role for row in rows})


async def members_of_all(session: AsyncSession, pairing_ids: Sequence[UUID]) -> dict[UUID, tuple[UUID, ...]]:
    """The members of several relationships."""
    rows = await session.execute(
        sa.select(RelationshipMember.pairing_id, RelationshipMember.person_id).where(
            pending.among(RelationshipMember.pairing_id, pairing_ids)
        )
    )
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for pairing_id, person_id in rows:
        found[pairing_id].append(person_id)
    return {pairing_id: tuple(people) for pairing_id, people in found.items()}


async def add_happenings(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Remember events that count for a relationship's health, in this order; all rows name the same columns."""
    if (batch := pending.of(session)) is not None:
        batch.happenings += rows
    else:
        await write_happenings(session, rows)


async def write_happenings(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Write these events, in this order."""
    await pending.write(session, INSERT_HAPPENINGS, HAPPENING, rows)


async def evidence_of(session: AsyncSession, pairing_ids: Sequence[UUID]) -> dict[UUID, list[Evidence]]:
    """What counts for the health of each of these relationships, in the order in which it happened."""
    rows = await session.execute(EVIDENCE, {"pairing_ids": list(pairing_ids), "counted": sorted(COUNTED)})
    found: dict[UUID, list[Evidence]] = defaultdict(list)
    for pairing_id, *told in rows.all():
        found[pairing_id].append(Evidence(*told))
    return found


async def lock_due(session: AsyncSession, *, now: datetime, limit: int) -> list[Relationship]:
    """Relationships whose health must be computed again, their rows held; what another replica holds is left to it."""
    rows = await session.scalars(
        sa.select(Relationship)
        .where(Relationship.health_due_at <= now)
        .order_by(Relationship.health_due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    due = list(rows)
    for relationship in due:
        session.expunge(relationship)
    return due


async def keep_health(session: AsyncSession, assessed: Sequence[Relationship]) -> None:
    """Keep the health of relationships whose rows are held, as it was computed into them."""
    rows = [{name: getattr(one, name) for name in HEALTH} for one in assessed]
    await pending.write(session, UPDATE_HEALTH, HEALTH, rows)


CHANGED_BY_EVENTS: Mapping[str, str] = {
    "pairing_id": "uuid",
    "status": "text",
    "ended_at": "timestamptz",
    "end_reason": "text",
    "agreed_every_days": "integer",
    "proposed_every_days": "integer",
    "completed_sessions": "integer",
    "session_minutes": "integer",
    "first_met_at": "timestamptz",
    "last_met_at": "timestamptz",
    "health_due_at": "timestamptz",
    "feedback_asked": "integer",
    "feedback_answered": "integer",
    "practices": "integer",
    "all_met": "boolean",
}
HEALTH: Mapping[str, str] = {
    "pairing_id": "uuid",
    "health_score": "integer",
    "health_band": "text",
    "health_assessed_at": "timestamptz",
    "health_due_at": "timestamptz",
}
HAPPENING: Mapping[str, str] = {
    "pairing_id": "uuid",
    "event": "text",
    "subject_id": "uuid",
    "event_id": "uuid",
    "occurred_at": "timestamptz",
    "person_id": "uuid",
    "amount": "integer",
    "amount_done": "integer",
    "due_at": "timestamptz",
}


def _update(columns: Mapping[str, str]) -> sa.TextClause:
    changes = ", ".join(f"{name} = given.{name}" for name in columns if name != "pairing_id")
    return sa.text(
        f"UPDATE relationships AS r SET {changes}, version = r.version + 1"  # noqa: S608 - names of columns
        f" FROM {pending.rows_of(columns)} WHERE r.pairing_id = given.pairing_id"
    )


UPDATE_AFTER_EVENTS = _update(CHANGED_BY_EVENTS)
UPDATE_HEALTH = _update(HEALTH)
INSERT_HAPPENINGS = sa.text(
    f"INSERT INTO evidence ({', '.join(HAPPENING)}) SELECT {', '.join(HAPPENING)}"  # noqa: S608 - names of columns
    f" FROM {pending.rows_of(HAPPENING)} ORDER BY place"
)
EVIDENCE = sa.text(
    """
    SELECT pairing_id, event, subject_id, occurred_at, event_id, person_id, amount, amount_done, due_at
    FROM evidence WHERE pairing_id = ANY(CAST(:pairing_ids AS uuid[])) AND event = ANY(CAST(:counted AS text[]))
    ORDER BY pairing_id, occurred_at, id
    """
)
