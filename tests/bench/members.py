"""`python -m tests.bench.members relay|consume`: a relay or a consumer as a process of its own."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, TextIO
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from uuid_utils.compat import uuid7

from tandem_events.consumer import Consumer
from tandem_events.contracts import PersonRegistered
from tandem_events.handling import Outcome
from tandem_events.reading import Item
from tandem_events.relay import Relay
from tandem_events.settings import EventSettings
from tandem_events.subscriptions import Subscription


class Base(DeclarativeBase):
    """Tables of the benchmark."""


class BenchEffect(Base):
    """The one row that each event writes."""

    __tablename__ = "effects"
    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    subject: Mapped[UUID]
    what: Mapped[str]


async def on_registered(event: PersonRegistered, session: AsyncSession) -> None:
    """Write one row."""
    session.add(BenchEffect(event_id=uuid7(), subject=event.person_id, what=event.occurred_at.isoformat()))


def reading() -> list[Subscription]:
    """What the benchmark's consumer reads."""
    return [Subscription(PersonRegistered, on_registered)]


def transactions(engine: AsyncEngine) -> Callable[[], AbstractAsyncContextManager[AsyncSession]]:
    """Sessions that commit at the end of their block."""

    @asynccontextmanager
    async def begin() -> AsyncIterator[AsyncSession]:
        async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
            yield session

    return begin


async def consume(settings: EventSettings, times: Path | None) -> None:
    """Consume until SIGTERM; write down when each event's effect was committed, where asked to."""
    engine = create_async_engine(sa.make_url(settings.asyncpg_dsn()).set(drivername="postgresql+asyncpg"), pool_size=10)
    member = Consumer(settings, reading(), transactions(engine), service="bench")
    with times.open("w") if times else nullcontext() as file:
        if file:
            _write_times(member, file)
        await until_told(member.run(), member.stop)
    await engine.dispose()


def _write_times(member: Consumer, file: TextIO) -> None:
    handle, assigned = member.handling.handle, member.on_partitions_assigned

    async def timed(items: Sequence[Item]) -> Outcome:
        outcome = await handle(items)
        at = time.time()
        file.writelines(f"{item.event_id} {at}\n" for item in items)
        file.flush()
        return outcome

    async def say_so(assigned_now: Iterable[Any]) -> None:
        await assigned(assigned_now)
        file.write("assigned\n")
        file.flush()

    member.handling.handle = timed  # type: ignore[method-assign]
    member.on_partitions_assigned = say_so  # type: ignore[method-assign, assignment]


async def until_told(work: Any, stop: Any) -> None:
    """Run until SIGTERM, then stop."""
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    task = asyncio.ensure_future(work)
    await told.wait()
    await stop()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def nothing() -> None:
    """Nothing to do before the end."""


def main() -> None:
    """Run as told on the command line."""
    settings = EventSettings()
    if sys.argv[1] == "relay":
        asyncio.run(until_told(Relay(settings).run(), nothing))
    else:
        asyncio.run(consume(settings, Path(sys.argv[2]) if len(sys.argv) > 2 else None))


if __name__ == "__main__":
    main()
