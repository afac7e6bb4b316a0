"""Who names somebody: answers about people and delegates after a merge and an erasure, and what leaves in an export."""

import asyncio
from itertools import groupby
from typing import Any
from uuid import UUID, uuid4

import httpx2
from fastapi import FastAPI

from tandem_chassis.testing import Tokens
from tandem_events.contracts import EnrollmentApproved
from tandem_events.testing import tap
from tandem_profiles.settings import Settings

from .contention import holding, waiting
from .test_enrollments import MENTEE, QUESTIONS, apply, open_program
from .test_enrollments import people as listed_people
from .test_private import PROFILE, states_of

Client = httpx2.AsyncClient
Headers = dict[str, str]

FOCUS = {"focus": "craft"}
ASKED = [
    *QUESTIONS,
    {"question_id": "avoid", "words": "Whom rather not?", "kind": "people", "visibility": "matching"},
]


async def names(client: Client, headers: Headers, enrollment: str) -> tuple[list[str], list[str]]:
    """Whom an enrollment's answers name, openly and for matching only."""
    answers = (await client.get(f"/enrollments/{enrollment}", headers=headers)).json()["answers"]
    return answers.get("sponsors", []), answers.get("avoid", [])


async def test_answers_about_people_name_the_record_that_stays_and_nobody_who_was_erased(
    client: Client, admin: Headers, tokens: Tokens, settings: Settings
) -> None:
    kept, gone, ole = await listed_people(client, admin, 3)
    program_id = await open_program(client, admin, approval="automatic", questions=ASKED)
    said: dict[str, Any] = {"sponsors": [gone.upper(), kept], "avoid": [UUID(gone).hex], "about-me": gone}
    form = {**MENTEE, "answers": {**FOCUS, **said}}
    own, tells = tokens.person(ole), tokens.person(kept)
    enrollment = (await apply(client, program_id, own, form)).json()["enrollment_id"]
    of_kept: dict[str, Any] = {**MENTEE, "answers": {**FOCUS, "sponsors": [gone, ole]}}
    second = (await apply(client, program_id, tells, of_kept)).json()["enrollment_id"]
    assert await names(client, own, enrollment) == ([gone, kept], [gone]), "ids are written in one way"

    assert (await client.post(f"/people/{kept}/merges", json={"duplicate_id": gone}, headers=admin)).status_code == 200
    assert await names(client, own, enrollment) == ([kept], [kept])
    assert await names(client, tells, second) == ([ole], []), "nobody names themselves"
    answers = (await client.get(f"/enrollments/{enrollment}", headers=own)).json()["answers"]
    assert answers["about-me"] == gone, "what somebody wrote stays as they wrote it"

    assert (await client.post(f"/people/{kept}/erasure", json={}, headers=admin)).status_code == 202
    assert await names(client, own, enrollment) == ([], [])
    async with tap(settings) as topics:
        states = [one.confidential_answers for one in await states_of(topics, ole, at_least=4)]
        approved = [one for one in await topics.all_of(EnrollmentApproved, at_least=4) if str(one.person_id) == ole]
    told = [one.get(UUID(program_id), {}).get("avoid") for one in states]
    assert [one for one, _ in groupby(told)] == [None, (gone,), (kept,), None]
    assert len(approved) == 3


async def test_delegates_who_change_by_a_merge_or_an_erasure_are_noted(
    client: Client, admin: Headers, tokens: Tokens
) -> None:
    kept, gone, ole, mira = await listed_people(client, admin, 4)
    for person, delegate in ((ole, gone), (gone, mira)):
        headers = {**tokens.person(person), "If-Match": "*"}
        body = {**PROFILE, "delegate_id": delegate}
        assert (await client.put(f"/people/{person}/profile", json=body, headers=headers)).status_code == 200
    assert (await client.post(f"/people/{kept}/merges", json={"duplicate_id": gone}, headers=admin)).status_code == 200
    assert (await client.post(f"/people/{kept}/erasure", json={}, headers=admin)).status_code == 202

    async def noted(person: str) -> list[Any]:
        entries = (await client.get("/audit-entries", params={"person_id": person}, headers=admin)).json()["items"]
        return [(one["caller"], one["details"]) for one in entries if one["action"] == "delegate_changed"]

    assert await noted(ole) == [
        (ole, {"added": [gone], "removed": []}),
        ("admin", {"added": [kept], "removed": [gone]}),
        ("admin", {"added": [], "removed": [kept]}),
    ]
    assert await noted(kept) == [("admin", {"added": [mira], "removed": []})], "what the duplicate's delegate may now"


async def test_an_administrators_export_holds_nothing_that_is_for_matching_only(
    client: Client, admin: Headers, tokens: Tokens
) -> None:
    ada, ben, cleo = await listed_people(client, admin, 3)
    program_id = await open_program(client, admin, approval="automatic", questions=ASKED)
    said: dict[str, Any] = {"identity": "carers like me", "avoid": [cleo], "about-me": "Ports, mostly."}
    form = {**MENTEE, "answers": {**FOCUS, **said}, "excluded_ids": [ben], "preferred_ids": [cleo]}
    assert (await apply(client, program_id, tokens.person(ada), form)).status_code == 201
    own = (await client.get(f"/people/{ada}/export", headers=tokens.person(ada))).json()
    (part,) = own["enrollments"]
    assert (part["answers"], part["excluded_ids"], part["preferred_ids"]) == (form["answers"], [ben], [cleo])
    assert own["person"]["confidential_answers"][program_id]["identity"] == "carers like me"
    by_admin = await client.get(f"/people/{ada}/export", headers=admin)
    (part,) = by_admin.json()["enrollments"]
    assert part["answers"] == {**FOCUS, "about-me": "Ports, mostly."}
    for hidden in ("carers like me", ben, cleo, "confidential_answers", "excluded_ids", "preferred_ids"):
        assert hidden not in by_admin.text


async def test_only_people_who_are_known_manage_programs(client: Client, admin: Headers, program_id: str) -> None:
    (mira,) = await listed_people(client, admin, 1)
    nobody, headers = str(uuid4()), {**admin, "If-Match": "*"}
    ids = {"manager_ids": [mira, nobody]}
    for refused in (
        await client.post("/programs", json={"name": "Steps up", **ids}, headers=admin),
        await client.put(f"/programs/{program_id}/managers", json=ids, headers=headers),
    ):
        assert refused.status_code == 422
        assert refused.json()["faults"] == [{"reason": f"{nobody} is nobody", "field": "manager_ids"}]
    assert (await client.get(f"/programs/{program_id}", headers=admin)).json()["manager_ids"] == []


async def test_whoever_is_made_a_manager_while_they_are_erased_manages_nothing_afterwards(
    app: FastAPI, client: Client, admin: Headers, program_id: str
) -> None:
    (mira,) = await listed_people(client, admin, 1)
    headers = {**admin, "If-Match": "*"}
    async with holding(app, "SELECT 1 FROM people WHERE person_id = :id FOR UPDATE", id=UUID(mira)):
        granting = asyncio.create_task(
            client.put(f"/programs/{program_id}/managers", json={"manager_ids": [mira]}, headers=headers)
        )
        await waiting(app)
        erasing = asyncio.create_task(client.post(f"/people/{mira}/erasure", json={}, headers=admin))
        await waiting(app, 2)
    assert ((await granting).status_code, (await erasing).status_code) == (200, 202)
    assert (await client.get(f"/programs/{program_id}", headers=admin)).json()["manager_ids"] == []
