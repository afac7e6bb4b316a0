"""`tandem events story` on the running platform: one relationship over all services, causes before effects."""

import asyncio
import json

import pytest

from tandem_profiles.domain.sample_sheets import mentee_sheet, mentor_sheet
from tests.platform import RunningPlatform
from tests.thread import Thread

pytestmark = [pytest.mark.platform, pytest.mark.timeout(600)]


async def test_the_story_of_a_relationship_is_told_over_all_services_and_causes_come_first(
    platform: RunningPlatform,
) -> None:
    async with Thread(platform) as thread:
        await thread.create_program("A story")
        await thread.import_sheets({"mentor": mentor_sheet(10, 60).encode(), "mentee": mentee_sheet(10, 61).encode()})
        await thread.until_the_pool_is_complete()
        run = await thread.match()
        await thread.publish(run["run_id"])
        await thread.run_to_the_end()
        pairing, other = thread.meeting_now[0].pairing_id, thread.meeting_now[1].pairing_id
    told = await asyncio.to_thread(platform.command, "events", "story", pairing, "--json")
    document = json.loads(told.stdout)
    assert (document["pairing_id"], document["complete"], document["missing"]) == (pairing, True, [])
    happenings = document["happenings"]
    ids = [one["id"] for one in happenings]
    assert len(set(ids)) == len(ids)
    for place, one in enumerate(happenings):
        if one["causation_id"] in ids:
            assert ids.index(one["causation_id"]) < place, f"{one['type']} stands before what it was caused by"
    assert {one["service"] for one in happenings} >= {"matching", "scheduling", "feedback"}
    types = [one["type"] for one in happenings]
    steps = ["pairing.created", "agreement.signed", "session.scheduled", "session.completed", "feedback.submitted"]
    places = [types.index(f"tandem.{step}.v1") for step in steps]
    assert places == sorted(places)
    assert all(other not in json.dumps(one["data"]) for one in happenings if not one["outside"])
    caused = {one["type"]: one["causation_id"] for one in happenings}
    by_id = {one["id"]: one["type"] for one in happenings}
    assert by_id[caused["tandem.agreement.proposed.v1"]] == "tandem.pairing.created.v1"
    shown = await asyncio.to_thread(platform.command, "events", "story", pairing)
    assert "pairing.created" in shown.stdout
    unknown = await asyncio.to_thread(
        platform.command, "events", "story", "00000000-0000-4000-8000-000000000000", check=False
    )
    assert unknown.returncode != 0
    assert "No service has said anything" in unknown.stderr
