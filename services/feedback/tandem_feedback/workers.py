"""What this service does by itself, beside requests and events."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

import structlog
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.exc import StaleDataError

from tandem_chassis.database import Database
from tandem_events.database import DATABASE_AWAY
from tandem_feedback.settings import Settings
from tandem_feedback.use_cases import goals, health, outcomes, recognition, reports, rounds
from tandem_feedback.use_cases.reports import WholeReport

log = structlog.get_logger(__name__)

PAUSE_WHEN_AWAY_SECONDS = 1.0
BATCH = 200


Step = Callable[[AsyncSession, datetime], Awaitable[int]]
"""Takes what is due, in one transaction; the answer is how much it was."""


async def keep_health_current(app: FastAPI) -> None:
    """Compute the health of relationships within a moment of what changes it, until cancelled.

    Safe in several replicas: each takes relationships that no other holds.
    """
    settings: Settings = app.state.settings
    limit = settings.health_batch_relationships

    async def step(session: AsyncSession, now: datetime) -> int:
        return await health.assess_due(session, now=now, limit=limit)

    await _repeat(app, step, full=limit, pause_seconds=settings.health_poll_milliseconds / 1000)


async def watch_goals(app: FastAPI) -> None:
    """Say which goals fell behind time, until cancelled."""
    settings: Settings = app.state.settings

    async def step(session: AsyncSession, now: datetime) -> int:
        return await goals.notice_fallen_behind(session, now=now, limit=BATCH)

    await _repeat(app, step, full=BATCH, pause_seconds=settings.timers_poll_seconds)


async def remind_of_feedback(app: FastAPI) -> None:
    """Remind of requests for feedback that are still open, until cancelled."""
    settings: Settings = app.state.settings

    async def step(session: AsyncSession, now: datetime) -> int:
        return await rounds.remind(session, now=now, limit=BATCH)

    await _repeat(app, step, full=BATCH, pause_seconds=settings.timers_poll_seconds)


async def recognise_mentors(app: FastAPI) -> None:
    """Award mentors for what they did, until cancelled."""
    settings: Settings = app.state.settings

    async def step(session: AsyncSession, now: datetime) -> int:
        return await recognition.award_due(session, now=now, limit=BATCH)

    await _repeat(app, step, full=1, pause_seconds=settings.timers_poll_seconds)


async def count_satisfaction(app: FastAPI) -> None:
    """Count ratings that were meant for programs, until cancelled."""
    settings: Settings = app.state.settings

    async def step(session: AsyncSession, now: datetime) -> int:
        await reports.count_ratings(session, now=now)
        return 0

    await _repeat(app, step, full=1, pause_seconds=settings.timers_poll_seconds)


async def count_programs(app: FastAPI) -> None:
    """Count every program's report every few minutes, so that all need only be added up; until cancelled.

    Each in a transaction of its own, so that none is long.
    """
    settings: Settings = app.state.settings
    due: list[UUID] = []
    counted: dict[UUID, WholeReport] = {}

    async def step(session: AsyncSession, now: datetime) -> int:
        if not due:
            due.extend(await reports.every_program(session))
        if due:
            program_id = due.pop()
            counted[program_id] = await reports.count_program(session, program_id, now=now)
        if due:
            return 1
        app.state.counted_programs = dict(counted)
        return 0

    await _repeat(app, step, full=1, pause_seconds=settings.enterprise_report_every_seconds)


async def tell_outcomes(app: FastAPI) -> None:
    """Say what became of participants, as HR sheets tell it, until cancelled."""
    settings: Settings = app.state.settings

    async def step(session: AsyncSession, now: datetime) -> int:
        await outcomes.say_outcomes(session, now=now)
        return 0

    await _repeat(app, step, full=1, pause_seconds=settings.enterprise_report_every_seconds)


async def _repeat(app: FastAPI, step: Step, *, full: int, pause_seconds: float) -> None:
    """Take what is due again and again; at once where there is more of it, else after a pause."""
    database: Database = app.state.database
    while True:
        taken = 0
        try:
            async with database.transaction() as session:
                taken = await step(session, app.state.clock())
        except (*DATABASE_AWAY, StaleDataError) as fault:
            log.warning("work_postponed", work=step.__qualname__, fault=type(fault).__name__)
            await asyncio.sleep(PAUSE_WHEN_AWAY_SECONDS)
        if taken < full:
            await asyncio.sleep(pause_seconds)
