"""Enrollments from the outside: people apply, managers decide, and matching hears who takes part."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from fastapi import FastAPI

from tandem_chassis.testing import Tokens
from tandem_events.contracts import (
    EnrollmentApproved,
    EnrollmentDeclined,
    EnrollmentPaused,
    EnrollmentResumed,
    EnrollmentSubmitted,
    EnrollmentWaitlisted,
    EnrollmentWithdrawn,
    PersonState,
)
from tandem_events.testing import tap
from tandem_profiles.settings import Settings
from tandem_profiles.use_cases import decisions

Client = httpx2.AsyncClient
Headers = dict[str, str]

QUESTIONS: list[dict[str, Any]] = [
    {
        "question_id": "focus",
        "words": "About?",
        "kind": "choice",
        "options": ["craft", "career"],
        "required": True,
    },
    {"question_id": "pace", "words": "How fast?", "kind": "scale", "roles": ["mentee"], "visibility": "program"},
    {"question_id": "about-me", "words": "What else?", "kind": "text"},
    {"question_id": "identity", "words": "Whom would help you?", "kind": "text", "visibility": "matching"},
    {"question_id": "sponsors", "words": "Who supports you?", "kind": "people"},
    {"question_id": "tools", "words": "What do you work with?", "kind": "skills"},
]
MENTEE = {"roles": ["mentee"], "wanted_mentors": 1, "answers": {"focus": "craft"}}
MENTOR = {"roles": ["mentor"], "mentor_places": 2, "answers": {"focus": "career"}}


async def people(client: Client, admin: Headers, number: int = 2) -> list[str]:
    """So many people, known from the roster."""
    listed: list[dict[str, Any]] = [
        {
            "employee_number": str(n),
            "given_name": f"Person {n}",
            "email": f"person{n}@example.org",
            "unit": "Harbour",
            "level": 3,
        }
        for n in range(number)
    ]
    assert (await client.post("/roster", json={"people": listed}, headers=admin)).status_code == 200
    found = [(await client.get("/people", params={"email": one["email"]}, headers=admin)).json() for one in listed]
    return [page["items"][0]["person_id"] for page in found]


async def open_program(client: Client, admin: Headers, **changes: Any) -> str:
    body = {"name": "Open doors", "questions": QUESTIONS, "most_mentees": 3, "most_mentors": 2, **changes}
    made = await client.post("/programs", json=body, headers=admin)
    assert made.status_code == 201, made.text
    program_id: str = made.json()["program_id"]
    assert (await client.post(f"/programs/{program_id}/opening", json={}, headers=admin)).status_code == 200
    return program_id


async def apply(client: Client, program_id: str, headers: Headers, form: dict[str, Any]) -> httpx2.Response:
    return await client.post(f"/programs/{program_id}/enrollments", json=form, headers=headers)


async def decide(client: Client, program_id: str, headers: Headers, decision: str, *ids: str, **more: Any) -> Any:
    body = {"decision": decision, "enrollment_ids": ids, **more}
    answer = await client.post(f"/programs/{program_id}/enrollment-decisions", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["decided"]


async def test_an_application_is_approved_and_matching_hears_what_it_needs(
    client: Client, admin: Headers, tokens: Tokens, settings: Settings
) -> None:
    ada, ben = await people(client, admin)

    def of_ada(event: object) -> bool:
        return isinstance(event, PersonState) and str(event.person_id) == ada and bool(event.confidential_answers)

    program = await open_program(client, admin)
    form = {
        **MENTEE,
        "needs": [{"skill": "Negotiation", "level": 4}],
        "preferences": [{"attribute": "unit", "wish": "different", "must": True}],
        "preferred_ids": [ben],
        "availability": [{"weekday": 2, "begins": "09:00", "ends": "11:30"}],
        "goals": ["Lead a team"],
        "answers": {"focus": "craft", "pace": 4, "identity": "somebody like me"},
    }
    answer = await apply(client, program, tokens.person(ada), form)
    assert (answer.status_code, answer.json()["status"]) == (201, "submitted")
    enrollment = answer.json()["enrollment_id"]
    (decided,) = await decide(client, program, tokens.manager(program), "approve", enrollment)
    assert decided == {"enrollment_id": enrollment, "status": "approved", "refused": None}
    async with tap(settings) as topics:
        submitted = await topics.first(EnrollmentSubmitted)
        approved = await topics.first(EnrollmentApproved)
        seen = await topics.until(lambda seen: any(of_ada(one.event) for one in seen))
    for told in (submitted, approved):
        assert (told.needs[0].skill, told.needs[0].level) == ("Negotiation", 4)
        assert (told.preferences[0].wish, told.preferences[0].must) == ("different", True)
    assert [str(one) for one in approved.preferred_ids] == [ben]
    (state,) = [one.event for one in seen if isinstance(one.event, PersonState) and of_ada(one.event)]
    assert {str(k): v for k, v in state.confidential_answers.items()} == {program: {"identity": "somebody like me"}}
    seen_by_manager = (await client.get(f"/enrollments/{enrollment}", headers=tokens.manager(program))).json()
    assert seen_by_manager["answers"] == {"focus": "craft", "pace": 4}
    assert seen_by_manager["preferred_ids"] == []
    own = (await client.get("/me/enrollments", headers=tokens.person(ada))).json()
    assert own[0]["answers"]["identity"] == "somebody like me"


async def test_choices_that_everybody_in_the_program_may_see_are_told_with_the_person_and_again_when_they_change(
    client: Client, admin: Headers, tokens: Tokens, settings: Settings
) -> None:
    ada, _ = await people(client, admin)
    asked = {"words": "How can you meet?", "kind": "choice", "options": ["Online", "In person"], "several": True}
    questions = [
        {"question_id": "how", "visibility": "program", **asked},
        {"question_id": "unseen", "visibility": "managers", **asked},
    ]
    program = await open_program(client, admin, questions=questions)
    form = {**MENTEE, "answers": {"how": ["Online"], "unseen": ["Online"]}}
    made = await apply(client, program, tokens.person(ada), form)
    changed = {**form, "answers": {"how": ["Online", "In person"]}}
    headers = {**tokens.person(ada), "If-Match": made.headers["etag"]}
    answer = await client.put(f"/enrollments/{made.json()['enrollment_id']}", json=changed, headers=headers)
    assert answer.status_code == 200, answer.text
    told: list[Any] = []

    def twice(seen: Any) -> bool:
        states = [one.event for one in seen if isinstance(one.event, PersonState) and str(one.event.person_id) == ada]
        told[:] = [{str(name): value for name, value in one.open_answers.items()} for one in states if one.open_answers]
        return len(told) == 2

    async with tap(settings) as topics:
        await topics.until(twice)
    assert told == [{program: {"how": ("Online",)}}, {program: {"how": ("Online", "In person")}}]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"answers": {}}, "answers.focus"),
        ({"answers": {"focus": "cheese"}}, "answers.focus"),
        ({"answers": {"focus": "craft", "pace": 9}}, "answers.pace"),
        ({"answers": {"focus": "craft", "unasked": 1}}, "answers.unasked"),
        ({"wanted_mentors": 3}, "wanted_mentors"),
        ({"wanted_mentors": 0}, "wanted_mentors"),
        ({"mentor_places": 1}, "mentor_places"),
        ({"roles": []}, "roles"),
        ({"excluded_ids": [str(uuid4())]}, "excluded_ids"),
        ({"preferred_ids": [str(uuid4())]}, "preferred_ids"),
        ({"answers": {"focus": "craft", "sponsors": ["Ada"]}}, "answers.sponsors"),
        ({"answers": {"focus": "craft", "sponsors": [str(uuid4())]}}, "answers.sponsors"),
        ({"availability": [{"weekday": 1, "begins": "10:00", "ends": "09:00"}]}, "availability.0"),
        ({"needs": [{"skill": "x", "level": 9}]}, "needs.0.level"),
    ],
)
async def test_what_does_not_fit_the_program_is_refused_field_by_field(
    client: Client, admin: Headers, tokens: Tokens, changes: dict[str, Any], field: str
) -> None:
    (ada,) = await people(client, admin, 1)
    program = await open_program(client, admin)
    answer = await apply(client, program, tokens.person(ada), {**MENTEE, **changes})
    assert answer.status_code == 422, answer.text
    assert field in {fault["field"] for fault in answer.json()["faults"]}
    assert (await client.get("/me/enrollments", headers=tokens.person(ada))).json() == []


async def test_only_while_it_is_open_and_only_its_audience_can_apply(
    client: Client, admin: Headers, tokens: Tokens
) -> None:
    (ada,) = await people(client, admin, 1)
    own = tokens.person(ada)
    elsewhere = await open_program(client, admin, audience={"units": ["Docks"]})
    senior = await open_program(client, admin, audience={"lowest_level": 5})
    for program in (elsewhere, senior):
        refused = await apply(client, program, own, MENTEE)
        assert refused.status_code == 409
        assert "for others" in refused.json()["detail"]
    program = await open_program(client, admin)
    assert program in {p["program_id"] for p in (await client.get("/open-programs", headers=own)).json()["items"]}
    await client.post(f"/programs/{program}/launch", json={}, headers=admin)
    assert (await client.get(f"/open-programs/{program}", headers=own)).status_code == 404
    assert (await apply(client, program, own, MENTEE)).status_code == 409
    by_manager = await apply(client, program, tokens.manager(program), {**MENTEE, "person_id": ada})
    assert by_manager.status_code == 201
    assert (await apply(client, program, tokens.person(uuid4()), {**MENTEE, "person_id": ada})).status_code == 403


async def test_many_are_decided_at_once_and_the_full_program_lets_the_rest_wait(
    client: Client, admin: Headers, tokens: Tokens, settings: Settings
) -> None:
    everybody = await people(client, admin, 4)
    program = await open_program(client, admin, capacity=2)
    ids = [(await apply(client, program, tokens.person(one), MENTEE)).json()["enrollment_id"] for one in everybody]
    (declined,) = await decide(client, program, admin, "decline", ids[3], reason="not_this_time")
    assert declined["status"] == "declined"
    unknown = str(uuid4())
    decided = {one["enrollment_id"]: one for one in await decide(client, program, admin, "approve", *ids, unknown)}
    assert sorted(str(decided[one]["status"]) for one in ids[:3]) == ["approved", "approved", "waitlisted"]
    assert "declined" in decided[ids[3]]["refused"]
    assert decided[unknown]["refused"]
    async with tap(settings) as topics:
        assert len(await topics.all_of(EnrollmentApproved, at_least=2)) == 2
        assert (await topics.first(EnrollmentWaitlisted)).reason == "program_full"
        assert (await topics.first(EnrollmentDeclined)).reason == "not_this_time"


async def test_a_program_may_approve_by_itself(client: Client, admin: Headers, tokens: Tokens) -> None:
    ada, ben = await people(client, admin)
    program = await open_program(client, admin, approval="automatic", capacity=1)
    assert (await apply(client, program, tokens.person(ada), MENTOR)).json()["status"] == "approved"
    assert (await apply(client, program, tokens.person(ben), MENTEE)).json()["status"] == "waitlisted"
    assert (await apply(client, program, tokens.person(ada), MENTOR)).status_code == 409


async def test_a_mentor_stretched_thin_pauses_resumes_and_withdraws(
    client: Client, admin: Headers, tokens: Tokens, settings: Settings
) -> None:
    (ada,) = await people(client, admin, 1)
    program, own = await open_program(client, admin, approval="automatic"), tokens.person(ada)
    enrollment = (await apply(client, program, own, MENTOR)).json()["enrollment_id"]
    address = f"/enrollments/{enrollment}"
    paused = await client.post(f"{address}/pause", json={"until": "2030-01-31"}, headers=own)
    assert (paused.json()["status"], paused.json()["reason"]) == ("paused", "stretched_thin")
    assert (await client.post(f"{address}/resumption", json={}, headers=own)).json()["status"] == "approved"
    assert (await client.post(f"{address}/withdrawal", json={}, headers=own)).json()["status"] == "withdrawn"
    assert (await client.post(f"{address}/pause", json={}, headers=own)).status_code == 409
    again = await apply(client, program, own, MENTOR)
    assert (again.status_code, again.json()["enrollment_id"]) == (201, enrollment)
    async with tap(settings) as topics:
        assert str((await topics.first(EnrollmentPaused)).until) == "2030-01-31"
        assert str((await topics.first(EnrollmentResumed)).enrollment_id) == enrollment
        assert (await topics.first(EnrollmentWithdrawn)).reason == "by_choice"
        assert len(await topics.all_of(EnrollmentApproved, at_least=3)) == 3


async def test_nobody_lets_themselves_in(client: Client, admin: Headers, tokens: Tokens) -> None:
    ada, ben = await people(client, admin)
    program = await open_program(client, admin, capacity=1)
    for person in (ada, ben):
        enrollment = (await apply(client, program, tokens.person(person), MENTEE)).json()["enrollment_id"]
        for step in ("resumption", "pause"):
            refused = await client.post(f"/enrollments/{enrollment}/{step}", json={}, headers=tokens.person(person))
            assert refused.status_code == 409, "only who was approved and paused resumes"
        await decide(client, program, admin, "approve", enrollment)
    waiting = await client.post(f"/enrollments/{enrollment}/resumption", json={}, headers=tokens.person(ben))
    assert waiting.status_code == 409
    listed = (await client.get(f"/programs/{program}/enrollments", headers=admin)).json()["items"]
    assert {one["person_id"]: one["status"] for one in listed} == {ada: "approved", ben: "waitlisted"}


async def test_somebody_may_be_mentor_and_mentee(
    client: Client, admin: Headers, tokens: Tokens, settings: Settings
) -> None:
    ada, ben = await people(client, admin)
    program = await open_program(client, admin, approval="automatic")
    form = {
        "roles": ["mentee", "mentor"],
        "mentor_places": 2,
        "wanted_mentors": 1,
        "needs": [{"skill": "Python", "level": 3}],
        "preferences": [{"attribute": "languages", "wish": "same"}],
        "excluded_ids": [ben],
        "answers": {"focus": "craft", "sponsors": [ben], "tools": ["Excel", "Excel"]},
    }
    made = (await apply(client, program, tokens.person(ada), form)).json()
    assert (made["roles"], made["answers"]["tools"]) == (["mentor", "mentee"], ["Excel"])
    async with tap(settings) as topics:
        submitted = await topics.first(EnrollmentSubmitted)
        approved = await topics.first(EnrollmentApproved)
    assert submitted.roles == approved.roles == ("mentor", "mentee")
    assert (approved.mentor_places, approved.wanted_mentors) == (2, 1)
    assert [str(one) for one in approved.excluded_ids] == [ben]


async def test_managers_decide_about_many_in_every_way_and_say_why(
    client: Client, admin: Headers, tokens: Tokens, settings: Settings
) -> None:
    everybody = await people(client, admin, 4)
    program = await open_program(client, admin)
    ids = [(await apply(client, program, tokens.person(one), MENTEE)).json()["enrollment_id"] for one in everybody]
    manager = tokens.manager(program)

    async def decided(decision: str, *wanted: str, **more: Any) -> list[str | None]:
        return [one["status"] for one in await decide(client, program, manager, decision, *wanted, **more)]

    assert await decided("waitlist", *ids[:2], reason="next_cohort") == ["waitlisted", "waitlisted"]
    assert await decided("approve", *ids[:3]) == ["approved", "approved", "approved"]
    assert await decided("decline", ids[3], reason="not_this_time") == ["declined"]
    until = (datetime.now(UTC) + timedelta(days=9)).date()
    assert await decided("pause", *ids, reason="on_leave", until=until.isoformat()) == ["paused"] * 3 + [None]
    assert await decided("approve", ids[0]) == [None], "who is paused is resumed, not approved again"
    assert await decided("resume", ids[0]) == ["approved"]
    assert await decided("withdraw", ids[1], reason="no_time") == ["withdrawn"]
    for wrong in ({"reason": "tired"}, {"reason": "other", "until": "2020-01-01"}, {}):
        body = {"decision": "pause", "enrollment_ids": ids, **wrong}
        refused = await client.post(f"/programs/{program}/enrollment-decisions", json=body, headers=manager)
        assert refused.status_code == 422, refused.text
    async with tap(settings) as topics:
        assert [one.reason for one in await topics.all_of(EnrollmentWaitlisted, at_least=2)] == ["next_cohort"] * 2
        paused = await topics.all_of(EnrollmentPaused, at_least=3)
        assert {(str(one.enrollment_id), one.reason, one.until) for one in paused} == {
            (one, "on_leave", until) for one in ids[:3]
        }
        assert [str(one.enrollment_id) for one in await topics.all_of(EnrollmentResumed)] == ids[:1]
        withdrawn = await topics.first(EnrollmentWithdrawn)
        assert (str(withdrawn.enrollment_id), withdrawn.reason) == (ids[1], "no_time")
        approved = [str(one.enrollment_id) for one in await topics.all_of(EnrollmentApproved, at_least=4)]
        assert sorted(approved) == sorted([*ids[:3], ids[0]]), "who resumes is told whole again"


async def test_a_pause_ends_by_itself_on_its_day(
    app: FastAPI, client: Client, admin: Headers, tokens: Tokens, settings: Settings
) -> None:
    ada, ben = await people(client, admin)
    program = await open_program(client, admin, approval="automatic")
    until = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
    ids = {}
    for person, body in ((ada, {"until": until}), (ben, {})):
        own = tokens.person(person)
        ids[person] = (await apply(client, program, own, MENTOR)).json()["enrollment_id"]
        paused = await client.post(f"/enrollments/{ids[person]}/pause", json=body, headers=own)
        assert paused.json()["paused_until"] == body.get("until")
    for days, resumed in ((2, 0), (3, 1), (3, 0)):
        async with app.state.database.transaction() as session:
            at = datetime.now(UTC) + timedelta(days=days)
            assert await decisions.let_those_due_resume(session, at=at) == resumed
    async with tap(settings) as topics:
        assert str((await topics.first(EnrollmentResumed)).enrollment_id) == ids[ada]
    listed = (await client.get(f"/programs/{program}/enrollments", headers=admin)).json()["items"]
    assert {one["person_id"]: one["status"] for one in listed} == {ada: "approved", ben: "paused"}


async def test_a_manager_changes_nothing_that_is_not_shown_to_them(
    client: Client, admin: Headers, tokens: Tokens
) -> None:
    ada, ben = await people(client, admin)
    program, own = await open_program(client, admin, approval="automatic"), tokens.person(ada)
    form = {**MENTOR, "excluded_ids": [ben], "answers": {"focus": "craft", "identity": "somebody like me"}}
    address = f"/enrollments/{(await apply(client, program, own, form)).json()['enrollment_id']}"
    shown = await client.get(address, headers=tokens.manager(program))
    assert (shown.json()["excluded_ids"], shown.json()["answers"]) == ([], {"focus": "craft"})
    body = {**MENTOR, "mentor_places": 1, "answers": {"focus": "career"}}
    headers = {**tokens.manager(program), "If-Match": shown.headers["etag"]}
    assert (await client.put(address, json=body, headers=headers)).json()["mentor_places"] == 1
    kept = (await client.get(address, headers=own)).json()
    assert kept["excluded_ids"] == [ben]
    assert kept["answers"] == {"focus": "career", "identity": "somebody like me"}


async def test_a_change_of_places_is_told_to_matching(
    client: Client, admin: Headers, tokens: Tokens, settings: Settings
) -> None:
    (ada,) = await people(client, admin, 1)
    program, own = await open_program(client, admin, approval="automatic"), tokens.person(ada)
    made = await apply(client, program, own, MENTOR)
    address = f"/enrollments/{made.json()['enrollment_id']}"
    etag = (await client.get(address, headers=own)).headers["etag"]
    assert (await client.put(address, json={**MENTOR, "mentor_places": 3}, headers=own)).status_code == 428
    changed = await client.put(address, json={**MENTOR, "mentor_places": 3}, headers={**own, "If-Match": etag})
    assert changed.json()["mentor_places"] == 3, changed.text
    async with tap(settings) as topics:
        assert [one.mentor_places for one in await topics.all_of(EnrollmentApproved, at_least=2)] == [2, 3]


async def test_a_question_that_was_answered_cannot_be_removed(client: Client, admin: Headers, tokens: Tokens) -> None:
    (ada,) = await people(client, admin, 1)
    program = await open_program(client, admin)
    await apply(client, program, tokens.person(ada), MENTEE)
    shown = await client.get(f"/programs/{program}", headers=admin)
    body = {**shown.json(), "questions": QUESTIONS[1:]}
    refused = await client.put(f"/programs/{program}", json=body, headers={**admin, "If-Match": shown.headers["etag"]})
    assert (refused.status_code, refused.json()["questions"]) == (409, ["focus"])
    narrowings: tuple[dict[str, Any], ...] = (
        {"options": ["career", "money"]},
        {"roles": ["mentor"]},
        {"visibility": "program"},
        {"kind": "text"},
    )
    for narrower in narrowings:
        body = {**shown.json(), "questions": [{**QUESTIONS[0], **narrower}, *QUESTIONS[1:]]}
        headers = {**admin, "If-Match": shown.headers["etag"]}
        refused = await client.put(f"/programs/{program}", json=body, headers=headers)
        assert (refused.status_code, refused.json()["questions"]) == (409, ["focus"])
    assert (await client.get(f"/programs/{program}", headers=admin)).json() == shown.json()
    unanswered = {**shown.json(), "questions": QUESTIONS[:1]}
    allowed = await client.put(
        f"/programs/{program}", json=unanswered, headers={**admin, "If-Match": shown.headers["etag"]}
    )
    assert allowed.status_code == 200


async def test_nobody_else_sees_an_enrollment(client: Client, admin: Headers, tokens: Tokens) -> None:
    ada, ben = await people(client, admin)
    program = await open_program(client, admin)
    enrollment = (await apply(client, program, tokens.person(ada), MENTEE)).json()["enrollment_id"]
    for headers in (tokens.person(ben), tokens.manager(uuid4())):
        assert (await client.get(f"/enrollments/{enrollment}", headers=headers)).status_code == 404
        assert (await client.post(f"/enrollments/{enrollment}/withdrawal", json={}, headers=headers)).status_code == 404
