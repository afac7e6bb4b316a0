"""Departures: somebody leaves the company, and every service hears of it."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx2
from fastapi import FastAPI

from tandem_chassis.testing import Tokens
from tandem_events.contracts import EnrollmentWithdrawn, PersonDeparted, PersonReturned, PersonState
from tandem_events.testing import tap
from tandem_profiles.settings import Settings
from tandem_profiles.use_cases import people

from .sheets import ADA, BEN, MENTORS, send

Client = httpx2.AsyncClient
Headers = dict[str, str]


async def person_of(client: Client, admin: Headers, email: str) -> str:
    (person,) = (await client.get("/people", params={"email": email}, headers=admin)).json()["items"]
    found: str = person["person_id"]
    return found


async def test_a_departure_ends_every_enrollment(
    client: Client, admin: Headers, program_id: str, settings: Settings
) -> None:
    other = (await client.post("/programs", json={"name": "Other"}, headers=admin)).json()["program_id"]
    for program in (program_id, other):
        await send(client, program, MENTORS + ADA + BEN, admin)
    ada = await person_of(client, admin, "ada@example.org")
    answer = await client.post(f"/people/{ada}/departure", json={"left_on": "2026-03-31"}, headers=admin)
    assert (answer.status_code, answer.json()["departed_on"]) == (200, "2026-03-31")
    async with tap(settings) as topics:
        departed = await topics.first(PersonDeparted)
        withdrawn = await topics.all_of(EnrollmentWithdrawn, at_least=2)
        await topics.until(lambda seen: any(getattr(one.event, "departed_on", None) for one in seen))
        last = [state for state in await topics.all_of(PersonState) if str(state.person_id) == ada][-1]
    assert (str(departed.person_id), departed.left_on.isoformat()) == (ada, "2026-03-31")
    assert {(str(one.person_id), str(one.program_id), one.reason) for one in withdrawn} == {
        (ada, program_id, "departed"),
        (ada, other, "departed"),
    }
    assert last.departed_on == departed.left_on
    assert last.confidential_answers == {}
    (gone,) = (
        await client.get(f"/programs/{program_id}/enrollments", params={"status": "withdrawn"}, headers=admin)
    ).json()["items"]
    assert (gone["person_id"], gone["reason"]) == (ada, "departed")


async def test_a_departure_told_twice_is_one(client: Client, admin: Headers, program_id: str) -> None:
    await send(client, program_id, MENTORS + ADA, admin)
    ada = await person_of(client, admin, "ada@example.org")
    first = await client.post(f"/people/{ada}/departure", json={"left_on": "2026-03-31"}, headers=admin)
    again = await client.post(f"/people/{ada}/departure", json={"left_on": "2026-03-31"}, headers=admin)
    assert (again.status_code, again.headers["etag"]) == (200, first.headers["etag"])
    other_day = await client.post(f"/people/{ada}/departure", json={"left_on": "2026-04-01"}, headers=admin)
    assert other_day.status_code == 409


async def test_a_last_day_ahead_is_kept_until_it_comes(
    app: FastAPI, client: Client, admin: Headers, program_id: str, settings: Settings
) -> None:
    await send(client, program_id, MENTORS + ADA, admin)
    ada = await person_of(client, admin, "ada@example.org")
    ahead = (datetime.now(UTC) + timedelta(days=3)).date()
    answer = await client.post(f"/people/{ada}/departure", json={"left_on": ahead.isoformat()}, headers=admin)
    assert (answer.json()["departed_on"], answer.json()["leaves_on"]) == (None, ahead.isoformat())
    async with app.state.database.transaction() as session:
        assert await people.let_those_due_depart(session, at=datetime.now(UTC)) == 0
    async with app.state.database.transaction() as session:
        assert await people.let_those_due_depart(session, at=datetime.now(UTC) + timedelta(days=3)) == 1
    async with tap(settings) as topics:
        assert (await topics.first(PersonDeparted)).left_on == ahead
        assert (await topics.first(EnrollmentWithdrawn)).reason == "departed"


async def test_somebody_returns_without_what_ended(
    client: Client, admin: Headers, program_id: str, settings: Settings
) -> None:
    await send(client, program_id, MENTORS + ADA, admin)
    ada = await person_of(client, admin, "ada@example.org")
    await client.post(f"/people/{ada}/departure", json={"left_on": "2026-03-31"}, headers=admin)
    answer = await client.post(f"/people/{ada}/return", json={}, headers=admin)
    assert (answer.status_code, answer.json()["departed_on"]) == (200, None)
    (enrollment,) = (await client.get(f"/programs/{program_id}/enrollments", headers=admin)).json()["items"]
    assert enrollment["status"] == "withdrawn"
    async with tap(settings) as topics:
        assert str((await topics.first(PersonReturned)).person_id) == ada
        assert (await topics.all_of(PersonState, at_least=3))[-1].departed_on is None


async def test_who_may_see_a_person(client: Client, admin: Headers, tokens: Tokens, program_id: str) -> None:
    await send(client, program_id, MENTORS + ADA + BEN, admin)
    ada = await person_of(client, admin, "ada@example.org")
    ben = await person_of(client, admin, "ben@example.org")
    for headers, status in (
        (admin, 200),
        (tokens.person(ada), 200),
        (tokens.manager(program_id), 200),
        (tokens.manager(uuid4()), 404),
        (tokens.person(uuid4()), 404),
    ):
        answer = await client.get(f"/people/{ada}", headers=headers)
        assert answer.status_code == status, answer.text
    assert "early riser" not in (await client.get(f"/people/{ada}", headers=tokens.manager(program_id))).text
    assert (await client.get(f"/people/{uuid4()}", headers=admin)).status_code == 404
    assert (await client.get("/people", params={"email": "x"}, headers=tokens.person(ben))).status_code == 403
    denied = await client.post(f"/people/{ada}/departure", json={"left_on": "2026-01-01"}, headers=tokens.person(ben))
    assert denied.status_code == 403
