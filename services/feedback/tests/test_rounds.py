"""Rounds from the outside: concrete requests, the program's questions, visibility, drafts, revisions, reminders."""

import base64
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from feedback_world import Pair, World

from tandem_chassis import paging
from tandem_events.contracts import FeedbackReminded, FeedbackRevised, SessionScheduled
from tandem_events.testing import eventually, tap

ANSWERS: dict[str, Any] = {
    "praise": "You listened.",
    "to_change": "More examples.",
    "helpfulness": 4,
    "visibility": "counterpart",
}


async def asked(pair: Pair, **more: Any) -> str:
    """A concrete request of the mentor to the mentee; its path."""
    body: dict[str, Any] = {"author_id": str(pair.mentee), "about": "How I explained the design", **more}
    made = await pair.world.post(f"/pairings/{pair.pairing_id}/feedback-requests", pair.as_mentor, **body)
    return f"/feedback-requests/{made['feedback_request_id']}"


async def put(world: World, path: str, headers: dict[str, str], status: int, match: str | None, body: Any) -> Any:
    answer = await world.client.put(path, json=body, headers={**headers, **({"If-Match": match} if match else {})})
    assert answer.status_code == status, answer.text
    return answer


async def test_a_member_asks_another_about_a_concrete_thing(world: World) -> None:
    pair = await world.pair()
    path = await asked(pair, link="https://intranet.example/design")
    request = await world.get(path, pair.as_mentee)
    assert (request["about"], request["origin"]) == ("How I explained the design", "asked")
    assert [question["code"] for question in request["questions"]] == ["praise", "to_change", "helpfulness"]
    await world.get(path, pair.as_mentor, 404)


async def test_nobody_is_asked_about_what_they_cannot_know(world: World) -> None:
    pair, other = await world.pair(), await world.pair()
    path = f"/pairings/{pair.pairing_id}/feedback-requests"
    about: dict[str, Any] = {"about": "The session"}
    missed = await pair.meet(attended=(pair.mentor,))
    elsewhere = await other.meet()
    await other.requests(other.as_mentor)
    await pair.requests(pair.as_mentor)
    planned = uuid4()
    await world.hear(
        SessionScheduled(
            session_id=planned,
            pairing_id=pair.pairing_id,
            program_id=pair.program_id,
            starts_at=world.now() + timedelta(days=1),
            ends_at=world.now() + timedelta(days=1, hours=1),
            attendees=(pair.mentor, pair.mentee),
            way_of_meeting="video",
            occurred_at=world.now(),
        )
    )
    ask = {"author_id": str(pair.mentee), **about}

    async def planned_is_known() -> bool:
        answer = await world.client.post(path, json={**ask, "session_id": str(planned)}, headers=pair.as_mentor)
        return answer.status_code == 409

    await eventually(planned_is_known)
    await world.post(path, pair.as_mentor, 409, **ask, session_id=str(missed))
    await world.post(path, pair.as_mentor, 404, **ask, session_id=str(elsewhere))
    await world.post(path, pair.as_mentor, 404, **ask, session_id=str(uuid4()))
    await world.post(path, pair.as_mentor, 422, author_id=str(pair.mentor), **about)
    await world.post(path, pair.as_mentor, 404, author_id=str(other.mentee), **about)
    await world.post(path, other.as_mentor, 404, **ask)
    assert (await world.get("/me/feedback-requests", pair.as_mentee))["items"] == []


