"""Cadence: programs' policies of meeting, touchpoints, and the pairings that did not meet in time."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_scheduling.storage.base import Table
from tandem_scheduling.storage.pairings import Pairing

DEFAULT_GRACE_DAYS = 2


class MeetingPolicy(Table):
    """What a program's manager set about meeting."""

    __tablename__ = "meeting_policies"
    program_id: Mapped[UUID] = mapped_column(primary_key=True)
    touchpoints_count: Mapped[bool] = mapped_column(default=False)
    grace_days: Mapped[int] = mapped_column(default=DEFAULT_GRACE_DAYS)
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy reads it as it is


class Touchpoint(Table):
    """That members were in touch outside a session."""

    __tablename__ = "touchpoints"
    touchpoint_id: Mapped[UUID] = mapped_column(primary_key=True)
    pairing_id: Mapped[UUID]
    person_id: Mapped[UUID]
    channel: Mapped[str]
    happened_at: Mapped[datetime]
    counts_as_meeting: Mapped[bool]


async def policy(session: AsyncSession, program_id: UUID, *, lock: bool = False) -> MeetingPolicy | None:
    """What a program's manager set, if they set anything."""
    return await session.get(MeetingPolicy, program_id, with_for_update=lock or None, populate_existing=lock)


async def touchpoints_of(
    session: AsyncSession, pairing_id: UUID, *, after: UUID | None, limit: int
) -> list[Touchpoint]:
    """A pairing's touchpoints in the order in which they were logged, behind `after`."""
    query = sa.select(Touchpoint).where(Touchpoint.pairing_id == pairing_id)
    if after is not None:
        query = query.where(Touchpoint.touchpoint_id > after)
    return list(await session.scalars(query.order_by(Touchpoint.touchpoint_id).limit(limit)))


async def claim_lapsed(session: AsyncSession, *, now: datetime, limit: int) -> list[Pairing]:
    """Ongoing pairings that did not meet in time, held by this transaction; other replicas pass over them."""
    query = (
        sa.select(Pairing)
        .where(Pairing.ended_at.is_(None), Pairing.lapsed_at.is_(None), Pairing.lapses_at <= now)
        .order_by(Pairing.lapses_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return list(await session.scalars(query))
