"""Replay: a read model that was lost or damaged is rebuilt from the topic, beside the running group."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events.consumer import Consumer
from tandem_events.contracts import PersonState
from tandem_events.contracts.contract import Event
from tandem_events.envelope import to_message, to_tombstone
from tandem_events.replay import Progress, ReadModel, ReplayRefused, replay
from tandem_events.settings import EventSettings
from tandem_events.subscriptions import Subscription
from tandem_events.testing import eventually, publish_messages

from .conftest import Transaction

PEOPLE = [uuid4() for _ in range(30)]


async def on_person(event: PersonState, session: AsyncSession) -> None:
    if event.given_name == "Poison":
        raise ValueError("no")
    await session.execute(
        sa.text(
            "INSERT INTO known_people (person_id, name) VALUES (:person, :name) "
            "ON CONFLICT (person_id) DO UPDATE SET name = excluded.name"
        ),
        {"person": event.person_id, "name": event.given_name},
    )


async def on_person_gone(person_id: UUID, session: AsyncSession) -> None:
    await session.execute(sa.text("DELETE FROM known_people WHERE person_id = :person"), {"person": person_id})


SUBSCRIPTIONS = [Subscription(PersonState, on_person, on_gone=on_person_gone)]
MODEL = ReadModel("people", tables=("known_people",), events=(PersonState,))


def person(person_id: UUID, name: str) -> Event:
    return PersonState(
        person_id=person_id, given_name=name, family_name="B", email="a@example.org", occurred_at=datetime.now(UTC)
    )


@pytest.fixture
async def tables(transaction: Transaction) -> None:
    async with transaction() as session:
        await session.execute(sa.text("CREATE TABLE known_people (person_id uuid PRIMARY KEY, name text NOT NULL)"))


@asynccontextmanager
async def consuming(settings: EventSettings, transaction: Transaction) -> AsyncIterator[Consumer]:
    member = Consumer(settings, SUBSCRIPTIONS, transaction, service="tests")
    task = asyncio.create_task(member.run())
    try:
        yield member
    finally:
        await member.stop()
        with suppress(asyncio.CancelledError):
            await task


async def known(transaction: Transaction) -> dict[UUID, str]:
    async with transaction() as session:
        rows = await session.execute(sa.text("SELECT person_id, name FROM known_people"))
        return {row.person_id: row.name for row in rows}


async def replayed(settings: EventSettings, since: datetime | None = None) -> Progress:
    last = Progress()
    async for progress in replay(settings, SUBSCRIPTIONS, MODEL, service="tests", since=since):
        last = progress
    return last


@pytest.mark.usefixtures("tables")
async def test_a_damaged_read_model_is_rebuilt_without_what_was_parked_or_is_gone(
    settings: EventSettings, transaction: Transaction
) -> None:
    events = [person(one, f"v{version}") for version in range(3) for one in PEOPLE]
    messages = [to_message(event, version=1) for event in events]
    messages.append(to_tombstone(PersonState, PEOPLE[0], occurred_at=datetime.now(UTC), version=4))
    messages.append(to_message(person(PEOPLE[1], "Poison"), version=1))
    messages.append(to_message(person(PEOPLE[1], "behind the poison"), version=1))
    await publish_messages(settings, *messages)
    async with consuming(settings, transaction) as member:
        await eventually(lambda: member.handled == len(messages))
        before = await known(transaction)
        async with transaction() as session:
            await session.execute(sa.text("UPDATE known_people SET name = 'damaged'"))
            await session.execute(sa.text("INSERT INTO known_people VALUES (gen_random_uuid(), 'invented')"))
        progress = await replayed(settings)
    assert progress.switched
    assert progress.read == len(messages)
    assert progress.rows == {"known_people": len(PEOPLE) - 1}
    assert await known(transaction) == before
    assert before[PEOPLE[1]] == "v2"


@pytest.mark.usefixtures("tables")
async def test_events_that_arrive_during_a_replay_are_neither_lost_nor_doubled(
    settings: EventSettings, transaction: Transaction
) -> None:
    await publish_messages(settings, *(to_message(person(one, "old"), version=1) for one in PEOPLE))
    small = settings.model_copy(update={"consumer_batch_events": 3})
    async with consuming(small, transaction) as member:
        await eventually(lambda: member.handled >= len(PEOPLE))

        async def go_on() -> None:
            for version in range(20):
                await publish_messages(
                    settings, *(to_message(person(one, f"v{version}"), version=1) for one in PEOPLE[:10])
                )

        going_on = asyncio.create_task(go_on())
        for _ in range(3):
            assert (await replayed(settings)).switched
        await going_on
        await eventually(lambda: member.handled >= len(PEOPLE) + 200)
        assert (await replayed(settings)).switched
    found = await known(transaction)
    assert {found[one] for one in PEOPLE[:10]} == {"v19"}
    assert {found[one] for one in PEOPLE[10:]} == {"old"}


@pytest.mark.usefixtures("tables")
async def test_a_replay_from_a_moment_leaves_what_is_older_as_it_is(
    settings: EventSettings, transaction: Transaction
) -> None:
    await publish_messages(settings, *(to_message(person(one, "old"), version=1) for one in PEOPLE[:5]))
    async with consuming(settings, transaction) as member:
        await eventually(lambda: member.handled == 5)
        moment = datetime.now(UTC)
        await publish_messages(settings, to_message(person(PEOPLE[0], "new"), version=2))
        await eventually(lambda: member.handled == 6)
        async with transaction() as session:
            await session.execute(sa.text("UPDATE known_people SET name = 'damaged'"))
        progress = await replayed(settings, since=moment)
    assert progress.applied == 1
    assert sorted((await known(transaction)).values()) == ["damaged"] * 4 + ["new"]


@pytest.mark.usefixtures("tables")
async def test_only_one_replay_runs_at_a_time(settings: EventSettings, transaction: Transaction) -> None:
    await publish_messages(settings, to_message(person(PEOPLE[0], "old"), version=1))
    first = replay(settings, SUBSCRIPTIONS, MODEL, service="tests")
    await anext(first)
    with pytest.raises(ReplayRefused, match="running"):
        await replayed(settings)
    await first.aclose()
    assert (await replayed(settings)).switched
