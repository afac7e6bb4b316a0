"""A run over HTTP on 20,000 x 8,000, from request to proposals stored with reasons.

`python -m services.matching.bench.http` starts a PostgreSQL of its own and no broker: the pool is put into the read
model directly, and the service's own worker computes the run.
"""

import argparse
import asyncio
import json
import logging
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import httpx2
import numpy as np
import structlog
from fastapi import FastAPI

from tandem_chassis import migrations
from tandem_chassis.auth import Authenticator
from tandem_chassis.testing import ISSUER, KnownKeys, Tokens
from tandem_local import postgresql
from tandem_local.ports import free_port
from tandem_matching.main import create_app
from tandem_matching.settings import Settings
from tandem_matching.workers import compute_match_runs

from .judging import HTTP_SECONDS, judged, wrong

ZONES = ("Europe/London", "Europe/Berlin", "America/New_York", "Asia/Tokyo")
SKILLS = tuple(f"skill {number}" for number in range(60))


async def fill(url: str, program_id: UUID, mentees: int, mentors: int) -> None:
    """Invented people, as the events would have left them."""
    draw = np.random.default_rng(0)
    at = datetime.now(UTC)
    connection = await asyncpg.connect(url)

    def levels(names: np.ndarray[tuple[int], np.dtype[np.str_]]) -> str:
        return json.dumps({str(name): int(draw.integers(1, 6)) for name in names})

    people, enrollments, places = [], [], []
    for number in range(mentees + mentors):
        person, is_mentor = uuid4(), number >= mentees
        level = int(draw.integers(2, 10)) if is_mentor else int(draw.integers(1, 8))
        skills = levels(draw.choice(SKILLS, 5, replace=False)) if is_mentor else "{}"
        needs = "{}" if is_mentor else levels(draw.choice(SKILLS, 3, replace=False))
        free = int(draw.integers(1, 6)) if is_mentor else 0
        unit, profession = f"Unit {draw.integers(0, 40)}", f"Profession {draw.integers(0, 12)}"
        people.append((person, True, level, unit, profession, ZONES[draw.integers(0, 4)], ["en"], skills, "{}", at))
        enrollments.append(
            (uuid4(), program_id, person, "approved", is_mentor, not is_mentor, free, int(not is_mentor), needs, at)
        )
        if is_mentor:
            places.append((person, free))
    await connection.copy_records_to_table(
        "people",
        records=people,
        columns=[
            "person_id",
            "known",
            "level",
            "unit",
            "profession",
            "time_zone",
            "languages",
            "skills",
            "confidential",
            "said_at",
        ],
    )
    await connection.copy_records_to_table(
        "enrollments",
        records=enrollments,
        columns=[
            "enrollment_id",
            "program_id",
            "person_id",
            "status",
            "is_mentor",
            "is_mentee",
            "mentor_places",
            "wanted_mentors",
            "needs",
            "said_at",
        ],
    )
    await connection.copy_records_to_table("mentor_places", records=places, columns=["person_id", "places"])
    await connection.execute(
        "INSERT INTO programs (program_id, format, status, matching) VALUES ($1, 'one_to_one', 'running', $2)",
        program_id,
        json.dumps({"rules": {"level_gap": {"most": 3}, "common_hours": 2}}),
    )
    await connection.close()


async def run(app: FastAPI, tokens: Tokens, program_id: UUID) -> dict[str, float]:
    """Seconds from the request to the stored proposals, and what the processor had to do for it."""
    headers = tokens.manager(program_id)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://service.test", timeout=60) as client:
        began, used = time.perf_counter(), time.process_time()
        asked = (await client.post(f"/programs/{program_id}/match-runs", json={}, headers=headers)).json()
        while True:
            seen = (await client.get(f"/match-runs/{asked['run_id']}", headers=headers)).json()
            if seen["state"] not in ("queued", "running"):
                break
            await asyncio.sleep(0.05)
        seconds, processor = time.perf_counter() - began, time.process_time() - used
    if seen["state"] != "completed":
        raise RuntimeError(seen["reason"])
    return {"seconds": seconds, "processor_seconds": processor, **seen["summary"]}


async def bench(mentees: int, mentors: int, url: str) -> list[str]:
    """Two runs in words: the first may have to load or compile the engine."""
    settings = Settings(
        database_url=url,
        kafka_bootstrap_servers="127.0.0.1:9",
        oidc_issuer=ISSUER,
        oidc_jwks_url="http://127.0.0.1:9/jwks",
        log_level="ERROR",
    )
    await migrations.upgrade(settings.asyncpg_dsn(), package="tandem_matching")
    tokens, program_id = Tokens(), uuid4()
    await fill(settings.asyncpg_dsn(), program_id, mentees, mentors)
    app = create_app(settings)
    app.state.authenticator = Authenticator(settings, KnownKeys(tokens.keys))
    working = asyncio.create_task(compute_match_runs(app))
    lines = []
    for name in ("first", "second"):
        found = await run(app, tokens, program_id)
        line = (
            f"over HTTP, {mentees:,} x {mentors:,}, {name} run, from request to {found['proposals']:,} proposals "
            f"stored: {found['seconds']:.1f} s ({found['processor_seconds']:.1f} s of processor time; "
            f"at most {HTTP_SECONDS:g} s)"
        )
        lines.append(judged(line, found["seconds"], most=HTTP_SECONDS))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    lines.append(f"peak memory of the whole service: {peak} MB")
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await app.state.database.close()
    return lines


def measured(mentees: int, mentors: int) -> list[str]:
    """The figures of a service on a PostgreSQL of its own, in words."""
    logging.disable(logging.INFO)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as made:
        place = Path(made)
        place.chmod(0o711)  # PostgreSQL runs as a user of its own when this runs as root
        server = postgresql.choose(
            directory=place / "postgresql", port=free_port, log=place / "postgresql.log", durable=False
        )
        server.start()
        try:
            return asyncio.run(bench(mentees, mentors, server.ensure_database("bench_matching")))
        finally:
            server.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mentees", type=int, default=20_000)
    parser.add_argument("--mentors", type=int, default=8_000)
    asked = parser.parse_args()
    told = measured(asked.mentees, asked.mentors)
    sys.stdout.write("".join(f"{line}\n" for line in told))
    sys.exit(int(any(wrong(line) for line in told)))
