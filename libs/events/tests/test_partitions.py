"""The outbox's partitions: made before their day, also when nobody was there to make them, and let go in time."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from tandem_events import kafka, partitions
from tandem_events.contracts import CONTRACTS, PersonRegistered
from tandem_events.relay import Relay
from tandem_events.settings import EventSettings
from tandem_events.tables import partition_name, partition_statement
from tandem_events.testing import eventually, tap

from .test_relay import relaying

TODAY = datetime.now(UTC).date()


@pytest.fixture
async def connection(settings: EventSettings) -> AsyncIterator[asyncpg.Connection]:
    made = await asyncpg.connect(settings.asyncpg_dsn())
    yield made
    await made.close()


async def names(connection: asyncpg.Connection) -> set[str]:
    rows = await connection.fetch(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'outbox'::regclass"
    )
    return {row[0] for row in rows}


async def record(connection: asyncpg.Connection, *days: date) -> list[UUID]:
    """Facts as a transaction of each of these days leaves them."""
    ids = [uuid4() for _ in days]
    headers = '{"ce_specversion": "1.0", "ce_id": "%s", "ce_source": "/tandem/profiles", "ce_type": "%s"}'
    for day, event_id in zip(days, ids, strict=True):
        kind = PersonRegistered.contract.type
        body = PersonRegistered(person_id=event_id, occurred_at=datetime.now(UTC)).model_dump_json().encode()
        await connection.execute(
            "INSERT INTO outbox (recorded_on, event_id, type, topic, key, subject, headers, value) "
            "VALUES ($1, $2, $3, 'tandem.profiles', $4, $4, $5, $6)",
            day,
            event_id,
            kind,
            str(event_id),
            headers % (event_id, kind),
            body,
        )
    return ids


async def without_partitions(connection: asyncpg.Connection) -> None:
    """As after days in which nobody led: only the default partition is left."""
    for name in await names(connection) - {"outbox_default"}:
        await connection.execute(f"DROP TABLE {name}")


async def test_partitions_come_and_go_with_the_days(connection: asyncpg.Connection, settings: EventSettings) -> None:
    old, kept = TODAY - timedelta(days=30), TODAY - timedelta(days=10)
    for day in (old, kept):
        await connection.execute(partition_statement(day))
    await partitions.keep_up(connection, settings.model_copy(update={"outbox_retention_days": 10}))
    coming = {partition_name(TODAY + timedelta(days=ahead)) for ahead in range(3)}
    assert await names(connection) >= coming | {partition_name(kept)}
    assert partition_name(old) not in await names(connection)


async def test_a_partition_past_its_retention_stays_while_something_in_it_was_never_sent(
    connection: asyncpg.Connection, settings: EventSettings
) -> None:
    old = TODAY - timedelta(days=30)
    await connection.execute(partition_statement(old))
    await record(connection, old)
    await partitions.keep_up(connection, settings.model_copy(update={"outbox_retention_days": 10}))
    assert partition_name(old) in await names(connection)


async def test_after_days_in_which_nobody_led_all_that_was_recorded_is_sent_and_has_its_partition(
    connection: asyncpg.Connection, settings: EventSettings
) -> None:
    await without_partitions(connection)
    days = [TODAY - timedelta(days=2), TODAY - timedelta(days=1), TODAY, TODAY]
    ids = await record(connection, *days)
    async with relaying(settings), tap(settings) as topics:
        seen = await topics.until(lambda seen: len(seen) >= len(ids))
        after = await record(connection, TODAY)
        seen = await topics.until(lambda seen: len(seen) > len(ids))
    assert {one.envelope.event_id for one in seen} == {*ids, *after}
    assert await connection.fetchval("SELECT count(*) FROM outbox_default") == 0
    assert await connection.fetchval(f"SELECT count(*) FROM {partition_name(TODAY)}") == 3
    assert await connection.fetchval("SELECT count(*) FROM outbox") == len(ids) + 1


async def test_rows_that_are_being_written_into_the_default_partition_are_not_missed(
    connection: asyncpg.Connection, settings: EventSettings
) -> None:
    await without_partitions(connection)
    writer = await asyncpg.connect(settings.asyncpg_dsn())
    transaction = writer.transaction()
    await transaction.start()
    ids = await record(writer, TODAY)
    making = asyncio.create_task(partitions.keep_up(connection, settings))

    async def waits() -> bool:
        return bool(await writer.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))

    await eventually(waits)
    await transaction.commit()
    await making
    assert [row[0] for row in await writer.fetch(f"SELECT event_id FROM {partition_name(TODAY)}")] == ids
    await writer.close()


async def test_a_partition_that_cannot_be_made_now_keeps_no_fact_from_being_sent(
    connection: asyncpg.Connection, settings: EventSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "LOCK_SECONDS", 0.05)
    await without_partitions(connection)
    holder = await asyncpg.connect(settings.asyncpg_dsn())
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute("LOCK TABLE outbox_default IN ROW EXCLUSIVE MODE")
    ids = await record(connection, TODAY)
    async with relaying(settings), tap(settings) as topics:
        seen = await topics.until(bool)
    assert [one.envelope.event_id for one in seen] == ids
    assert await names(connection) == {"outbox_default"}
    await transaction.rollback()
    await holder.close()


async def test_a_relay_that_cannot_reach_kafka_makes_the_partitions_all_the_same(
    connection: asyncpg.Connection, settings: EventSettings
) -> None:
    await without_partitions(connection)
    relay = Relay(settings.model_copy(update={"kafka_bootstrap_servers": "127.0.0.1:1"}))
    task = asyncio.create_task(relay.run())

    async def made() -> bool:
        return partition_name(TODAY + timedelta(days=2)) in await names(connection)

    await eventually(made)
    assert not relay.leading
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_waits_is_looked_for_in_the_days_that_can_hold_it_only(
    connection: asyncpg.Connection, settings: EventSettings
) -> None:
    old = TODAY - timedelta(days=40)
    for back in range(41):
        await connection.execute(partition_statement(TODAY - timedelta(days=back)))
    (forgotten,) = await record(connection, old)
    await kafka.ensure_topics(settings, CONTRACTS)
    relay = Relay(settings)
    async with relay._leadership() as (leading, _, _):
        batch = await relay._unsent(leading)
        assert [event.key.decode() for event in batch] == [str(forgotten)]
        await leading.execute("UPDATE outbox SET sent_at = now()")
        await relay._keep_up(leading)
        await record(connection, TODAY)
        assert len(await relay._unsent(leading)) == 1
        assert relay._first_day == TODAY - timedelta(days=2)
