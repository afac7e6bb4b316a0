"""A roster of 10,000 people imported as CSV and as XLSX, one of 1,000,000 refused, timed, and the memory that takes.

`python -m services.profiles.bench.roster`; with `--page FILE` the figures are also written into a page.
"""

import asyncio
import contextlib
import csv
import io
import logging
import multiprocessing
import resource
import tempfile
import time
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import httpx2
import structlog
from openpyxl import Workbook

from tandem_chassis import migrations
from tandem_chassis.auth import Authenticator
from tandem_chassis.testing import ISSUER, KnownKeys, Tokens
from tandem_local import postgresql
from tandem_local.ports import free_port
from tandem_profiles.main import create_app
from tandem_profiles.settings import Settings
from tests.bench.figures import Figures, finish, options

ROSTER = Path(__file__).parents[4] / "shared" / "data" / "employees" / "employees.csv"
PEOPLE = 10_000
TOO_MANY = 1_000_000
LIMIT_SECONDS = 15
LIMIT_MEGABYTES = 300


def invented() -> bytes:
    """A roster of invented people, for where the real one is not beside the project."""
    head = (
        "employee_number,given_name,family_name,email,department,job_title,manager_employee_number,hired_on,left_on\n"
    )
    rows = (
        f"{number},Given {number},Family {number % 700},p{number}@example.org,Unit {number % 40},Engineer,"
        f"{number // 10 or ''},2015-01-01,{'2020-01-01' if number % 5 == 0 else ''}\n"
        for number in range(1, PEOPLE + 1)
    )
    return (head + "".join(rows)).encode()


async def too_many() -> AsyncIterator[bytes]:
    """A roster of more people than any company has, as it arrives piece by piece."""
    yield b"employee_number,given_name,email\n"
    for begin in range(0, TOO_MANY, 1_000):
        rows = (f"{number},Given {number},p{number}@example.org\n" for number in range(begin, begin + 1_000))
        yield "".join(rows).encode()


def as_workbook(content: bytes) -> bytes:
    """The same roster as XLSX."""
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet()
    for row in csv.reader(io.StringIO(content.decode())):
        sheet.append(row)
    written = io.BytesIO()
    workbook.save(written)
    return written.getvalue()


def most_megabytes() -> float:
    """The most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def measure(figures: Figures, kind: str, url: str, content: bytes) -> None:
    """Import the roster twice into an empty database."""
    tokens = Tokens()
    async with started(url, tokens) as client:
        for which in ("first", "second"):
            began = time.perf_counter()
            answer = await client.post("/roster", params={"circles": "cut"}, content=content, headers=tokens.admin())
            seconds, megabytes = time.perf_counter() - began, most_megabytes()
            answer.raise_for_status()
            told = answer.json()
            figures.add(
                f"{kind}, {which} import of {told['rows']:,} people, {told['joined']:,} joined",
                f"{seconds:.1f} s, {megabytes:.0f} MB at most",
                bar=f"below {LIMIT_SECONDS} s, {LIMIT_MEGABYTES} MB",
                held=seconds < LIMIT_SECONDS and megabytes < LIMIT_MEGABYTES,
            )


async def measure_refusal(figures: Figures, url: str) -> None:
    """Send a roster that is too long."""
    tokens = Tokens()
    async with started(url, tokens) as client:
        headers = {**tokens.admin(), "Content-Type": "text/csv"}
        began = time.perf_counter()
        refused = await client.post("/roster", content=too_many(), headers=headers)
        seconds, megabytes = time.perf_counter() - began, most_megabytes()
    figures.add(
        f"CSV of {TOO_MANY:,} people, answered with {refused.status_code}",
        f"{seconds:.1f} s, {megabytes:.0f} MB at most",
        bar=f"refused, below {LIMIT_MEGABYTES} MB",
        held=refused.status_code == 413 and megabytes < LIMIT_MEGABYTES,
    )


@contextlib.asynccontextmanager
async def started(url: str, tokens: Tokens) -> AsyncIterator[httpx2.AsyncClient]:
    """The service on this database, which is migrated first, without a broker."""
    settings = Settings(
        database_url=url, kafka_bootstrap_servers="127.0.0.1:9", oidc_issuer=ISSUER, oidc_jwks_url="http://127.0.0.1:9/"
    )
    await migrations.upgrade(settings.asyncpg_dsn(), package="tandem_profiles")
    app = create_app(settings)
    app.state.authenticator = Authenticator(settings, KnownKeys(tokens.keys))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://bench") as client:
        yield client
    await app.state.database.close()


def main() -> None:
    """Start a PostgreSQL of its own, measure, and say whether the limits held."""
    given = options(__doc__).parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    content = ROSTER.read_bytes() if ROSTER.is_file() else invented()
    # Written by another process: what that takes is not the service's.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as apart:
        workbook = apart.submit(as_workbook, content).result()
    figures = Figures("Rosters: `make bench-profiles`", quiet=given.json)
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as place:
        directory = Path(place)
        directory.chmod(0o711)
        server = postgresql.choose(
            directory=directory / "postgresql", port=free_port, log=directory / "postgresql.log", durable=False
        )
        server.start()
        try:
            for kind, sent in (("CSV", content), ("XLSX", workbook)):
                asyncio.run(measure(figures, kind, server.ensure_database(f"profiles_{kind.lower()}"), sent))
            asyncio.run(measure_refusal(figures, server.ensure_database("profiles_csv")))
        finally:
            server.stop()
    finish(figures, given)


if __name__ == "__main__":
    main()
