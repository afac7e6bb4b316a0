"""Rights: two program managers cannot see or change each other's programs by any route."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from tandem_chassis.testing import Tokens
from tandem_profiles.api.scim import routes as scim

from .sheets import MENTORS, send

Client = httpx2.AsyncClient
Headers = dict[str, str]

FORM = {"roles": ["mentor"], "mentor_places": 1}
BODIES: dict[tuple[str, str], Any] = {
    ("post", "/programs"): {"name": "Another"},
    ("put", "/programs/{program_id}"): {"name": "Taken over"},
    ("put", "/programs/{program_id}/managers"): {"manager_ids": [str(uuid4())]},
    ("post", "/programs/{program_id}/copies"): {"name": "Copied away"},
    ("put", "/programs/{program_id}/sign-up-mapping"): {"version": 1},
    ("post", "/programs/{program_id}/enrollments"): {**FORM, "person_id": "{person_id}"},
    ("post", "/programs/{program_id}/enrollment-decisions"): {
        "decision": "decline",
        "enrollment_ids": ["{enrollment_id}"],
    },
    ("put", "/enrollments/{enrollment_id}"): FORM,
    ("put", "/people/{person_id}/private-section"): {"personal": "x", "consent": True},
    ("post", "/people/{person_id}/departure"): {"left_on": "2026-01-01"},
    ("post", "/people/{person_id}/merges"): {"duplicate_id": str(uuid4())},
    ("post", "/roster"): {"people": [{"employee_number": "1", "given_name": "X", "email": "{email}"}]},
    ("post", "/scim/v2/Bulk"): {"Operations": [{"method": "DELETE", "path": "/Users/{person_id}"}]},
}
QUERIES = {
    "/people": ({"program_id": "{program_id}"}, {"email": "{email}"}, {"q": "{secret}"}),
    "/skills": ({"q": "a"},),
    "/audit-entries": ({"program_id": "{program_id}"}, {"person_id": "{person_id}"}),
}


def filled(value: Any, ids: dict[str, str]) -> Any:
    """The same with every {id} written in."""
    if isinstance(value, dict):
        return {name: filled(entry, ids) for name, entry in value.items()}
    if isinstance(value, list):
        return [filled(entry, ids) for entry in value]
    return value.format(**ids) if isinstance(value, str) else value


def every_route(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Method and path of each route: those of the OpenAPI document, and SCIM's, which has a document of its own."""
    for path, methods in app.openapi()["paths"].items():
        for method in methods:
            yield method, path
    for router in scim.PARTS:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            for method in sorted(route.methods or ()):
                yield method.lower(), route.path


class Side:
    """A program with somebody in it, its manager, and words that stand nowhere else."""

    def __init__(self, secret: str, ids: dict[str, str], manager: Headers) -> None:
        self.secret, self.ids, self.manager = secret, ids, manager


async def known_managers(client: Client, admin: Headers) -> list[str]:
    """Two people of the company's roster, each to manage a program."""
    listed = [
        {"employee_number": f"m{n}", "given_name": f"Manager {n}", "email": f"manager{n}@example.org"} for n in (1, 2)
    ]
    assert (await client.post("/roster", json={"people": listed}, headers=admin)).status_code == 200
    found = [await client.get("/people", params={"email": one["email"]}, headers=admin) for one in listed]
    return [one.json()["items"][0]["person_id"] for one in found]


async def side(client: Client, admin: Headers, secret: str, *, manager_id: str | None = None) -> Side:
    body = {
        "name": f"{secret}s program",
        "objective": f"For {secret}",
        "manager_ids": [manager_id] if manager_id else [],
        "audience": {"units": [f"{secret} Office"]},
    }
    program_id = (await client.post("/programs", json=body, headers=admin)).json()["program_id"]
    email = f"{secret.lower()}@example.org"
    row = f"{secret},Quillfeather,{email},no,Analyst,SEO,{secret} Office,Policy,early riser,{secret}s own words.\n"
    assert (await send(client, program_id, MENTORS + row, admin)).status_code == 200
    await client.post(f"/programs/{program_id}/opening", json={}, headers=admin)
    (enrollment,) = (await client.get(f"/programs/{program_id}/enrollments", headers=admin)).json()["items"]
    ids = {
        "program_id": program_id,
        "enrollment_id": enrollment["enrollment_id"],
        "person_id": enrollment["person_id"],
        "parked_id": "1",
        "email": email,
        "secret": secret,
        "kind": "Users",
        "resource_id": enrollment["person_id"],
        "name": "User",
        "urn": "urn:ietf:params:scim:schemas:core:2.0:User",
    }
    return Side(secret, ids, {})


