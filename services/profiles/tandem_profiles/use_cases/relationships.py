"""Relationships: remembered as matching tells them, because they decide who may see what."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_profiles.storage import erasures, pairings


async def keep(
    session: AsyncSession, pairing_id: UUID, program_id: UUID, members: Collection[tuple[UUID, str]], *, active: bool
) -> None:
    """Remember a relationship as it is now. Whoever was erased stays so, also when the topic is read again."""
    present = [(one, role) for one, role in members if await erasures.find(session, one) is None]
    if present:
        await pairings.keep(session, pairing_id, program_id, present, active=active)


async def forget(session: AsyncSession, pairing_id: UUID) -> None:
    """Forget a relationship."""
    await pairings.forget(session, pairing_id)


async def forget_who_is_gone(session: AsyncSession) -> None:
    """Forget the relationships of everybody who was erased or merged into another record, whatever was said of them."""
    await pairings.forget_who_is_gone(session)
