"""What is due at all: one question that costs next to nothing, asked while there is nothing to do."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

_QUESTION = sa.text(
    """
    SELECT EXISTS (SELECT FROM pairings WHERE lapses_at <= :now AND ended_at IS NULL AND lapsed_at IS NULL)
        OR EXISTS (SELECT FROM steps WHERE due_at <= :now AND state = 'ahead')
        OR EXISTS (SELECT FROM reminder_recipients WHERE next_due_at <= :now)
    """
)


_REMINDERS = sa.text("SELECT count(*), min(next_due_at) FROM reminder_recipients WHERE next_due_at <= :now")


async def reminders(session: AsyncSession, *, now: datetime) -> tuple[int, datetime | None]:
    """For how many people a reminder is due and not said, and since when (UTC)."""
    number, since = (await session.execute(_REMINDERS, {"now": now})).one()
    return number, since


async def anything(session: AsyncSession, *, now: datetime) -> bool:
    """Whether a cadence has lapsed, a module has fallen due, or a reminder is to be said."""
    return bool(await session.scalar(_QUESTION, {"now": now}))
