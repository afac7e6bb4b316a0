"""Series: sessions that recur, with what they were made from."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_scheduling.storage.base import Table


class Series(Table):
    """A recurring session. `local_start` is the wall clock of `time_zone`."""

    __tablename__ = "series"
    series_id: Mapped[UUID] = mapped_column(primary_key=True)
    pairing_id: Mapped[UUID]
    program_id: Mapped[UUID]
    local_start: Mapped[datetime] = mapped_column(sa.DateTime(timezone=False))
    minutes: Mapped[int]
    time_zone: Mapped[str]
    recurrence: Mapped[dict[str, Any]]
    way_of_meeting: Mapped[str]
    place: Mapped[str | None]
    organizer_id: Mapped[UUID]
    cancelled_at: Mapped[datetime | None] = mapped_column(default=None)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    sequence: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy reads it as it is


async def find(session: AsyncSession, series_id: UUID) -> Series | None:
    """A series."""
    return await session.get(Series, series_id)


async def lock(session: AsyncSession, series_id: UUID) -> Series:
    """A series as it is now; the caller holds its pairing."""
    return await session.get_one(Series, series_id, with_for_update=True, populate_existing=True)


async def lock_of_pairing(session: AsyncSession, pairing_id: UUID) -> list[Series]:
    """A pairing's series that were not cancelled, as they are now; the caller holds the pairing."""
    query = (
        sa.select(Series)
        .where(Series.pairing_id == pairing_id, Series.cancelled_at.is_(None))
        .order_by(Series.series_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(await session.scalars(query))


async def of_ids(session: AsyncSession, series_ids: Collection[UUID]) -> list[Series]:
    """These series, in order of their ids."""
    rows = await session.scalars(
        sa.select(Series).where(Series.series_id.in_(list(series_ids))).order_by(Series.series_id)
    )
    return list(rows)
