"""Programs from the outside."""

from uuid import uuid4

import httpx2
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy.exc import DBAPIError

from tandem_chassis.testing import Tokens
from tandem_events.contracts import ProgramClosed, ProgramLaunched, ProgramState
from tandem_events.testing import tap
from tandem_profiles.api.program_fields import ProgramFields
from tandem_profiles.settings import Settings

from .test_enrollments import people

Client = httpx2.AsyncClient
Headers = dict[str, str]


async def test_a_new_program_is_a_draft_that_the_others_hear_of(
    client: Client, admin: Headers, settings: Settings
) -> None:
    (manager,) = await people(client, admin, 1)
    answer = await client.post(
        "/programs",
        json={
            "name": "Steps up",
            "objective": "More women lead",
            "meeting_every_days": 14,
            "manager_ids": [manager],
            "matching": {"weights": {"a": 1}},
        },
        headers=admin,
    )
    assert answer.status_code == 201
    program = answer.json()
    assert (program["status"], program["format"], program["feedback_every_sessions"]) == ("draft", "one_to_one", 1)
    assert answer.headers["location"] == f"/programs/{program['program_id']}"
    assert answer.headers["etag"] == '"1"'
    async with tap(settings) as topics:
        state = await topics.first(ProgramState)
    assert (state.status, state.meeting_every_days, state.matching) == ("draft", 14, {"weights": {"a": 1}})
    assert state.objective == "More women lead"
    assert [str(one) for one in state.manager_ids] == [manager]


async def test_a_launch_is_said_once(client: Client, admin: Headers, program_id: str, settings: Settings) -> None:
    answer = await client.post(f"/programs/{program_id}/launch", json={}, headers=admin)
    assert (answer.status_code, answer.json()["status"]) == (200, "running")
    again = await client.post(f"/programs/{program_id}/launch", json={}, headers=admin)
    assert again.status_code == 409
    assert "running" in again.json()["detail"]
    async with tap(settings) as topics:
        launched = await topics.all_of(ProgramLaunched)
        states = await topics.all_of(ProgramState, at_least=2)
    assert [str(one.program_id) for one in launched] == [program_id]
    assert [state.status for state in states] == ["draft", "running"]


async def test_managers_see_their_programs_and_no_others(client: Client, admin: Headers, tokens: Tokens) -> None:
    (granted,) = await people(client, admin, 1)
    mine = (await client.post("/programs", json={"name": "Mine"}, headers=admin)).json()["program_id"]
    body = {"name": "Granted here", "manager_ids": [granted]}
    other = (await client.post("/programs", json=body, headers=admin)).json()["program_id"]
    by_token, by_grant = tokens.manager(mine), tokens.person(granted)
    for headers, own, foreign in ((by_token, mine, other), (by_grant, other, mine)):
        assert [p["program_id"] for p in (await client.get("/programs", headers=headers)).json()["items"]] == [own]
        assert (await client.get(f"/programs/{own}", headers=headers)).status_code == 200
        unseen = await client.get(f"/programs/{foreign}", headers=headers)
        missing = await client.get(f"/programs/{uuid4()}", headers=headers)
        assert unseen.status_code == missing.status_code == 403
        assert unseen.json()["detail"] == missing.json()["detail"], "whether there is such a program stays unsaid"
        assert (await client.post(f"/programs/{foreign}/launch", json={}, headers=headers)).status_code == 403
    assert (await client.post("/programs", json={"name": "Another"}, headers=by_token)).status_code == 403