@pytest.mark.parametrize("granted", [False, True], ids=["by their tokens", "by a grant"])
async def test_two_managers_see_and_change_nothing_of_each_other_by_any_route(
    app: FastAPI, client: Client, admin: Headers, tokens: Tokens, granted: bool
) -> None:
    managers = await known_managers(client, admin)
    sides = [
        await side(client, admin, name, manager_id=manager_id if granted else None)
        for name, manager_id in zip(("Zaphira", "Quentilla"), managers, strict=True)
    ]
    for one, manager_id in zip(sides, managers, strict=True):
        by_token = tokens.manager(one.ids["program_id"], person_id=manager_id)
        one.manager = tokens.person(manager_id) if granted else by_token

    async def everything(of: Side) -> list[str]:
        paths = ("/programs/{program_id}", "/programs/{program_id}/enrollments", "/enrollments/{enrollment_id}")
        more = ("/people/{person_id}", "/programs/{program_id}/sign-up-mapping", "/scim/v2/Users/{person_id}")
        return [(await client.get(path.format(**of.ids), headers=admin)).text for path in (*paths, *more)]

    before = [await everything(one) for one in sides]
    for own, other in (sides, sides[::-1]):
        assert own.secret in (await client.get("/programs", headers=own.manager)).text
        walked = 0
        for method, path in every_route(app):
            for query in QUERIES.get(path, ({"role": "mentor"},)):
                answer = await client.request(
                    method.upper(),
                    path.format(**other.ids),
                    params=filled(query, other.ids),
                    json=filled(BODIES.get((method, path), {}), other.ids),
                    headers={**own.manager, "If-Match": "*"},
                )
                walked += 1
                where = f"{method} {path}: {answer.status_code} {answer.text[:300]}"
                assert answer.status_code < 500, where
                assert other.secret not in answer.text, where
                assert other.ids["enrollment_id"] not in answer.text, where
                if "{" in path or path.startswith("/scim"):
                    assert answer.status_code in (403, 404), where
        assert walked > 60
    assert [await everything(one) for one in sides] == before, "nothing of either program was changed"


CROSSING: dict[tuple[str, str], Any] = {
    **BODIES,
    ("post", "/programs/{program_id}/enrollments"): {**FORM, "person_id": "{others_person_id}"},
    ("put", "/programs/{program_id}/managers"): {"manager_ids": ["{others_person_id}"]},
    ("post", "/programs/{program_id}/enrollment-decisions"): {
        "decision": "withdraw",
        "enrollment_ids": ["{others_enrollment_id}"],
    },
    ("put", "/enrollments/{enrollment_id}"): {**FORM, "preferred_ids": ["{others_person_id}"]},
    ("post", "/people/{person_id}/merges"): {"duplicate_id": "{others_person_id}"},
    ("put", "/people/{person_id}/profile"): {"delegate_id": "{others_person_id}"},
    ("post", "/scim/v2/Bulk"): {"Operations": [{"method": "DELETE", "path": "/Users/{others_person_id}"}]},
    ("post", "/scim/v2/Groups"): {"displayName": "Mine", "members": [{"value": "{others_person_id}"}]},
}
CROSSING_QUERIES = {
    "/people": ({"program_id": "{program_id}", "q": "{others_secret}"}, {"program_id": "{others_program_id}"}),
    "/audit-entries": ({"program_id": "{program_id}", "person_id": "{others_person_id}"},),
}
LAST = ("closing", "archiving", "withdrawal")
"""Steps after which a program or an enrollment takes nothing any more."""


