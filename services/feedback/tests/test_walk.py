"""A walk over every route: nobody finds words there that are not meant for them."""

import json
from typing import Any
from uuid import UUID, uuid4

from fastapi import FastAPI
from feedback_world import Pair, World

from tandem_events.contracts import PairingCreated, PersonState
from tandem_events.testing import eventually
from tandem_feedback.domain.health import Factor

ANSWER: dict[str, Any] = {"helpfulness": 4}

OWN, PAIR, MANAGER = "author", "counterpart", "manager"
OTHERS = "member of another pair"
OUTSIDERS = ("other manager", "admin", "stranger", "operator")

READERS: dict[str, set[str]] = {
    "secret-to-counterpart": {OWN, PAIR},
    "secret-to-program": {OWN, MANAGER},
    "secret-anonymous": {OWN},
    "secret-draft": {OWN},
    "secret-about": {OWN},  # of the feedback that the other asked of them
    "secret-link": {OWN},
    "secret-goal": {OWN, PAIR},
    "secret-reason": {OWN, PAIR},
    "secret-progress": {OWN, PAIR},
    "secret-thanks": {OWN, PAIR},
    "secret-sponsorship": {OWN, PAIR},
    "secret-call-for-help": {OWN, MANAGER},
    "secret-settlement": {OWN, MANAGER},
    "secret-private-reflection": {OWN},
    "secret-shared-reflection": {OTHERS},
}
"""For each thing that was written, everyone who may find it anywhere. What is shared was written in another pair."""


async def an_answer(pair: Pair, visibility: str, words: str) -> UUID:
    asked: dict[str, Any] = {"about": "secret-about", "link": "https://intranet.example/secret-link"}
    body: dict[str, Any] = {"author_id": str(pair.mentee), **asked}
    request = await pair.world.post(f"/pairings/{pair.pairing_id}/feedback-requests", pair.as_mentor, **body)
    path = f"/feedback-requests/{request['feedback_request_id']}"
    written: dict[str, Any] = {"praise": words, "to_change": words}
    if visibility == "draft":
        draft = await pair.world.client.put(f"{path}/draft", json=written, headers=pair.as_mentee)
        assert draft.status_code == 204
    else:
        await pair.world.post(f"{path}/answers", pair.as_mentee, **ANSWER, **written, visibility=visibility)
    return UUID(request["feedback_request_id"])


async def another(pair: Pair) -> Pair:
    """A relationship of the same two people that has ended."""
    past = Pair(pair.world, pair.program_id, uuid4(), pair.mentor, pair.mentee, pair.since)
    await pair.world.hear(
        PairingCreated(
            pairing_id=past.pairing_id,
            program_id=past.program_id,
            format="one_to_one",
            members=past.members,
            occurred_at=pair.world.now(),
        )
    )
    await eventually(past.known)
    await past.ended()
    return past


