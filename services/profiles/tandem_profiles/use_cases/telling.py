"""Telling: how people and programs are told to the other services once they changed."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events import outbox
from tandem_events.contracts import PersonState, ProgramState
from tandem_profiles.storage import people
from tandem_profiles.storage.programs import Program


async def tell_people(session: AsyncSession, person_ids: Collection[UUID], *, at: datetime) -> None:
    """Say who these people are now. Their rows must be locked by this transaction."""
    if not person_ids:
        return
    rows = await people.states(session, person_ids)
    await outbox.add_many(
        session, [(PersonState.model_validate({**row, "occurred_at": at}), row["version"]) for row in rows]
    )


async def tell_program(session: AsyncSession, program: Program, *, at: datetime) -> None:
    """Say what this program is now. Its row must be locked by this transaction."""
    await session.flush()
    told = {name: getattr(program, name) for name in ProgramState.model_fields if name != "occurred_at"}
    await outbox.add(session, ProgramState.model_validate({**told, "occurred_at": at}), version=program.version)