async def test_naming_the_other_sides_people_in_ones_own_program_shows_and_changes_nothing_of_the_other_program(
    app: FastAPI, client: Client, admin: Headers, tokens: Tokens
) -> None:
    own, other = [await side(client, admin, name) for name in ("Zaphira", "Quentilla")]
    headers = {**tokens.manager(own.ids["program_id"]), "If-Match": "*"}
    ids = {**own.ids, **{f"others_{name}": value for name, value in other.ids.items()}}
    shown = ("/programs/{program_id}", "/programs/{program_id}/enrollments", "/enrollments/{enrollment_id}")
    kept = (*shown, "/people/{person_id}", "/scim/v2/Users/{person_id}")

    async def everything() -> list[str]:
        return [(await client.get(path.format(**other.ids), headers=admin)).text for path in kept]

    before = await everything()
    answers: dict[tuple[str, str], httpx2.Response] = {}
    for method, path in sorted(every_route(app), key=lambda route: route[1].endswith(LAST)):
        for query in CROSSING_QUERIES.get(path, ({"role": "mentor"},)):
            answer = await client.request(
                method.upper(),
                path.format(**ids),
                params=filled(query, ids),
                json=filled(CROSSING.get((method, path), {}), ids),
                headers=headers,
            )
            answers[method, path] = answer
            where = f"{method} {path}: {answer.status_code} {answer.text[:300]}"
            assert answer.status_code < 500, where
            for foreign in (other.ids["program_id"], "Quentillas program", "For Quentilla"):
                assert foreign not in answer.text, where
            if not path.endswith("/enrollment-decisions"):
                assert other.ids["enrollment_id"] not in answer.text, where
    assert await everything() == before, "nothing of the other program, nor of its people, was changed"
    brought_in = answers["post", "/programs/{program_id}/enrollments"]
    assert brought_in.status_code == 201, "managers bring in anybody whom they can name"
    for path in shown:
        assert (await client.get(path.format(**other.ids), headers=headers)).status_code in (403, 404), path
    (decided,) = answers["post", "/programs/{program_id}/enrollment-decisions"].json()["decided"]
    assert decided["status"] is None
    for route in (("put", "/programs/{program_id}/managers"), ("post", "/people/{person_id}/merges")):
        assert answers[route].status_code == 403
    assert len(answers) > 60


async def test_a_participant_manages_nothing(app: FastAPI, client: Client, admin: Headers, tokens: Tokens) -> None:
    one = await side(client, admin, "Zaphira")
    ids = {**one.ids, "person_id": str(uuid4())}
    participant = tokens.person(one.ids["person_id"])
    walked = 0
    for method, path in every_route(app):
        concerns_a_program = path.startswith("/programs/{program_id}") and not path.endswith("/enrollments")
        if not concerns_a_program and not path.startswith(("/scim", "/audit-entries", "/roster", "/operations")):
            continue
        answer = await client.request(
            method.upper(),
            path.format(**ids),
            params={"role": "mentor"},
            json=filled(BODIES.get((method, path), {}), ids),
            headers={**participant, "If-Match": "*"},
        )
        walked += 1
        assert answer.status_code == 403, f"{method} {path}: {answer.status_code}"
    assert walked > 30


async def test_a_manager_sees_nobody_whole_who_left_the_program(client: Client, admin: Headers, tokens: Tokens) -> None:
    one = await side(client, admin, "Zaphira")
    manager = tokens.manager(one.ids["program_id"])
    address = f"/people/{one.ids['person_id']}"
    assert (await client.get(address, headers=manager)).json()["email"] == one.ids["email"]
    await client.post(f"/enrollments/{one.ids['enrollment_id']}/withdrawal", json={}, headers=admin)
    assert (await client.get(address, headers=manager)).status_code == 404


async def test_a_sheet_of_ones_own_program_changes_nothing_that_the_roster_says_of_somebody(
    client: Client, admin: Headers, tokens: Tokens
) -> None:
    listed = {"employee_number": "7", "given_name": "Quentilla", "family_name": "Quillfeather", "unit": "Docks"}
    roster = {"people": [{**listed, "email": "quentilla@example.org"}]}
    assert (await client.post("/roster", json=roster, headers=admin)).status_code == 200
    one = await side(client, admin, "Zaphira")
    row = "Mallory,Smith,QUENTILLA@example.org,no,Analyst,SEO,Harbour,Policy,,Ports.\n"
    manager = tokens.manager(one.ids["program_id"])
    assert (await send(client, one.ids["program_id"], MENTORS + row, manager)).status_code == 200
    found = await client.get("/people", params={"email": "quentilla@example.org"}, headers=admin)
    (person,) = found.json()["items"]
    assert {name: person[name] for name in ("given_name", "family_name", "unit", "email")} == {
        "given_name": "Quentilla", "family_name": "Quillfeather", "unit": "Docks", "email": "quentilla@example.org",
    }  # fmt: skip
    assert (person["job_title"], person["biography"]) == ("Analyst", "Ports."), "what was blank is filled"
