"""Bad input to a run: a clear answer each time, and nothing half published."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from matching_scene import Scene, mentee, mentor

from tandem_events.testing import eventually
from tandem_matching.domain.matching import match
from tandem_matching.domain.people import Mentee, Mentor, Pool, Traits
from tandem_matching.domain.rules import Rules
from tandem_matching.storage.tables import MatchRun
from tandem_matching.use_cases import runs

ODD_WEIGHTS: dict[str, tuple[str, str]] = {
    "all zero": ('{"skills": 0, "profession": 0.0}', "all zero"),
    "negative": ('{"skills": -1}', "from 0 to 1000"),
    "huge": ('{"skills": 1e308}', "from 0 to 1000"),
    "beyond numbers": ('{"skills": 1e999}', "from 0 to 1000"),
    "of four hundred digits": ('{"skills": 1' + "0" * 400 + "}", "from 0 to 1000"),
    "not a number": ('{"skills": NaN}', "from 0 to 1000"),
    "no number": ('{"skills": "much"}', "must be a number"),
    "yes": ('{"skills": true}', "must be a number"),
    "unknown": ('{"luck": 1}', "is not known"),
    "no object": ("[1, 2]", "must be an object"),
}


@pytest.mark.parametrize("kind", ODD_WEIGHTS)
async def test_odd_weights_are_refused_whole_and_named(scene: Scene, kind: str) -> None:
    written, words = ODD_WEIGHTS[kind]
    program_id = await scene.program(mentor(), mentee())
    headers = {**scene.manager(program_id), "content-type": "application/json"}
    path = f"/programs/{program_id}/match-runs"
    answer = await scene.client.post(path, content='{"matching": {"weights": ' + written + "}}", headers=headers)
    assert answer.status_code == 422, answer.text
    assert words in str(answer.json()["faults"]), answer.text


@pytest.mark.parametrize("number", ["NaN", "1" + "0" * 400, "-1" + "0" * 400, "1e999"])
async def test_odd_numbers_are_refused_wherever_a_number_is_expected(scene: Scene, number: str) -> None:
    program_id = await scene.program(mentor(), mentee())
    headers = {**scene.manager(program_id), "content-type": "application/json"}
    settings = (
        f'{{"stickiness": {number}, "requests": {{"at_most": {number}, "days": {number}}},'
        f' "rules": {{"common_hours": {number}, "level_gap": {{"least": {number}, "best": {number}}}}},'
        f' "flash": {{"rounds": {number}, "seats": {number}}}, "circle": {{"least": {number}}}}}'
    )
    path = f"/programs/{program_id}/match-runs"
    answer = await scene.client.post(path, content='{"matching": ' + settings + "}", headers=headers)
    assert answer.status_code == 422, answer.text
    assert {fault["field"] for fault in answer.json()["faults"]} == {
        "stickiness",
        "requests.at_most",
        "requests.days",
        "rules.common_hours",
        "rules.level_gap.least",
        "rules.level_gap.best",
        "flash.rounds",
        "flash.seats",
        "circle.least",
    }


async def test_where_nobody_is_allowed_a_run_proposes_nobody_and_everybody_is_told_why(scene: Scene) -> None:
    boss, juniors = mentor(level=1), [mentee(level=5), mentee(level=6)]
    program_id = await scene.program(boss, *juniors)
    run = await scene.run(program_id)
    assert (run["state"], run["summary"]["proposals"]) == ("completed", 0)
    rows = await scene.all(f"/match-runs/{run['run_id']}/unmatched", scene.manager(program_id))
    assert {row["rule"] for row in rows} == {"level_gap"}
    assert len(rows) == 3
    assert await scene.publish(run) == {"pairings": 0, "unmatched_mentees": 2, "left_out": 0}
    assert await scene.pairings(program_id) == set()


@pytest.mark.parametrize("people", [(), (mentor(),), (mentee(),)], ids=["nobody", "only mentors", "only mentees"])
async def test_an_empty_side_fails_the_run_in_words(scene: Scene, people: Any) -> None:
    program_id = await scene.program(*people)
    run = await scene.run(program_id)
    assert run["state"] == "failed"
    assert "approve enrollments first" in run["reason"]
    await scene.publish(run, expect=409)


async def test_a_mentor_without_places_gets_nobody_and_one_with_a_thousand_takes_all(scene: Scene) -> None:
    full, generous = mentor(1), mentor(1000)
    juniors = [mentee() for _ in range(5)]
    program_id = await scene.program(full, generous, *juniors)
    without = {"places": [{"person_id": str(full.person_id), "places": 0}]}
    run = await scene.run(program_id, without)
    pairs = await scene.all(f"/match-runs/{run['run_id']}/proposals", scene.manager(program_id))
    assert {pair["mentor_id"] for pair in pairs} == {str(generous.person_id)}
    assert len(pairs) == 5
    headers, path = scene.manager(program_id), f"/programs/{program_id}/match-runs"
    for places in (-1, 1001, 1.5, "two"):
        body = {"places": [{"person_id": str(full.person_id), "places": places}]}
        await scene.post(path, headers, body, expect=422)


@pytest.mark.parametrize("name", ["pinned", "forbidden"])
async def test_odd_pairs_are_refused(scene: Scene, name: str) -> None:
    program_id = await scene.program(mentor(), mentee())
    headers, path = scene.manager(program_id), f"/programs/{program_id}/match-runs"
    for pairs in ([{"mentor_id": "me"}], {"mentor_id": str(program_id)}, [None], "all"):
        await scene.post(path, headers, {name: pairs}, expect=422)


def test_ten_thousand_identical_people_are_matched_and_each_pair_is_as_good_as_any() -> None:
    def traits(number: int) -> Traits:
        return Traits(UUID(int=number), level=3 if number < 5000 else 5, unit="Peace" if number < 5000 else "Love")

    pool = Pool(
        tuple(Mentor(traits(5000 + number), 1) for number in range(5000)),
        tuple(Mentee(traits(number)) for number in range(5000)),
    )
    found = match(pool, Rules(), seed=1, on=date(2026, 3, 2))
    assert len(found.proposals) == 5000
    assert found.summary["proven_optimal"]
    assert len({one.mentor_id for one in found.proposals}) == 5000
    assert len({one.score for one in found.proposals}) == 1


async def test_a_pool_that_changes_while_a_run_is_computed_is_found_out_at_publication(scene: Scene) -> None:
    """The run looks at one snapshot; who left since is named, and nobody is paired by halves."""
    leaver, stays, first, second = mentor(), mentor(), mentee(), mentee()
    program_id = await scene.program(leaver, stays, first, second)
    database, worker, now = scene.app.state.database, uuid4(), datetime.now(UTC)
    run = MatchRun(
        run_id=uuid4(),
        program_id=program_id,
        state="running",
        seed=0,
        matching=Rules().as_document(),
        wishes={},
        requested_at=now,
        claimed_by=worker,
        claimed_until=now + timedelta(hours=1),
    )
    async with database.transaction() as session:
        session.add(run)
    async with database.transaction() as session:
        claimed = await runs.take_snapshot(session, run)
    await scene.leave(leaver)

    async def has_left() -> bool:
        return bool((await scene.pool(program_id))["mentors"] == 1)

    await eventually(has_left)
    found = match(claimed.pool, claimed.rules, seed=claimed.seed, on=claimed.requested_at.date())
    assert {one.mentor_id for one in found.proposals} == {leaver.person_id, stays.person_id}
    async with database.transaction() as session:
        assert await runs.complete_run(session, run.run_id, worker, found, at=now)
    done = await scene.get(f"/match-runs/{run.run_id}", scene.manager(program_id))
    assert done["state"] == "completed"
    refused = await scene.publish(done, expect=409)
    assert [str(leaver.person_id) in fault["field"] for fault in refused["faults"]] == [True]
    assert await scene.pairings(program_id) == set()
    await scene.publish(done, {"leave_out_changed": True})
    assert {mentor_id for mentor_id, _ in await scene.pairings(program_id)} == {stays.person_id}
