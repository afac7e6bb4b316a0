"""One ledger of places: whatever happens at the same moment, nobody gets more mentees than they have places."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from matching_scene import Scene, Somebody, mentee, mentor


async def requested(scene: Scene, program_id: UUID, asker: Somebody, asked: Somebody) -> str:
    path = f"/programs/{program_id}/match-requests"
    body = {"mentor_ids": [str(asked.person_id)]}
    made = await scene.post(path, scene.tokens.person(asker.person_id), body, expect=201)
    return str(made["items"][0]["match_request_id"])


@pytest.mark.parametrize("places", [1, 3, 5])
async def test_two_programs_a_run_in_each_ten_acceptances_and_offers_never_exceed_the_places(
    scene: Scene, places: int
) -> None:
    """All at once: two publications, ten answers in two programs, three offers taken up."""
    popular = mentor(places)
    here = await scene.program(popular, *(mentee() for _ in range(4)))
    there = await scene.program(mentor(places, person_id=popular.person_id), *(mentee() for _ in range(4)))
    askers = [mentee() for _ in range(10)]
    await scene.join(here, *askers[:5])
    await scene.join(there, *askers[5:])
    asked = [await requested(scene, here if number < 5 else there, one, popular) for number, one in enumerate(askers)]
    offered = [mentee() for _ in range(3)]
    await scene.join(here, *offered)
    offers = [
        await scene.post(
            f"/programs/{here}/mentor-offers",
            scene.tokens.person(popular.person_id),
            {"mentee_id": str(one.person_id)},
            expect=201,
        )
        for one in offered
    ]
    runs = [await scene.run(here), await scene.run(there)]

    def publication(run: Any) -> Any:
        return scene.client.post(
            f"/match-runs/{run['run_id']}/publication",
            json={"leave_out_changed": True},
            headers=scene.manager(UUID(run["program_id"])),
        )

    def acceptance(request_id: str) -> Any:
        headers = scene.tokens.person(popular.person_id)
        return scene.client.post(f"/match-requests/{request_id}/acceptance", json={}, headers=headers)

    def taken_up(offer: Any, who: Somebody) -> Any:
        headers = scene.tokens.person(who.person_id)
        return scene.client.post(f"/mentor-offers/{offer['mentor_offer_id']}/acceptance", json={}, headers=headers)

    answers = await asyncio.gather(
        *(acceptance(one) for one in asked[:5]),
        publication(runs[0]),
        *(taken_up(one, who) for one, who in zip(offers, offered, strict=True)),
        *(acceptance(one) for one in asked[5:]),
        publication(runs[1]),
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    paired = [pair for program in (here, there) for pair in await scene.pairings(program)]
    assert [mentor_id for mentor_id, _ in paired] == [popular.person_id] * places
    assert len({mentee_id for _, mentee_id in paired}) == places
    for program in (here, there):
        assert (await scene.pool(program))["places"] == 0
    page = await scene.get("/me/pairings?status=active", scene.tokens.person(popular.person_id))
    assert len(page["items"]) == places