async def test_lists_come_in_pages(client: Client, admin: Headers) -> None:
    made = [
        (await client.post("/programs", json={"name": f"Program {n}"}, headers=admin)).json()["program_id"]
        for n in range(5)
    ]
    found, cursor = [], None
    while True:
        parameters = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await client.get("/programs", params=parameters, headers=admin)).json()
        found += [program["program_id"] for program in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == made


async def test_a_mapping_is_checked_and_kept(client: Client, admin: Headers, program_id: str) -> None:
    address = f"/programs/{program_id}/sign-up-mapping"
    read = await client.get(address, headers=admin)
    mapping = read.json()
    assert mapping["mentor"]["constants"]["time_zone"] == "Europe/London"
    mapping["mentor"]["constants"]["mentor_places"] = 3
    kept = await client.put(address, json=mapping, headers={**admin, "If-Match": read.headers["etag"]})
    assert kept.json() == mapping
    again = await client.get(address, headers=admin)
    assert (again.json(), again.headers["etag"]) == (mapping, kept.headers["etag"])
    mapping["mentor"]["constants"]["time_zone"] = "Europe/Atlantis"
    mapping["mentee"]["columns"][0]["kind"] = "poem"
    refused = await client.put(address, json=mapping, headers={**admin, "If-Match": again.headers["etag"]})
    assert refused.status_code == 422
    assert {fault["field"] for fault in refused.json()["faults"]} == {
        "mentor.constants.time_zone",
        "mentee.columns[0].kind",
    }


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "with\x00zero"}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"name": "x", "format": "speed"}, "format"),
        ({"name": "x", "meeting_every_days": 0}, "meeting_every_days"),
        ({"name": "x", "matching": {"deep": "\x00"}}, "matching"),
        ({"name": "x", "matching": {"big": "y" * 30_000}}, "matching"),
        ({"name": "x", "starts_on": "2027-02-30"}, "starts_on"),
        ({"name": "x", "starts_on": "2027-02-01", "ends_on": "2027-01-01"}, "body"),
    ],
)
async def test_what_cannot_be_a_program_is_refused(
    client: Client, admin: Headers, body: dict[str, object], field: str
) -> None:
    answer = await client.post("/programs", json=body, headers=admin)
    assert answer.status_code == 422
    assert answer.json()["faults"][0]["field"].startswith(field)


async def test_three_answers_and_a_launch_are_enough(client: Client, admin: Headers) -> None:
    templates = (await client.get("/program-templates", headers=admin)).json()
    assert {one["format"] for one in templates} == {"one_to_one", "peer", "reverse", "group", "circle", "flash"}
    for one in templates:
        body = {"template": one["format"], "name": f"Our {one['format']}", "objective": "Learn from each other"}
        made = await client.post("/programs", json=body, headers=admin)
        assert made.status_code == 201, made.text
        assert made.json()["format"] == one["format"]
        assert made.json()["meeting_minutes"] == one["defaults"]["meeting_minutes"]
        launched = await client.post(f"/programs/{made.json()['program_id']}/launch", json={}, headers=admin)
        assert launched.json()["status"] == "running"


async def test_a_program_goes_its_way_step_by_step(
    client: Client, admin: Headers, program_id: str, settings: Settings
) -> None:
    for step, status in (("opening", "open"), ("launch", "running"), ("closing", "closed"), ("archiving", "archived")):
        answer = await client.post(f"/programs/{program_id}/{step}", json={}, headers=admin)
        assert answer.json()["status"] == status
    for step in ("opening", "launch", "closing", "archiving"):
        refused = await client.post(f"/programs/{program_id}/{step}", json={}, headers=admin)
        assert refused.status_code == 409
    async with tap(settings) as topics:
        assert len(await topics.all_of(ProgramClosed)) == 1
        statuses = [state.status for state in await topics.all_of(ProgramState, at_least=5)]
    assert statuses == ["draft", "open", "running", "closed", "archived"]


async def test_a_program_whose_days_are_over_does_not_open(client: Client, admin: Headers) -> None:
    body = {"name": "Too late", "closes_on": "2020-01-01", "ends_on": "2020-06-01"}
    made = (await client.post("/programs", json=body, headers=admin)).json()["program_id"]
    for step in ("opening", "launch"):
        answer = await client.post(f"/programs/{made}/{step}", json={}, headers=admin)
        assert answer.status_code == 409
        assert "2020" in answer.json()["detail"]


async def test_a_change_names_the_version_that_it_changes(
    client: Client, admin: Headers, program_id: str, settings: Settings
) -> None:
    body = {"name": "Steps further", "meeting_every_days": 7}
    assert (await client.put(f"/programs/{program_id}", json=body, headers=admin)).status_code == 428
    changed = await client.put(f"/programs/{program_id}", json=body, headers={**admin, "If-Match": '"1"'})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    same = await client.put(f"/programs/{program_id}", json=body, headers={**admin, "If-Match": '"2"'})
    assert same.headers["etag"] == '"2"', "nothing changed, so nothing is told"
    assert (
        await client.put(f"/programs/{program_id}", json=body, headers={**admin, "If-Match": '"1"'})
    ).status_code == 412
    async with tap(settings) as topics:
        assert [state.meeting_every_days for state in await topics.all_of(ProgramState, at_least=2)] == [30, 7]


