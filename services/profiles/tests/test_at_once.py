"""Several at once: whoever comes second works on what the first left, not on what it read before."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import httpx2
import sqlalchemy as sa
from fastapi import FastAPI

from tandem_chassis.auth import Caller
from tandem_chassis.testing import Tokens
from tandem_events.contracts import PersonReturned, PersonState
from tandem_events.testing import tap
from tandem_profiles.domain.roster_changes import leaving
from tandem_profiles.settings import Settings
from tandem_profiles.storage import people
from tandem_profiles.use_cases import erasures, person_changes

from .contention import holding, waiting
from .sheets import ADA, BEN, MENTORS, send
from .test_enrollments import MENTOR, apply, open_program
from .test_enrollments import people as listed_people

Client = httpx2.AsyncClient
Headers = dict[str, str]

USERS = "/scim/v2/Users"
GROUPS = "/scim/v2/Groups"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
MIRA = {"employee_number": "1", "given_name": "Mira", "email": "mira@example.org", "unit": "Harbour"}
ADMIN = Caller(subject="admin")


def patched(path: str, value: Any, *, op: str = "add") -> dict[str, Any]:
    return {"schemas": [PATCH], "Operations": [{"op": op, "path": path, "value": value}]}


async def registered(client: Client, admin: Headers) -> str:
    assert (await client.post("/roster", json={"people": [MIRA]}, headers=admin)).status_code == 200
    (found,) = (await client.get("/people", params={"email": MIRA["email"]}, headers=admin)).json()["items"]
    person_id: str = found["person_id"]
    return person_id


async def test_a_nickname_written_during_a_roster_import_undoes_neither_a_move_nor_a_departure(
    app: FastAPI, client: Client, admin: Headers, settings: Settings
) -> None:
    mira = await registered(client, admin)
    operations = {"method": "PATCH", "path": f"/Users/{mira}", "data": patched("title", "Captain")}
    today = datetime.now(UTC)
    async with app.state.database.transaction() as session:
        await people.lock_roster(session)
        before = await people.lock_many(session, [UUID(mira)])
        writing = [
            asyncio.create_task(client.patch(f"{USERS}/{mira}", json=patched("nickName", "Mi"), headers=admin)),
            asyncio.create_task(client.post("/scim/v2/Bulk", json={"Operations": [operations]}, headers=admin)),
        ]
        await waiting(app, 2)
        left = {"unit": "Docks", **leaving(date(2026, 1, 31), today=today.date())}
        await person_changes.change(session, before, {UUID(mira): left}, at=today)
    answers = [await one for one in writing]
    assert [one.status_code for one in answers] == [200, 200], [one.text for one in answers]
    person = (await client.get(f"/people/{mira}", headers=admin)).json()
    assert (person["unit"], person["departed_on"], person["job_title"]) == ("Docks", "2026-01-31", "Captain")
    user = (await client.get(f"{USERS}/{mira}", headers=admin)).json()
    assert (user["active"], user["nickName"], user["title"]) == (False, "Mi", "Captain")
    async with tap(settings) as topics:
        await topics.until(lambda seen: any(getattr(one.event, "job_title", None) == "Captain" for one in seen))
        assert [one.departed_on is None for one in await topics.all_of(PersonState)] == [True, False, False]
        assert not await topics.all_of(PersonReturned, at_least=0)


async def test_a_user_who_changed_while_a_change_waited_is_not_changed_by_their_old_version(
    app: FastAPI, client: Client, admin: Headers
) -> None:
    mira = await registered(client, admin)
    etag = (await client.get(f"{USERS}/{mira}", headers=admin)).headers["etag"]
    async with app.state.database.transaction() as session:
        before = await people.lock_many(session, [UUID(mira)])
        late = {**admin, "If-Match": etag}
        writing = [
            asyncio.create_task(client.patch(f"{USERS}/{mira}", json=patched("nickName", "Mi"), headers=late)),
            asyncio.create_task(client.delete(f"{USERS}/{mira}", headers=late)),
        ]
        await waiting(app, 2)
        await person_changes.change(session, before, {UUID(mira): {"unit": "Docks"}}, at=datetime.now(UTC))
    assert [(await one).status_code for one in writing] == [412, 412]
    assert (await client.get(f"/people/{mira}", headers=admin)).json()["departed_on"] is None


async def test_two_who_join_a_group_at_once_are_both_in_it(app: FastAPI, client: Client, admin: Headers) -> None:
    ids = await listed_people(client, admin, 2)
    group = (await client.post(GROUPS, json={"displayName": "Pilots"}, headers=admin)).json()["id"]
    async with holding(app, "SELECT 1 FROM directory_groups WHERE group_id = :id FOR UPDATE", id=UUID(group)):
        joining = [
            asyncio.create_task(
                client.patch(f"{GROUPS}/{group}", json=patched("members", [{"value": one}]), headers=admin)
            )
            for one in ids
        ]
        await waiting(app, 2)
    assert [(await one).status_code for one in joining] == [200, 200]
    members = (await client.get(f"{GROUPS}/{group}", headers=admin)).json()["members"]
    assert {one["value"] for one in members} == set(ids)


async def test_a_user_erased_while_their_removal_waited_is_not_found(
    app: FastAPI, client: Client, admin: Headers
) -> None:
    mira = await registered(client, admin)
    async with app.state.database.transaction() as session:
        await people.lock_roster(session)
        removing = asyncio.create_task(client.delete(f"{USERS}/{mira}", headers=admin))
        await waiting(app)
        await erasures.erase_person(session, ADMIN, UUID(mira), at=datetime.now(UTC))
    assert (await removing).status_code == 404


async def test_an_erasure_waits_for_the_roster_and_the_roster_brings_nobody_back(
    app: FastAPI, client: Client, admin: Headers, settings: Settings
) -> None:
    mira = await registered(client, admin)
    report = {"employee_number": "2", "given_name": "Ole", "email": "ole@example.org"}
    moved = [{**MIRA, "unit": "Docks"}, {**report, "manager_employee_number": "1"}]
    # The import has read who is there, and waits for Mira's row.
    async with holding(app, "SELECT 1 FROM people WHERE person_id = :id FOR UPDATE", id=UUID(mira)):
        importing = asyncio.create_task(client.post("/roster", json={"people": moved}, headers=admin))
        await waiting(app)
        erasing = asyncio.create_task(client.post(f"/people/{mira}/erasure", json={}, headers=admin))
        await waiting(app, 2)
    assert ((await importing).status_code, (await erasing).status_code) == (200, 202)
    assert (await client.get(f"/people/{mira}", headers=admin)).status_code == 404
    (ole,) = (await client.get("/people", params={"email": "ole@example.org"}, headers=admin)).json()["items"]
    assert ole["manager_id"] is None
    async with tap(settings) as topics:
        await topics.until(lambda seen: any(one.topic == "tandem.people" and one.event is None for one in seen))
        told = [one.event for one in topics.seen if one.topic == "tandem.people" and one.envelope.subject == mira]
    assert told[-1] is None, "the tombstone is the last that is told of her"
    assert isinstance(told[-2], PersonState)


async def test_somebody_listed_again_after_their_erasure_is_somebody_new(
    app: FastAPI, client: Client, admin: Headers
) -> None:
    mira = await registered(client, admin)
    async with app.state.database.transaction() as session:
        await people.lock_roster(session)
        importing = asyncio.create_task(client.post("/roster", json={"people": [MIRA]}, headers=admin))
        await waiting(app)
        await erasures.erase_person(session, ADMIN, UUID(mira), at=datetime.now(UTC))
    assert (await importing).json()["joined"] == 1
    (again,) = (await client.get("/people", params={"email": MIRA["email"]}, headers=admin)).json()["items"]
    assert again["person_id"] != mira


async def test_a_delegate_who_is_being_erased_cannot_be_named(
    app: FastAPI, client: Client, admin: Headers, tokens: Tokens
) -> None:
    ada, ben = await listed_people(client, admin, 2)
    own = {**tokens.person(ada), "If-Match": "*"}
    async with app.state.database.transaction() as session:
        await people.lock_many(session, [UUID(ben)])
        body = {"delegate_id": ben, "time_zone": "UTC"}
        naming = asyncio.create_task(client.put(f"/people/{ada}/profile", json=body, headers=own))
        await waiting(app)
        await erasures.erase_person(session, ADMIN, UUID(ben), at=datetime.now(UTC))
    assert (await naming).status_code == 422


async def test_an_enrollment_that_changed_while_a_change_waited_is_not_overwritten(
    app: FastAPI, client: Client, admin: Headers, tokens: Tokens
) -> None:
    (ada,) = await listed_people(client, admin, 1)
    program, own = await open_program(client, admin, approval="automatic"), tokens.person(ada)
    made = await apply(client, program, own, MENTOR)
    address = f"/enrollments/{made.json()['enrollment_id']}"
    etag = (await client.get(address, headers=own)).headers["etag"]
    changed = "UPDATE enrollments SET mentor_places = 3, version = version + 1 WHERE person_id = :id"
    async with holding(app, changed, id=UUID(ada)):
        body, headers = {**MENTOR, "mentor_places": 1}, {**own, "If-Match": etag}
        writing = asyncio.create_task(client.put(address, json=body, headers=headers))
        await waiting(app)
    assert (await writing).status_code == 412
    assert (await client.get(address, headers=own)).json()["mentor_places"] == 3


async def test_an_enrollment_whose_person_was_erased_meanwhile_is_not_found(
    app: FastAPI, client: Client, admin: Headers, tokens: Tokens, program_id: str
) -> None:
    assert (await send(client, program_id, MENTORS + ADA + BEN, admin)).status_code == 200
    listed = (await client.get(f"/programs/{program_id}/enrollments", headers=admin)).json()["items"]
    (ada,) = [one for one in listed if one["given_name"] == "Ada"]
    address, own = f"/enrollments/{ada['enrollment_id']}", tokens.person(ada["person_id"])
    body = {"decision": "pause", "enrollment_ids": [one["enrollment_id"] for one in listed], "reason": "other"}
    async with app.state.database.transaction() as session:
        await people.lock_many(session, [UUID(ada["person_id"])])
        writing = [
            asyncio.create_task(client.post(f"{address}/pause", json={}, headers=own)),
            asyncio.create_task(client.put(address, json=MENTOR, headers={**own, "If-Match": "*"})),
            asyncio.create_task(client.post(f"/programs/{program_id}/enrollment-decisions", json=body, headers=admin)),
        ]
        await waiting(app, 3)
        await erasures.erase_person(session, ADMIN, UUID(ada["person_id"]), at=datetime.now(UTC))
    pausing, changing, deciding = [await one for one in writing]
    assert (pausing.status_code, changing.status_code, deciding.status_code) == (404, 404, 200)
    decided = {one["enrollment_id"]: one["status"] for one in deciding.json()["decided"]}
    assert sorted(map(str, decided.values())) == ["None", "paused"]
    async with app.state.database.transaction() as session:
        assert await session.scalar(sa.text("SELECT count(*) FROM enrollments")) == 1


async def test_two_who_apply_at_once_do_not_both_get_the_last_place(
    app: FastAPI, client: Client, admin: Headers, tokens: Tokens
) -> None:
    everybody = await listed_people(client, admin, 5)
    program = await open_program(client, admin, approval="automatic", capacity=2)
    # All have begun before the first is through.
    async with holding(app, "SELECT 1 FROM programs WHERE program_id = :id FOR UPDATE", id=UUID(program)):
        applying = [asyncio.create_task(apply(client, program, tokens.person(one), MENTOR)) for one in everybody]
        await waiting(app, 3)
    answers = await asyncio.gather(*applying)
    assert sorted(one.json()["status"] for one in answers) == ["approved"] * 2 + ["waitlisted"] * 3
