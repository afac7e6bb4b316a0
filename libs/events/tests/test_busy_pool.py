"""A pool whose connections are all in use: events wait for one. None is parked for it, and no work ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from structlog.testing import capture_logs

from tandem_events import dead_letters
from tandem_events.consumer import Consumer
from tandem_events.contracts import ProgramLaunched
from tandem_events.envelope import to_message
from tandem_events.faults import passes
from tandem_events.handling import Handling
from tandem_events.reading import Incoming, Item, Reader
from tandem_events.settings import EventSettings
from tandem_events.subscriptions import Handler, NotYet, Subscription
from tandem_events.testing import eventually

from .conftest import Transaction

RETRY_SECONDS = 0.2


async def on_launched(event: ProgramLaunched, session: AsyncSession) -> None:
    await session.execute(
        sa.text("INSERT INTO effects (subject, what) VALUES (:subject, 'launched')"), {"subject": event.program_id}
    )


def handling_with(transaction: Transaction, handler: Handler = on_launched) -> Handling:
    reader = Reader([Subscription(ProgramLaunched, handler)], max_event_bytes=10_000)
    return Handling(reader, transaction, name="tests", retry_seconds=RETRY_SECONDS, waiting_retry_seconds=0.01)


def launched(handling: Handling, *programs: UUID) -> list[Item]:
    items = []
    for offset, program in enumerate(programs):
        event = ProgramLaunched(program_id=program, format="group", occurred_at=datetime(2026, 5, 4, tzinfo=UTC))
        message = to_message(event, version=1)
        headers = tuple((name, text.encode()) for name, text in message.headers.items())
        items.append(
            handling.reader.read(Incoming(message.topic, 0, offset, 0, message.key.encode(), headers, message.value))
        )
    return items


async def handled(transaction: Transaction) -> set[UUID]:
    async with transaction() as session:
        return set(await session.scalars(sa.text("SELECT subject FROM effects")))


async def parked(transaction: Transaction) -> list[tuple[str, str]]:
    async with transaction() as session:
        return [(row.standing, row.reason) for row in await dead_letters.list_parked(session, "tests", limit=10)]


@pytest.fixture
async def only_one(settings: EventSettings) -> AsyncIterator[Transaction]:
    """Transactions from a pool of a single connection, for which nobody waits long."""
    url = sa.make_url(settings.asyncpg_dsn()).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url, pool_size=1, max_overflow=0, pool_timeout=0.02)

    @asynccontextmanager
    async def begin() -> AsyncIterator[AsyncSession]:
        async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
            yield session

    yield begin
    await engine.dispose()


def busy_at_first(transaction: Transaction, *, times: int, after: int = 0) -> Transaction:
    """Transactions that find every connection in use, so often, after those that found one."""
    begun = iter([False] * after + [True] * times)

    @asynccontextmanager
    async def begin() -> AsyncIterator[AsyncSession]:
        if next(begun, False):
            raise PoolTimeout("QueuePool limit of size 10 overflow 10 reached, connection timed out, timeout 10.00")
        async with transaction() as session:
            yield session

    return begin


async def test_events_that_get_no_connection_wait_for_one_however_long_and_none_is_parked(
    only_one: Transaction, transaction: Transaction
) -> None:
    handling = handling_with(only_one)
    programs = [uuid4(), uuid4()]
    with capture_logs() as logs:
        async with only_one() as held:
            await held.execute(sa.text("SELECT 1"))
            began = asyncio.get_running_loop().time()
            batch = asyncio.create_task(handling.handle(launched(handling, *programs)))
            await eventually(
                lambda: (
                    asyncio.get_running_loop().time() - began > 3 * RETRY_SECONDS
                    and sum(entry["event"] == "event_retried" for entry in logs) > 3
                )
            )
            assert await parked(transaction) == []
            assert not batch.done()
        outcome = await batch
    assert (outcome.handled, outcome.parked) == (2, 0)
    assert await handled(transaction) == set(programs)
    assert await parked(transaction) == []


async def test_what_is_to_be_parked_waits_for_a_connection_too(transaction: Transaction) -> None:
    async def refuses(event: ProgramLaunched, session: AsyncSession) -> None:
        raise ValueError("such a program cannot be")

    # It fails in its batch, then alone; where it is to be parked, every connection is in use.
    handling = handling_with(busy_at_first(transaction, times=1, after=2), refuses)
    outcome = await handling.handle(launched(handling, uuid4()))
    assert outcome.parked == 1
    assert await parked(transaction) == [("poison", "ValueError: such a program cannot be")]


async def test_waiting_events_are_tried_again_after_a_moment_without_connections(
    settings: EventSettings, transaction: Transaction
) -> None:
    known = False

    async def waits(event: ProgramLaunched, session: AsyncSession) -> None:
        if not known:
            raise NotYet("the person is not known yet")
        await on_launched(event, session)

    program = uuid4()
    handling = handling_with(transaction, waits)
    await handling.handle(launched(handling, program))
    known = True
    subscriptions = [Subscription(ProgramLaunched, waits)]
    consumer = Consumer(settings, subscriptions, busy_at_first(transaction, times=2), service="tests")
    retrying = asyncio.create_task(consumer.retry_waiting())

    async def took_effect() -> bool:
        assert not retrying.done(), retrying.exception()
        return await handled(transaction) == {program}

    try:
        await eventually(took_effect)
    finally:
        retrying.cancel()
        await asyncio.gather(retrying, return_exceptions=True)


def test_a_connection_that_could_not_be_had_is_a_fault_that_passes() -> None:
    assert passes(PoolTimeout("all in use"))
    assert not passes(ValueError("never"))
