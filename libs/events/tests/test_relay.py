"""The relay on a real database and a real broker: nothing lost, nothing out of order, one leader."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import sqlalchemy as sa
from aiokafka import AIOKafkaProducer
from prometheus_client import REGISTRY
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tandem_events import kafka, outbox, republishing, sending
from tandem_events import relay as relay_module
from tandem_events.contracts import CONTRACTS, Event, PersonRegistered, ProgramState
from tandem_events.relay import LeadershipLost, Relay
from tandem_events.republishing import republish
from tandem_events.settings import EventSettings
from tandem_events.testing import Seen, eventually, tap

from .conftest import Transaction


class Base(DeclarativeBase):
    pass


class Aggregate(Base):
    __tablename__ = "aggregates"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column()


def registered(person: UUID) -> PersonRegistered:
    return PersonRegistered(person_id=person, occurred_at=datetime.now(UTC))


@asynccontextmanager
async def relaying(settings: EventSettings, number: int = 1) -> AsyncIterator[list[Relay]]:
    await kafka.ensure_topics(settings, CONTRACTS)
    relays = [Relay(settings) for _ in range(number)]
    tasks = [asyncio.create_task(relay.run()) for relay in relays]
    try:
        yield relays
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


async def test_concurrent_writers_lose_nothing_and_keep_each_aggregates_order(
    settings: EventSettings, transaction: Transaction
) -> None:
    people = [uuid4() for _ in range(10)]
    async with transaction() as session:
        session.add_all(Aggregate(id=person, version=0) for person in people)

    async def write(writer: int) -> None:
        for round_ in range(15):
            person = people[(writer * 7 + round_) % len(people)]
            async with transaction() as session:
                aggregate = await session.get_one(Aggregate, person)
                # The lock is taken by the flush inside `add`, not by a SELECT ... FOR UPDATE.
                await session.execute(
                    sa.update(Aggregate).where(Aggregate.id == person).values(version=Aggregate.version + 1)
                )
                await session.refresh(aggregate)
                await outbox.add(session, registered(person), version=aggregate.version)

    async with relaying(settings), tap(settings) as topics:
        await asyncio.gather(*(write(writer) for writer in range(12)))
        seen = await topics.until(lambda seen: len(seen) >= 180)
    assert len({one.envelope.event_id for one in seen}) == 180
    for person in people:
        versions = [one.envelope.aggregate_version for one in seen if one.envelope.subject == str(person)]
        assert versions == sorted(versions)


async def test_an_event_waits_for_the_row_of_its_aggregate_to_be_written(transaction: Transaction) -> None:
    person = uuid4()
    async with transaction() as session:
        session.add(Aggregate(id=person, version=1))
        await outbox.add(session, registered(person), version=1)
        assert not session.new, "the outbox must flush before it writes"


async def test_only_one_of_several_relays_leads_and_another_takes_over(
    settings: EventSettings, transaction: Transaction
) -> None:
    async with relaying(settings, 3) as relays, tap(settings) as topics:
        await eventually(lambda: any(relay.leading for relay in relays))
        assert sum(relay.leading for relay in relays) == 1
        first = next(relay.epoch for relay in relays if relay.leading)
        await depose(settings)
        await eventually(lambda: any(relay.leading and relay.epoch > first for relay in relays))
        async with transaction() as session:
            await outbox.add(session, registered(uuid4()), version=1)
        await topics.first(PersonRegistered)


async def test_a_relay_that_lost_its_leadership_marks_nothing_as_sent(
    settings: EventSettings, transaction: Transaction
) -> None:
    async with transaction() as session:
        await outbox.add(session, registered(uuid4()), version=1)
    relay = Relay(settings)
    await kafka.ensure_topics(settings, CONTRACTS)
    async with relay._leadership() as (connection, _, _):
        batch = await relay._unsent(connection)
        assert len(batch) == 1
        await connection.execute("UPDATE outbox_leader SET epoch = epoch + 1")
        with pytest.raises(LeadershipLost):
            await relay._mark_sent(connection, batch)
        assert await connection.fetchval("SELECT count(*) FROM outbox WHERE sent_at IS NOT NULL") == 0


async def test_wake_brings_an_event_out_before_the_next_poll(settings: EventSettings, transaction: Transaction) -> None:
    slow = settings.model_copy(update={"outbox_poll_min_milliseconds": 30_000, "outbox_poll_max_milliseconds": 30_000})
    async with relaying(slow) as (relay,), tap(settings) as topics:
        await eventually(lambda: relay.leading)
        async with transaction() as session:
            await outbox.add(session, registered(uuid4()), version=1)
        relay.wake()
        await topics.first(PersonRegistered, within_seconds=10)


async def test_the_archive_can_be_published_again_narrowed_by_key_and_time(
    settings: EventSettings, transaction: Transaction
) -> None:
    one, other = uuid4(), uuid4()
    async with relaying(settings) as (relay,), tap(settings) as topics:
        async with transaction() as session:
            await outbox.add_many(session, [(registered(one), 1), (registered(other), 1), (registered(one), 2)])
        await topics.until(lambda seen: len(seen) == 3)
        await eventually(lambda: relay.sent == 3)

        async def all_marked() -> bool:
            async with transaction() as session:
                return not await session.scalar(sa.text("SELECT count(*) FROM outbox WHERE sent_at IS NULL"))

        await eventually(all_marked)
        assert [sent async for sent in republish(settings, key=str(one))] == [2]
        assert [sent async for sent in republish(settings, since=datetime.now(UTC) + timedelta(hours=1))] == []
        seen = await topics.until(lambda seen: len(seen) == 5)
    ids = [read.envelope.event_id for read in seen if read.envelope.subject == str(one)]
    assert ids == ids[:2] * 2


async def test_a_relay_whose_client_never_gets_to_know_a_broker_gives_it_up(
    settings: EventSettings, transaction: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []

    def producer(of: EventSettings) -> AIOKafkaProducer:
        client = ordinary(of)
        if not made:
            client.start = asyncio.Event().wait  # as when the broker answered while it started, and named no broker
        made.append(client)
        return client

    ordinary = kafka.producer
    monkeypatch.setattr(kafka, "producer", producer)
    monkeypatch.setattr(relay_module, "START_SECONDS", 0.2)
    async with relaying(settings) as (relay,), tap(settings) as topics:
        await eventually(lambda: relay.leading)
        async with transaction() as session:
            await outbox.add(session, registered(uuid4()), version=1)
        await topics.first(PersonRegistered)
    assert len(made) == 2


def state(program: UUID, name: str, objective: str = "") -> ProgramState:
    at = datetime.now(UTC)
    return ProgramState(
        program_id=program, name=name, objective=objective, format="group", status="open", occurred_at=at
    )


async def say(transaction: Transaction, *events: Event) -> None:
    async with transaction() as session:
        await outbox.add_many(session, [(event, 1) for event in events])


async def nothing_waits(transaction: Transaction) -> bool:
    async with transaction() as session:
        return not await session.scalar(sa.text("SELECT count(*) FROM outbox WHERE sent_at IS NULL"))


def names_of(seen: list[Seen], program: UUID) -> list[str]:
    return [one.event.name for one in seen if isinstance(one.event, ProgramState) and one.event.program_id == program]


async def test_what_is_published_again_up_to_a_moment_leaves_the_newest_state_last(
    settings: EventSettings, transaction: Transaction
) -> None:
    changed, unchanged = uuid4(), uuid4()
    async with relaying(settings), tap(settings) as topics:
        await say(transaction, state(changed, "old"), state(unchanged, "only"))
        async with transaction() as session:
            moment = await session.scalar(sa.text("SELECT clock_timestamp()"))
        await say(transaction, state(changed, "newer"), state(changed, "newest"))
        await eventually(lambda: nothing_waits(transaction))
        await topics.until(lambda seen: len(seen) == 4)
        assert [sent async for sent in republish(settings, until=moment)] == [2, 3]
        seen = await topics.until(lambda seen: len(seen) == 7)
    assert names_of(seen, changed) == ["old", "newer", "newest", "old", "newest"]
    assert names_of(seen, unchanged) == ["only", "only"]


async def test_a_state_that_a_relay_sends_while_the_archive_is_published_again_stays_the_last(
    settings: EventSettings, transaction: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = uuid4()
    send = sending.send_all
    overtaken = False

    async with relaying(settings), tap(settings) as topics:
        await say(transaction, state(program, "old"))
        await eventually(lambda: nothing_waits(transaction))

        async def late(*arguments: Any, **options: Any) -> None:
            nonlocal overtaken
            if not overtaken:
                overtaken = True
                await say(transaction, state(program, "new"))
                await topics.until(lambda seen: names_of(seen, program) == ["old", "new"])
            await send(*arguments, **options)

        monkeypatch.setattr(republishing, "send_all", late)
        assert [sent async for sent in republish(settings)][-1] == 2
        seen = await topics.until(lambda seen: len(seen) == 4)
    assert names_of(seen, program) == ["old", "new", "old", "new"]


async def test_a_state_that_a_deposed_relay_had_in_hand_does_not_stay_the_last(
    settings: EventSettings, transaction: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = uuid4()
    in_hand, may_go = asyncio.Event(), asyncio.Event()
    send = relay_module.send_all

    async def held_the_first_time(*arguments: Any, **options: Any) -> None:
        if not in_hand.is_set():
            in_hand.set()
            await may_go.wait()
        await send(*arguments, **options)

    monkeypatch.setattr(relay_module, "send_all", held_the_first_time)
    await say(transaction, state(program, "old"))
    async with tap(settings) as topics, relaying(settings) as (silent,):
        await in_hand.wait()
        await depose(settings)
        async with relaying(settings) as (successor,):
            await eventually(lambda: successor.leading)
            await say(transaction, state(program, "new"))
            await topics.until(lambda seen: names_of(seen, program) == ["old", "new"])
            await eventually(lambda: nothing_waits(transaction))
            may_go.set()
            seen = await topics.until(lambda seen: len(seen) >= 4)
        assert names_of(seen, program) == ["old", "new", "old", "new"]
        await eventually(lambda: silent.epoch > successor.epoch)


async def depose(settings: EventSettings) -> None:
    """Free the lock of whoever leads, as when its machine was out of reach: it does not know of it."""
    connection = await asyncpg.connect(settings.asyncpg_dsn())
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    await connection.close()


async def test_events_are_counted_as_sent_once_kafka_has_them(
    settings: EventSettings, transaction: Transaction
) -> None:
    before = sent_so_far("tandem.profiles")
    async with relaying(settings):
        await say(transaction, registered(uuid4()), registered(uuid4()))
        await eventually(lambda: nothing_waits(transaction))
    assert sent_so_far("tandem.profiles") - before == 2


def sent_so_far(topic: str) -> float:
    return REGISTRY.get_sample_value("tandem_outbox_sent_total", {"topic": topic}) or 0.0


async def test_an_event_that_no_broker_would_take_is_refused_when_it_is_said(transaction: Transaction) -> None:
    huge = state(uuid4(), "huge", "x" * 900_000)
    with pytest.raises(outbox.EventTooLarge, match=r"tandem\.program\.state\.v1 of .*: 90\d+ bytes"):
        await say(transaction, huge)
    assert await nothing_waits(transaction)


async def test_the_largest_event_that_may_be_said_reaches_its_readers(
    settings: EventSettings, transaction: Transaction
) -> None:
    large = state(uuid4(), "large", "x" * 890_000)
    async with relaying(settings), tap(settings) as topics:
        await say(transaction, registered(uuid4()), large, registered(uuid4()))
        seen = await topics.until(lambda seen: len(seen) == 3)
    assert large in [one.event for one in seen]


async def test_a_relay_that_is_stopped_while_it_closes_one_connection_closes_the_other_too(
    settings: EventSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay = Relay(settings.model_copy(update={"kafka_bootstrap_servers": "127.0.0.1:1"}))
    task = asyncio.create_task(relay.run())
    close, closing = asyncpg.Connection.close, 0

    async def stop_and_close(connection: asyncpg.Connection, **how: Any) -> None:
        nonlocal closing
        closing += 1
        if closing == 1:
            task.cancel()
        await close(connection, **how)

    monkeypatch.setattr(asyncpg.Connection, "close", stop_and_close)
    await asyncio.wait([task])
    assert task.cancelled()
    assert closing == 2
    monkeypatch.undo()
    observer = await asyncpg.connect(settings.asyncpg_dsn())
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"

    async def alone() -> bool:
        return not await observer.fetchval(others)

    await eventually(alone)
    await observer.close()