async def test_a_copy_is_a_draft_with_the_same_policies(client: Client, admin: Headers) -> None:
    managers = await people(client, admin, 1)
    body = {"template": "group", "name": "First", "ends_on": "2020-01-01", "manager_ids": managers}
    first = (await client.post("/programs", json=body, headers=admin)).json()
    answer = await client.post(f"/programs/{first['program_id']}/copies", json={"name": "Second"}, headers=admin)
    assert answer.status_code == 201
    copy = answer.json()
    assert (copy["name"], copy["status"], copy["ends_on"]) == ("Second", "draft", None)
    for same in ("format", "most_mentees", "tracks", "meeting_minutes", "manager_ids"):
        assert copy[same] == first[same]
    assert copy["copied_from"] == first["program_id"]


async def managers_noted(client: Client, admin: Headers, program_id: str) -> list[dict[str, list[str]]]:
    entries = (await client.get("/audit-entries", params={"program_id": program_id}, headers=admin)).json()["items"]
    assert {one["action"] for one in entries} <= {"program_managers_changed"}
    return [one["details"] for one in entries]


async def test_whoever_copies_a_program_manages_the_copy_and_every_grant_is_noted(
    client: Client, admin: Headers, tokens: Tokens, settings: Settings
) -> None:
    first, second = await people(client, admin)
    body = {"name": "First", "manager_ids": [first]}
    program_id = (await client.post("/programs", json=body, headers=admin)).json()["program_id"]
    assert await managers_noted(client, admin, program_id) == [{"added": [first], "removed": []}]
    by_token = tokens.manager(program_id, person_id=second)
    answer = await client.post(f"/programs/{program_id}/copies", json={"name": "Second"}, headers=by_token)
    copy = answer.json()
    assert copy["manager_ids"] == [first, second]
    assert await managers_noted(client, admin, copy["program_id"]) == [{"added": [first, second], "removed": []}]
    assert (await client.get(f"/programs/{copy['program_id']}", headers=tokens.person(second))).status_code == 200
    managers = {"manager_ids": [first]}
    await client.put(f"/programs/{copy['program_id']}/managers", json=managers, headers={**admin, "If-Match": "*"})
    assert (await client.get(f"/programs/{copy['program_id']}", headers=tokens.person(second))).status_code == 403
    assert (await managers_noted(client, admin, copy["program_id"]))[1] == {"added": [], "removed": [second]}
    async with tap(settings) as topics:
        states = await topics.all_of(ProgramState, at_least=3)
    of_copy = [[str(i) for i in one.manager_ids] for one in states if str(one.program_id) == copy["program_id"]]
    assert of_copy == [[first, second], [first]]


async def test_what_is_archived_stays_as_it_was(client: Client, admin: Headers, program_id: str) -> None:
    await client.post(f"/programs/{program_id}/archiving", json={}, headers=admin)
    changed = await client.put(f"/programs/{program_id}", json={"name": "Again"}, headers={**admin, "If-Match": "*"})
    assert (changed.status_code, changed.json()["detail"].split(".")[1]) == (409, " Copy it to run it again")
    assert (await client.get(f"/programs/{program_id}", headers=admin)).json()["name"] == "Steps up"


async def test_a_program_is_offered_to_its_audience(client: Client, admin: Headers, tokens: Tokens) -> None:
    listed = [
        {"employee_number": "1", "given_name": "Ada", "email": "a@example.org", "unit": "Harbour", "level": 3},
        {"employee_number": "2", "given_name": "Ben", "email": "b@example.org", "location": "Lisbon"},
    ]
    await client.post("/roster", json={"people": listed}, headers=admin)
    found = (await client.get("/people", headers=admin)).json()["items"]
    callers = [tokens.person(one["person_id"]) for one in found] + [tokens.person(uuid4()), admin]
    audiences: tuple[dict[str, object], ...] = (
        {},
        {"units": ["Docks", "Harbour"]},
        {"units": ["Docks"]},
        {"locations": ["Lisbon"]},
        {"lowest_level": 3, "highest_level": 3},
        {"lowest_level": 4},
        {"units": ["Harbour"], "highest_level": 2},
    )
    made = []
    for number, audience in enumerate(audiences):
        body = {"name": f"Program {number}", "audience": audience}
        made.append((await client.post("/programs", json=body, headers=admin)).json()["program_id"])
        await client.post(f"/programs/{made[-1]}/opening", json={}, headers=admin)
    for caller, offered in zip(callers, ([0, 1, 4], [0, 3], [0], [0, 1, 2, 3, 4, 5, 6]), strict=True):
        page = (await client.get("/open-programs", headers=caller)).json()["items"]
        assert [made.index(one["program_id"]) for one in page] == offered
        shown = [(await client.get(f"/open-programs/{one}", headers=caller)).status_code == 200 for one in made]
        assert [number for number, seen in enumerate(shown) if seen] == offered


