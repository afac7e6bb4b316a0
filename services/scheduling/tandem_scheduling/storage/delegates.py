"""Delegates: who may book and move sessions for whom."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_scheduling.storage.base import Table


class Delegate(Table):
    """`delegate_id` books for `person_id`, who said so here, or whose profile names them."""

    __tablename__ = "delegates"
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    delegate_id: Mapped[UUID] = mapped_column(primary_key=True)
    granted_at: Mapped[datetime]
    named_in_profile: Mapped[bool] = mapped_column(default=False)


async def find(session: AsyncSession, person_id: UUID, delegate_id: UUID) -> Delegate | None:
    """That somebody books for a person, if they do; the caller holds the person's calendar."""
    return await session.get(Delegate, (person_id, delegate_id), populate_existing=True)


async def named_in_profile(session: AsyncSession, person_id: UUID) -> Delegate | None:
    """Who books for a person because their profile names them."""
    return await session.scalar(sa.select(Delegate).where(Delegate.person_id == person_id, Delegate.named_in_profile))


async def of_person(session: AsyncSession, person_id: UUID) -> list[Delegate]:
    """Who books for a person."""
    rows = await session.scalars(
        sa.select(Delegate).where(Delegate.person_id == person_id).order_by(Delegate.granted_at, Delegate.delegate_id)
    )
    return list(rows)


async def principals_among(session: AsyncSession, delegate_id: UUID, person_ids: Collection[UUID]) -> list[UUID]:
    """For which of these people this delegate books, in order of their ids."""
    rows = await session.scalars(
        sa.select(Delegate.person_id)
        .where(Delegate.delegate_id == delegate_id, Delegate.person_id.in_(list(person_ids)))
        .order_by(Delegate.person_id)
    )
    return list(rows)


async def principal_among(session: AsyncSession, delegate_id: UUID, person_ids: Collection[UUID]) -> UUID | None:
    """For which of these people this delegate books; the first by id, where there are several."""
    return next(iter(await principals_among(session, delegate_id, person_ids)), None)
