"""A service from the outside: its doors, its answers, its facts."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx2
from fastapi import FastAPI
from tandem_demo.settings import Settings

from tandem_chassis.testing import Tokens
from tandem_events.contracts import PersonRegistered
from tandem_events.testing import tap


async def test_a_change_is_said_as_an_event_of_the_same_story(
    client: httpx2.AsyncClient, tokens: Tokens, settings: Settings
) -> None:
    answer = await client.post("/notes", json={"words": "hello"}, headers={**tokens.admin(), "X-Request-ID": "story-1"})
    assert answer.status_code == 201, answer.text
    async with tap(settings) as topics:
        event = await topics.first(PersonRegistered)
        assert str(event.person_id) == answer.json()["id"]
        assert topics.seen[0].envelope.correlation_id == "story-1"


async def test_without_a_token_only_health_and_api_pages_answer(client: httpx2.AsyncClient, app: FastAPI) -> None:
    for path in ("/health/live", "/health/ready", "/docs", "/openapi.json"):
        assert (await client.get(path)).status_code == 200, path
    assert (await client.get("/metrics")).status_code == 401
    for route, methods in app.openapi()["paths"].items():
        if route.startswith("/health"):
            continue
        for method in methods:
            path = route.format(note_id=uuid4(), program_id=uuid4(), parked_id=1)
            answer = await client.request(method.upper(), path, json={})
            assert answer.status_code == 401, (method, route)
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_api_pages_load_nothing_from_outside(client: httpx2.AsyncClient) -> None:
    page = (await client.get("/docs")).text
    assert "https://" not in page.replace("https://fastapi.tiangolo.com", "")


async def test_a_repeated_post_with_the_same_key_is_done_once(client: httpx2.AsyncClient, tokens: Tokens) -> None:
    headers = {**tokens.admin(), "Idempotency-Key": '"once"'}
    first = await client.post("/notes", json={"words": "only once"}, headers=headers)
    again = await client.post("/notes", json={"words": "only once"}, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]


async def test_the_same_key_with_another_payload_is_refused(client: httpx2.AsyncClient, tokens: Tokens) -> None:
    headers = {**tokens.admin(), "Idempotency-Key": '"other"'}
    await client.post("/notes", json={"words": "first"}, headers=headers)
    answer = await client.post("/notes", json={"words": "second"}, headers=headers)
    assert answer.status_code == 422
    unquoted = await client.post("/notes", json={"words": "x"}, headers={**tokens.admin(), "Idempotency-Key": "raw"})
    assert unquoted.status_code == 422
    assert "quoted" in unquoted.json()["detail"]


async def test_simultaneous_posts_with_one_key_have_one_effect(client: httpx2.AsyncClient, tokens: Tokens) -> None:
    headers = {**tokens.admin(), "Idempotency-Key": '"race"'}
    answers = await asyncio.gather(*(client.post("/notes", json={"words": "race"}, headers=headers) for _ in range(8)))
    statuses = {answer.status_code for answer in answers}
    assert 201 in statuses
    assert statuses <= {201, 409}
    assert len({answer.text for answer in answers if answer.status_code == 201}) == 1


async def test_an_update_must_name_the_version_it_changes(client: httpx2.AsyncClient, tokens: Tokens) -> None:
    note = (await client.post("/notes", json={"words": "v1"}, headers=tokens.admin())).json()["id"]
    missing = await client.put(f"/notes/{note}", json={"words": "v2"}, headers=tokens.admin())
    assert missing.status_code == 428
    right = await client.put(f"/notes/{note}", json={"words": "v2"}, headers={**tokens.admin(), "If-Match": '"1"'})
    assert (right.status_code, right.headers["etag"]) == (200, '"2"')
    late = await client.put(f"/notes/{note}", json={"words": "v3"}, headers={**tokens.admin(), "If-Match": '"1"'})
    assert late.status_code == 412


async def test_every_kind_of_error_is_a_problem_document(client: httpx2.AsyncClient, tokens: Tokens) -> None:
    admin = tokens.admin()
    cases = [
        (await client.get("/nowhere", headers=admin), 404),
        (await client.delete("/notes", headers=admin), 405),
        (await client.post("/notes", json={"words": ""}, headers=admin), 422),
        (await client.post("/notes", content=b"{", headers=admin), 422),
        (await client.get(f"/notes/manager/{uuid4()}", headers=tokens.person(uuid4())), 403),
        (await client.get("/notes/admin", headers=tokens.person(uuid4())), 403),
        (await client.get("/notes/admin", headers={"Authorization": "Bearer nonsense"}), 401),
        (await client.get("/operations/parked-events", headers=tokens.person(uuid4())), 403),
        (await client.get("/operations/parked-events?cursor=%F0", headers=admin), 422),
    ]
    for answer, status in cases:
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        document = answer.json()
        assert document["status"] == status
        assert document["detail"]
        assert document["request_id"] == answer.headers["x-request-id"]


async def chunks(size: int) -> AsyncIterator[bytes]:
    """JSON of this size whose length nobody is told beforehand."""
    yield b'{"words": "'
    for _ in range(size // 65_536):
        yield b"a" * 65_536
    yield b'"}'


async def test_a_body_over_the_limit_is_refused_as_too_large_also_where_its_length_is_not_said(
    client: httpx2.AsyncClient, tokens: Tokens, settings: Settings
) -> None:
    json = {**tokens.admin(), "Content-Type": "application/json"}
    said = await client.post("/notes", content=b" " * (settings.http_max_body_bytes + 1), headers=json)
    unsaid = await client.post("/notes", content=chunks(settings.http_max_body_bytes + 65_536), headers=json)
    with_key = await client.post(
        "/notes",
        content=chunks(settings.http_max_body_bytes + 65_536),
        headers={**json, "Idempotency-Key": '"too large"'},
    )
    for answer in (said, unsaid, with_key):
        assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json"), answer.text
        assert answer.json()["request_id"] == answer.headers["x-request-id"]
    within = await client.post("/notes", content=chunks(0), headers=json)
    assert within.status_code == 422, "an empty note, read to its end"


async def test_a_manager_reaches_their_programs_and_no_others(client: httpx2.AsyncClient, tokens: Tokens) -> None:
    mine, other = uuid4(), uuid4()
    headers = tokens.manager(mine)
    assert (await client.get(f"/notes/manager/{mine}", headers=headers)).status_code == 200
    assert (await client.get(f"/notes/manager/{other}", headers=headers)).status_code == 403