async def written(world: World) -> tuple[Pair, Pair, dict[str, list[str]]]:
    """Two pairs in which everything was written, and every id that routes ask for."""
    pair = await world.pair()
    requests = [
        await an_answer(pair, visibility, words)
        for visibility, words in (
            ("counterpart", "secret-to-counterpart"),
            ("program", "secret-to-program"),
            ("anonymous", "secret-anonymous"),
            ("draft", "secret-draft"),
        )
    ]
    base = f"/pairings/{pair.pairing_id}"
    words: dict[str, Any] = dict.fromkeys(("specific", "measure", "unit", "why", "strategy"), "secret-goal")
    numbers: dict[str, Any] = {"start_value": 0, "target_value": 5}
    goal = await world.post(f"{base}/goals", pair.as_mentee, **words, **numbers, due_on="2190-01-01")
    revised = await world.client.post(
        f"/goals/{goal['goal_id']}/revisions",
        json={"change": "revised", "reason": "secret-reason", "why": "secret-goal, again"},
        headers={**pair.as_mentee, "If-Match": '"1"'},
    )
    assert revised.status_code == 201, revised.text
    await world.post(f"/goals/{goal['goal_id']}/progress", pair.as_mentee, value=1, words="secret-progress")
    thanks = await world.post(f"{base}/contributions", pair.as_mentee, kind="gratitude", words="secret-thanks")
    sponsorship: dict[str, Any] = {"kind": "sponsorship", "opportunity": "project", "words": "secret-sponsorship"}
    sponsored = await world.post(f"{base}/contributions", pair.as_mentor, **sponsorship)
    calls = [await world.post(f"{base}/calls-for-help", pair.as_mentee, words="secret-call-for-help") for _ in range(2)]
    await world.post(f"/calls-for-help/{calls[0]['call_id']}/settlement", pair.as_manager, answer="secret-settlement")
    past = await another(pair)
    private: dict[str, Any] = dict.fromkeys(("learned", "achieved", "advice"), "secret-private-reflection")
    await world.post(f"/pairings/{past.pairing_id}/reflections", pair.as_mentee, **private, shared=False)
    other = await world.pair(pair.program_id)
    await other.ended()
    shared: dict[str, Any] = dict.fromkeys(("learned", "achieved", "advice"), "secret-shared-reflection")
    await world.post(f"/pairings/{other.pairing_id}/reflections", other.as_mentee, **shared)
    return (
        pair,
        other,
        {
            "pairing_id": [str(one.pairing_id) for one in (pair, past, other)],
            "program_id": [str(pair.program_id)],
            "feedback_request_id": [str(one) for one in requests],
            "goal_id": [goal["goal_id"]],
            "contribution_id": [thanks["contribution_id"], sponsored["contribution_id"]],
            "call_id": [one["call_id"] for one in calls],
            "parked_id": ["1"],
        },
    )


GOAL: dict[str, Any] = {
    **dict.fromkeys(("specific", "measure", "unit", "why"), "walked"),
    "start_value": 0,
    "target_value": 5,
    "due_on": "2190-01-01",
}
WEIGHTS = dict.fromkeys((factor.value for factor in Factor), 1)

BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/feedback-requests/{feedback_request_id}/answers"): {**ANSWER, "visibility": "counterpart"},
    ("PUT", "/feedback-requests/{feedback_request_id}/answers"): {**ANSWER, "visibility": "counterpart"},
    ("PUT", "/feedback-requests/{feedback_request_id}/draft"): {"praise": "walked"},
    ("POST", "/pairings/{pairing_id}/feedback-requests"): {"author_id": "{mentee}", "about": "walked"},
    ("PUT", "/programs/{program_id}/questions"): {"questions": []},
    ("POST", "/pairings/{pairing_id}/goals"): GOAL,
    ("POST", "/goals/{goal_id}/progress"): {"value": 2, "words": "walked"},
    ("POST", "/goals/{goal_id}/revisions"): {"change": "revised", "reason": "walked", "strategy": "walked"},
    ("POST", "/goals/{goal_id}/acknowledgements"): {"revision": 1},
    ("POST", "/pairings/{pairing_id}/pulses"): {"listening": 4, "interest": 4},
    ("POST", "/pairings/{pairing_id}/calls-for-help"): {"words": "walked"},
    ("POST", "/calls-for-help/{call_id}/settlement"): {"answer": "walked"},
    ("PUT", "/programs/{program_id}/health-weights"): WEIGHTS,
    ("POST", "/pairings/{pairing_id}/contributions"): {"kind": "gratitude", "words": "walked"},
    ("POST", "/contributions/{contribution_id}/result"): {"result": "succeeded"},
    ("POST", "/pairings/{pairing_id}/reflections"): {"learned": "walked"},
    ("PUT", "/pairings/{pairing_id}/alumni-link"): {"stays_in_touch": True},
    ("PUT", "/me/recognition"): {"opted_out": False},
    ("POST", "/programs/{program_id}/invited"): {"person_ids": ["{known}"]},
    ("PUT", "/hr/employees"): "employee_number,email,department,hired_on,left_on\n",
    ("PUT", "/hr/job-titles"): "employee_number,job_title,from_date,to_date\n",
    ("PUT", "/hr/departments"): "employee_number,department,from_date,to_date\n",
    ("PUT", "/hr/salaries"): "employee_number,annual_salary,from_date,to_date\n",
}
"""What each route takes, so that a refusal is for who asks, and not for how."""

BODILESS = {
    ("POST", "/operations/parked-events/{parked_id}/redrive"),
    ("POST", "/operations/parked-events/{parked_id}/discard"),
}

