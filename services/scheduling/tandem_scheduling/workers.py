"""The clock's door: what becomes due is said, and calendars are looked at, by whichever replica claims it first."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

import httpx2
import structlog
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis.app import Clock
from tandem_chassis.database import Database
from tandem_events.database import DATABASE_AWAY
from tandem_scheduling import metrics
from tandem_scheduling.domain.calendars.busy import LARGEST_FILE_BYTES
from tandem_scheduling.settings import Settings
from tandem_scheduling.use_cases import busy_feeds
from tandem_scheduling.use_cases import due as use_cases
from tandem_scheduling.use_cases.busy_feeds import Seen

LONGEST_ANSWER_SECONDS = 30

log = structlog.get_logger(__name__)


async def say_what_is_due(app: FastAPI) -> None:
    """Look for what is due, for ever. Blocks until it is cancelled; safe in several replicas."""
    settings: Settings = app.state.settings
    database: Database = app.state.database
    clock: Clock = app.state.clock
    while True:
        try:
            claimed = await _round(database, now=clock(), limit=settings.due_batch)
        except DATABASE_AWAY as away:
            metrics.ROUNDS_POSTPONED.inc()
            log.warning("what_is_due_not_said", fault=type(away).__name__)
            claimed = 0
        if claimed < settings.due_batch:
            await asyncio.sleep(settings.due_poll_milliseconds / 1000)


async def measure_reminders(session: AsyncSession, now: datetime) -> None:
    """Show how many reminders are due, and how late the first of them is."""
    number, since = await use_cases.reminders_due(session, now=now)
    metrics.REMINDERS_DUE.set(number)
    metrics.REMINDERS_LATE_SECONDS.set(max(0.0, (now - since).total_seconds()) if since else 0)


async def _round(database: Database, *, now: datetime, limit: int) -> int:
    """One look: the answer is how much the fullest turn claimed."""
    async with database.transaction() as session:
        if not await use_cases.anything_due(session, now=now):
            return 0
    claimed = 0
    for turn in use_cases.TURNS:
        async with database.transaction() as session:
            claimed = max(claimed, await turn(session, now=now, limit=limit))
    return claimed


async def follow_calendars(app: FastAPI) -> None:
    """Look at what is to be looked at, for ever. Blocks until it is cancelled; safe in several replicas."""
    settings: Settings = app.state.settings
    while True:
        looked = False
        try:
            looked = await _look(app)
        except DATABASE_AWAY as away:
            log.warning("calendar_not_followed", fault=type(away).__name__)
        if not looked:
            await asyncio.sleep(settings.busy_feed_poll_milliseconds / 1000)


async def _look(app: FastAPI) -> bool:
    """Look at one calendar; false where none is to be looked at. No transaction is open meanwhile."""
    settings: Settings = app.state.settings
    database: Database = app.state.database
    clock: Clock = app.state.clock
    async with database.transaction() as session:
        look = await busy_feeds.claim_look(session, now=clock())
    if look is None:
        return False
    found = await _fetch(look.address)
    if isinstance(found, bytes):
        seen = await busy_feeds.read_seen(look, found, own_domain=settings.calendar_domain, now=clock())
    else:
        seen = Seen(None, found)
    every = timedelta(minutes=settings.busy_feed_minutes)
    async with database.transaction() as session:
        await busy_feeds.keep_look(session, look, seen, every=every, now=clock())
    return True


async def _fetch(address: str) -> bytes | str:
    """What stands at an address, or why nothing does. Never more is read than a calendar may have."""
    text = bytearray()
    with suppress(httpx2.HTTPError, httpx2.InvalidURL, TimeoutError):
        async with (
            asyncio.timeout(LONGEST_ANSWER_SECONDS),
            httpx2.AsyncClient(timeout=10, follow_redirects=False, trust_env=False) as client,
            client.stream("GET", address, headers={"Accept": "text/calendar", "Accept-Encoding": "identity"}) as answer,
        ):
            if answer.status_code != httpx2.codes.OK:
                return "refused"
            async for part in answer.aiter_raw():
                text += part
                if len(text) > LARGEST_FILE_BYTES:
                    return "too_large"
        return bytes(text)
    return "unreachable"
