"""The archive as operators read it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from tandem_demo.main import create_app
from tandem_demo.settings import Settings
from uuid_utils.compat import uuid7

from tandem_chassis.testing import Tokens, running, settings_for
from tandem_events import outbox
from tandem_events.contracts import PersonRegistered, PersonState
from tandem_events.envelope import Cause, caused_by
from tandem_events.testing import eventually, own_namespace, tap

AT = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def registered(person: UUID) -> PersonRegistered:
    return PersonRegistered(person_id=person, occurred_at=AT)


async def items(client: httpx2.AsyncClient, tokens: Tokens, **parameters: Any) -> list[dict[str, Any]]:
    answer = await client.get("/operations/archive", params=parameters, headers=tokens.service(["operations"]))
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_what_was_said_of_a_key_is_told_with_its_envelope(
    client: httpx2.AsyncClient, app: FastAPI, tokens: Tokens
) -> None:
    person, cause = uuid4(), str(uuid7())
    async with app.state.database.transaction() as session:
        with caused_by(Cause("story-3", causation_id=cause)):
            await outbox.add_many(session, [(registered(person), 1), (registered(uuid4()), 1)])

    (found,) = await items(client, tokens, key=str(person))

    assert (found["type"], found["source"]) == ("tandem.person.registered.v1", "/tandem/profiles")
    assert (found["subject"], found["key"], found["aggregate_version"]) == (str(person), str(person), 1)
    assert (found["correlation_id"], found["causation_id"]) == ("story-3", cause)
    assert found["time"].startswith("2026-05-04T12:00:00")
    assert found["data"]["person_id"] == str(person)

    async def is_sent() -> bool:
        return (await items(client, tokens, key=str(person)))[0]["sent_at"] is not None

    await eventually(is_sent)


async def test_states_are_told_without_their_data(client: httpx2.AsyncClient, app: FastAPI, tokens: Tokens) -> None:
    person = uuid4()
    state = PersonState(
        person_id=person, occurred_at=AT, given_name="Moira", family_name="Ngata", email="moira@example.org"
    )
    async with app.state.database.transaction() as session:
        await outbox.add(session, state, version=1)
        await outbox.add_tombstone(session, PersonState, person, occurred_at=AT, version=2)

    said, gone = await items(client, tokens, key=str(person))

    assert (said["type"], said["data"], said["gone"]) == ("tandem.person.state.v1", None, False)
    assert (gone["data"], gone["gone"]) == (None, True)


async def test_pages_follow_one_another_with_and_without_a_key(
    client: httpx2.AsyncClient, app: FastAPI, tokens: Tokens
) -> None:
    person = uuid4()
    async with app.state.database.transaction() as session:
        await outbox.add_many(session, [(registered(person), version) for version in range(1, 6)])
    for narrowed in ({"key": str(person)}, {}):
        versions: list[int] = []
        cursor: dict[str, str] = {}
        while True:
            answer = await client.get(
                "/operations/archive", params={"limit": 2, **narrowed, **cursor}, headers=tokens.admin()
            )
            versions += [item["aggregate_version"] for item in answer.json()["items"]]
            if answer.json()["next_cursor"] is None:
                break
            cursor = {"cursor": answer.json()["next_cursor"]}
        assert versions == [1, 2, 3, 4, 5]


async def test_the_archive_is_narrowed_by_type_time_and_id(
    client: httpx2.AsyncClient, app: FastAPI, tokens: Tokens
) -> None:
    async with app.state.database.transaction() as session:
        await outbox.add_many(session, [(registered(uuid4()), 1), (registered(uuid4()), 1)])
    now = datetime.now(UTC)

    async def all_are_sent() -> bool:  # from then on an event looks the same however it is found
        return all(one["sent_at"] for one in await items(client, tokens))

    await eventually(all_are_sent)
    first, second = await items(client, tokens, type="tandem.person.registered.v1")

    assert await items(client, tokens, type="tandem.person.departed.v1") == []
    assert len(await items(client, tokens, since=(now - timedelta(minutes=1)).isoformat())) == 2
    assert await items(client, tokens, since=(now + timedelta(minutes=1)).isoformat()) == []
    assert await items(client, tokens, until=(now - timedelta(minutes=1)).isoformat()) == []
    assert await items(client, tokens, id=second["id"]) == [second]
    assert await items(client, tokens, id=[first["id"], str(uuid4()), str(UUID(int=2**128 - 1))]) == [first]


async def test_a_start_that_publishes_again_may_leave_out_what_was_recorded_before_a_moment(
    client: httpx2.AsyncClient, app: FastAPI, tokens: Tokens, settings: Settings, broker: Any
) -> None:
    old, new = uuid4(), uuid4()
    async with app.state.database.transaction() as session:
        await outbox.add(session, registered(old), version=1)
    async with app.state.database.transaction() as session:
        between = await session.scalar(sa.text("SELECT clock_timestamp()"))
    async with app.state.database.transaction() as session:
        await outbox.add(session, registered(new), version=1)

    async def all_are_sent() -> bool:
        return all(one["sent_at"] for one in await items(client, tokens))

    await eventually(all_are_sent)
    again = settings_for(
        Settings,
        database=str(settings.database_url),
        broker=broker,
        namespace=own_namespace(),
        republish_at_start=True,
        republish_since=between,
    )
    async with running(create_app(again), tokens), tap(again) as topics:
        seen = await topics.until(lambda seen: any(one.envelope.subject == str(new) for one in seen))
    assert str(old) not in {one.envelope.subject for one in seen}


async def test_only_operators_read_it(client: httpx2.AsyncClient, tokens: Tokens) -> None:
    for headers in (tokens.person(uuid4()), tokens.manager(uuid4()), tokens.service(["people:read"])):
        assert (await client.get("/operations/archive", headers=headers)).status_code == 403


@pytest.mark.parametrize(
    "query",
    [
        "cursor=x",
        "cursor=WyJ4IiwxXQ",
        "cursor=WyIyMDI2LTAxLTAxIiw5OTk5OTk5OTk5OTk5OTk5OTk5OTld",
        "key=%00",
        "type=%00",
        "id=x",
        "limit=0",
        "since=2026-01-01T00:00:00",
        "since=0001-01-01T00:00:00%2B14:00",
        "until=9999-12-31T23:59:59-14:00",
    ],
)
async def test_bad_input_is_refused_in_words(client: httpx2.AsyncClient, tokens: Tokens, query: str) -> None:
    answer = await client.get(f"/operations/archive?{query}", headers=tokens.admin())
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


async def test_a_number_that_no_parked_event_can_have_is_refused(client: httpx2.AsyncClient, tokens: Tokens) -> None:
    for number, status in (("0", 422), ("9" * 30, 422), ("1", 404)):
        assert (await client.get(f"/operations/parked-events/{number}", headers=tokens.admin())).status_code == status
