"""Measures reports over 200,000 participations in 50 programs: `python -m services.feedback.bench.reports`.

It fills a database of its own with the state that some 2,000,000 events leave behind, and asks for reports through the
API: who asks, what they may see, the counting, and the JSON are all in the figures.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID

import httpx2
import sqlalchemy as sa
import structlog
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from tandem_chassis.auth import Authenticator
from tandem_chassis.testing import KnownKeys, Tokens
from tandem_feedback.main import create_app
from tandem_feedback.use_cases import reports
from tests.bench.figures import Figures, finish, options

from .feeding import Feeding, migrated_database

PROGRAMS = 50
PEOPLE = 4_000
"""In each program; half of them mentors, half mentees, so that there are half as many pairs."""
SEED = 0.4242
TIMES = 200
PROGRAM_MILLISECONDS = 200.0
ENTERPRISE_MILLISECONDS = 1000.0

FILL = (
    "SELECT setseed(:seed)",
    """
    INSERT INTO programs
    SELECT gen_random_uuid(), 'Program ' || n, 'one_to_one', 'running', NULL, NULL, 30, 60, 1
    FROM generate_series(1, :programs) AS n
    """,
    """
    INSERT INTO people (person_id, given_name, family_name, unit, level)
    SELECT gen_random_uuid(), 'G', 'F', 'Unit ' || floor(12 * power(random(), 2)), 1 + floor(6 * random())
    FROM generate_series(1, :programs * :people)
    """,
    """
    INSERT INTO participations (program_id, person_id, applied_at, enrolled_at, matched_at, met_at, goal_set_at)
    SELECT program_id, person_id, at, at, at + interval '5 days' * r,
           CASE WHEN r < 0.8 THEN at + interval '30 days' END, CASE WHEN r < 0.6 THEN at + interval '40 days' END
    FROM (
        SELECT program_id, person_id, random() AS r, timestamptz '2025-01-01' + interval '400 days' * random() AS at
        FROM (SELECT person_id, row_number() OVER () AS n FROM people) h
        JOIN (SELECT program_id, row_number() OVER () AS m FROM programs) g ON m = 1 + n % :programs
    ) AS each
    """,
    """
    INSERT INTO relationships (pairing_id, program_id, format, status, began_at, completed_sessions, session_minutes,
                               health_score, health_band, mentee_id, feedback_asked, feedback_answered, practices,
                               version)
    SELECT gen_random_uuid(), program_id, 'one_to_one', 'active', matched_at, floor(8 * random()), 240, 70,
           (ARRAY['thriving', 'steady', 'at_risk', 'stalled'])[1 + floor(4 * random())::int], person_id,
           12, floor(12 * random()), floor(32768 * random()), 1
    FROM (SELECT *, row_number() OVER () AS n FROM participations) AS p WHERE n % 2 = 0
    """,
    "ANALYZE",
)


async def measure(figures: Figures) -> None:
    """How long reports take."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    async with migrated_database() as url:
        engine = create_async_engine(sa.make_url(url).set(drivername="postgresql+asyncpg"))
        async with async_sessionmaker(engine).begin() as session:
            await fill(session)
            ids = list(await session.scalars(sa.text("SELECT program_id FROM programs ORDER BY program_id")))
        await engine.dispose()
        feeding = Feeding(url)
        app, tokens = create_app(feeding.settings), Tokens()
        app.state.authenticator = Authenticator(feeding.settings, KnownKeys(tokens.keys))
        await count_programs(figures, app, ids)
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://bench.test") as client:
            headers = tokens.admin()
            await time_answers(
                figures,
                f"a program's report ({PEOPLE:,} people)",
                lambda number: client.get(f"/programs/{ids[number % PROGRAMS]}/report", headers=headers),
                limit=PROGRAM_MILLISECONDS,
            )
            await time_answers(
                figures,
                f"the enterprise's report ({PROGRAMS} programs, {PROGRAMS * PEOPLE:,} people), added up",
                lambda _: client.get("/reports/enterprise", headers=headers),
                limit=ENTERPRISE_MILLISECONDS,
            )
        await app.state.database.close()


async def fill(session: AsyncSession) -> None:
    """The state that events leave behind."""
    sizes = {":seed": SEED, ":programs": PROGRAMS, ":people": PEOPLE}
    for template in FILL:
        statement = template
        for name, size in sizes.items():
            statement = statement.replace(name, str(size))
        await session.execute(sa.text(statement))


async def count_programs(figures: Figures, app: FastAPI, ids: Sequence[UUID]) -> None:
    """Count every program's report, as the service does by itself every few minutes.

    Whoever asks for the enterprise's is answered with the sum of these. That would be no merit if it took long.
    """
    taken = []
    counted = {}
    for number in range(TIMES):
        program_id = ids[number % PROGRAMS]
        began = time.perf_counter()
        async with app.state.database.transaction() as session:
            counted[program_id] = await reports.count_program(session, program_id, now=datetime(2026, 3, 1, tzinfo=UTC))
        taken.append(1000 * (time.perf_counter() - began))
    app.state.counted_programs = counted
    figures.add_times("counting a program for the enterprise's report", taken, limit=PROGRAM_MILLISECONDS)


async def time_answers(
    figures: Figures, what: str, ask: Callable[[int], Awaitable[httpx2.Response]], *, limit: float
) -> None:
    """Keep how long so many answers took, in milliseconds."""
    taken = []
    for number in range(TIMES):
        began = time.perf_counter()
        (await ask(number)).raise_for_status()
        taken.append(1000 * (time.perf_counter() - began))
    figures.add_times(what, taken, limit=limit)


if __name__ == "__main__":
    given = options(__doc__).parse_args()
    found = Figures("Reports: `make bench-feedback`", quiet=given.json)
    asyncio.run(measure(found))
    finish(found, given)
