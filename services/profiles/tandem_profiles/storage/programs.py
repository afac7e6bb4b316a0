"""Programs: their table and its queries."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_profiles.storage.table import Table


class Program(Table):
    """What an organisation runs, for whom, until when."""

    __tablename__ = "programs"

    program_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column()
    name: Mapped[str]
    objective: Mapped[str]
    format: Mapped[str]
    status: Mapped[str]
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    manager_ids: Mapped[list[UUID]] = mapped_column(ARRAY(sa.Uuid))
    meeting_every_days: Mapped[int]
    meeting_minutes: Mapped[int]
    feedback_every_sessions: Mapped[int]
    matching: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sign_up_mapping: Mapped[dict[str, Any]] = mapped_column(JSONB)
    opens_on: Mapped[date | None]
    closes_on: Mapped[date | None]
    most_mentees: Mapped[int | None]
    most_mentors: Mapped[int | None]
    capacity: Mapped[int | None]
    approval: Mapped[str]
    audience: Mapped[dict[str, Any]] = mapped_column(JSONB)
    tracks: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    questions: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    copied_from: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy reads it once


async def find(session: AsyncSession, program_id: UUID, *, lock: bool = False) -> Program | None:
    """The program of this id, its row locked where it is to be changed."""
    return await session.get(Program, program_id, with_for_update=lock or None)


async def questions_of(session: AsyncSession, program_ids: Collection[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """What the sign-up forms of these programs ask, by program."""
    found = sa.select(Program.program_id, Program.questions).where(Program.program_id.in_(program_ids))
    return {row[0]: row[1] for row in await session.execute(found)}


async def find_for_enrolling(session: AsyncSession, program_id: UUID, *, counting: bool = False) -> Program | None:
    """The program of this id; it stays as it is until this transaction ends.

    Where this transaction may give somebody the last place (`counting`, or a program with a capacity approves by
    itself), no other does so meanwhile.
    """
    wanted = sa.select(Program).where(Program.program_id == program_id).execution_options(populate_existing=True)
    gives_places = sa.true() if counting else sa.and_(Program.approval == "automatic", Program.capacity.is_not(None))
    program: Program | None = await session.scalar(wanted.where(gives_places).with_for_update(key_share=True))
    return program if program is not None else await session.scalar(wanted.with_for_update(read=True))


async def lock_with_room(session: AsyncSession, *, limit: int) -> Sequence[Program]:
    """Programs that have room for people who wait for it, locked; those that another has in hand are left out."""
    counted = sa.text(
        "capacity IS NOT NULL AND status IN ('draft', 'open', 'running') AND EXISTS ("
        "SELECT FROM enrollments AS e WHERE e.program_id = programs.program_id AND e.status = 'waitlisted' "
        "AND e.reason = 'program_full') AND capacity > ("
        "SELECT count(*) FROM enrollments AS e WHERE e.program_id = programs.program_id "
        "AND e.status IN ('approved', 'paused'))"
    )
    found = sa.select(Program).where(counted).order_by(Program.program_id).limit(limit)
    return (await session.scalars(found.with_for_update(key_share=True, skip_locked=True))).all()


async def manages(session: AsyncSession, program_id: UUID, person_id: UUID) -> bool:
    """Whether this person was made a manager of this program."""
    found = sa.select(Program.program_id).where(
        Program.program_id == program_id, Program.manager_ids.contains([person_id])
    )
    return await session.scalar(found) is not None


async def managed_by(session: AsyncSession, person_id: UUID) -> set[UUID]:
    """The programs of which this person was made a manager."""
    found = sa.select(Program.program_id).where(Program.manager_ids.contains([person_id]))
    return set(await session.scalars(found))


async def lock_managed_by(session: AsyncSession, person_id: UUID) -> Sequence[Program]:
    """The programs of which this person was made a manager, their rows locked in one order."""
    found = sa.select(Program).where(Program.manager_ids.contains([person_id])).order_by(Program.program_id)
    return (await session.scalars(found.with_for_update())).all()


async def page(
    session: AsyncSession, *, among: Collection[UUID] | None, after: UUID | None, limit: int
) -> Sequence[Program]:
    """Programs in the order in which they were created: all, or those `among` these ids."""
    found = sa.select(Program).order_by(Program.program_id).limit(limit)
    if among is not None:
        found = found.where(Program.program_id.in_(among))
    if after is not None:
        found = found.where(Program.program_id > after)
    return (await session.scalars(found)).all()


async def open_page(
    session: AsyncSession, *, to: Mapping[str, Any] | None, today: date, after: UUID | None, limit: int
) -> Sequence[Program]:
    """Programs that take applications on this day, in the order in which they were created.

    With `to`, only those whose audience this person (unit, location and level) belongs to.
    """
    found = (
        sa.select(Program)
        .where(
            Program.status == "open",
            sa.or_(Program.opens_on.is_(None), Program.opens_on <= today),
            sa.or_(Program.closes_on.is_(None), Program.closes_on >= today),
        )
        .order_by(Program.program_id)
        .limit(limit)
    )
    if to is not None:
        found = found.where(*_whose_audience_holds(to))
    if after is not None:
        found = found.where(Program.program_id > after)
    return (await session.scalars(found)).all()


def _whose_audience_holds(person: Mapping[str, Any]) -> Iterator[sa.ColumnElement[bool]]:
    """As `domain.enrollments.require_in_audience` decides; a test holds both to the same."""
    for name, own in (("units", person["unit"]), ("locations", person["location"])):
        wanted = sa.func.coalesce(Program.audience[name], sa.text("'[]'::jsonb"))
        yield sa.or_(sa.func.jsonb_array_length(wanted) == 0, wanted.contains([own]))
    lowest, highest = (Program.audience[name].as_integer() for name in ("lowest_level", "highest_level"))
    level = sa.literal(person["level"], sa.Integer)
    yield sa.or_(lowest.is_(None), sa.func.coalesce(level >= lowest, sa.false()))
    yield sa.or_(highest.is_(None), sa.func.coalesce(level <= highest, sa.false()))
