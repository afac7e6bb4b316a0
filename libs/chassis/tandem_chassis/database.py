"""The database: one engine for each process, one transaction for each request or batch."""

import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import Depends, Request
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from tandem_chassis import idempotency, telemetry
from tandem_chassis.settings import ServiceSettings
from tandem_events import tracing
from tandem_events.database import engine_arguments, tls, unnamed
from tandem_events.outbox import FACTS_ADDED

SILENT_SECONDS = 3.0
USED_AT = "used_at"


class Database:
    """A service's own PostgreSQL database."""

    def __init__(self, settings: ServiceSettings, *, service: str) -> None:
        self._engine = create_async_engine(
            "postgresql+asyncpg://",
            pool_size=settings.database_pool_connections,
            max_overflow=settings.database_pool_connections,
            pool_timeout=10,
            pool_recycle=1800,
            # The one used last comes first: an idle service keeps to it, and asks no other whether it is still there.
            pool_use_lifo=True,
            connect_args=_connect_arguments(settings, service),
        )
        _ask_connections_that_were_silent(self._engine)
        if settings.database_pgbouncer:
            _limit_statements_in_each_transaction(self._engine, settings.database_statement_timeout_seconds)
        telemetry.watch_pool(self._engine.pool, limit=2 * settings.database_pool_connections)
        self._traced = tracing.is_on()
        if self._traced:
            from tandem_chassis import spans

            spans.trace_queries(self._engine.sync_engine)
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)
        self.after_facts: Callable[[], None] = _nobody_listens

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session that commits at the end of the block, or rolls back when the block raises."""
        async with self._sessions() as session:
            async with session.begin():
                yield session
            if session.info.pop(FACTS_ADDED, False):
                self.after_facts()

    async def ping(self) -> None:
        """Raises where the database does not answer."""
        async with self._engine.connect() as connection:
            await connection.execute(sa.text("SELECT 1"))

    async def close(self) -> None:
        """Give all connections back."""
        await self._engine.dispose()
        if self._traced:
            from tandem_chassis import spans

            spans.leave_queries()


def _connect_arguments(settings: ServiceSettings, service: str) -> dict[str, Any]:
    server_settings = {"application_name": f"tandem-{service}", "timezone": "UTC"}
    driver: dict[str, Any] = {"timeout": 5, "server_settings": server_settings}
    dialect: dict[str, Any] = {}
    if settings.database_pgbouncer:
        driver["statement_cache_size"] = 0
        dialect = {"prepared_statement_cache_size": 0, "prepared_statement_name_func": unnamed}
    else:
        server_settings["statement_timeout"] = str(settings.database_statement_timeout_seconds * 1000)
    return engine_arguments(settings.asyncpg_dsn(), encryption=tls(settings), **driver) | dialect


def _ask_connections_that_were_silent(engine: AsyncEngine) -> None:
    """Before such a connection is used again, the database must answer on it; else there is a new one in its place.

    SQLAlchemy's own `pool_pre_ping` asks each time: with asyncpg three questions before each transaction.
    """

    @sa.event.listens_for(engine.sync_engine, "checkin")
    def note(connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info[USED_AT] = time.monotonic()

    @sa.event.listens_for(engine.sync_engine, "checkout")
    def ask(connection: DBAPIConnection, record: ConnectionPoolEntry, proxy: PoolProxiedConnection) -> None:
        if time.monotonic() - record.info.get(USED_AT, math.inf) > SILENT_SECONDS:
            try:
                engine.dialect.do_ping(connection)
            except engine.dialect.loaded_dbapi.Error as gone:
                raise sa.exc.InvalidatePoolError from gone


def _limit_statements_in_each_transaction(engine: AsyncEngine, seconds: int) -> None:
    """PgBouncer refuses the setting at the start of a connection: the connection behind it is shared."""

    @sa.event.listens_for(engine.sync_engine, "begin")
    def limit(connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {seconds * 1000}")


def _nobody_listens() -> None:
    """Facts wait in the outbox until a relay looks by itself."""


async def transaction(request: Request) -> AsyncIterator[AsyncSession]:
    """The transaction of this request: committed before the answer is sent, rolled back when anything raises."""
    database: Database = request.app.state.database
    async with database.transaction() as session:
        await idempotency.claim(request, session)
        yield session


Transaction = Annotated[AsyncSession, Depends(transaction, scope="function")]
