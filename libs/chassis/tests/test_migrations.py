"""A service and its schema: it waits for what is missing, and works on what is newer than itself."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import httpx2
import pytest
import sqlalchemy.exc
from tandem_demo.main import create_app
from tandem_demo.settings import Settings

from tandem_chassis import migrations
from tandem_chassis.testing import Tokens, running
from tandem_events.testing import eventually


async def test_a_service_is_not_ready_before_its_migrations_have_run(settings: Settings) -> None:
    app = create_app(settings)
    transport = httpx2.ASGITransport(app=app)
    async with app.router.lifespan_context(app), httpx2.AsyncClient(transport=transport, base_url="http://t") as client:
        await eventually(lambda: app.state.health.waiting_for == "its migrations")
        answer = await client.get("/health/ready")
        assert (answer.status_code, answer.json()["waiting_for"]) == (503, "its migrations")
        assert (await client.get("/health/live")).status_code == 200
        await migrations.upgrade(settings.asyncpg_dsn(), package="tandem_demo")
        await eventually(lambda: app.state.health.waiting_for is None)
        assert (await client.get("/health/ready")).status_code == 200


async def test_a_service_works_on_a_schema_that_is_newer_than_itself(settings: Settings, tokens: Tokens) -> None:
    await migrations.upgrade(settings.asyncpg_dsn(), package="tandem_demo")
    connection = await asyncpg.connect(settings.asyncpg_dsn())
    await connection.execute("UPDATE alembic_version SET version_num = '0099'")
    await connection.close()
    async with running(create_app(settings), tokens) as client:
        assert (await client.post("/notes", json={"words": "on"}, headers=tokens.admin())).status_code == 201


async def test_replicas_that_migrate_at_once_migrate_once(settings: Settings) -> None:
    await asyncio.gather(*(migrations.upgrade(settings.asyncpg_dsn(), package="tandem_demo") for _ in range(4)))
    connection = await asyncpg.connect(settings.asyncpg_dsn())
    assert await connection.fetchval("SELECT count(*) FROM alembic_version") == 1
    await connection.close()


def package_of(directory: Path, name: str, migrations: Sequence[str]) -> None:
    """A package with these migrations, each one statement, numbered from 1."""
    versions = directory / name / "migrations" / "versions"
    versions.mkdir(parents=True, exist_ok=True)
    (directory / name / "__init__.py").touch()
    (versions.parent / "env.py").write_text("from tandem_chassis.migrations import run\n\nrun()\n")
    for number, statement in enumerate(migrations, start=1):
        (versions / f"{number:04}.py").write_text(
            f"from alembic import op\n\nrevision = '{number:04}'\n"
            f"down_revision = {f'{number - 1:04}' if number > 1 else None!r}\n\n"
            f"def upgrade() -> None:\n    op.execute({statement!r})\n"
        )


async def test_a_held_lock_delays_a_migration_and_nobody_else(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waits for a table is waited for by all who come later: so the migration lets go and comes again."""
    monkeypatch.syspath_prepend(str(tmp_path))
    package_of(tmp_path, "tandem_held", ["CREATE TABLE held (id int)", "ALTER TABLE held ADD COLUMN words text"])
    await migrations.upgrade(settings.asyncpg_dsn(), package="tandem_held", revision="0001")
    holder, reader = [await asyncpg.connect(settings.asyncpg_dsn()) for _ in range(2)]

    async def waits() -> bool:
        return bool(
            await reader.fetchval(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'held'::regclass AND NOT granted)"
            )
        )

    transaction = holder.transaction()
    await transaction.start()
    await holder.fetch("SELECT * FROM held")
    migration = asyncio.create_task(migrations.upgrade(settings.asyncpg_dsn(), package="tandem_held"))
    for _ in range(2):
        await eventually(waits, within_seconds=30)
        assert await asyncio.wait_for(reader.fetchval("SELECT count(*) FROM held"), timeout=30) == 0
        assert not migration.done()
    await transaction.rollback()
    await asyncio.wait_for(migration, timeout=60)
    assert await reader.fetch("SELECT words FROM held") == []
    for connection in (holder, reader):
        await connection.close()


async def test_a_lock_that_is_never_let_go_fails_the_migration(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(migrations, "PATIENCE", migrations.LOCK_TIMEOUT / 2)
    package_of(tmp_path, "tandem_stuck", ["CREATE TABLE stuck (id int)", "ALTER TABLE stuck ADD COLUMN words text"])
    await migrations.upgrade(settings.asyncpg_dsn(), package="tandem_stuck", revision="0001")
    holder = await asyncpg.connect(settings.asyncpg_dsn())
    async with holder.transaction():
        await holder.fetch("SELECT * FROM stuck")
        with pytest.raises(sqlalchemy.exc.DBAPIError, match="lock timeout"):
            await migrations.upgrade(settings.asyncpg_dsn(), package="tandem_stuck")
    await holder.close()


async def test_what_was_migrated_stays_when_a_later_migration_fails(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    package_of(tmp_path, "tandem_broken", ["CREATE TABLE first (id int)", "SELECT 1 / 0"])
    with pytest.raises(sqlalchemy.exc.DBAPIError, match="division by zero"):
        await migrations.upgrade(settings.asyncpg_dsn(), package="tandem_broken")
    connection = await asyncpg.connect(settings.asyncpg_dsn())
    assert await connection.fetchval("SELECT version_num FROM alembic_version") == "0001"
    assert await connection.fetch("SELECT * FROM first") == []
    package_of(tmp_path, "tandem_broken", ["CREATE TABLE first (id int)", "CREATE TABLE second (id int)"])
    await migrations.upgrade(settings.asyncpg_dsn(), package="tandem_broken")
    assert await connection.fetchval("SELECT version_num FROM alembic_version") == "0002"
    await connection.close()
