"""Erasures: what a person wrote or set here is erased, and profiles hears that it is done."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis import idempotency
from tandem_events import dead_letters, outbox
from tandem_events.contracts import PersonState, SchedulingErased
from tandem_scheduling.storage import erasure


async def erase(session: AsyncSession, person_id: UUID) -> None:
    """Erase what is kept of a person. Safe to repeat."""
    await erasure.erase(session, person_id)
    await idempotency.forget_answers_naming(session, person_id)


async def erase_and_confirm(session: AsyncSession, person_id: UUID, *, at: datetime) -> None:
    """Erase what is kept of a person, and confirm it."""
    await erase(session, person_id)
    await dead_letters.forget(session, (PersonState.contract.topic, str(person_id)))
    await outbox.add(session, SchedulingErased(person_id=person_id, occurred_at=at), version=1)
