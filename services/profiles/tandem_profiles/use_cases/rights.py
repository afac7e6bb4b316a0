"""Rights: who may see and change what. They come with the caller's token, or were granted here."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis.auth import Caller
from tandem_profiles.storage import programs


async def manages(session: AsyncSession, caller: Caller, program_id: UUID) -> bool:
    """Whether this caller may see and change everything of a program."""
    if caller.manages(program_id):
        return True
    return caller.person_id is not None and await programs.manages(session, program_id, caller.person_id)


async def require_manager(session: AsyncSession, caller: Caller, program_id: UUID) -> None:
    """Let only managers of the program on. Whether there is such a program at all stays unsaid to others.

    Raises:
        NotYourProgram: the caller does not manage it.
    """
    if not await manages(session, caller, program_id):
        caller.require_manager(program_id)


async def managed_programs(session: AsyncSession, caller: Caller) -> set[UUID]:
    """The ids of the programs that this caller manages, as an administrator only those named or granted."""
    granted = await programs.managed_by(session, caller.person_id) if caller.person_id is not None else set()
    return granted | caller.programs
