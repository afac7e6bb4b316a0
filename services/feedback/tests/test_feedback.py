"""Feedback from the outside: asked of both sides after sessions, answered once, its words kept here."""

from typing import Any
from uuid import UUID, uuid4

from feedback_world import Pair, World

from tandem_events.contracts import FeedbackRequested, FeedbackSubmitted, Member, PairingCreated
from tandem_events.envelope import to_message
from tandem_events.testing import eventually, publish_messages, tap

ANSWERS: dict[str, Any] = {
    "praise": "You listened.",
    "to_change": "More examples.",
    "helpfulness": 4,
    "visibility": "counterpart",
}


async def test_after_a_session_both_sides_are_asked_and_others_hear_of_it(world: World) -> None:
    pair = await world.pair()
    session_id = await pair.meet()
    for headers in (pair.as_mentor, pair.as_mentee):
        [request] = await pair.requests(headers)
        assert request["session_id"] == str(session_id)
        assert request["state"] == "open"
    async with tap(world.settings) as topics:
        asked = await topics.until(
            lambda seen: (
                len([s for s in seen if isinstance(s.event, FeedbackRequested) and s.event.session_id == session_id])
                == 2
            )
        )
        [first, *_] = [s for s in asked if isinstance(s.event, FeedbackRequested)]
        assert first.envelope.causation_id, "the session is named as the cause"


async def test_a_round_is_due_as_often_as_the_program_says(world: World) -> None:
    pair = await world.pair(await world.program(feedback_every_sessions=2))
    await pair.meet(number=1)
    second = await pair.meet(number=2)
    requests = await pair.requests(pair.as_mentee)
    assert [request["session_id"] for request in requests] == [str(second)]


async def test_who_was_not_there_is_not_asked(world: World) -> None:
    pair = await world.pair()
    await pair.meet(attended=(pair.mentee,))
    await pair.requests(pair.as_mentee)
    page = await world.get("/me/feedback-requests", pair.as_mentor)
    assert page["items"] == []


async def test_an_answer_is_taken_once_and_said_without_its_words(world: World) -> None:
    pair = await world.pair()
    await pair.meet()
    [request] = await pair.requests(pair.as_mentee)
    path = f"/feedback-requests/{request['feedback_request_id']}/answers"
    await world.post(path, pair.as_mentee, **ANSWERS)
    await world.post(path, pair.as_mentee, 409, **ANSWERS)
    page = await world.get("/me/feedback-requests?state=answered", pair.as_mentee)
    assert [one["feedback_request_id"] for one in page["items"]] == [request["feedback_request_id"]]
    async with tap(world.settings) as topics:
        await topics.until(
            lambda seen: any(
                isinstance(one.event, FeedbackSubmitted)
                and one.event.feedback_request_id == UUID(request["feedback_request_id"])
                for one in seen
            )
        )
        said = " ".join(one.event.model_dump_json() for one in topics.seen if one.event)
        assert "listened" not in said
        assert "examples" not in said


async def test_nobody_else_answers_and_nobody_else_learns_that_there_is_a_request(world: World) -> None:
    pair = await world.pair()
    await pair.meet()
    [request] = await pair.requests(pair.as_mentee)
    path = f"/feedback-requests/{request['feedback_request_id']}/answers"
    for headers in (pair.as_mentor, pair.as_manager, world.tokens.person(uuid4())):
        await world.post(path, headers, 404, **ANSWERS)
    await world.post(path, world.tokens.admin(), 403, **ANSWERS)
    await world.post(f"/feedback-requests/{uuid4()}/answers", pair.as_mentee, 404, **ANSWERS)


async def test_answers_that_make_no_sense_are_refused_whole(world: World) -> None:
    pair = await world.pair()
    await pair.meet()
    [request] = await pair.requests(pair.as_mentee)
    path = f"/feedback-requests/{request['feedback_request_id']}/answers"
    for wrong in (
        {"praise": "x" * 100_000},
        {"praise": "nul\x00"},
        {"helpfulness": 6},
        {"helpfulness": 0},
        {"visibility": "everyone"},
    ):
        await world.post(path, pair.as_mentee, 422, **{**ANSWERS, **wrong})
    await world.post(path, pair.as_mentee, **ANSWERS)


async def test_an_event_that_comes_twice_asks_once(world: World) -> None:
    pair = await world.pair()
    await pair.meet()
    await pair.requests(pair.as_mentee)
    async with tap(world.settings) as topics:
        event = (await topics.all_of(FeedbackRequested))[0]
    again = to_message(event, version=1)
    await publish_messages(world.settings, again, again)
    assert len(await pair.requests(pair.as_mentee)) == 1


async def test_each_of_several_peers_is_asked_also_in_a_program_of_pairs(world: World) -> None:
    pair = Pair(world, await world.program(), uuid4(), uuid4(), uuid4(), world.now())
    peers = (pair.mentor, pair.mentee, uuid4())
    members = tuple(Member(person_id=one, role="peer") for one in peers)
    created = PairingCreated(
        pairing_id=pair.pairing_id,
        program_id=pair.program_id,
        format="peer",
        members=members,
        occurred_at=world.now(),
    )
    await world.hear(created)
    await eventually(pair.known)
    await pair.meet(attended=peers)
    for one in peers:
        assert await pair.requests(world.tokens.person(one))


async def test_sessions_of_a_relationship_that_is_not_known_yet_wait_for_it(world: World) -> None:

    program_id = uuid4()
    pair = Pair(world, program_id, uuid4(), uuid4(), uuid4(), world.now())
    await pair.meet()
    await world.hear(
        PairingCreated(
            pairing_id=pair.pairing_id,
            program_id=program_id,
            format="one_to_one",
            members=pair.members,
            occurred_at=world.now(),
        )
    )
    await world.program(program_id=program_id)
    assert await pair.requests(pair.as_mentee)
