"""A database with the event tables and one aggregate, and a broker, for the tests of the backbone."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from tandem_events import tables
from tandem_events.settings import EventSettings
from tandem_events.testing import own_namespace

Transaction = Callable[[], AbstractAsyncContextManager[AsyncSession]]

TABLES = (
    "CREATE TABLE aggregates (id uuid PRIMARY KEY, version integer NOT NULL)",
    "CREATE TABLE effects (id bigint GENERATED ALWAYS AS IDENTITY, subject uuid NOT NULL, what text NOT NULL)",
)


@pytest.fixture(scope="session")
async def template(new_database: Any) -> str:
    """The name of a database that has the tables, to be copied."""
    url: str = new_database()
    connection = await asyncpg.connect(url)
    for statement in (*tables.create_statements(datetime.now(UTC).date()), *TABLES):
        await connection.execute(statement)
    await connection.close()
    return url.rsplit("/", 1)[1]


@pytest.fixture
def settings(new_database: Any, template: str, broker: Any) -> EventSettings:
    return EventSettings(
        database_url=new_database(template=template),
        kafka_bootstrap_servers=broker.bootstrap_servers,
        kafka_idempotent_producer=broker.idempotent_producer,
        kafka_namespace=own_namespace(),
        kafka_topic_partitions=3,
        consumer_session_timeout_seconds=broker.session_timeout_seconds,
        consumer_retry_seconds=0.3,
        waiting_retry_seconds=0.1,
    )


@pytest.fixture
async def engine(settings: EventSettings) -> AsyncIterator[AsyncEngine]:
    url = sa.make_url(settings.asyncpg_dsn()).set(drivername="postgresql+asyncpg")
    made = create_async_engine(url, pool_size=10, max_overflow=20, pool_pre_ping=True)
    yield made
    await made.dispose()


@pytest.fixture
def transaction(engine: AsyncEngine) -> Transaction:
    @asynccontextmanager
    async def begin() -> AsyncIterator[AsyncSession]:
        async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
            yield session

    return begin
