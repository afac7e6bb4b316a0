"""Goals: as they are, every revision of them, who acknowledged it, and the progress that was posted."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_feedback.domain.goals import Terms
from tandem_feedback.storage import pending
from tandem_feedback.storage.tables import Table


class Goal(Table):
    """A goal as it is now."""

    __tablename__ = "goals"

    goal_id: Mapped[UUID] = mapped_column(primary_key=True)
    pairing_id: Mapped[UUID]
    program_id: Mapped[UUID]
    owner_id: Mapped[UUID]
    horizon: Mapped[str]
    state: Mapped[str]
    revision: Mapped[int]
    specific: Mapped[str]
    measure: Mapped[str]
    unit: Mapped[str]
    why: Mapped[str]
    strategy: Mapped[str]
    start_value: Mapped[float]
    target_value: Mapped[float]
    current_value: Mapped[float]
    starts_on: Mapped[date]
    due_on: Mapped[date]
    set_at: Mapped[datetime]
    moved_at: Mapped[datetime]
    behind_from: Mapped[datetime | None]
    at_risk_since: Mapped[datetime | None] = mapped_column(default=None)
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - how SQLAlchemy reads it

    @property
    def terms(self) -> Terms:
        """What the goal says now."""
        return Terms(**{name: getattr(self, name) for name in Terms.__dataclass_fields__})


class GoalRevision(Table):
    """What a goal said from a moment on; rows are only ever added."""

    __tablename__ = "goal_revisions"

    goal_id: Mapped[UUID] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    change: Mapped[str]
    reason: Mapped[str]
    author_id: Mapped[UUID]
    written_at: Mapped[datetime]
    specific: Mapped[str]
    measure: Mapped[str]
    unit: Mapped[str]
    why: Mapped[str]
    strategy: Mapped[str]
    start_value: Mapped[float]
    target_value: Mapped[float]
    starts_on: Mapped[date]
    due_on: Mapped[date]


class GoalAcknowledgement(Table):
    """That somebody has read a revision."""

    __tablename__ = "goal_acknowledgements"

    goal_id: Mapped[UUID] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    acknowledged_at: Mapped[datetime]


class GoalProgress(Table):
    """A value that the owner posted."""

    __tablename__ = "goal_progress"

    progress_id: Mapped[UUID] = mapped_column(primary_key=True)
    goal_id: Mapped[UUID]
    author_id: Mapped[UUID]
    value: Mapped[float]
    words: Mapped[str]
    posted_at: Mapped[datetime]


async def find(session: AsyncSession, goal_id: UUID) -> Goal | None:
    """A goal, or nothing."""
    return await session.get(Goal, goal_id)


async def lock(session: AsyncSession, goal_id: UUID) -> Goal | None:
    """A goal as it is now, its row held, or nothing."""
    return await session.get(Goal, goal_id, with_for_update=True, populate_existing=True)


async def list_of(session: AsyncSession, pairing_id: UUID, *, after: UUID | None, limit: int) -> list[Goal]:
    """The goals of a relationship, the newest first."""
    query = sa.select(Goal).where(Goal.pairing_id == pairing_id)
    if after is not None:
        query = query.where(Goal.goal_id < after)
    return list(await session.scalars(query.order_by(Goal.goal_id.desc()).limit(limit)))


async def revisions_of(session: AsyncSession, goal_id: UUID) -> list[GoalRevision]:
    """Every revision, the first one first."""
    rows = await session.scalars(
        sa.select(GoalRevision).where(GoalRevision.goal_id == goal_id).order_by(GoalRevision.revision)
    )
    return list(rows)


async def acknowledgements_of(session: AsyncSession, goal_id: UUID) -> list[GoalAcknowledgement]:
    """Who has read which revision."""
    rows = await session.scalars(
        sa.select(GoalAcknowledgement)
        .where(GoalAcknowledgement.goal_id == goal_id)
        .order_by(GoalAcknowledgement.revision, GoalAcknowledgement.acknowledged_at)
    )
    return list(rows)


async def progress_of(session: AsyncSession, goal_id: UUID, *, limit: int = 200) -> list[GoalProgress]:
    """The latest values posted, the newest first."""
    rows = await session.scalars(
        sa.select(GoalProgress)
        .where(GoalProgress.goal_id == goal_id)
        .order_by(GoalProgress.progress_id.desc())
        .limit(limit)
    )
    return list(rows)


async def acknowledge(session: AsyncSession, goal_id: UUID, revision: int, person_id: UUID, *, at: datetime) -> bool:
    """Note that somebody has read a revision; whether that is new."""
    added = await session.execute(
        insert(GoalAcknowledgement)
        .values(goal_id=goal_id, revision=revision, person_id=person_id, acknowledged_at=at)
        .on_conflict_do_nothing()
        .returning(GoalAcknowledgement.goal_id)
    )
    return added.first() is not None


async def active_of(session: AsyncSession, pairing_ids: Sequence[UUID]) -> dict[UUID, list[Goal]]:
    """The active goals of each of these relationships."""
    rows = await session.scalars(
        sa.select(Goal).where(pending.among(Goal.pairing_id, pairing_ids), Goal.state == "active")
    )
    found: dict[UUID, list[Goal]] = defaultdict(list)
    for goal in rows:
        found[goal.pairing_id].append(goal)
    return found


async def stop_watching(session: AsyncSession, pairing_id: UUID) -> None:
    """No goal of this relationship falls behind any more. Nothing is said of it, so their versions stay."""
    await session.execute(
        sa.update(Goal)
        .where(Goal.pairing_id == pairing_id, Goal.behind_from.is_not(None))
        .values(behind_from=None)
        .execution_options(synchronize_session=False)
    )


async def fallen_behind(session: AsyncSession, *, now: datetime, limit: int) -> list[tuple[UUID, UUID]]:
    """Goals that fell behind time and were not said to be at risk: the ids of goal and relationship.

    They come in the order in which relationships are held everywhere, whichever fell behind first.
    """
    rows = await session.execute(
        sa.select(Goal.goal_id, Goal.pairing_id)
        .where(Goal.state == "active", Goal.at_risk_since.is_(None), Goal.behind_from <= now)
        .order_by(Goal.behind_from)
        .limit(limit)
    )
    return sorted(((row.goal_id, row.pairing_id) for row in rows), key=lambda one: one[1])