async def test_a_program_asks_its_own_questions_and_older_requests_keep_theirs(world: World) -> None:
    pair = await world.pair()
    before = await asked(pair)
    questions = f"/programs/{pair.program_id}/questions"
    own = [
        {"code": "candour", "words": "How candid were you?", "kind": "rating", "required": True},
        {"code": "next_topic", "words": "What next?", "kind": "words", "required": False},
    ]
    await put(world, questions, pair.as_mentor, 403, '"0"', {"questions": own})
    await put(world, questions, pair.as_manager, 422, '"0"', {"questions": [*own, own[0]]})
    await put(world, questions, pair.as_manager, 422, '"0"', {"questions": [{**own[0], "code": "praise"}]})
    await put(world, questions, pair.as_manager, 200, '"0"', {"questions": own})
    assert (await world.get(questions, pair.as_manager))["questions"] == own
    after = await asked(pair)
    await world.post(f"{before}/answers", pair.as_mentee, 422, **ANSWERS, answers={"candour": 3})
    await world.post(f"{before}/answers", pair.as_mentee, **ANSWERS)
    for wrong in ({}, {"candour": 9}, {"candour": "high"}, {"candour": 3, "unknown": "x"}):
        await world.post(f"{after}/answers", pair.as_mentee, 422, **ANSWERS, answers=wrong)
    await world.post(f"{after}/answers", pair.as_mentee, **ANSWERS, answers={"candour": 3, "next_topic": "Budgets"})
    given = await world.get(f"{after}/answers", pair.as_mentor)
    shown = {one["question"]: one["words"] or one["rating"] for one in given["revisions"][0]["answers"]}
    assert shown["candour"] == 3
    assert shown["next_topic"] == "Budgets"


async def test_each_answer_is_read_by_those_for_whom_it_is_meant(world: World) -> None:
    pair = await world.pair()
    path = f"{await asked(pair)}/answers"
    await world.post(
        path,
        pair.as_mentee,
        **ANSWERS,
        visibilities={"to_change": "program", "helpfulness": "anonymous"},
    )
    to_mentor = await world.get(path, pair.as_mentor)
    assert [one["question"] for one in to_mentor["revisions"][0]["answers"]] == ["praise"]
    within = await world.get(f"/pairings/{pair.pairing_id}/feedback", pair.as_mentor)
    assert [one["question"] for one in within["items"]] == ["praise"]
    to_manager = await world.get(f"/programs/{pair.program_id}/feedback", pair.as_manager)
    assert [one["words"] for one in to_manager["items"]] == ["More examples."]
    await world.get(path, pair.as_manager, 404)
    await world.get(f"/pairings/{pair.pairing_id}/feedback", pair.as_manager, 404)
    await world.get(f"/programs/{pair.program_id}/feedback", world.tokens.admin(), 403)
    mine = await world.get(path, pair.as_mentee)
    assert len(mine["revisions"][0]["answers"]) == 3
    anonymous = f"/programs/{pair.program_id}/anonymous-feedback?question=helpfulness"
    assert (await world.get(anonymous, pair.as_manager))["answers"] == []


async def test_anonymous_answers_are_shown_in_groups_of_five_people(world: World) -> None:
    program_id = await world.program()
    manager = world.tokens.manager(program_id)
    path = f"/programs/{program_id}/anonymous-feedback?question=to_change"
    for number in range(1, 8):
        pair = await world.pair(program_id)
        request = await asked(pair)
        answers = {**ANSWERS, "to_change": f"Change {number}", "visibility": "anonymous"}
        await world.post(f"{request}/answers", pair.as_mentee, **answers)
        await world.get(f"{request}/answers", pair.as_mentor, 404)
        assert (await world.get(path, manager))["answers"] == [], "it can still be edited"
        world.clock.ahead = timedelta(hours=25)
        try:
            shown = (await world.get(path, manager))["answers"]
        finally:
            world.clock.ahead = timedelta()
        assert len(shown) == (0 if number < 5 else 5), number
        assert all(set(one) == {"words", "rating"} for one in shown)


