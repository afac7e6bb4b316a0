"""Closing: reflections, and what a relationship has achieved."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_feedback.storage.goals import Goal
from tandem_feedback.storage.relationships import Happening
from tandem_feedback.storage.tables import Table


class Reflection(Table):
    """What a member wrote at the end."""

    __tablename__ = "reflections"

    reflection_id: Mapped[UUID] = mapped_column(primary_key=True)
    pairing_id: Mapped[UUID]
    program_id: Mapped[UUID]
    author_id: Mapped[UUID]
    learned: Mapped[str]
    achieved: Mapped[str]
    advice: Mapped[str]
    shared: Mapped[bool]
    stays_in_touch: Mapped[bool]
    written_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - how SQLAlchemy reads it


@dataclass(frozen=True, slots=True)
class Achieved:
    """What came together in a relationship, in numbers."""

    goals_set: int
    goals_reached: int
    actions_agreed: int
    actions_applied: int
    thanks: int


async def reflections_of(session: AsyncSession, pairing_id: UUID) -> Sequence[Reflection]:
    """What the members wrote at the end."""
    rows = await session.scalars(
        sa.select(Reflection).where(Reflection.pairing_id == pairing_id).order_by(Reflection.reflection_id)
    )
    return rows.all()


async def achieved_in(session: AsyncSession, pairing_id: UUID) -> Achieved:
    """What came together in a relationship, from its events and its goals."""
    states = await session.execute(sa.select(Goal.state).where(Goal.pairing_id == pairing_id))
    goals = [row.state for row in states]
    happened = await session.execute(
        sa.select(Happening.event, sa.func.count(Happening.subject_id.distinct()).label("number"))
        # An action item that was reported as dropped was not applied.
        .where(
            Happening.pairing_id == pairing_id,
            sa.or_(Happening.event != "action_item.applied", Happening.amount > 0),
        )
        .group_by(Happening.event)
    )
    numbers = {row.event: row.number for row in happened}
    return Achieved(
        goals_set=len(goals),
        goals_reached=goals.count("reached"),
        actions_agreed=numbers.get("action_item.agreed", 0),
        actions_applied=numbers.get("action_item.applied", 0),
        thanks=numbers.get("gratitude.sent", 0),
    )
