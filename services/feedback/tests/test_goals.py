"""Goals from the outside: set, shared within the pair, moved, changed in writing, noticed when they fall behind."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from feedback_world import Pair, World

from tandem_events.contracts import (
    Event,
    GoalAcknowledged,
    GoalAtRisk,
    GoalLetGo,
    GoalReached,
    GoalRecalibrated,
    GoalRevised,
    GoalSet,
    ProgressPosted,
)
from tandem_events.testing import tap
from tandem_feedback.storage import feedback, goals


def a_goal(world: World, **changed: Any) -> dict[str, Any]:
    goal = {
        "specific": "Lead design reviews",
        "measure": "Reviews led",
        "unit": "reviews",
        "start_value": 0,
        "target_value": 10,
        "starts_on": world.now().date().isoformat(),
        "due_on": (world.now() + timedelta(days=99)).date().isoformat(),
        "why": "I want to become an architect",
        "horizon": "long",
    }
    return {**goal, **changed}


async def set_by(pair: Pair, headers: dict[str, str], **changed: Any) -> dict[str, Any]:
    world = pair.world
    made: dict[str, Any] = await world.post(f"/pairings/{pair.pairing_id}/goals", headers, **a_goal(world, **changed))
    return made


async def said(world: World, goal_id: str, kinds: list[type[Event]]) -> None:
    """Wait until exactly these events were said about a goal, in this order."""
    async with tap(world.settings) as topics:
        await topics.until(
            lambda seen: (
                [type(s.event) for s in seen if s.event and getattr(s.event, "goal_id", None) == UUID(goal_id)] == kinds
            )
        )


async def test_mentee_and_mentor_set_goals_and_see_each_others(world: World) -> None:
    pair = await world.pair()
    hers = await set_by(pair, pair.as_mentee)
    his = await set_by(pair, pair.as_mentor, specific="Learn how the new people work", horizon="short")
    for headers in (pair.as_mentor, pair.as_mentee):
        page = await world.get(f"/pairings/{pair.pairing_id}/goals", headers)
        assert [goal["goal_id"] for goal in page["items"]] == [his["goal_id"], hers["goal_id"]]
    first = await world.get(f"/pairings/{pair.pairing_id}/goals?limit=1", pair.as_mentee)
    rest = await world.get(f"/pairings/{pair.pairing_id}/goals?limit=1&cursor={first['next_cursor']}", pair.as_mentee)
    assert [goal["goal_id"] for goal in rest["items"]] == [hers["goal_id"]]
    await said(world, hers["goal_id"], [GoalSet])


async def test_goals_are_the_pairs_own(world: World) -> None:
    pair = await world.pair()
    goal = await set_by(pair, pair.as_mentee)
    for headers in (pair.as_manager, world.tokens.person(uuid4())):
        await world.get(f"/pairings/{pair.pairing_id}/goals", headers, 404)
        await world.get(f"/goals/{goal['goal_id']}", headers, 404)
        await world.post(f"/pairings/{pair.pairing_id}/goals", headers, 404, **a_goal(world))
    await world.post(f"/goals/{goal['goal_id']}/progress", pair.as_mentor, 403, value=1)


async def test_progress_is_posted_and_past_the_target_the_goal_is_reached(world: World) -> None:
    pair = await world.pair()
    goal = await set_by(pair, pair.as_mentee)
    path = f"/goals/{goal['goal_id']}/progress"
    half = await world.post(path, pair.as_mentee, value=5, words="Half of them")
    assert (half["percent_done"], half["state"]) == (50, "active")
    done = await world.post(path, pair.as_mentee, value=12)
    assert (done["percent_done"], done["state"], done["current_value"]) == (100, "reached", 12)
    await world.post(path, pair.as_mentee, 409, value=13)
    story = await world.get(f"/goals/{goal['goal_id']}", pair.as_mentor)
    assert [one["value"] for one in story["progress"]] == [12, 5]
    await said(world, goal["goal_id"], [GoalSet, ProgressPosted, ProgressPosted, GoalReached])


async def test_every_change_is_written_and_acknowledged_by_the_other(world: World) -> None:
    pair = await world.pair()
    goal = await set_by(pair, pair.as_mentee)
    path = f"/goals/{goal['goal_id']}"
    change = {"change": "revised", "reason": "We found the better measure", "measure": "Reviews led alone"}
    await world.post(f"{path}/revisions", pair.as_mentee, 428, **change)
    answer = await world.client.post(f"{path}/revisions", json=change, headers={**pair.as_mentee, "If-Match": '"1"'})
    assert answer.status_code == 201, answer.text
    late = await world.client.post(f"{path}/revisions", json=change, headers={**pair.as_mentee, "If-Match": '"1"'})
    assert late.status_code == 412
    await world.post(f"{path}/acknowledgements", pair.as_mentee, 409, revision=2)
    await world.post(f"{path}/acknowledgements", pair.as_mentor, 404, revision=3)
    for _ in range(2):
        again = await world.client.post(f"{path}/acknowledgements", json={"revision": 2}, headers=pair.as_mentor)
        assert again.status_code == 204
    story = await world.get(path, pair.as_mentor)
    assert [one["measure"] for one in story["revisions"]] == ["Reviews led", "Reviews led alone"]
    assert story["revisions"][1]["acknowledged_by"] == [str(pair.mentor)]
    await said(world, goal["goal_id"], [GoalSet, GoalRevised, GoalAcknowledged])


async def test_a_goal_that_falls_behind_is_said_to_be_at_risk_and_can_be_recalibrated_or_let_go(world: World) -> None:
    pair = await world.pair()
    goal = await set_by(pair, pair.as_mentee)
    path = f"/goals/{goal['goal_id']}"
    world.clock.ahead = timedelta(days=40)
    try:
        await said(world, goal["goal_id"], [GoalSet, GoalAtRisk])
        answer = await world.client.get(path, headers=pair.as_mentee)
        assert answer.json()["choices"] == ["strategy_changed", "recalibrated", "let_go"]
        other_way = {"change": "strategy_changed", "reason": "I was too shy", "strategy": "I ask for the next review"}
        answer = await world.client.post(
            f"{path}/revisions", json=other_way, headers={**pair.as_mentee, "If-Match": answer.headers["etag"]}
        )
        assert (answer.status_code, answer.json()["strategy"]) == (201, "I ask for the next review")
        assert answer.json()["at_risk_since"], "another way does not yet make it faster"
        change = {"change": "recalibrated", "reason": "Too much else", "due_on": "2199-01-01"}
        without_words = {**change, "reason": " "}
        refused = await world.client.post(
            f"{path}/revisions", json=without_words, headers={**pair.as_mentee, "If-Match": answer.headers["etag"]}
        )
        assert refused.status_code == 422, "it is said in writing, or not at all"
        changed = await world.client.post(
            f"{path}/revisions", json=change, headers={**pair.as_mentee, "If-Match": answer.headers["etag"]}
        )
        assert changed.status_code == 201, changed.text
        assert changed.json()["at_risk_since"] is None
        gone = await world.client.post(
            f"{path}/revisions",
            json={"change": "let_go", "reason": "Another job"},
            headers={**pair.as_mentee, "If-Match": changed.headers["etag"]},
        )
        assert gone.json()["state"] == "let_go"
    finally:
        world.clock.ahead = timedelta()
    await said(world, goal["goal_id"], [GoalSet, GoalAtRisk, GoalRevised, GoalRecalibrated, GoalLetGo])


async def test_a_target_that_is_brought_down_to_what_was_done_reaches_the_goal(world: World) -> None:
    pair = await world.pair()
    goal = await set_by(pair, pair.as_mentee)
    path = f"/goals/{goal['goal_id']}"
    await world.post(f"{path}/progress", pair.as_mentee, value=6)
    answer = await world.client.get(path, headers=pair.as_mentee)
    change = {"change": "recalibrated", "reason": "Six are enough", "target_value": 5}
    changed = await world.client.post(
        f"{path}/revisions", json=change, headers={**pair.as_mentee, "If-Match": answer.headers["etag"]}
    )
    assert (changed.status_code, changed.json()["state"], changed.json()["percent_done"]) == (201, "reached", 100)
    await world.post(f"{path}/progress", pair.as_mentee, 409, value=7)
    await said(world, goal["goal_id"], [GoalSet, ProgressPosted, GoalRecalibrated, GoalReached])


async def test_reminders_and_fallen_goals_hold_relationships_in_the_order_in_which_batches_do(world: World) -> None:
    """Whatever is due first: two transactions that hold several relationships cannot wait for each other."""
    pairs = [await world.pair() for _ in range(4)]
    for number, pair in enumerate(sorted(pairs, key=lambda one: one.pairing_id, reverse=True)):
        await set_by(pair, pair.as_mentee, due_on=(world.now() + timedelta(days=50 + number)).date().isoformat())
        body: dict[str, Any] = {"author_id": str(pair.mentee), "about": "The start"}
        await world.post(f"/pairings/{pair.pairing_id}/feedback-requests", pair.as_mentor, **body)
    now = world.now() + timedelta(days=60)
    async with world.app.state.database.transaction() as session:
        behind = [pairing_id for _, pairing_id in await goals.fallen_behind(session, now=now, limit=200)]
        to_remind = [pairing_id for _, pairing_id in await feedback.requests_to_remind_of(session, now=now, limit=200)]
    for found in (behind, to_remind):
        assert {pair.pairing_id for pair in pairs} <= set(found)
        assert found == sorted(found)


@pytest.mark.parametrize(
    "wrong",
    [
        {"due_on": "2020-01-01"},
        {"starts_on": "2199-01-01", "due_on": "2198-12-31"},
        {"target_value": 0},
        {"specific": "x" * 100_000},
        {"specific": "   "},
        {"unit": "a\x00b"},
        {"target_value": "NaN"},
        {"due_on": "9999-12-31"},
    ],
)
async def test_goals_that_make_no_sense_are_refused_whole(world: World, wrong: dict[str, Any]) -> None:
    pair = await world.pair()
    path = f"/pairings/{pair.pairing_id}/goals"
    await world.post(path, pair.as_mentee, 422, **a_goal(world, **wrong))
    assert (await world.get(path, pair.as_mentee))["items"] == []


async def test_health_counts_goals_and_follows_the_programs_weights(world: World) -> None:
    pair = await world.pair()
    await set_by(pair, pair.as_mentee)
    weights = f"/programs/{pair.program_id}/health-weights"
    answer = await world.client.get(weights, headers=pair.as_manager)
    assert (answer.json()["cadence_kept"], answer.headers["etag"]) == (30, '"0"')
    only_goals = {**dict.fromkeys(answer.json(), 0), "goals_moving": 1}
    nothing = dict.fromkeys(answer.json(), 0)
    for body, match, headers, status in (
        (nothing, '"0"', pair.as_manager, 422),
        (only_goals, '"7"', pair.as_manager, 412),
        (only_goals, '"0"', pair.as_mentor, 403),
        (only_goals, '"0"', pair.as_manager, 200),
    ):
        put = await world.client.put(weights, json=body, headers={**headers, "If-Match": match})
        assert put.status_code == status, put.text
    health = await world.get(f"/pairings/{pair.pairing_id}/health", pair.as_manager)
    assert [(reason["code"], reason["weight"]) for reason in health["reasons"]] == [("goals_moving", 100)]
    await world.get(f"/programs/{uuid4()}/health-weights", world.tokens.admin(), 404)
