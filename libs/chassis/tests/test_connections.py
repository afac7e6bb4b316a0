"""The pool's connections: those that were ended while nobody used them are replaced before anybody notices."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from tandem_demo.settings import Settings

from tandem_chassis import database as database_module
from tandem_chassis.database import Database


@pytest.fixture
async def database_in_use(settings: Settings) -> AsyncIterator[Database]:
    made = Database(settings, service="demo")
    yield made
    await made.close()


async def processes(database: Database) -> set[int]:
    """The server's processes behind three transactions at once."""
    all_there = asyncio.Barrier(3)

    async def one() -> int:
        async with database.transaction() as session:
            await all_there.wait()
            return int(await session.scalar(sa.text("SELECT pg_backend_pid()")) or 0)

    return set(await asyncio.gather(one(), one(), one()))


async def end_connections(settings: Settings) -> None:
    """As a restart of the server does, or a firewall."""
    connection = await asyncpg.connect(settings.asyncpg_dsn())
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await connection.close()


async def test_connections_that_were_ended_in_silence_are_replaced(
    settings: Settings, database_in_use: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await processes(database_in_use)
    await end_connections(settings)
    monkeypatch.setattr(database_module, "SILENT_SECONDS", 0)
    after = await processes(database_in_use)
    assert len(after) == 3
    assert not after & before


async def test_a_connection_that_was_used_a_moment_ago_is_taken_as_it_is_and_all_are_replaced_where_it_is_not(
    settings: Settings, database_in_use: Database
) -> None:
    before = await processes(database_in_use)
    assert await processes(database_in_use) == before
    await end_connections(settings)
    with pytest.raises(DBAPIError):
        async with database_in_use.transaction() as session:
            await session.execute(sa.text("SELECT 1"))
    after = await processes(database_in_use)
    assert len(after) == 3
    assert not after & before
