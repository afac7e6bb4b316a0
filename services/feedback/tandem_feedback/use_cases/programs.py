"""Programs: remembering their policies."""

from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis.auth import Caller, NotYourProgram
from tandem_chassis.errors import NotFound
from tandem_feedback.storage import programs
from tandem_feedback.storage.programs import Program


class NoSuchProgram(NotFound):
    """It was never heard of."""


async def managed(session: AsyncSession, caller: Caller, program_id: UUID, *, lock: bool = False) -> Program:
    """A program that this caller manages.

    Raises:
        NotYourProgram: the caller does not manage it.
        NoSuchProgram: it was never heard of.
    """
    caller.require_manager(program_id)
    program = await programs.find(session, program_id, lock=lock)
    if program is None:
        raise NoSuchProgram("There is no such program: look at the list of programs for the right id.")
    return program


async def addressed_as_manager(session: AsyncSession, caller: Caller, program_id: UUID) -> Program:
    """A program whose managers this caller is one of: what participants write to them is not for administrators.

    Raises:
        NotYourProgram: the caller is none of them.
        NoSuchProgram: it was never heard of.
    """
    if program_id not in caller.programs:
        raise NotYourProgram("What participants write to a program is for its managers only.")
    return await managed(session, caller, program_id)


async def remember(
    session: AsyncSession,
    program_id: UUID,
    *,
    name: str,
    format: str,  # noqa: A002 - the field's name everywhere
    status: str,
    starts_on: date | None,
    ends_on: date | None,
    meeting_every_days: int,
    meeting_minutes: int,
    feedback_every_sessions: int,
) -> None:
    """Keep the policies of a program as they are now."""
    await programs.keep(
        session,
        program_id=program_id,
        name=name,
        format=format,
        status=status,
        starts_on=starts_on,
        ends_on=ends_on,
        meeting_every_days=meeting_every_days,
        meeting_minutes=meeting_minutes,
        feedback_every_sessions=feedback_every_sessions,
    )
