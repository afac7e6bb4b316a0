"""Proposals: times that one member offers and another chooses from."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_scheduling.storage.base import Table


class Proposal(Table):
    """Times to choose from."""

    __tablename__ = "session_proposals"
    proposal_id: Mapped[UUID] = mapped_column(primary_key=True)
    pairing_id: Mapped[UUID]
    program_id: Mapped[UUID]
    proposed_by: Mapped[UUID]
    options: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    way_of_meeting: Mapped[str]
    place: Mapped[str | None]
    state: Mapped[str] = mapped_column(default="open")
    session_id: Mapped[UUID | None] = mapped_column(default=None)
    proposed_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy reads it as it is


async def find(session: AsyncSession, proposal_id: UUID) -> Proposal | None:
    """A proposal."""
    return await session.get(Proposal, proposal_id)


async def lock(session: AsyncSession, proposal_id: UUID) -> Proposal:
    """A proposal as it is now; the caller holds its pairing."""
    return await session.get_one(Proposal, proposal_id, with_for_update=True, populate_existing=True)


async def lock_open(session: AsyncSession, pairing_id: UUID, *, of: UUID | None = None) -> list[Proposal]:
    """What is offered in a pairing, or `of` somebody in it, and nobody answered; the caller holds the pairing."""
    query = (
        sa.select(Proposal)
        .where(Proposal.pairing_id == pairing_id, Proposal.state == "open")
        .order_by(Proposal.proposal_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if of is not None:
        query = query.where(Proposal.proposed_by == of)
    return list(await session.scalars(query))


async def of_pairing(session: AsyncSession, pairing_id: UUID, *, after: UUID | None, limit: int) -> list[Proposal]:
    """A pairing's proposals in the order in which they were made, behind `after`."""
    query = sa.select(Proposal).where(Proposal.pairing_id == pairing_id)
    if after is not None:
        query = query.where(Proposal.proposal_id > after)
    return list(await session.scalars(query.order_by(Proposal.proposal_id).limit(limit)))
