"""Hybrid programs: choice first, a run for the rest."""

from typing import Any
from uuid import UUID

from matching_scene import Scene, Somebody, mentee, mentor

from tandem_events.testing import eventually

HYBRID = {"requests": {"first": True}}


async def ask(scene: Scene, program_id: UUID, asker: Somebody, *asked: Somebody) -> Any:
    body = {"mentor_ids": [str(one.person_id) for one in asked]}
    path = f"/programs/{program_id}/match-requests"
    return (await scene.post(path, scene.tokens.person(asker.person_id), body, expect=201))["items"]


async def proposed(scene: Scene, program_id: UUID) -> set[tuple[str, str]]:
    run = await scene.run(program_id)
    assert run["state"] == "completed", run
    pairs = await scene.all(f"/match-runs/{run['run_id']}/proposals", scene.manager(program_id))
    return {(pair["mentor_id"], pair["mentee_id"]) for pair in pairs}


async def test_a_run_leaves_those_alone_who_wait_for_an_answer_and_keeps_the_place_for_them(scene: Scene) -> None:
    wished, other, chooser, rest = mentor(), mentor(), mentee(), mentee()
    program_id = await scene.program(wished, other, chooser, rest, matching=HYBRID)
    (made,) = await ask(scene, program_id, chooser, wished)
    assert await proposed(scene, program_id) == {(str(other.person_id), str(rest.person_id))}
    await scene.post(
        f"/match-requests/{made['match_request_id']}/declination",
        scene.tokens.person(wished.person_id),
        {"reason": "no_time"},
    )
    assert {mentee_id for _, mentee_id in await proposed(scene, program_id)} == {
        str(chooser.person_id),
        str(rest.person_id),
    }


async def test_without_that_setting_a_run_takes_everybody_and_closes_the_requests_it_overtakes(scene: Scene) -> None:
    wished, chooser = mentor(level=9), mentee()
    better = mentor(level=5)
    program_id = await scene.program(wished, better, chooser)
    (made,) = await ask(scene, program_id, chooser, wished)
    run = await scene.run(program_id)
    (pair,) = await scene.all(f"/match-runs/{run['run_id']}/proposals", scene.manager(program_id))
    assert (pair["mentor_id"], pair["mentee_id"]) == (str(better.person_id), str(chooser.person_id))
    seen = f"/match-requests/{made['match_request_id']}"
    assert (await scene.get(seen, scene.tokens.person(chooser.person_id)))["state"] == "open", "a run only proposes"
    await scene.publish(run)

    async def closed() -> bool:
        now = await scene.get(seen, scene.tokens.person(chooser.person_id))
        return (now["state"], now["reason"]) == ("closed", "matched")

    await eventually(closed)
    refused = await scene.client.post(f"{seen}/acceptance", json={}, headers=scene.tokens.person(wished.person_id))
    assert refused.status_code == 409


async def test_who_chose_is_paired_and_a_run_matches_the_rest(scene: Scene) -> None:
    wished, other, chooser, rest = mentor(), mentor(), mentee(), mentee()
    program_id = await scene.program(wished, other, chooser, rest, matching=HYBRID)
    (made,) = await ask(scene, program_id, chooser, wished)
    path = f"/match-requests/{made['match_request_id']}/acceptance"
    await scene.post(path, scene.tokens.person(wished.person_id))
    run = await scene.run(program_id)
    await scene.publish(run)
    assert await scene.pairings(program_id) == {
        (wished.person_id, chooser.person_id),
        (other.person_id, rest.person_id),
    }
