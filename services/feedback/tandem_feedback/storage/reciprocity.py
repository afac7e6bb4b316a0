"""Reciprocity: what members did for each other."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_feedback.storage.tables import Table


class Contribution(Table):
    """Something that a member did: its words stay in the relationship."""

    __tablename__ = "contributions"

    contribution_id: Mapped[UUID] = mapped_column(primary_key=True)
    pairing_id: Mapped[UUID]
    program_id: Mapped[UUID]
    kind: Mapped[str]
    giver_id: Mapped[UUID]
    receiver_id: Mapped[UUID | None]
    code: Mapped[str | None]
    words: Mapped[str]
    result: Mapped[str | None]
    logged_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - how SQLAlchemy reads it


async def find(session: AsyncSession, contribution_id: UUID, *, lock: bool = False) -> Contribution | None:
    """A contribution, or nothing."""
    return await session.get(Contribution, contribution_id, with_for_update=lock or None, populate_existing=lock)


async def list_of(
    session: AsyncSession, pairing_id: UUID, *, kind: str | None, after: UUID | None, limit: int
) -> Sequence[Contribution]:
    """What was done in a relationship, the newest first."""
    query = sa.select(Contribution).where(Contribution.pairing_id == pairing_id)
    if kind is not None:
        query = query.where(Contribution.kind == kind)
    if after is not None:
        query = query.where(Contribution.contribution_id < after)
    return (await session.scalars(query.order_by(Contribution.contribution_id.desc()).limit(limit))).all()


async def numbers_of(session: AsyncSession, pairing_id: UUID) -> dict[str, int]:
    """How much of each kind was done in a relationship."""
    rows = await session.execute(
        sa.select(Contribution.kind, sa.func.count().label("number"))
        .where(Contribution.pairing_id == pairing_id)
        .group_by(Contribution.kind)
    )
    return {row.kind: row.number for row in rows}
