"""Agendas: what each side wants to talk about in a session."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_scheduling.storage.base import Table


class AgendaItem(Table):
    """Something to talk about. Its words never leave this service as an event."""

    __tablename__ = "agenda_items"
    agenda_item_id: Mapped[UUID] = mapped_column(primary_key=True)
    session_id: Mapped[UUID]
    pairing_id: Mapped[UUID]
    author_id: Mapped[UUID]
    words: Mapped[str]
    state: Mapped[str] = mapped_column(default="open")
    written_at: Mapped[datetime]
    carried_from: Mapped[UUID | None] = mapped_column(default=None)
    carried: Mapped[bool] = mapped_column(default=False)


def add(
    session: AsyncSession,
    agenda_item_id: UUID,
    *,
    session_id: UUID,
    pairing_id: UUID,
    author_id: UUID,
    words: str,
    written_at: datetime,
    carried_from: UUID | None = None,
) -> AgendaItem:
    """Keep an item."""
    item = AgendaItem(
        agenda_item_id=agenda_item_id,
        session_id=session_id,
        pairing_id=pairing_id,
        author_id=author_id,
        words=words,
        state="open",
        written_at=written_at,
        carried_from=carried_from,
        carried=False,
    )
    session.add(item)
    return item


async def of_session(session: AsyncSession, session_id: UUID) -> list[AgendaItem]:
    """A session's agenda, in the order in which it was written."""
    return await of_sessions(session, [session_id])


async def of_sessions(session: AsyncSession, session_ids: Collection[UUID]) -> list[AgendaItem]:
    """The agendas of these sessions, in the order in which they were written."""
    rows = await session.scalars(
        sa.select(AgendaItem).where(AgendaItem.session_id.in_(list(session_ids))).order_by(AgendaItem.agenda_item_id)
    )
    return list(rows)


async def waiting(session: AsyncSession, pairing_id: UUID) -> list[AgendaItem]:
    """What was not got to in a pairing's sessions, and stands on no later agenda yet."""
    rows = await session.scalars(
        sa.select(AgendaItem)
        .where(AgendaItem.pairing_id == pairing_id, AgendaItem.state == "carried_over", sa.not_(AgendaItem.carried))
        .order_by(AgendaItem.agenda_item_id)
    )
    return list(rows)
