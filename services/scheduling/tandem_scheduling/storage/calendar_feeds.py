"""Calendar feeds: private addresses, of which only a digest is kept."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_scheduling.storage.base import Table


class CalendarFeed(Table):
    """That a person has a feed. Whoever knows what `digest` is of may read it."""

    __tablename__ = "calendar_feeds"
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    digest: Mapped[bytes]
    made_at: Mapped[datetime]


async def replace(session: AsyncSession, person_id: UUID, *, digest: bytes, made_at: datetime) -> None:
    """Give a person a feed; an earlier address no longer works."""
    values = {"digest": digest, "made_at": made_at}
    await session.execute(
        insert(CalendarFeed)
        .values(person_id=person_id, **values)
        .on_conflict_do_update(index_elements=["person_id"], set_=values)
    )


async def revoke(session: AsyncSession, person_id: UUID) -> bool:
    """Take a person's feed away; false where there is none."""
    deleted = await session.execute(
        sa.delete(CalendarFeed).where(CalendarFeed.person_id == person_id).returning(CalendarFeed.person_id)
    )
    return deleted.first() is not None


async def owner(session: AsyncSession, digest: bytes) -> UUID | None:
    """Whose feed has this address."""
    return await session.scalar(sa.select(CalendarFeed.person_id).where(CalendarFeed.digest == digest))
