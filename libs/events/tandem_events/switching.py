"""Switching: a replay puts new tables in the place of old ones in a moment in which no event takes effect."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

HANDLING_LOCK = 0x7A6DE303
"""Held shared while events take effect, and alone by a replay for the moment in which it switches tables."""


async def hold_off_a_switch(session: AsyncSession) -> None:
    """From here until this transaction ends no replay switches tables. Waits for one that is switching them."""
    await session.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(HANDLING_LOCK)))
