"""Migrations: brings a service's database to the version that its code expects, while others work on it."""

import asyncio
import time
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import sqlalchemy as sa
import structlog
from alembic import command, context
from alembic.config import Config
from alembic.script import ScriptDirectory
from asyncpg.exceptions import LockNotAvailableError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from tandem_events.database import Tls, engine_arguments

log = structlog.get_logger(__name__)

LOCK = 0x7A6DE302
"""Replicas that start together migrate one after the other."""

LOCK_TIMEOUT = timedelta(seconds=3)
"""Who waits for a table keeps everybody waiting who comes after, so a migration gives up soon and comes again."""

LONGEST_PAUSE = timedelta(seconds=30)
PATIENCE = timedelta(minutes=30)
"""How long a migration comes again before it fails."""


async def upgrade(database_url: str, *, package: str, revision: str = "head", encryption: Tls = None) -> None:
    """Bring the database of this service to a revision. Safe to repeat, and to call from several replicas at once.

    The address must lead past any pooler: the turn to migrate belongs to the session. Each migration is a transaction
    of its own, so what was done stays done when a later one fails or has to wait.

    Raises:
        DBAPIError: a migration failed, or a lock it needs was held all through `PATIENCE`.
    """
    arguments = engine_arguments(
        database_url,
        encryption=encryption,
        timeout=5,
        server_settings={"lock_timeout": str(LOCK_TIMEOUT // timedelta(milliseconds=1))},
    )
    engine = create_async_engine("postgresql+asyncpg://", poolclass=NullPool, connect_args=arguments)
    try:
        async with engine.connect() as connection:
            await _take_turn(connection)
            await _patiently(connection, package, revision)
    finally:
        await engine.dispose()


async def _take_turn(connection: AsyncConnection) -> None:
    """Wait until nobody else migrates; the turn ends with the connection.

    Asks again and again rather than once for long: a transaction that waits would keep an index from being built
    CONCURRENTLY.
    """
    while True:
        mine = await connection.scalar(sa.text("SELECT pg_try_advisory_lock(:lock)"), {"lock": LOCK})
        await connection.commit()
        if mine:
            return
        await asyncio.sleep(0.2)


async def _patiently(connection: AsyncConnection, package: str, revision: str) -> None:
    """Run what is missing; where a lock is held, let those pass who came after, and go on from there."""
    deadline = time.monotonic() + PATIENCE.total_seconds()
    pause = 1.0
    while True:
        try:
            await connection.run_sync(_upgrade, package, revision)
            await connection.commit()
        except DBAPIError as fault:
            await connection.rollback()
            if not _is_a_held_lock(fault) or time.monotonic() > deadline:
                raise
            log.warning("migration_waits_for_a_lock", package=package, again_in_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE.total_seconds())
        else:
            return


def _is_a_held_lock(fault: DBAPIError) -> bool:
    return bool(getattr(fault.orig, "sqlstate", None) == LockNotAvailableError.sqlstate)


async def are_missing(session: AsyncSession, *, package: str) -> bool:
    """Whether this code knows migrations that the database has not had.

    One that is ahead of this code is fine: during an upgrade the old replicas work on the new schema.
    """
    scripts = ScriptDirectory(str(script_directory(package)))
    if await session.scalar(sa.text("SELECT to_regclass('alembic_version')")) is None:
        return True
    stored = set(await session.scalars(sa.text("SELECT version_num FROM alembic_version")))
    behind = {script.revision for script in scripts.walk_revisions()} - set(scripts.get_heads())
    return not stored or bool(stored & behind)


def _upgrade(connection: Connection, package: str, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(script_directory(package)))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def script_directory(package: str) -> Path:
    """Where a service keeps its migrations."""
    module = import_module(package)
    assert module.__file__ is not None
    return Path(module.__file__).parent / "migrations"


def run() -> None:
    """What every service's `migrations/env.py` calls."""
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, transactional_ddl=True, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
