"""`python -m tests.bench.sizes`: how much room an event and a person take in PostgreSQL, with their indexes."""

import asyncio
import logging
import sys
import tempfile
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx2
import structlog

from services.profiles.bench.roster import PEOPLE, invented
from tandem_chassis import migrations
from tandem_chassis.auth import Authenticator
from tandem_chassis.testing import ISSUER, KnownKeys, Tokens
from tandem_events import inbox
from tandem_local import postgresql
from tandem_local.ports import free_port
from tandem_profiles.main import create_app
from tandem_profiles.settings import Settings
from tests.bench.machine import describe_machine

SEEN = 100_000
SIZE = """
    SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname {}
"""


async def measure(url: str) -> None:
    """Import a roster of invented people, remember events that nobody sent, and tell what came of it."""
    tokens = Tokens()
    settings = Settings(
        database_url=url, kafka_bootstrap_servers="127.0.0.1:9", oidc_issuer=ISSUER, oidc_jwks_url="http://127.0.0.1:9/"
    )
    await migrations.upgrade(settings.asyncpg_dsn(), package="tandem_profiles")
    connection = await asyncpg.connect(url)
    begun = await connection.fetchval(SIZE.format("!~ '^(outbox|inbox)'"))
    app = create_app(settings)
    app.state.authenticator = Authenticator(settings, KnownKeys(tokens.keys))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://bench") as client:
        answer = await client.post("/roster", params={"circles": "cut"}, content=invented(), headers=tokens.admin())
        answer.raise_for_status()
    for _ in range(SEEN // 1_000):
        async with app.state.database.transaction() as session:
            await inbox.admit(session, "bench", [uuid4() for _ in range(1_000)])
    await app.state.database.close()
    await connection.execute("UPDATE outbox SET sent_at = now()")
    await connection.execute("VACUUM FULL outbox")
    events = await connection.fetchval("SELECT count(*) FROM outbox")
    figures = {
        f"an event in the outbox ({events:,} of a roster's)": await connection.fetchval(SIZE.format("~ '^outbox'"))
        / events,
        f"an event in an inbox ({SEEN:,})": await connection.fetchval(SIZE.format("= 'inbox'")) / SEEN,
        f"a person in profiles ({PEOPLE:,} of a roster, without the events)": (
            await connection.fetchval(SIZE.format("!~ '^(outbox|inbox)'")) - begun
        )
        / PEOPLE,
    }
    await connection.close()
    for what, size in figures.items():
        sys.stdout.write(f"{what}: {size:,.0f} bytes\n")


def main() -> None:
    """Start a PostgreSQL of its own and measure."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    sys.stdout.write(f"{describe_machine()}\n")
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as place:
        directory = Path(place)
        directory.chmod(0o711)
        server = postgresql.choose(
            directory=directory / "postgresql", port=free_port, log=directory / "postgresql.log", durable=False
        )
        server.start()
        try:
            asyncio.run(measure(server.ensure_database("sizes_bench")))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
