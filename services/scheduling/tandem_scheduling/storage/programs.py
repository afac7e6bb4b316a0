"""Programs, as far as scheduling needs them: their policy of meeting."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_scheduling.storage.base import Table


class Program(Table):
    """A program's policy of meeting."""

    __tablename__ = "programs"
    program_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    format: Mapped[str]
    status: Mapped[str]
    meeting_every_days: Mapped[int]
    meeting_minutes: Mapped[int]


async def remember(
    session: AsyncSession,
    program_id: UUID,
    *,
    name: str,
    program_format: str,
    status: str,
    meeting_every_days: int,
    meeting_minutes: int,
) -> None:
    """Keep what a program's policy is now."""
    known = {
        "name": name,
        "format": program_format,
        "status": status,
        "meeting_every_days": meeting_every_days,
        "meeting_minutes": meeting_minutes,
    }
    await session.execute(
        insert(Program)
        .values(program_id=program_id, **known)
        .on_conflict_do_update(index_elements=["program_id"], set_=known)
    )


async def forget(session: AsyncSession, program_id: UUID) -> None:
    """Keep nothing of a program any more."""
    await session.execute(sa.delete(Program).where(Program.program_id == program_id))


async def find(session: AsyncSession, program_id: UUID, *, hold: bool = False) -> Program | None:
    """A program's policy, if it was heard of; with `hold` nobody changes it or its track in this transaction."""
    share = {"read": True} if hold else None
    return await session.get(Program, program_id, with_for_update=share, populate_existing=hold)


async def lock(session: AsyncSession, program_id: UUID) -> Program | None:
    """A program's policy, if it was heard of, locked until the transaction ends: no pairing begins in it meanwhile."""
    return await session.get(Program, program_id, with_for_update=True, populate_existing=True)
