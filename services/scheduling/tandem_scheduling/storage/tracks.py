"""Tracks: a program's modules, and the steps of each of its pairs."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_scheduling.storage.base import Table
from tandem_scheduling.storage.pairings import Pairing


class Track(Table):
    """That a program has a track; its row is the lock of its modules."""

    __tablename__ = "tracks"
    program_id: Mapped[UUID] = mapped_column(primary_key=True)
    from_program: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column()


class Module(Table):
    """A module of a program's track. One that was taken out is no longer `current`; pairs that did it keep it."""

    __tablename__ = "modules"
    program_id: Mapped[UUID] = mapped_column(primary_key=True)
    module_id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]
    title: Mapped[str]
    purpose: Mapped[str]
    prompts: Mapped[list[str]] = mapped_column(JSONB)
    agenda: Mapped[list[str]] = mapped_column(JSONB)
    reading: Mapped[list[str]] = mapped_column(JSONB)
    due_after_days: Mapped[int | None]
    due_after_sessions: Mapped[int | None]
    current: Mapped[bool]


class Step(Table):
    """A module in one relationship."""

    __tablename__ = "steps"
    step_id: Mapped[UUID] = mapped_column(primary_key=True)
    pairing_id: Mapped[UUID]
    program_id: Mapped[UUID]
    module_id: Mapped[str]
    position: Mapped[int]
    state: Mapped[str]
    due_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None] = mapped_column(default=None)
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy reads it as it is


async def track(session: AsyncSession, program_id: UUID, *, lock: bool = False) -> Track | None:
    """A program's track, if one was set."""
    return await session.get(Track, program_id, with_for_update=lock or None, populate_existing=lock)


async def modules(session: AsyncSession, program_id: UUID) -> list[Module]:
    """The modules of a program's track, in order."""
    query = sa.select(Module).where(Module.program_id == program_id, Module.current).order_by(Module.position)
    return list(await session.scalars(query))


async def every_module(session: AsyncSession, program_id: UUID) -> dict[str, Module]:
    """Every module that a program's track ever had, by its id."""
    rows = await session.scalars(sa.select(Module).where(Module.program_id == program_id))
    return {one.module_id: one for one in rows}


async def module_of(session: AsyncSession, step: Step) -> Module:
    """The module that a step is about."""
    return await session.get_one(Module, (step.program_id, step.module_id))


_PLAN = """
    INSERT INTO steps (step_id, pairing_id, program_id, module_id, position, state, due_at, version)
    SELECT gen_random_uuid(), p.pairing_id, p.program_id, m.module_id, m.position, 'ahead',
           CASE WHEN m.due_after_days IS NOT NULL THEN p.created_at + m.due_after_days * interval '1 day'
                WHEN m.due_after_sessions <= p.completed_sessions THEN CAST(:now AS timestamptz) END, 1
    FROM pairings AS p JOIN modules AS m ON m.program_id = p.program_id AND m.current
    WHERE p.ended_at IS NULL AND {which}
    ON CONFLICT (pairing_id, module_id) DO UPDATE
        SET position = excluded.position, due_at = excluded.due_at, state = 'ahead', version = steps.version + 1
        WHERE steps.state IN ('ahead', 'dropped')
"""


async def plan_for_pairing(session: AsyncSession, pairing_id: UUID, *, now: datetime) -> None:
    """Give a new pairing the steps of its program's track."""
    await session.execute(sa.text(_PLAN.format(which="p.pairing_id = :id")), {"id": pairing_id, "now": now})


async def plan_for_program(session: AsyncSession, program_id: UUID, *, now: datetime) -> None:
    """Give every ongoing pairing of a program the steps of its track as it is now; what is done or due stays."""
    await session.flush()
    await session.execute(
        sa.text(
            """
            UPDATE steps SET state = 'dropped', version = version + 1
            WHERE program_id = :id AND state = 'ahead'
              AND module_id NOT IN (SELECT module_id FROM modules WHERE program_id = :id AND current)
            """
        ),
        {"id": program_id},
    )
    await session.execute(sa.text(_PLAN.format(which="p.program_id = :id")), {"id": program_id, "now": now})


async def fall_due_after(session: AsyncSession, pairing: Pairing, *, now: datetime) -> None:
    """Let the steps fall due that wait for as many sessions as the pairing has completed; the caller holds it."""
    await session.execute(
        sa.text(
            """
            UPDATE steps SET due_at = :now, version = steps.version + 1 FROM modules AS m
            WHERE (m.program_id, m.module_id) = (steps.program_id, steps.module_id)
              AND steps.pairing_id = :id AND steps.state = 'ahead'
              AND steps.due_at IS NULL AND m.due_after_sessions <= :completed
            """
        ),
        {"id": pairing.pairing_id, "completed": pairing.completed_sessions, "now": now},
    )


async def drop_of_pairing(session: AsyncSession, pairing_id: UUID) -> None:
    """Nothing more is ahead for a pairing that has ended."""
    await session.execute(
        sa.update(Step)
        .where(Step.pairing_id == pairing_id, Step.state.in_(["ahead", "due"]))
        .values(state="dropped", version=Step.version + 1)
        .execution_options(synchronize_session=False)
    )


async def steps_of(session: AsyncSession, pairing_id: UUID) -> list[tuple[Step, Module]]:
    """A pairing's steps with their modules: what was done, then the rest in order, without what was taken out."""
    rows = await session.execute(
        sa.select(Step, Module)
        .join(Module, sa.and_(Module.program_id == Step.program_id, Module.module_id == Step.module_id))
        .where(Step.pairing_id == pairing_id, Step.state != "dropped")
        .order_by(Step.state != "done", Step.position, Step.step_id)
    )
    return [(row[0], row[1]) for row in rows]


async def step(session: AsyncSession, step_id: UUID) -> Step | None:
    """A step."""
    return await session.get(Step, step_id)


async def lock_step(session: AsyncSession, step_id: UUID) -> Step:
    """A step as it is now; the caller holds its pairing."""
    return await session.get_one(Step, step_id, with_for_update=True, populate_existing=True)


async def claim_due(session: AsyncSession, *, now: datetime, limit: int) -> list[tuple[Step, Pairing]]:
    """Steps that have fallen due, with their pairings, held by this transaction; other replicas pass over them."""
    rows = await session.execute(
        sa.select(Step, Pairing)
        .join(Pairing, Pairing.pairing_id == Step.pairing_id)
        .where(Step.state == "ahead", Step.due_at <= now)
        .order_by(Step.due_at, Step.step_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return [(row[0], row[1]) for row in rows]


async def retire(session: AsyncSession, program_id: UUID, *, but: Collection[str]) -> None:
    """Take out of the track what is not named."""
    await session.execute(
        sa.update(Module)
        .where(Module.program_id == program_id, Module.module_id.not_in(list(but)))
        .values(current=False)
        .execution_options(synchronize_session=False)
    )
