"""One whole mentoring program through all four services, by HTTP alone: on real sign-up sheets where there are any."""

import asyncio
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests import outsider
from tests.platform import RunningPlatform
from tests.thread import SIZES, Thread, sheets

pytestmark = [pytest.mark.platform, pytest.mark.timeout(900)]


async def begin(thread: Thread, content: dict[str, bytes], people: int) -> list[dict[str, Any]]:
    """From the sheets to published pairings; the answer is what the run proposed."""
    await thread.create_program(f"{people} + {people} people")
    reports = await thread.import_sheets(content)
    assert {report["accepted"] for report in reports.values()} == {people}
    await thread.until_the_pool_is_complete()
    run = await thread.match()
    return await thread.publish(run["run_id"])


def of_program(read: list[outsider.Read], program_id: str) -> list[outsider.Read]:
    return [one for one in read if isinstance(one.data, dict) and one.data.get("program_id") == program_id]


@pytest.mark.parametrize("size", SIZES)
async def test_a_program_runs_from_its_sign_up_sheets_to_feedback(
    platform: RunningPlatform, sign_up_sheets: Path, size: str
) -> None:
    people = SIZES[size]
    async with Thread(platform) as thread:
        proposals = await begin(thread, sheets(sign_up_sheets, size, company=f"{size}.example"), people)
        assert len(thread.pairs) == len(proposals) > people * 0.5
        assert all(proposal["reasons"] for proposal in proposals)
        await thread.run_to_the_end()
        for pair in thread.meeting_now[:20]:
            health = await thread.until(
                partial(thread.health, pair), lambda seen: len(seen["reasons"]) > 0, within_seconds=30
            )
            assert 0 <= health["score"] <= 100
            assert health["band"]
        read = await asyncio.to_thread(outsider.read_all, platform.bootstrap_servers)

    for one in read:
        kind = one.event.get_type()
        assert one.event.get_specversion() == "1.0"
        assert one.key == one.event.get_extension("partitionkey")
        if one.data is not None:
            outsider.validator(kind).validate(one.data)
    mine = of_program(read, thread.program_id)
    counts = Counter({kind: len(ids) for kind, ids in ids_by_type(mine).items()})
    pairs, met = len(thread.pairs), len(thread.meeting_now)
    assert met > people * 0.5
    assert counts["tandem.enrollment.approved.v1"] == 2 * people
    assert counts["tandem.pairing.created.v1"] == pairs
    assert counts["tandem.agreement.signed.v1"] == 2 * pairs
    assert counts["tandem.session.scheduled.v1"] == pairs
    assert counts["tandem.session.completed.v1"] == met
    assert counts["tandem.action_item.agreed.v1"] == met
    assert counts["tandem.feedback.requested.v1"] == 2 * met
    assert counts["tandem.feedback.submitted.v1"] == 2 * met


def ids_by_type(read: list[outsider.Read]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one in read:
        found.setdefault(one.event.get_type(), set()).add(one.event.get_id())
    return found


@pytest.mark.parametrize("killed", ["profiles", "matching", "scheduling", "feedback"])
async def test_the_thread_completes_when_a_service_is_killed_in_its_middle(
    platform: RunningPlatform, generated_sheets: Path, killed: str
) -> None:
    async with Thread(platform) as thread:
        await thread.create_program(f"Without {killed} for a moment")
        restarts = platform.restarts_of(killed)
        reports = await thread.import_sheets(sheets(generated_sheets, "small", company=f"{killed}.example"))
        assert {report["accepted"] for report in reports.values()} == {50}
        if killed in ("profiles", "matching"):
            platform.kill(killed)
        await thread.until_the_pool_is_complete()
        run = await thread.match()
        if killed == "matching":
            platform.kill(killed)
        await thread.publish(run["run_id"])
        await thread.for_each(thread.pairs, thread.sign)
        killing = asyncio.create_task(in_the_middle(platform, killed))
        await thread.for_each(thread.pairs, thread.schedule)
        await thread.for_each(thread.meeting_now, thread.complete)
        await killing
        await thread.for_each(thread.meeting_now, thread.give_feedback)
        await thread.until(
            lambda: asyncio.to_thread(platform.restarts_of, killed), lambda seen: seen > restarts, within_seconds=60
        )
        for pair in thread.pairs:
            sessions = await thread.items(pair.mentor_id, "scheduling", f"/pairings/{pair.pairing_id}/sessions")
            assert [session["session_id"] for session in sessions] == [pair.session_id]
            asked = [] if pair.place_in_line else ["answered"]
            for person in (pair.mentor_id, pair.mentee_id):
                requests = await thread.items(person, "feedback", "/me/feedback-requests")
                of_pair = [request for request in requests if request["pairing_id"] == pair.pairing_id]
                assert [request["state"] for request in of_pair] == asked
        read = await asyncio.to_thread(outsider.read_all, platform.bootstrap_servers)
    by_type = ids_by_type(of_program(read, thread.program_id))
    pairs, met = len(thread.pairs), len(thread.meeting_now)
    assert met > 0
    expected = {
        "enrollment.approved": 100,
        "pairing.created": pairs,
        "agreement.proposed": pairs,
        "agreement.signed": 2 * pairs,
        "session.scheduled": pairs,
        "session.completed": met,
        "action_item.agreed": met,
        "feedback.requested": 2 * met,
        "feedback.submitted": 2 * met,
    }
    for name, number in expected.items():
        assert len(by_type[f"tandem.{name}.v1"]) == number, name


async def in_the_middle(platform: RunningPlatform, killed: str) -> None:
    """Kill a service while the thread is at work, and once more when it is back."""
    await asyncio.sleep(0.3)
    before = platform.restarts_of(killed)
    platform.kill(killed)
    while platform.restarts_of(killed) == before:  # noqa: ASYNC110 - the supervisor's record is a file
        await asyncio.sleep(0.1)
