"""Background work: what becomes due by itself."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Protocol

import structlog
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events.database import DATABASE_AWAY
from tandem_profiles.use_cases import decisions, people

log = structlog.get_logger(__name__)

BATCH = 500


class TakesUp(Protocol):
    """Takes up at most `limit` of what is due; the answer is how many."""

    def __call__(self, session: AsyncSession, /, *, at: datetime, limit: int) -> Awaitable[int]:
        """Safe in several replicas at once."""


async def let_those_due_depart(app: FastAPI) -> None:
    """Let people depart when their last day comes, for as long as the service runs. Safe in several replicas."""
    await _whenever_due(app, people.let_those_due_depart, log_as="departures_took_effect")


async def let_those_due_resume(app: FastAPI) -> None:
    """End pauses when their day comes, for as long as the service runs. Safe in several replicas."""
    await _whenever_due(app, decisions.let_those_due_resume, log_as="pauses_ended")


async def let_those_waiting_in(app: FastAPI) -> None:
    """Let people in where room came about, for as long as the service runs. Safe in several replicas."""
    await _whenever_due(app, decisions.let_those_waiting_in, log_as="waiting_let_in")


async def _whenever_due(app: FastAPI, take_up: TakesUp, *, log_as: str) -> None:
    every = app.state.settings.due_check_seconds
    taken = 0
    while not _cancelled():
        if taken < BATCH:
            await asyncio.sleep(every)
        taken = 0
        # The database may be away for a while: whoever is due then is still due later.
        with suppress(*DATABASE_AWAY):
            async with app.state.database.transaction() as session:
                taken = await take_up(session, at=app.state.clock(), limit=BATCH)
        if taken:
            log.info(log_as, people=taken)


def _cancelled() -> bool:
    """Whether this task was told to end; a driver may have turned that into a timeout of its own on the way."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


TASKS: tuple[Callable[[FastAPI], Awaitable[None]], ...] = (
    let_those_due_depart,
    let_those_due_resume,
    let_those_waiting_in,
)
