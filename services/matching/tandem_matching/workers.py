"""The worker: computes match runs beside the requests, in threads, each run by one replica at a time."""

import asyncio
import threading
import time
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import structlog
from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis.app import Clock
from tandem_chassis.database import Database
from tandem_chassis.errors import Refusal
from tandem_events.database import DATABASE_AWAY
from tandem_matching import metrics
from tandem_matching.advisor import Advisor, Unheard
from tandem_matching.domain.advised import Found, Hearing, candidates
from tandem_matching.domain.matching import match
from tandem_matching.domain.people import Pool
from tandem_matching.domain.refusals import AdvisorUnheard
from tandem_matching.domain.relationships import RELATED_FORMATS, relate
from tandem_matching.settings import Settings
from tandem_matching.storage import waiting_runs
from tandem_matching.storage.tables import MatchRun
from tandem_matching.use_cases import offers, requests, runs
from tandem_matching.use_cases.runs import Claimed

Answer = TypeVar("Answer")

log = structlog.get_logger(__name__)

ADVISOR_ROUNDS = 10
"""A match is made at most so often until the advisor was asked about all its pairs; usually twice."""

PASSING = (*DATABASE_AWAY, SQLAlchemyError)


class GivenUp(Exception):
    """The run was cancelled, or is another worker's by now."""


class _Progress:
    """How far a computation is; raises inside it once nobody waits for it any more."""

    def __init__(self) -> None:
        self.part = 0.0
        self.given_up = threading.Event()
        self._waiting: asyncio.Task[Any] | None = None

    def __call__(self, part: float) -> None:
        self.part = part
        if self.given_up.is_set():
            raise GivenUp

    async def waiting_for(self, answer: Coroutine[Any, Any, Answer]) -> Answer:
        """The answer of somebody else; nobody waits for it any longer than for the run. Raises `GivenUp` then."""
        waiting: asyncio.Task[Answer] = asyncio.create_task(answer)
        self._waiting = waiting
        try:
            return await waiting
        except asyncio.CancelledError:
            if self.given_up.is_set():
                raise GivenUp from None
            raise

    def give_up(self) -> None:
        """Nobody waits for the run any more."""
        self.given_up.set()
        if self._waiting is not None:
            self._waiting.cancel()


async def compute_match_runs(app: FastAPI) -> None:
    """Claim and compute runs until cancelled; a run in hand then goes back to the queue."""
    settings: Settings = app.state.settings
    looking = asyncio.Lock()
    async with asyncio.TaskGroup() as workers:
        for _ in range(settings.match_run_workers):
            workers.create_task(_Worker(app, looking).work())


async def move_requests_on(app: FastAPI) -> None:
    """Let requests and offers expire, close those that no longer stand, and ask the next choices; until cancelled."""
    settings: Settings = app.state.settings
    database: Database = app.state.database
    clock: Clock = app.state.clock
    while True:
        moved = False
        try:
            async with database.transaction() as session:
                moved = await requests.move_one_on(session, at=clock())
            async with database.transaction() as session:
                moved = await offers.close_one_fallen(session, at=clock()) or moved
        except PASSING as fault:
            log.warning("requests_wait", fault=type(fault).__name__)
        if not moved:
            await asyncio.sleep(settings.request_sweep_milliseconds / 1000)


async def measure_match_runs(session: AsyncSession, now: datetime) -> None:
    """Show how many runs wait, and for how long."""
    number, oldest = await waiting_runs.waiting(session)
    metrics.RUNS_WAITING.set(number)
    metrics.RUNS_OLDEST_SECONDS.set(max(0.0, (now - oldest).total_seconds()) if oldest else 0)


