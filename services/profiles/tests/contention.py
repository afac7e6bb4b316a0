"""Two requests at once: one is held at a lock until the other is through."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events.testing import eventually

_WAITING = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


async def waiting(app: FastAPI, number: int = 1) -> None:
    """Return once so many transactions wait for a lock."""

    async def so_many() -> bool:
        async with app.state.database.transaction() as session:
            return bool(await session.scalar(_WAITING) >= number)

    await eventually(so_many)


@asynccontextmanager
async def holding(app: FastAPI, statement: str, **parameters: object) -> AsyncIterator[AsyncSession]:
    """A transaction that holds what the statement locks until the block ends."""
    async with app.state.database.transaction() as session:
        await session.execute(sa.text(statement), parameters)
        yield session