async def test_anonymous_answers_are_paged_in_an_order_and_with_cursors_that_tell_nothing(world: World) -> None:
    program_id = await world.program()
    manager = world.tokens.manager(program_id)
    path = f"/programs/{program_id}/anonymous-feedback?question=to_change"
    written, ids = [], []
    for number in range(10):
        pair = await world.pair(program_id)
        request = await asked(pair)
        ids.append(request.rpartition("/")[2])
        written.append(f"Change {number}")
        answers = {**ANSWERS, "to_change": written[-1], "visibility": "anonymous"}
        await world.post(f"{request}/answers", pair.as_mentee, **answers)
    found: list[str] = []
    cursors: list[str] = []
    world.clock.ahead = timedelta(hours=25)
    try:
        page = await world.get(f"{path}&limit=3", manager)
        while page["next_cursor"]:
            found += [one["words"] for one in page["answers"]]
            cursors.append(base64.urlsafe_b64decode(page["next_cursor"] + "==").decode())
            page = await world.get(f"{path}&limit=3&cursor={page['next_cursor']}", manager)
        found += [one["words"] for one in page["answers"]]
        await world.get(f"{path}&cursor={paging.encode('not a digest')}", manager, 422)
    finally:
        world.clock.ahead = timedelta()
    assert sorted(found) == written
    assert found != written, "nor the order in which they came"
    assert len(cursors) == 3
    assert not any(one in cursor for one in ids for cursor in cursors)


async def test_a_draft_is_its_authors_alone_and_gone_once_answered(world: World) -> None:
    pair = await world.pair()
    path = await asked(pair)
    await world.get(f"{path}/draft", pair.as_mentee, 404)
    await put(world, f"{path}/draft", pair.as_mentee, 204, None, {"praise": "You lis"})
    assert (await world.get(f"{path}/draft", pair.as_mentee))["praise"] == "You lis"
    for headers in (pair.as_mentor, pair.as_manager):
        await world.get(f"{path}/draft", headers, 404)
        await put(world, f"{path}/draft", headers, 404, None, {"praise": "Mine"})
    await world.post(f"{path}/answers", pair.as_mentee, **ANSWERS)
    await world.get(f"{path}/draft", pair.as_mentee, 404)
    await put(world, f"{path}/draft", pair.as_mentee, 409, None, {"praise": "You lis"})


async def test_answers_are_edited_for_a_day_and_revised_afterwards(world: World) -> None:
    pair = await world.pair()
    path = f"{await asked(pair)}/answers"
    await put(world, path, pair.as_mentee, 409, '"1"', ANSWERS)
    await world.post(path, pair.as_mentee, **ANSWERS)
    tag = (await world.client.get(path, headers=pair.as_mentee)).headers["etag"]
    await put(world, path, pair.as_mentee, 428, None, ANSWERS)
    edited = await put(world, path, pair.as_mentee, 200, tag, {**ANSWERS, "praise": "You explained."})
    await put(world, path, pair.as_mentee, 412, tag, ANSWERS)
    assert edited.json()["revision"] == 1
    world.clock.ahead = timedelta(hours=25)
    try:
        revised = await put(
            world, path, pair.as_mentee, 200, edited.headers["etag"], {**ANSWERS, "praise": "You waited."}
        )
    finally:
        world.clock.ahead = timedelta()
    assert revised.json()["revision"] == 2
    shown = await world.get(path, pair.as_mentor)
    words = [
        [one["words"] for one in revision["answers"] if one["question"] == "praise"] for revision in shown["revisions"]
    ]
    assert words == [["You waited."], ["You explained."]]
    async with tap(world.settings) as topics:
        assert (await topics.first(FeedbackRevised)).revision == 2


async def test_open_requests_are_reminded_of_three_times_and_answered_ones_are_not(world: World) -> None:
    pair = await world.pair()
    open_path, answered_path = await asked(pair), await asked(pair)
    await world.post(f"{answered_path}/answers", pair.as_mentee, **ANSWERS)
    ids = {UUID(path.rpartition("/")[2]) for path in (open_path, answered_path)}
    async with tap(world.settings) as topics:
        try:
            for number, days in ((1, 4), (2, 8), (3, 15), (3, 60)):
                world.clock.ahead = timedelta(days=days)
                await topics.until(
                    lambda seen, number=number: (  # type: ignore[misc]
                        [
                            s.event.reminder
                            for s in seen
                            if isinstance(s.event, FeedbackReminded) and s.event.feedback_request_id in ids
                        ]
                        == list(range(1, number + 1))
                    )
                )
        finally:
            world.clock.ahead = timedelta()
    assert (await world.get(open_path, pair.as_mentee))["reminders"] == 3
    assert (await world.get(answered_path, pair.as_mentee))["reminders"] == 0
