"""Match runs that are asked for and not ended: one question for the metrics."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_matching.storage.tables import MatchRun


async def waiting(session: AsyncSession) -> tuple[int, datetime | None]:
    """How many runs are asked for and not ended, and when the first of them was asked for (UTC)."""
    unended = MatchRun.state.in_(("queued", "running"))
    found = await session.execute(sa.select(sa.func.count(), sa.func.min(MatchRun.requested_at)).where(unended))
    number, oldest = found.one()
    return number, oldest
