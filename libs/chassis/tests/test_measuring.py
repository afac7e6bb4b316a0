"""What `/metrics` shows: requests by route, the outbox, parked events, the pool; all true at the moment of asking."""

import asyncio
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx2
import sqlalchemy as sa
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from tandem_demo.settings import Settings

from tandem_chassis import migrations
from tandem_chassis.database import Database
from tandem_chassis.testing import Tokens
from tandem_events import metrics, outbox
from tandem_events.contracts import PersonRegistered
from tandem_events.measuring import measure
from tandem_events.tables import dead_letters
from tandem_events.testing import eventually
from tandem_local.ports import free_port


async def samples(client: httpx2.AsyncClient, tokens: Tokens) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text = (await client.get("/metrics", headers=tokens.admin())).text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_every_request_is_counted_by_its_route_never_by_its_address(
    client: httpx2.AsyncClient, tokens: Tokens
) -> None:
    labels = (("method", "GET"), ("route", "/notes/manager/{program_id}"))
    before = await samples(client, tokens)
    program = uuid4()
    await client.get(f"/notes/manager/{program}", headers=tokens.manager(program))
    await client.get(f"/notes/manager/{program}", headers=tokens.person(uuid4()))
    after = await samples(client, tokens)

    def more(name: str, *with_: tuple[str, str]) -> float:
        of = tuple(sorted((*labels, *with_)))
        return after[name, of] - before.get((name, of), 0.0)

    assert more("tandem_http_requests_total", ("status", "200")) == 1
    assert more("tandem_http_requests_total", ("status", "403")) == 1
    assert more("tandem_http_request_seconds_count") == 2
    assert str(program) not in (await client.get("/metrics", headers=tokens.admin())).text


async def test_administrators_see_them_and_nobody_else_does(client: httpx2.AsyncClient, tokens: Tokens) -> None:
    assert (await client.get("/metrics")).status_code == 401
    for headers in (tokens.manager(uuid4()), tokens.person(uuid4())):
        assert (await client.get("/metrics", headers=headers)).status_code == 403


async def test_prometheus_has_a_port_of_its_own_and_a_signal_ends_the_process_at_once() -> None:
    port, own_port = free_port(), free_port()
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parent),
        "TANDEM_HTTP_PORT": str(port),
        "TANDEM_METRICS_PORT": str(own_port),
        "TANDEM_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing",
        "TANDEM_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
        "TANDEM_OIDC_ISSUER": "https://issuer.test",
        "TANDEM_OIDC_JWKS_URL": "http://127.0.0.1:9/jwks",
    }
    service = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tandem_chassis", "serve", "tandem_demo"),
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        async with httpx2.AsyncClient() as client:

            async def both_answer() -> bool:
                try:
                    asked = await client.get(f"http://127.0.0.1:{port}/metrics")
                    told = await client.get(f"http://127.0.0.1:{own_port}/metrics")
                except httpx2.TransportError:
                    return False
                return (asked.status_code, told.status_code) == (401, 200) and "tandem_outbox_depth" in told.text

            await eventually(both_answer)
    finally:
        service.terminate()
        code = await asyncio.wait_for(service.wait(), timeout=10)
    assert code in (0, -signal.SIGTERM)


async def test_the_use_of_the_pool_is_shown(client: httpx2.AsyncClient, tokens: Tokens, app: FastAPI) -> None:
    assert (await samples(client, tokens))["tandem_database_pool_limit", ()] == 20
    database: Database = app.state.database
    async with database.transaction() as session:
        await session.execute(sa.text("SELECT 1"))
        assert (await samples(client, tokens))["tandem_database_pool_in_use", ()] >= 1


async def test_the_outbox_and_parked_events_are_counted_also_while_kafka_is_away(settings: Settings) -> None:
    """No relay runs here at all: whoever looks asks the database."""
    await migrations.upgrade(settings.asyncpg_dsn(), package="tandem_demo")
    database, now = Database(settings, service="demo"), datetime.now(UTC)
    async with database.transaction() as session:
        for _ in range(3):
            await outbox.add(session, PersonRegistered(person_id=uuid4(), occurred_at=now), version=1)
        rows = [("poison", 1), ("follower", 2), ("follower", 3)]
        await session.execute(
            sa.insert(dead_letters),
            [
                {
                    "reader": "demo",
                    "topic": "tandem.profiles",
                    "partition": 0,
                    "offset": offset,
                    "key": "k",
                    "event_id": uuid4(),
                    "headers": {},
                    "standing": standing,
                    "reason": "planted",
                }
                for standing, offset in rows
            ],
        )
    async with database.transaction() as session:
        await measure(session, "demo", now=now + timedelta(seconds=90))
    parked = {
        standing: metrics.PARKED_NOW.labels(standing)._value.get() for standing in ("poison", "waiting", "follower")
    }
    assert metrics.OUTBOX_DEPTH._value.get() == 3
    assert 89 < metrics.OUTBOX_OLDEST_SECONDS._value.get() < 120
    assert parked == {"poison": 1, "waiting": 0, "follower": 2}

    async with database.transaction() as session:
        await session.execute(sa.text("UPDATE outbox SET sent_at = now()"))
        await session.execute(sa.delete(dead_letters))
        await measure(session, "demo", now=now)
    assert metrics.OUTBOX_DEPTH._value.get() == 0
    assert metrics.OUTBOX_OLDEST_SECONDS._value.get() == 0
    assert metrics.PARKED_NOW.labels("poison")._value.get() == 0
    await database.close()
