"""What is done when time passes: lapses, modules and reminders are said, in this order."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_scheduling.storage import due
from tandem_scheduling.use_cases.cadence import say_lapsed
from tandem_scheduling.use_cases.reminders import say_due
from tandem_scheduling.use_cases.tracks import say_modules_due

TURNS: tuple[Callable[..., Awaitable[int]], ...] = (say_lapsed, say_modules_due, say_due)
"""What lapses or falls due is reminded of in the same round, so reminders come last. Each is a transaction."""


async def reminders_due(session: AsyncSession, *, now: datetime) -> tuple[int, datetime | None]:
    """For how many people a reminder is due and not said, and since when (UTC)."""
    return await due.reminders(session, now=now)


async def anything_due(session: AsyncSession, *, now: datetime) -> bool:
    """Whether a round would find anything to say."""
    return await due.anything(session, now=now)
