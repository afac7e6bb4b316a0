"""The database as the fault run's processes and its observer see it: both outlive that it goes away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from random import Random
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from tandem_events import tables
from tandem_events.database import Transaction
from tests.faults import ledgers

AWAY = (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
"""What is raised while the database is away, or when a connection is ended."""

Result = TypeVar("Result")


def named(url: str, name: str) -> str:
    """The URL of connections that show this application name, by which a fault finds them."""
    return f"{url}?application_name={name}"


@asynccontextmanager
async def transactions(
    url: str, name: str, *, connections: int = 10, ask_first: bool = True
) -> AsyncIterator[Transaction]:
    """Sessions on this database that commit at the end of their block, as a service has them.

    `ask_first` tries out each connection before it is used, which costs a round trip.
    """
    engine: AsyncEngine = create_async_engine(
        sa.make_url(url).set(drivername="postgresql+asyncpg", query={}),
        pool_size=connections,
        max_overflow=connections,
        pool_pre_ping=ask_first,
        connect_args={"timeout": 5, "server_settings": {"application_name": name}},
    )

    @asynccontextmanager
    async def begin() -> AsyncIterator[AsyncSession]:
        async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
            yield session

    try:
        yield begin
    finally:
        with suppress(*AWAY):
            await engine.dispose()


class Observer:
    """Asks the database what happened, again and again until it answers."""

    def __init__(self, url: str, *, patience_seconds: float = 60) -> None:
        self._url = named(url, "observer")
        self._patience = patience_seconds
        self._connection: asyncpg.Connection | None = None
        self._one_at_a_time = asyncio.Lock()

    async def rows(self, query: str, *values: Any) -> list[Any]:
        """All rows.

        Raises:
            TimeoutError: the database has been away for longer than the patience.
        """
        return await self._ask(lambda connection: connection.fetch(query, *values))

    async def value(self, query: str, *values: Any) -> Any:
        """The first column of the first row."""
        return await self._ask(lambda connection: connection.fetchval(query, *values))

    async def execute(self, statement: str, *values: Any) -> None:
        """Do this once or, where the database went away meanwhile, more than once."""
        await self._ask(lambda connection: connection.execute(statement, *values))

    async def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            with suppress(*AWAY):
                await self._connection.close(timeout=2)

    async def _ask(self, question: Callable[[asyncpg.Connection], Awaitable[Result]]) -> Result:
        deadline = asyncio.get_running_loop().time() + self._patience
        async with self._one_at_a_time:
            while True:
                try:
                    if self._connection is None or self._connection.is_closed():
                        self._connection = await asyncpg.connect(self._url, timeout=5)
                    return await question(self._connection)
                except AWAY as fault:
                    if isinstance(fault, asyncpg.PostgresError) and fault.sqlstate[:2] not in ("57", "08", "53"):
                        raise
                    if asyncio.get_running_loop().time() > deadline:
                        raise TimeoutError(f"the database has been away for {self._patience:g} s") from fault
                    self._connection = None
                    await asyncio.sleep(0.2)


async def lay_out(url: str, *, books: int, ledgers_per_book: int, seed: int) -> None:
    """Make the tables of the backbone and of the ledgers, and the ledgers themselves."""
    random = Random(seed)
    connection = await asyncpg.connect(url)
    try:
        for statement in (*tables.create_statements(datetime.now(UTC).date()), *ledgers.STATEMENTS):
            await connection.execute(statement)
        book_ids = [UUID(int=random.getrandbits(128), version=4) for _ in range(books)]
        await connection.executemany(
            "INSERT INTO ledgers (number, id, book_id, version) VALUES ($1, $2, $3, 0)",
            [
                (number, UUID(int=random.getrandbits(128), version=4), book_ids[number % books])
                for number in range(books * ledgers_per_book)
            ],
        )
    finally:
        await connection.close()
