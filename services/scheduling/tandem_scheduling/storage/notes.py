"""Notes: what members write down for themselves or for each other. They are never said as events."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_scheduling.storage.base import Table
from tandem_scheduling.storage.sessions import sessions_of


class Note(Table):
    """Words of one member: `mine` are for their author alone, `ours` for every member, or a session's."""

    __tablename__ = "notes"
    note_id: Mapped[UUID] = mapped_column(primary_key=True)
    pairing_id: Mapped[UUID]
    session_id: Mapped[UUID | None]
    author_id: Mapped[UUID]
    visibility: Mapped[str]
    words: Mapped[str]
    written_at: Mapped[datetime]


async def readable(
    session: AsyncSession, pairing_id: UUID, *, reader_id: UUID, after: UUID | None, limit: int
) -> list[Note]:
    """The notes of a pairing that this member may read, in the order in which they were written, behind `after`."""
    query = sa.select(Note).where(
        Note.pairing_id == pairing_id,
        sa.or_(
            Note.author_id == reader_id,
            sa.and_(
                Note.visibility == "ours",
                sa.or_(Note.session_id.is_(None), Note.session_id.in_(sessions_of(reader_id))),
            ),
        ),
    )
    if after is not None:
        query = query.where(Note.note_id > after)
    return list(await session.scalars(query.order_by(Note.note_id).limit(limit)))
