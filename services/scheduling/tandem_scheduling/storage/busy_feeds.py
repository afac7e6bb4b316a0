"""Busy feeds: which calendar of their own somebody lets us follow, and how the last look at it went."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_scheduling.storage.base import Table


class BusyFeed(Table):
    """The address of somebody's own calendar. It is a secret: whoever knows it reads the calendar."""

    __tablename__ = "busy_feeds"
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    address: Mapped[str]
    fetch_at: Mapped[datetime]
    fetched_at: Mapped[datetime | None] = mapped_column(default=None)
    fault: Mapped[str | None] = mapped_column(default=None)
    failures: Mapped[int] = mapped_column(default=0)


async def of_person(session: AsyncSession, person_id: UUID, *, lock: bool = False) -> BusyFeed | None:
    """What somebody lets us follow."""
    return await session.get(BusyFeed, person_id, with_for_update=lock or None, populate_existing=lock)


async def claim(session: AsyncSession, *, now: datetime) -> BusyFeed | None:
    """A calendar that is to be looked at, held by this transaction; other replicas pass over it."""
    query = (
        sa.select(BusyFeed)
        .where(BusyFeed.fetch_at <= now)
        .order_by(BusyFeed.fetch_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return await session.scalar(query)
