"""Programs, as far as feedback follows their policies."""

from collections.abc import Iterable
from datetime import date
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_feedback.storage import pending
from tandem_feedback.storage.pending import Pending
from tandem_feedback.storage.tables import Table


class Program(Table):
    """A program as `tandem.programs` tells of it."""

    __tablename__ = "programs"

    program_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    format: Mapped[str]
    status: Mapped[str]
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    meeting_every_days: Mapped[int]
    meeting_minutes: Mapped[int]
    feedback_every_sessions: Mapped[int]


async def keep(session: AsyncSession, **values: Any) -> None:
    """Remember a program as it is now."""
    statement = insert(Program).values(**values)
    changed = {name: statement.excluded[name] for name in values if name != "program_id"}
    await session.execute(statement.on_conflict_do_update(index_elements=[Program.program_id], set_=changed))
    if (batch := pending.of(session)) is not None:
        batch.programs.pop(values["program_id"], None)


async def find(session: AsyncSession, program_id: UUID, *, lock: bool = False) -> Program | None:
    """A program, its row held where `lock` says so, or nothing."""
    batch = pending.of(session)
    if batch is not None and program_id in batch.programs:
        return cast("Program", batch.programs[program_id])
    # What was read before may have been kept anew since, in the same transaction.
    program = await session.get(Program, program_id, with_for_update=lock or None, populate_existing=True)
    if batch is not None and program is not None:
        batch.programs[program_id] = program
    return program


async def hold_all(session: AsyncSession, batch: Pending, program_ids: Iterable[UUID]) -> None:
    """Read these programs for a batch."""
    if ids := set(program_ids):
        batch.programs.update(await find_all(session, ids))


async def find_all(session: AsyncSession, program_ids: Iterable[UUID]) -> dict[UUID, Program]:
    """Several programs by id."""
    rows = await session.scalars(sa.select(Program).where(pending.among(Program.program_id, program_ids)))
    return {program.program_id: program for program in rows}


async def all_ids(session: AsyncSession) -> list[UUID]:
    """The ids of all programs that were ever heard of."""
    return list(await session.scalars(sa.select(Program.program_id).order_by(Program.program_id)))