SHARED_WITH_ADMINISTRATORS = ("/programs/", "/hr/", "/me/", "/operations/")
"""Where what somebody changes is no participant's own."""


def addresses(app: FastAPI, ids: dict[str, list[str]]) -> list[tuple[str, str, str]]:
    """Every route with every known id: the method, the route, the path."""
    found = []
    for route, methods in app.openapi()["paths"].items():
        names = [name for name in ids if f"{{{name}}}" in route]
        assert route.count("{") == len(names), f"the walk knows no id for {route}"
        paths = [route]
        for name in names:
            paths = [path.replace(f"{{{name}}}", one) for path in paths for one in ids[name]]
        found += [(method.upper(), route, path) for path in paths for method in methods]
    return found


async def sent(world: World, method: str, route: str, path: str, headers: dict[str, str], who: dict[str, str]) -> Any:
    """The answer to a request with what its route takes, the version that the caller sees included."""
    body = BODIES.get((method, route))
    if method == "GET" or body is None:
        return await world.client.request(method, path, headers=headers, params=QUERY)
    if isinstance(body, str):
        return await world.client.request(method, path, headers={**headers, "Content-Type": "text/csv"}, content=body)
    text = json.dumps(body)
    for name, person_id in who.items():
        text = text.replace(f"{{{name}}}", person_id)
    seen = await world.client.get(path.removesuffix("/revisions"), headers=headers)
    match = {"If-Match": seen.headers["etag"]} if "etag" in seen.headers else {}
    typed = {**headers, **match, "Content-Type": "application/json"}
    return await world.client.request(method, path, headers=typed, content=text)


QUERY: dict[str, Any] = {"limit": 500, "quarter": "2024-Q1", "question": "praise"}


async def test_nobody_finds_words_that_are_not_meant_for_them_nor_writes_where_they_are_a_stranger(
    world: World,
) -> None:
    pair, other, ids = await written(world)
    tokens = world.tokens
    who = {"mentee": str(pair.mentee), "known": str(uuid4())}
    await world.hear(
        PersonState(
            person_id=UUID(who["known"]),
            given_name="A",
            family_name="B",
            email="a@example.com",
            occurred_at=world.now(),
        )
    )

    async def known() -> bool:
        invited = f"/programs/{pair.program_id}/invited"
        answer = await world.client.post(invited, json={"person_ids": [who["known"]]}, headers=pair.as_manager)
        return answer.status_code == 204

    await eventually(known)
    callers = [
        (OWN, pair.as_mentee),
        (OTHERS, other.as_mentee),
        (PAIR, pair.as_mentor),
        (OTHERS, other.as_mentor),
        (MANAGER, pair.as_manager),
        ("other manager", tokens.manager(uuid4())),
        ("admin", tokens.admin()),
        ("stranger", tokens.person(uuid4())),
        ("operator", tokens.service(["operations", "outcomes"])),
    ]
    walk = addresses(world.app, ids)
    writes = {(method, route) for method, route, _ in walk if method != "GET"}
    assert writes == BODIES.keys() | BODILESS, "the walk knows what each route takes"
    found: dict[str, set[str]] = {secret: set() for secret in READERS}
    written_by: dict[tuple[str, str], set[str]] = {write: set() for write in writes}
    # Reading comes before everything else, since what is sent may change what there is to read; drafts before answers.
    for method, route, path in sorted(walk, key=lambda one: (one[0] != "GET", not one[1].endswith("/draft"))):
        for name, headers in callers:
            answer = await sent(world, method, route, path, headers, who)
            assert answer.status_code < 500, (method, path, answer.text)
            if method != "GET" and answer.is_success:
                written_by[method, route].add(name)
            for secret in READERS:
                if secret in answer.text:
                    found[secret].add(name)
    assert found == READERS
    assert not any(set(OUTSIDERS) & readers for readers in found.values())
    assert {write for write, writers in written_by.items() if not writers} == BODILESS, "everything else was done"
    for (method, route), writers in written_by.items():
        if not route.startswith(SHARED_WITH_ADMINISTRATORS):
            assert not writers & set(OUTSIDERS), (method, route)
