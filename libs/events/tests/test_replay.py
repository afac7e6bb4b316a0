"""Replay: a read model that was lost or damaged is rebuilt from the topic, beside the running group."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events.consumer import Consumer
from tandem_events.contracts import PersonErased, PersonState
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


SUBSCRIPTIONS = (Subscription(PersonState, on_person, on_gone=on_person_gone),)
MODEL = ReadModel("people", tables=("known_people",), projections=SUBSCRIPTIONS)


def person(person_id: UUID, name: str) -> Event:
    return PersonState(
        person_id=person_id, given_name=name, family_name="B", email="a@example.org", occurred_at=datetime.now(UTC)
    )


@pytest.fixture
async def tables(transaction: Transaction) -> None:
    async with transaction() as session:
        await session.execute(sa.text("CREATE TABLE known_people (person_id uuid PRIMARY KEY, name text NOT NULL)"))


@asynccontextmanager
async def consuming(
    settings: EventSettings, transaction: Transaction, subscriptions: Sequence[Subscription] = SUBSCRIPTIONS
) -> AsyncIterator[Consumer]:
    member = Consumer(settings, subscriptions, transaction, service="tests")
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


async def replayed(settings: EventSettings, since: datetime | None = None, *, model: ReadModel = MODEL) -> Progress:
    last = Progress()
    async for progress in replay(settings, model, service="tests", since=since):
        last = progress
    return last


async def five_handled_and_one_not(settings: EventSettings, transaction: Transaction) -> None:
    """The group has handled five people's states; a newer one of the first is on the topic, and nobody reads."""
    await publish_messages(settings, *(to_message(person(one, "old"), version=1) for one in PEOPLE[:5]))
    async with consuming(settings, transaction) as member:
        await eventually(lambda: member.handled == 5)
    await publish_messages(settings, to_message(person(PEOPLE[0], "new"), version=1))


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
    first = replay(settings, MODEL, service="tests")
    await anext(first)
    with pytest.raises(ReplayRefused, match="running"):
        await replayed(settings)
    await first.aclose()
    assert (await replayed(settings)).switched


@pytest.mark.usefixtures("tables")
async def test_what_was_read_before_the_group_handled_it_is_not_lost_at_the_switch(
    settings: EventSettings, transaction: Transaction
) -> None:
    await five_handled_and_one_not(settings, transaction)
    rebuilding = replay(settings, MODEL, service="tests")
    async for progress in rebuilding:
        if progress.read == 6:
            break
    assert progress.applied == 5
    async with consuming(settings, transaction) as member:
        await eventually(lambda: member.handled == 1)
        assert [progress async for progress in rebuilding][-1].switched
    assert sorted((await known(transaction)).values()) == ["new", "old", "old", "old", "old"]


@pytest.mark.usefixtures("tables")
async def test_what_the_group_has_not_handled_at_the_switch_is_left_to_it(
    settings: EventSettings, transaction: Transaction
) -> None:
    await five_handled_and_one_not(settings, transaction)
    assert (await replayed(settings)).switched
    assert set((await known(transaction)).values()) == {"old"}
    async with consuming(settings, transaction) as member:
        await eventually(lambda: member.handled == 1)
    assert (await known(transaction))[PEOPLE[0]] == "new"


@pytest.mark.usefixtures("tables")
async def test_states_that_are_older_than_the_inbox_remembers_are_rebuilt_as_well(
    settings: EventSettings, transaction: Transaction
) -> None:
    await publish_messages(settings, *(to_message(person(one, "old"), version=1) for one in PEOPLE[:5]))
    async with consuming(settings, transaction) as member:
        await eventually(lambda: member.handled == 5)
    async with transaction() as session:
        await session.execute(sa.text("DELETE FROM inbox"))
        await session.execute(sa.text("UPDATE known_people SET name = 'damaged'"))
    forgetful = settings.model_copy(update={"inbox_retention_days": 0})
    assert (await replayed(forgetful)).applied == 5
    assert list((await known(transaction)).values()) == ["old"] * 5