class _Worker:
    """One of a replica's workers. At most one of them looks for a run, the others compute or wait for their turn."""

    def __init__(self, app: FastAPI, looking: asyncio.Lock) -> None:
        self._id: UUID = uuid4()
        self._looking = looking
        self._database: Database = app.state.database
        self._clock: Clock = app.state.clock
        settings: Settings = app.state.settings
        self._settings = settings
        self._claim = timedelta(seconds=settings.match_run_claim_seconds)
        self._poll_seconds = settings.match_run_poll_milliseconds / 1000

    async def work(self) -> None:
        """One run after the other, until cancelled."""
        while True:
            try:
                await self._compute(await self._next_run())
            except PASSING as fault:
                # The database is away: the claim runs out by itself, and somebody takes the run again.
                log.warning("match_run_worker_begins_again", fault=type(fault).__name__)
                await asyncio.sleep(self._poll_seconds)

    async def _next_run(self) -> MatchRun:
        """The run that waited longest, claimed, once there is one. Raises one of `PASSING`."""
        async with self._looking:
            while True:
                async with self._database.transaction() as session:
                    run = await runs.claim_run(session, self._id, now=self._clock(), claim=self._claim)
                if run is not None:
                    return run
                await asyncio.sleep(self._poll_seconds)

    async def _compute(self, run: MatchRun) -> None:
        progress, began, ended = _Progress(), time.perf_counter(), "failed"
        holding = asyncio.create_task(self._hold(run.run_id, progress))
        try:
            async with self._database.transaction() as session:
                claimed = await runs.take_snapshot(session, run)
            found = await self._match(claimed, progress)
            async with self._database.transaction() as session:
                stored = await runs.complete_run(session, run.run_id, self._id, found, at=self._clock())
            ended = "completed" if stored else "given_up"
            log.info("match_run_completed" if stored else "match_run_given_up", run_id=str(run.run_id))
        except GivenUp:
            ended = "given_up"
            log.info("match_run_given_up", run_id=str(run.run_id))
        except Refusal as refusal:
            ended = "refused"
            await self._fail(run.run_id, refusal.sentence)
        except asyncio.CancelledError:
            ended = "given_up"
            with suppress(*PASSING):
                async with self._database.transaction() as session:
                    await runs.give_back_claim(session, run.run_id, self._id)
            raise
        except PASSING:
            ended = "given_up"
            raise
        except Exception as fault:
            log.error("match_run_failed", run_id=str(run.run_id), exc_info=fault)
            await self._fail(run.run_id, "The computation failed on our side. Tell the operators the run's id.")
        finally:
            progress.give_up()
            holding.cancel()
            metrics.RUN_SECONDS.labels(ended).observe(time.perf_counter() - began)

    async def _match(self, claimed: Claimed, progress: _Progress) -> Found:
        """The match of a run; where the program asks its advisor, one in which every proposed pair was asked about.

        Raises:
            AdvisorUnheard: it was not heard, and the program wants no match without it.
        """
        if not claimed.rules.advisor.ask:
            return await asyncio.to_thread(_match, claimed, claimed.pool, progress)
        advisor, hearing = Advisor(self._settings), Hearing()
        pairs = await asyncio.to_thread(
            candidates, claimed.pool, claimed.rules, seed=claimed.seed, on=claimed.requested_at.date()
        )
        for asked_before in range(ADVISOR_ROUNDS):
            try:
                hearing.opinions |= await progress.waiting_for(advisor.ask(claimed.run_id, claimed.program_id, pairs))
                hearing.asked.update(pairs)
            except Unheard as fault:
                hearing.state = str(fault)
                log.warning("match_advisor_unheard", run_id=str(claimed.run_id), why=hearing.state)
                if claimed.rules.advisor.fail_unheard:
                    raise AdvisorUnheard(
                        f"The program's advisor was not heard ({hearing.state}), and the program wants no match "
                        "without it: try again, or change the program's setting advisor.fail_unheard."
                    ) from fault
            # What it said before it fell silent still holds.
            pool = replace(claimed.pool, opinions=dict(hearing.opinions))
            found = await asyncio.to_thread(_match, claimed, pool, progress)
            pairs = await asyncio.to_thread(
                hearing.following,
                pool,
                claimed.rules,
                found,
                seed=claimed.seed,
                on=claimed.requested_at.date(),
                asked_before=asked_before + 1,
            )
            if hearing.state != "heard" or not pairs:
                break
        told = {**hearing.as_document(), "proposed_unasked": len(hearing.unasked(found))}
        return replace(found, summary={**found.summary, "advisor": told})

    async def _fail(self, run_id: UUID, reason: str) -> None:
        async with self._database.transaction() as session:
            await runs.fail_run(session, run_id, self._id, reason=reason, at=self._clock())

    async def _hold(self, run_id: UUID, progress: _Progress) -> None:
        """Keep the claim alive and say how far the run is, until cancelled or until the claim is lost."""
        pause = min(0.25, self._claim.total_seconds() / 4)
        while True:
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, self._claim.total_seconds() / 4)
            with suppress(*PASSING):
                async with self._database.transaction() as session:
                    kept = await runs.keep_claim(
                        session, run_id, self._id, until=self._clock() + self._claim, progress=progress.part
                    )
                if not kept:
                    progress.give_up()
                    return


def _match(claimed: Claimed, pool: Pool, progress: _Progress) -> Found:
    on = claimed.requested_at.date()
    if claimed.program_format in RELATED_FORMATS:
        return relate(
            pool,
            claimed.rules,
            program_format=claimed.program_format,
            seed=claimed.seed,
            on=on,
            progress=progress,
            costs=claimed.costs,
        )
    return match(pool, claimed.rules, seed=claimed.seed, on=on, progress=progress, costs=claimed.costs)