@pytest.mark.parametrize("part", ["managers", "sign-up-mapping"])
async def test_nobody_overwrites_managers_or_a_mapping_that_they_have_not_seen(
    client: Client, admin: Headers, program_id: str, part: str
) -> None:
    program = await client.get(f"/programs/{program_id}", headers=admin)
    mapping = (await client.get(f"/programs/{program_id}/sign-up-mapping", headers=admin)).json()
    mapping["mentor"]["constants"]["mentor_places"] = 4
    body = {"managers": {"manager_ids": await people(client, admin, 1)}, "sign-up-mapping": mapping}[part]
    address = f"/programs/{program_id}/{part}"
    assert (await client.put(address, json=body, headers=admin)).status_code == 428
    seen = {**admin, "If-Match": program.headers["etag"]}
    first = await client.put(address, json=body, headers=seen)
    assert first.status_code == 200
    assert first.headers["etag"] != program.headers["etag"]
    assert (await client.put(address, json=body, headers=seen)).status_code == 412


async def test_granting_a_program_is_noted_for_good(
    client: Client, admin: Headers, program_id: str, app: FastAPI
) -> None:
    (manager,) = await people(client, admin, 1)
    headers = {**admin, "If-Match": "*"}
    answer = await client.put(f"/programs/{program_id}/managers", json={"manager_ids": [manager]}, headers=headers)
    assert answer.json()["manager_ids"] == [manager]
    (entry,) = (await client.get("/audit-entries", params={"program_id": program_id}, headers=admin)).json()["items"]
    assert (entry["action"], entry["caller"]) == ("program_managers_changed", "admin")
    assert entry["details"] == {"added": [manager], "removed": []}
    for statement in ("UPDATE audit_log SET caller = 'nobody'", "DELETE FROM audit_log", "TRUNCATE audit_log"):
        with pytest.raises(DBAPIError, match="only ever added to"):
            async with app.state.database.transaction() as session:
                await session.execute(sa.text(statement))


QUESTION = {
    "question_id": "focus",
    "words": "About what?",
    "kind": "choice",
    "options": ["craft", "career"],
}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"questions": [QUESTION, QUESTION]}, "one id"),
        ({"questions": [{**QUESTION, "options": ["craft"]}]}, "at least two options"),
        ({"questions": [{**QUESTION, "kind": "scale", "lowest": 5}]}, "highest must be above"),
        ({"opens_on": "2030-02-01", "closes_on": "2030-01-01"}, "closes_on lies before"),
        ({"audience": {"planet": "Mars"}}, "Extra inputs"),
        ({"template": "speed"}, "Input should be"),
    ],
)
async def test_policies_that_contradict_themselves_are_refused(
    client: Client, admin: Headers, changes: dict[str, object], words: str
) -> None:
    answer = await client.post("/programs", json={"name": "x", **changes}, headers=admin)
    assert answer.status_code == 422
    assert words in answer.text


async def test_a_program_with_more_words_than_the_others_can_be_told_at_once_is_refused_as_too_large(
    client: Client, admin: Headers, program_id: str
) -> None:
    before = await client.get(f"/programs/{program_id}", headers=admin)
    fields = {name: value for name, value in before.json().items() if name in ProgramFields.model_fields}
    lines = ["x" * 190] * 30
    modules = [
        {"module_id": f"m{number}", "title": "Long", "due_after_days": 1, "agenda": lines, "prompts": lines}
        for number in range(60)
    ]
    tracks = [
        {
            "track_id": f"t{track}",
            "title": "Long",
            "modules": [{**module, "module_id": f"t{track}-{module['module_id']}"} for module in modules],
        }
        for track in range(2)
    ]
    answer = await client.put(
        f"/programs/{program_id}",
        json={**fields, "tracks": tracks},
        headers={**admin, "If-Match": before.headers["etag"]},
    )
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (413, "too-large"), answer.text[:500]
    assert "Nothing was changed" in answer.json()["detail"]
    after = await client.get(f"/programs/{program_id}", headers=admin)
    assert (after.headers["etag"], after.json()) == (before.headers["etag"], before.json())