@pytest.mark.usefixtures("tables")
async def test_who_is_erased_stays_so_while_their_last_state_is_still_on_its_topic(
    settings: EventSettings, transaction: Transaction
) -> None:
    async def on_erased(event: PersonErased, session: AsyncSession) -> None:
        await on_person_gone(event.person_id, session)

    subscriptions = (*SUBSCRIPTIONS, Subscription(PersonErased, on_erased))
    model = ReadModel("people", ("known_people",), subscriptions, decisive=(PersonErased,))
    async with consuming(settings, transaction, subscriptions) as member:
        await publish_messages(settings, *(to_message(person(one, "known"), version=1) for one in PEOPLE))
        await eventually(lambda: member.handled == len(PEOPLE))
        erased = [PersonErased(person_id=one, occurred_at=datetime.now(UTC)) for one in PEOPLE[:15]]
        await publish_messages(settings, *(to_message(one, version=2) for one in erased))
        await eventually(lambda: member.handled == len(PEOPLE) + 15)
        assert (await replayed(settings, model=model)).switched
    assert set(await known(transaction)) == set(PEOPLE[15:])


@pytest.mark.usefixtures("tables")
async def test_rows_of_which_the_topics_tell_nothing_stay_where_the_model_keeps_them(
    settings: EventSettings, transaction: Transaction
) -> None:
    model = ReadModel("people", ("known_people",), SUBSCRIPTIONS, keeps_untold=True)
    await publish_messages(settings, to_message(person(PEOPLE[0], "told"), version=1))
    async with consuming(settings, transaction) as member:
        await eventually(lambda: member.handled == 1)
        async with transaction() as session:
            await session.execute(sa.text("UPDATE known_people SET name = 'damaged'"))
            await session.execute(sa.text("INSERT INTO known_people VALUES (:one, 'untold')"), {"one": PEOPLE[1]})
        assert (await replayed(settings, model=model)).switched
    assert await known(transaction) == {PEOPLE[0]: "told", PEOPLE[1]: "untold"}


@pytest.mark.usefixtures("tables")
async def test_rows_that_others_refer_to_are_put_right_in_place_and_never_taken_from_under_them(
    settings: EventSettings, transaction: Transaction
) -> None:
    await publish_messages(settings, *(to_message(person(one, "old"), version=1) for one in PEOPLE[:2]))
    async with consuming(settings, transaction) as member:
        await eventually(lambda: member.handled == 2)
        async with transaction() as session:
            await session.execute(
                sa.text("CREATE TABLE notes_on_people (person_id uuid PRIMARY KEY REFERENCES known_people)")
            )
            await session.execute(sa.text("INSERT INTO notes_on_people VALUES (:one)"), {"one": PEOPLE[0]})
            await session.execute(sa.text("UPDATE known_people SET name = 'damaged'"))
        assert (await replayed(settings)).switched
        assert await known(transaction) == {PEOPLE[0]: "old", PEOPLE[1]: "old"}
        stranger = uuid4()
        async with transaction() as session:
            await session.execute(sa.text("INSERT INTO known_people VALUES (:one, 'invented')"), {"one": stranger})
            await session.execute(sa.text("INSERT INTO notes_on_people VALUES (:one)"), {"one": stranger})
        with pytest.raises(ReplayRefused, match="other tables refer to"):
            await replayed(settings)
    assert stranger in await known(transaction)


@pytest.mark.usefixtures("tables")
async def test_what_the_service_takes_away_meanwhile_stays_away(
    settings: EventSettings, transaction: Transaction
) -> None:
    async def take_away(session: AsyncSession) -> None:
        await session.execute(sa.text("DELETE FROM known_people WHERE person_id IN (SELECT person_id FROM taken)"))

    model = ReadModel("people", ("known_people",), SUBSCRIPTIONS, take_away=take_away)
    async with transaction() as session:
        await session.execute(sa.text("CREATE TABLE taken (person_id uuid PRIMARY KEY)"))
    await publish_messages(settings, *(to_message(person(one, "old"), version=1) for one in PEOPLE[:2]))
    async with consuming(settings, transaction) as member:
        await eventually(lambda: member.handled == 2)
        rebuilding = replay(settings, model, service="tests")
        async for progress in rebuilding:
            if progress.applied == 2:
                break
        taken = {"one": PEOPLE[0]}
        async with transaction() as session:
            await session.execute(sa.text("DELETE FROM known_people WHERE person_id = :one"), taken)
            await session.execute(sa.text("INSERT INTO taken VALUES (:one)"), taken)
        assert [progress async for progress in rebuilding][-1].switched
    assert await known(transaction) == {PEOPLE[1]: "old"}
