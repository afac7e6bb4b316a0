"""Health: the weights that each program gives to what it is computed from."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_feedback.storage import pending
from tandem_feedback.storage.relationships import Relationship
from tandem_feedback.storage.tables import Table


class HealthPolicy(Table):
    """A program's own weights."""

    __tablename__ = "health_policies"

    program_id: Mapped[UUID] = mapped_column(primary_key=True)
    weights: Mapped[dict[str, Any]]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - how SQLAlchemy reads it


async def find_policy(session: AsyncSession, program_id: UUID, *, lock: bool = False) -> HealthPolicy | None:
    """A program's own weights, or nothing where it uses the usual ones."""
    return await session.get(HealthPolicy, program_id, with_for_update=lock or None)


async def find_policies(session: AsyncSession, program_ids: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """The weights of those of these programs that have their own."""
    rows = await session.execute(
        sa.select(HealthPolicy.program_id, HealthPolicy.weights).where(
            pending.among(HealthPolicy.program_id, program_ids)
        )
    )
    return {row.program_id: row.weights for row in rows}


async def assess_program_from(session: AsyncSession, program_id: UUID, at: datetime) -> None:
    """Have the health of all active relationships of a program computed again."""
    await session.execute(
        sa.update(Relationship)
        .where(Relationship.program_id == program_id, Relationship.status == "active")
        .values(health_due_at=sa.func.least(Relationship.health_due_at, at), version=Relationship.version + 1)
        .execution_options(synchronize_session=False)
    )
