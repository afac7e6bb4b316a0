"""Action items: what somebody committed to do."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_scheduling.storage.base import Table
from tandem_scheduling.storage.sessions import sessions_of


class ActionItem(Table):
    """A commitment of one member. Its words never leave this service as an event."""

    __tablename__ = "action_items"
    action_item_id: Mapped[UUID] = mapped_column(primary_key=True)
    session_id: Mapped[UUID]
    pairing_id: Mapped[UUID]
    program_id: Mapped[UUID]
    owner_id: Mapped[UUID]
    words: Mapped[str]
    due_on: Mapped[date | None]
    agreed_at: Mapped[datetime]
    outcome: Mapped[str | None] = mapped_column(default=None)
    outcome_words: Mapped[str | None] = mapped_column(default=None)
    applied_at: Mapped[datetime | None] = mapped_column(default=None)
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy reads it as it is


def add(
    session: AsyncSession,
    action_item_id: UUID,
    *,
    session_id: UUID,
    pairing_id: UUID,
    program_id: UUID,
    owner_id: UUID,
    words: str,
    due_on: date | None,
    agreed_at: datetime,
) -> ActionItem:
    """Keep an action item."""
    item = ActionItem(
        action_item_id=action_item_id,
        session_id=session_id,
        pairing_id=pairing_id,
        program_id=program_id,
        owner_id=owner_id,
        words=words,
        due_on=due_on,
        agreed_at=agreed_at,
    )
    session.add(item)
    return item


async def find(session: AsyncSession, action_item_id: UUID) -> ActionItem | None:
    """An action item."""
    return await session.get(ActionItem, action_item_id)


async def lock(session: AsyncSession, action_item_id: UUID) -> ActionItem:
    """An action item as it is now; the caller holds its pairing."""
    return await session.get_one(ActionItem, action_item_id, with_for_update=True, populate_existing=True)


async def known_to(
    session: AsyncSession, person_id: UUID, pairing_id: UUID, *, after: UUID | None, limit: int
) -> list[ActionItem]:
    """What somebody committed to in a pairing, and others in a session with them, in this order, behind `after`."""
    query = sa.select(ActionItem).where(
        ActionItem.pairing_id == pairing_id,
        sa.or_(ActionItem.owner_id == person_id, ActionItem.session_id.in_(sessions_of(person_id))),
    )
    if after is not None:
        query = query.where(ActionItem.action_item_id > after)
    return list(await session.scalars(query.order_by(ActionItem.action_item_id).limit(limit)))
