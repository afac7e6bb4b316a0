"""Pulses and calls for help."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_feedback.storage.relationships import Relationship, RelationshipMember
from tandem_feedback.storage.tables import Table


class Pulse(Table):
    """The two answers of a pulse check."""

    __tablename__ = "pulses"

    pulse_id: Mapped[UUID] = mapped_column(primary_key=True)
    pairing_id: Mapped[UUID]
    program_id: Mapped[UUID]
    author_id: Mapped[UUID]
    listening: Mapped[int]
    interest: Mapped[int]
    submitted_at: Mapped[datetime]


class CallForHelp(Table):
    """Somebody asks the managers of their program for help; only they read it."""

    __tablename__ = "calls_for_help"

    call_id: Mapped[UUID] = mapped_column(primary_key=True)
    pairing_id: Mapped[UUID]
    program_id: Mapped[UUID]
    author_id: Mapped[UUID]
    words: Mapped[str]
    called_at: Mapped[datetime]
    settled_at: Mapped[datetime | None] = mapped_column(default=None)
    answer: Mapped[str | None] = mapped_column(default=None)
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - how SQLAlchemy reads it


async def last_of(session: AsyncSession, pairing_id: UUID, author_id: UUID) -> datetime | None:
    """When this person last answered a pulse check of this relationship."""
    last: datetime | None = await session.scalar(
        sa.select(sa.func.max(Pulse.submitted_at)).where(Pulse.pairing_id == pairing_id, Pulse.author_id == author_id)
    )
    return last


async def list_of(
    session: AsyncSession, pairing_id: UUID, author_id: UUID, *, after: UUID | None, limit: int
) -> list[Pulse]:
    """This person's pulses, the newest first."""
    query = sa.select(Pulse).where(Pulse.pairing_id == pairing_id, Pulse.author_id == author_id)
    if after is not None:
        query = query.where(Pulse.pulse_id < after)
    return list(await session.scalars(query.order_by(Pulse.pulse_id.desc()).limit(limit)))


async def due_of(
    session: AsyncSession, person_id: UUID, *, before: datetime, after: UUID | None, limit: int
) -> list[tuple[UUID, UUID, datetime, datetime | None]]:
    """Active relationships of this person, by id, that began and had their last pulse, if any, before a moment.

    Each with its program, its beginning, and when that last pulse was.
    """
    last = (
        sa.select(sa.func.max(Pulse.submitted_at))
        .where(Pulse.pairing_id == Relationship.pairing_id, Pulse.author_id == person_id)
        .scalar_subquery()
    )
    query = (
        sa.select(Relationship.pairing_id, Relationship.program_id, Relationship.began_at, last.label("last"))
        .join(RelationshipMember, RelationshipMember.pairing_id == Relationship.pairing_id)
        .where(
            RelationshipMember.person_id == person_id,
            Relationship.status == "active",
            sa.func.coalesce(last, Relationship.began_at) <= before,
        )
    )
    if after is not None:
        query = query.where(Relationship.pairing_id > after)
    rows = await session.execute(query.order_by(Relationship.pairing_id).limit(limit))
    return [(row.pairing_id, row.program_id, row.began_at, row.last) for row in rows]


async def values_of(session: AsyncSession, pairing_id: UUID) -> list[tuple[UUID, float]]:
    """Who gave each pulse of a relationship and the mean of its two answers, in the order in which they came."""
    rows = await session.execute(
        sa.select(Pulse.author_id, Pulse.listening, Pulse.interest)
        .where(Pulse.pairing_id == pairing_id)
        .order_by(Pulse.submitted_at, Pulse.pulse_id)
    )
    return [(row.author_id, (row.listening + row.interest) / 2) for row in rows]


async def find_call(session: AsyncSession, call_id: UUID, *, lock: bool = False) -> CallForHelp | None:
    """A call for help, or nothing."""
    return await session.get(CallForHelp, call_id, with_for_update=lock or None)


async def calls(
    session: AsyncSession,
    *,
    program_id: UUID | None = None,
    author_id: UUID | None = None,
    after: UUID | None,
    limit: int,
) -> Sequence[CallForHelp]:
    """Calls for help to a program, or of a person, the newest first."""
    query = sa.select(CallForHelp)
    if program_id is not None:
        query = query.where(CallForHelp.program_id == program_id)
    if author_id is not None:
        query = query.where(CallForHelp.author_id == author_id)
    if after is not None:
        query = query.where(CallForHelp.call_id < after)
    return (await session.scalars(query.order_by(CallForHelp.call_id.desc()).limit(limit))).all()
