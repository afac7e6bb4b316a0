"""A service behind PgBouncer in transaction mode, over TLS that is verified: as in a cluster.

Needs the program `pgbouncer`; where that is missing the tests say so. CI has it.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import sqlalchemy as sa
from certificates import write_certificates
from fastapi import FastAPI
from pydantic import PostgresDsn
from sqlalchemy.exc import DBAPIError
from tandem_demo.main import create_app
from tandem_demo.settings import Settings

from tandem_chassis.database import Database
from tandem_chassis.testing import Tokens, running, settings_for
from tandem_events.contracts import PersonRegistered
from tandem_events.testing import own_namespace, tap
from tandem_local.ports import free_port
from tandem_local.processes import ChildProcess

CONFIGURATION = """\
[databases]
* = host=127.0.0.1 port={postgresql_port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {directory}/users.txt
pool_mode = transaction
default_pool_size = 2
client_tls_sslmode = require
client_tls_cert_file = {certificate}
client_tls_key_file = {certificate}
"""


@pytest.fixture
def pooled(database: str, broker: Any) -> Iterator[Settings]:
    """Settings that lead through a PgBouncer with two connections, and past it where a service must."""
    program = shutil.which("pgbouncer")
    if program is None:
        assert not os.environ.get("CI"), "CI must have pgbouncer"
        pytest.skip("pgbouncer is not installed: a service behind a pooler was not tried")
    direct = sa.make_url(database)
    directory = Path(tempfile.mkdtemp(prefix="tandem-pgbouncer-"))
    directory.chmod(0o755)
    authority, certificate = write_certificates(directory)
    certificate.chmod(0o644)
    port = free_port()
    (directory / "users.txt").write_text(f'"{direct.username}" "{direct.password}"\n')
    (directory / "pgbouncer.ini").write_text(
        CONFIGURATION.format(postgresql_port=direct.port, port=port, directory=directory, certificate=certificate)
    )
    pooler = ChildProcess(
        name="PgBouncer",
        command=[program, str(directory / "pgbouncer.ini")],
        log=directory / "pgbouncer.log",
        user="tandem_postgres" if os.geteuid() == 0 else "",
    )
    pooler.start()
    try:
        pooler.wait_until(lambda: "process up" in pooler.log.read_text(), timeout_seconds=10)
        made: Settings = settings_for(
            Settings,
            # The way that is pooled is encrypted; the direct one cannot be here, so the address says it and no setting.
            database=direct.set(port=port)
            .update_query_dict({"sslmode": "verify-full", "sslrootcert": str(authority)})
            .render_as_string(hide_password=False),
            broker=broker,
            namespace=own_namespace(),
            database_direct_url=database,
            database_pgbouncer=True,
            database_statement_timeout_seconds=1,
        )
        yield made
    finally:
        pooler.stop(grace_seconds=2)
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
async def service(pooled: Settings, tokens: Tokens) -> AsyncIterator[tuple[FastAPI, httpx2.AsyncClient]]:
    app = create_app(pooled, migrate=True)
    async with running(app, tokens) as client:
        yield app, client


async def test_more_requests_than_connections_are_served_through_the_pooler(
    service: tuple[FastAPI, httpx2.AsyncClient], tokens: Tokens, pooled: Settings
) -> None:
    _, client = service

    async def write(number: int) -> None:
        made = await client.post("/notes", json={"words": f"words {number}"}, headers=tokens.admin())
        assert made.status_code == 201, made.text
        changed = await client.put(
            f"/notes/{made.json()['id']}",
            json={"words": f"other {number}"},
            headers={**tokens.admin(), "If-Match": '"1"'},
        )
        assert changed.status_code == 200, changed.text

    await asyncio.gather(*(write(number) for number in range(30)))
    async with tap(pooled) as topics:
        assert len(await topics.all_of(PersonRegistered, at_least=60)) == 60


async def test_nothing_is_left_on_the_poolers_connections_and_the_statement_limit_holds(
    service: tuple[FastAPI, httpx2.AsyncClient],
) -> None:
    database: Database = service[0].state.database

    async def left_behind() -> int:
        async with database.transaction() as session:
            await session.execute(sa.text("SELECT id FROM notes WHERE id = :id"), {"id": uuid4()})
            return int(await session.scalar(sa.text("SELECT count(*) FROM pg_prepared_statements")) or 0)

    assert set(await asyncio.gather(*(left_behind() for _ in range(8)))) == {0}
    with pytest.raises(DBAPIError, match="statement timeout"):
        async with database.transaction() as session:
            await session.execute(sa.text("SELECT pg_sleep(30)"))


async def test_a_server_that_another_authority_vouches_for_is_refused(pooled: Settings, tmp_path: Path) -> None:
    address = sa.make_url(pooled.asyncpg_dsn())
    authority = Path(str(address.query["sslrootcert"]))
    another_authority, _ = write_certificates(tmp_path)

    async def ping(authority: Path) -> None:
        told = {
            "database_url": PostgresDsn(address.set(query={}).render_as_string(hide_password=False)),
            "database_ssl_mode": "verify-full",
            "database_ssl_ca_file": authority,
        }
        database = Database(pooled.model_copy(update=told), service="demo")
        try:
            await database.ping()
        finally:
            await database.close()

    await ping(authority)
    with pytest.raises((OSError, DBAPIError), match="certificate"):
        await ping(another_authority)
