"""SCIM from the outside: an identity provider keeps users and groups, and a public checker finds it conforming."""

import asyncio
import subprocess
import sys
from typing import Any
from uuid import uuid4

import httpx2
import sqlalchemy as sa
from fastapi import FastAPI
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

from tandem_chassis.testing import Tokens
from tandem_events.contracts import EnrollmentWithdrawn, PersonDeparted, PersonRegistered, PersonReturned, PersonState
from tandem_events.testing import tap
from tandem_profiles.settings import Settings

from .sheets import ADA, MENTORS, send

Client = httpx2.AsyncClient
Headers = dict[str, str]
USERS = "/scim/v2/Users"
GROUPS = "/scim/v2/Groups"
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
MIRA = {
    "schemas": [CORE, ENTERPRISE],
    "userName": "mira@corp.example",
    "externalId": "idp-1",
    "name": {"givenName": "Mira", "familyName": "Vasquez"},
    "emails": [{"value": "mira@example.org", "primary": True}],
    "title": "Director",
    "timezone": "Europe/Lisbon",
    "password": "never kept",
    ENTERPRISE: {"employeeNumber": "1", "department": "Harbour"},
}


def patched(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": [PATCH], "Operations": list(operations)}


async def test_a_user_of_the_identity_provider_is_a_person(
    client: Client, admin: Headers, tokens: Tokens, settings: Settings
) -> None:
    scim = tokens.service(["scim"])
    made = await client.post(USERS, json=MIRA, headers=scim)
    assert made.status_code == 201, made.text
    assert made.headers["content-type"] == "application/scim+json"
    user = made.json()
    assert "never kept" not in made.text
    (person,) = (await client.get("/people", params={"email": "mira@example.org"}, headers=admin)).json()["items"]
    assert (person["person_id"], person["unit"], person["time_zone"]) == (user["id"], "Harbour", "Europe/Lisbon")
    address = f"{USERS}/{user['id']}"
    off = patched({"op": "replace", "path": "active", "value": False})
    late = await client.patch(address, json=off, headers={**scim, "If-Match": 'W/"0.0"'})
    assert late.status_code == 412
    left = await client.patch(address, json=off, headers={**scim, "If-Match": made.headers["etag"]})
    assert (left.status_code, left.json()["active"]) == (200, False), left.text
    back = await client.patch(address, json=patched({"op": "replace", "value": {"active": True}}), headers=scim)
    assert back.json()["active"] is True
    assert (await client.delete(address, headers=scim)).status_code == 204
    assert (await client.get(address, headers=scim)).status_code == 404
    again = await client.post(USERS, json=MIRA, headers=scim)
    assert (again.status_code, again.json()["id"]) == (201, user["id"]), "the same person, not a second one"
    async with tap(settings) as topics:
        assert len(await topics.all_of(PersonDeparted, at_least=2)) == 2
        assert len(await topics.all_of(PersonReturned, at_least=2)) == 2
        assert len(await topics.all_of(PersonRegistered)) == 1
        states = await topics.all_of(PersonState, at_least=5)
    assert [state.departed_on is None for state in states] == [True, False, True, False, True]


async def test_people_of_the_roster_are_users_and_what_hr_changes_is_shown(client: Client, admin: Headers) -> None:
    listed = {"employee_number": "1", "given_name": "Mira", "email": "mira@example.org", "unit": "Harbour"}
    await client.post("/roster", json={"people": [listed]}, headers=admin)
    found = (await client.get(USERS, params={"filter": 'userName eq "MIRA@example.org"'}, headers=admin)).json()
    (user,) = found["Resources"]
    assert user[ENTERPRISE] == {"employeeNumber": "1", "department": "Harbour"}
    titled = patched(
        {"op": "add", "path": "title", "value": "Director"}, {"op": "add", "path": "nickName", "value": "Mi"}
    )
    await client.patch(f"{USERS}/{user['id']}", json=titled, headers=admin)
    await client.post("/roster", json={"people": [{**listed, "unit": "Docks"}]}, headers=admin)
    now = (await client.get(f"{USERS}/{user['id']}", headers=admin)).json()
    assert (now[ENTERPRISE]["department"], now["nickName"], now["title"]) == ("Docks", "Mi", "Director")


async def test_users_are_filtered_sorted_and_paged(client: Client, admin: Headers) -> None:
    for name in ("ada", "ben", "cleo"):
        body = {"schemas": [CORE], "userName": name, "title": "Pilot" if name != "ben" else "Clerk"}
        assert (await client.post(USERS, json=body, headers=admin)).status_code == 201

    async def found(**question: Any) -> list[str]:
        answer = await client.get(USERS, params=question, headers=admin)
        assert answer.status_code == 200, answer.text
        return [one["userName"] for one in answer.json().get("Resources", [])]

    assert await found(filter='userName eq "BEN"') == ["ben"]
    assert await found(filter='title eq "Pilot" and not (userName sw "a")') == ["cleo"]
    assert await found(sortBy="userName", sortOrder="descending") == ["cleo", "ben", "ada"]
    assert await found(startIndex=2, count=1) == ["ben"]
    body = {"filter": 'userName co "e"', "attributes": ["userName"]}
    searched = await client.post(f"{USERS}/.search", json=body, headers=admin)
    assert searched.json()["totalResults"] == 2
    assert "title" not in searched.json()["Resources"][0]
    wrong = await client.get(USERS, params={"filter": "userName is nice"}, headers=admin)
    assert (wrong.status_code, wrong.json()["scimType"]) == (400, "invalidFilter")


async def test_a_filter_for_everybody_is_refused_in_a_large_directory_and_one_with_a_name_is_not(
    app: FastAPI, client: Client, admin: Headers
) -> None:
    await client.post(USERS, json=MIRA, headers=admin)
    many = """
        INSERT INTO people (person_id, version, given_name, family_name, email, email_key, time_zone, languages,
                            registered_at, changed_at)
        SELECT gen_random_uuid(), 1, 'P', '', n || '@x.org', n || '@x.org', 'UTC', '{}', now(), now()
        FROM generate_series(1, 5000) AS n
    """
    async with app.state.database.transaction() as session:
        await session.execute(sa.text(many))
    refused = await client.get(USERS, params={"filter": 'title eq "Director"'}, headers=admin)
    assert (refused.status_code, refused.json()["scimType"]) == (400, "tooMany")
    for title, found in (("Director", 1), ("Clerk", 0)):
        question = {"filter": f'userName eq "mira@corp.example" and title eq "{title}"'}
        answer = await client.get(USERS, params=question, headers=admin)
        assert (answer.status_code, answer.json()["totalResults"]) == (200, found)


async def test_a_large_directory_is_asked_who_is_active_and_who_changed(
    app: FastAPI, client: Client, admin: Headers
) -> None:
    many = """
        INSERT INTO people (person_id, version, given_name, family_name, email, email_key, time_zone, languages,
                            registered_at, changed_at)
        SELECT gen_random_uuid(), 1, 'P', '', n || '@x.org', n || '@x.org', 'UTC', '{}', '2020-01-01Z', '2020-01-01Z'
        FROM generate_series(1, 5001) AS n
    """
    async with app.state.database.transaction() as session:
        await session.execute(sa.text(many))
    mira = (await client.post(USERS, json={**MIRA, "active": True}, headers=admin)).json()
    await client.post(USERS, json={"schemas": [CORE], "userName": "unsaid"}, headers=admin)
    gone = (await client.post(USERS, json={"schemas": [CORE], "userName": "gone"}, headers=admin)).json()
    leaves = patched({"op": "replace", "path": "active", "value": False})
    assert (await client.patch(f"{USERS}/{gone['id']}", json=leaves, headers=admin)).status_code == 200

    async def found(question: str) -> tuple[int, list[str]]:
        answer = await client.get(USERS, params={"filter": question, "count": 5}, headers=admin)
        assert answer.status_code == 200, answer.text
        return answer.json()["totalResults"], [one["userName"] for one in answer.json().get("Resources", [])]

    changed = mira["meta"]["lastModified"]
    assert (await found("active eq true"))[0] == 5002, "whoever is not said to be active or not is neither"
    assert await found("active eq false") == (1, ["gone"])
    assert await found('active eq true and meta.lastModified ge "2021-01-01T00:00:00Z"') == (1, [MIRA["userName"]])
    assert (await found(f'active eq true and meta.lastModified gt "{changed}"'))[0] == 0
    assert await found(f'meta.lastModified le "{changed}" and userName eq "{MIRA["userName"]}"') == (
        1,
        [MIRA["userName"]],
    )
    assert await found('meta.lastModified gt "2021-01-01T00:00:00+01:00" and title pr') == (1, [MIRA["userName"]])
    for too_many in ("not (active eq false)", 'meta.lastModified lt "2021-01-01T00:00:00Z"'):
        refused = await client.get(USERS, params={"filter": too_many}, headers=admin)
        assert (refused.status_code, refused.json()["scimType"]) == (400, "tooMany")


async def test_many_changes_in_one_request_name_each_other(client: Client, admin: Headers) -> None:
    operations = [
        {"method": "POST", "path": "/Users", "bulkId": "a", "data": MIRA},
        {"method": "POST", "path": "/Users", "bulkId": "b", "data": {**MIRA, "userName": "other"}},
        {
            "method": "POST",
            "path": "/Groups",
            "bulkId": "g",
            "data": {
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
                "displayName": "Pilots",
                "members": [{"value": "bulkId:a"}],
            },
        },
        {"method": "DELETE", "path": f"/Users/{uuid4()}"},
    ]
    answer = await client.post("/scim/v2/Bulk", json={"Operations": operations}, headers=admin)
    done = answer.json()["Operations"]
    assert [one["status"] for one in done] == ["201", "409", "201", "404"], answer.text
    assert done[1]["response"]["scimType"] == "uniqueness"
    group = (await client.get("/scim/v2/Groups", params={"filter": 'displayName eq "pilots"'}, headers=admin)).json()
    assert done[0]["location"].endswith(group["Resources"][0]["members"][0]["value"])
    stopped = await client.post("/scim/v2/Bulk", json={"failOnErrors": 1, "Operations": operations[1:]}, headers=admin)
    assert len(stopped.json()["Operations"]) == 1


async def test_groups_are_kept_patched_found_and_removed(client: Client, admin: Headers) -> None:
    ids = [
        (await client.post(USERS, json={"schemas": [CORE], "userName": name}, headers=admin)).json()["id"]
        for name in ("ada", "ben")
    ]
    made = await client.post(GROUPS, json={"displayName": "Pilots", "members": [{"value": ids[0]}]}, headers=admin)
    assert made.status_code == 201, made.text
    address = f"{GROUPS}/{made.json()['id']}"
    add = patched({"op": "add", "path": "members", "value": [{"value": ids[1]}]})
    both = await client.patch(address, json=add, headers={**admin, "If-Match": made.headers["etag"]})
    assert [one["value"] for one in both.json()["members"]] == ids
    stale = await client.patch(address, json=add, headers={**admin, "If-Match": made.headers["etag"]})
    assert stale.status_code == 412
    unchanged = await client.get(address, headers={**admin, "If-None-Match": both.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    remove = patched({"op": "remove", "path": f'members[value eq "{ids[0]}"]'})
    assert [one["value"] for one in (await client.patch(address, json=remove, headers=admin)).json()["members"]] == ids[
        1:
    ]
    replaced = await client.put(address, json={"displayName": "Captains"}, headers=admin)
    assert (replaced.json()["displayName"], replaced.json().get("members")) == ("Captains", None)
    for question, found in (('displayName sw "Capt"', 1), ('displayName eq "Pilots"', 0), (f'id eq "{ids[0]}"', 0)):
        answer = await client.get(GROUPS, params={"filter": question}, headers=admin)
        assert answer.json()["totalResults"] == found, question
    assert (await client.delete(address, headers=admin)).status_code == 204
    assert (await client.get(address, headers=admin)).status_code == 404


async def test_a_user_who_is_not_active_takes_part_in_nothing_any_more(
    client: Client, admin: Headers, program_id: str, settings: Settings
) -> None:
    await send(client, program_id, MENTORS + ADA, admin)
    (user,) = (await client.get(USERS, params={"filter": 'userName eq "ada@example.org"'}, headers=admin)).json()[
        "Resources"
    ]
    off = {**{name: user[name] for name in ("schemas", "userName", "name", "emails")}, "active": False}
    replaced = await client.put(f"{USERS}/{user['id']}", json=off, headers=admin)
    assert (replaced.status_code, replaced.json()["active"]) == (200, False), replaced.text
    (enrollment,) = (await client.get(f"/programs/{program_id}/enrollments", headers=admin)).json()["items"]
    assert (enrollment["status"], enrollment["reason"]) == ("withdrawn", "departed")
    async with tap(settings) as topics:
        assert str((await topics.first(PersonDeparted)).person_id) == user["id"]
        assert (await topics.first(EnrollmentWithdrawn)).reason == "departed"


async def test_managers_make_no_circle_and_addresses_belong_to_one(client: Client, admin: Headers) -> None:
    ids: list[str] = []
    for name in ("mira", "ole", "sana"):
        body: dict[str, Any] = {"schemas": [CORE, ENTERPRISE], "userName": name, "emails": [{"value": f"{name}@x.org"}]}
        if ids:
            body[ENTERPRISE] = {"manager": {"value": ids[-1]}}
        made = await client.post(USERS, json=body, headers=admin)
        assert made.status_code == 201, made.text
        ids.append(made.json()["id"])
    for manager in (ids[2], ids[0]):
        circle = patched({"op": "add", "path": f"{ENTERPRISE}:manager", "value": {"value": manager}})
        refused = await client.patch(f"{USERS}/{ids[0]}", json=circle, headers=admin)
        assert (refused.status_code, refused.json()["scimType"]) == (400, "invalidValue")
    taken = patched({"op": "replace", "path": "emails", "value": [{"value": "OLE@x.org"}]})
    refused = await client.patch(f"{USERS}/{ids[2]}", json=taken, headers=admin)
    assert (refused.status_code, refused.json()["scimType"]) == (409, "uniqueness")
    shown = [(await client.get(f"/people/{one}", headers=admin)).json() for one in ids]
    assert [one["manager_id"] for one in shown] == [None, *ids[:2]]
    assert [one["email"] for one in shown] == ["mira@x.org", "ole@x.org", "sana@x.org"]


def test_nothing_of_scim_is_loaded_before_somebody_speaks_it() -> None:
    look = "import sys, tandem_profiles.main; sys.exit(any(name.startswith('scim2') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", look], check=False).returncode == 0


async def test_the_directory_is_for_identity_providers(client: Client, tokens: Tokens) -> None:
    for headers in (tokens.manager(uuid4()), tokens.person(uuid4()), tokens.service(["roster"])):
        for path in (USERS, "/scim/v2/Groups", "/scim/v2/Schemas"):
            answer = await client.get(path, headers=headers)
            assert (answer.status_code, answer.headers["content-type"]) == (403, "application/scim+json")
    for body in (b"{", b"[]", b'{"userName": "\\u0000"}', b'{"userName": 5}'):
        answer = await client.post(USERS, content=body, headers=tokens.admin())
        assert answer.status_code == 400, answer.text


async def test_the_public_conformance_checker_is_content(address: str, tokens: Tokens) -> None:
    def check() -> list[Any]:
        with httpx2.Client(base_url=f"{address}/scim/v2", headers=tokens.service(["scim"]), timeout=60) as http:
            return list(check_server(SyncSCIMClient(http)))

    results = await asyncio.to_thread(check)
    faults = [f"{one.title}: {one.reason}" for one in results if one.status in (Status.ERROR, Status.CRITICAL)]
    assert not faults, "\n".join(faults)
    assert sum(one.status is Status.SUCCESS for one in results) > 30
