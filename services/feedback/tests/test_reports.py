"""Reports from the outside: counted from events, shown to those who run programs, as JSON, CSV and XLSX."""

import csv
import io
from datetime import timedelta
from itertools import combinations, pairwise
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from feedback_world import Pair, World
from openpyxl import load_workbook

from tandem_events.contracts import EnrollmentApproved, EnrollmentSubmitted, Member, PairingCreated, PersonState
from tandem_events.testing import eventually


async def enroll(world: World, program_id: UUID, person_id: UUID, unit: str) -> None:
    about: dict[str, Any] = {
        "enrollment_id": uuid4(),
        "program_id": program_id,
        "person_id": person_id,
        "roles": ("mentee",),
    }
    await world.hear(
        PersonState(
            person_id=person_id,
            given_name="A",
            family_name="B",
            email="a@example.com",
            unit=unit,
            level=3,
            occurred_at=world.now(),
        ),
        EnrollmentSubmitted(**about, occurred_at=world.now() - timedelta(days=5)),
        EnrollmentApproved(**about, occurred_at=world.now() - timedelta(days=4)),
    )


async def a_program(world: World, units: dict[str, int], *, unmatched: int = 0) -> tuple[UUID, list[Pair]]:
    """A program with so many pairs from each unit, and people of the first unit who were not matched."""
    program_id = await world.program()
    made = []
    for unit, number in units.items():
        for _ in range(number):
            pair = Pair(world, program_id, uuid4(), uuid4(), uuid4(), world.now())
            for person_id in (pair.mentor, pair.mentee):
                await enroll(world, program_id, person_id, unit)
            await world.hear(
                PairingCreated(
                    pairing_id=pair.pairing_id,
                    program_id=program_id,
                    format="one_to_one",
                    members=pair.members,
                    occurred_at=world.now() - timedelta(days=1),
                )
            )
            made.append(pair)
    for _ in range(unmatched):
        await enroll(world, program_id, uuid4(), next(iter(units)))
    return program_id, made


async def test_a_program_report_is_counted_from_events(world: World) -> None:
    program_id, pairs = await a_program(world, {"Sales": 5, "=HYPERLINK()": 5, "Legal": 1}, unmatched=6)
    for pair in pairs[:5]:
        await pair.meet()
    manager = world.tokens.manager(program_id)
    path = f"/programs/{program_id}/report"

    async def counted() -> bool:
        total = (await world.get(path, manager))["total"] or {"funnel": {}}
        reached = total["funnel"]
        return (reached.get("met"), reached.get("matched"), reached.get("enrolled")) == (10, 22, 28)

    await eventually(counted)
    report = await world.get(path, manager)
    assert report["total"]["funnel"] == {
        "invited": 28,
        "applied": 28,
        "enrolled": 28,
        "matched": 22,
        "met": 10,
        "goal_set": 0,
        "completed": 0,
    }
    assert report["total"]["days_to_match"] == 3.0
    assert (report["total"]["pairs"], report["total"]["sessions_per_pair"]) == (11, 0.5)
    assert report["total"]["practices_percent"]["sessions_held"] == 45
    assert set(report["by"]["unit"]) == {"Sales", "(others)"}, "Legal is too small, and is told with the next smallest"
    assert sum(one["people"] for one in report["by"]["unit"].values()) == 28
    for unit in report["by"]["unit"].values():
        assert unit["practices_percent"]["sessions_held"] in (0, 100), "all five pairs of Sales, none of the others"
        assert sum(unit["health_bands"].values()) == unit["pairs"]
    assert report["by"]["unit"]["Sales"]["practices_percent"]["feedback_given"] == 0
    assert set(report["by"]["level"]) == {"3"}
    assert sum(one["people"] for one in report["by"]["cohort"].values()) == 28
    total = report["total"]
    assert total["cadence_kept_percent"] == 45, "five of eleven pairs met once, all are within their first period"
    assert total["feedback_answered_percent"] == 0, "ten people were asked"
    text = (await world.client.get(f"{path}?format=csv", headers=manager)).content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows[0]["dimension"] == "total"
    assert rows[0]["matched"] == "22"
    book = load_workbook(io.BytesIO((await world.client.get(f"{path}?format=xlsx", headers=manager)).content))
    assert [cell.value for cell in book["Report"][2]][:4] == ["total", None, 28, 28]
    for headers in (world.tokens.manager(uuid4()), pairs[0].as_mentor):
        await world.get(path, headers, 403)

    async def counted_over_all() -> bool:
        enterprise = await world.get("/reports/enterprise", world.tokens.admin())
        return bool(enterprise["total"]["people"] >= 28)

    await eventually(counted_over_all)
    await world.get("/reports/enterprise", manager, 403)


@pytest.mark.parametrize(("program_format", "reached"), [("one_to_one", 0), ("peer", 20)])
async def test_a_peer_group_is_a_match_in_a_program_of_peers_only(
    world: World, program_format: str, reached: int
) -> None:
    program_id = await world.program(format=program_format)
    path, manager = f"/programs/{program_id}/report", world.tokens.manager(program_id)
    for _ in range(5):
        peers = tuple(uuid4() for _ in range(4))
        for person_id in peers:
            await enroll(world, program_id, person_id, "Sales")
        group = Pair(world, program_id, uuid4(), peers[0], peers[1], world.now())
        members = tuple(Member(person_id=one, role="peer") for one in peers)
        await world.hear(
            PairingCreated(
                pairing_id=group.pairing_id,
                program_id=program_id,
                format="peer",
                members=members,
                occurred_at=world.now() - timedelta(days=1),
            )
        )
        await eventually(group.known)
        await group.meet(attended=peers)

    async def all_met() -> bool:
        total = (await world.get(path, manager))["total"] or {}
        return (total.get("people"), total.get("pairs"), total.get("sessions_per_pair")) == (20, 5, 1.0)

    await eventually(all_met)
    funnel = (await world.get(path, manager))["total"]["funnel"]
    assert (funnel["enrolled"], funnel["matched"], funnel["met"]) == (20, reached, reached)


async def test_only_who_was_there_has_met(world: World) -> None:
    program_id, pairs = await a_program(world, {"Sales": 10})
    path, manager = f"/programs/{program_id}/report", world.tokens.manager(program_id)

    async def met(number: int) -> bool:
        return bool((await world.get(path, manager))["total"]["funnel"]["met"] == number)

    for pair in pairs:
        await eventually(pair.known)
        await pair.meet(attended=(pair.mentor,))
        await pair.requests(pair.as_mentor)
    assert await met(10), "the mentors"
    for pair in pairs[:5]:
        await pair.meet(number=2)
    await eventually(lambda: met(15))


async def test_text_that_a_spreadsheet_would_run_is_only_text(world: World) -> None:
    program_id, _ = await a_program(world, {"=1+1": 5})
    manager = world.tokens.manager(program_id)
    path = f"/programs/{program_id}/report"

    async def counted() -> bool:
        return "=1+1" in (await world.get(path, manager))["by"].get("unit", {})

    await eventually(counted)
    text = (await world.client.get(f"{path}?format=csv", headers=manager)).text
    assert "'=1+1" in text
    assert ",=1+1" not in text


async def test_a_program_with_few_people_tells_nothing(world: World) -> None:
    program_id, [pair] = await a_program(world, {"Sales": 1})
    await eventually(pair.known)
    report = await world.get(f"/programs/{program_id}/report", world.tokens.manager(program_id))
    assert (report["total"], report["by"], report["mean_rating"]) == (None, {}, None)


async def test_satisfaction_counts_what_was_meant_for_the_program_five_people_at_a_time(world: World) -> None:
    program_id, pairs = await a_program(world, {"Sales": 6})
    manager = world.tokens.manager(program_id)
    path = f"/programs/{program_id}/report"
    for number, pair in enumerate(pairs):
        await eventually(pair.known)
        body: dict[str, Any] = {"author_id": str(pair.mentee), "about": "The start"}
        request = await world.post(f"/pairings/{pair.pairing_id}/feedback-requests", pair.as_mentor, **body)
        answers: dict[str, Any] = (
            {"helpfulness": 4, "visibility": "anonymous"} if number else {"helpfulness": 1, "visibility": "counterpart"}
        )
        await world.post(f"/feedback-requests/{request['feedback_request_id']}/answers", pair.as_mentee, **answers)
    assert (await world.get(path, manager))["ratings"] == 0, "they can still be edited"
    world.clock.ahead = timedelta(hours=25)
    try:

        async def counted() -> bool:
            return bool((await world.get(path, manager))["ratings"] == 5)

        await eventually(counted)
        assert (await world.get(path, manager))["mean_rating"] == 4.0
    finally:
        world.clock.ahead = timedelta()


async def rate(pair: Pair, rating: int, visibility: str) -> None:
    await eventually(pair.known)
    body: dict[str, Any] = {"author_id": str(pair.mentee), "about": "The start"}
    request = await pair.world.post(f"/pairings/{pair.pairing_id}/feedback-requests", pair.as_mentor, **body)
    path = f"/feedback-requests/{request['feedback_request_id']}/answers"
    await pair.world.post(path, pair.as_mentee, helpfulness=rating, visibility=visibility)


async def test_four_ratings_by_name_do_not_tell_an_anonymous_fifth(world: World) -> None:
    """Managers read the four with their authors: the mean of all five would be the fifth."""
    program_id, pairs = await a_program(world, {"Sales": 10})
    path, manager = f"/programs/{program_id}/report", world.tokens.manager(program_id)
    for pair in pairs[:4]:
        await rate(pair, 4, "program")
    await rate(pairs[4], 1, "anonymous")

    async def counted(number: int) -> bool:
        return bool((await world.get(path, manager))["ratings"] == number)

    try:
        world.clock.ahead = timedelta(hours=25)
        await rate(pairs[5], 4, "program")
        world.clock.ahead = timedelta(hours=50)
        await eventually(lambda: counted(5))
        assert (await world.get(path, manager))["mean_rating"] == 4.0, "the five by name, without the anonymous one"
        for pair in pairs[6:]:
            await rate(pair, 2, "anonymous")
        world.clock.ahead = timedelta(hours=75)
        await eventually(lambda: counted(10))
        assert (await world.get(path, manager))["mean_rating"] == (5 * 4 + 1 + 4 * 2) / 10
    finally:
        world.clock.ahead = timedelta()


async def test_what_is_counted_of_anonymous_ratings_is_what_is_shown_of_them_one_by_one(world: World) -> None:
    program_id, pairs = await a_program(world, {"Sales": 7})
    path, manager = f"/programs/{program_id}/report", world.tokens.manager(program_id)
    for number, pair in enumerate(pairs):
        await rate(pair, 1 + number % 5, "anonymous")
    try:
        world.clock.ahead = timedelta(hours=25)

        async def counted() -> bool:
            return bool((await world.get(path, manager))["ratings"])

        await eventually(counted)
        report = await world.get(path, manager)
        shown = await world.get(f"/programs/{program_id}/anonymous-feedback?question=helpfulness", manager)
        ratings = [one["rating"] for one in shown["answers"]]
        assert (len(ratings), sum(ratings)) == (report["ratings"], report["ratings"] * report["mean_rating"])
        assert report["ratings"] == 5, "two more wait for three others"
    finally:
        world.clock.ahead = timedelta()


async def test_the_funnel_begins_with_those_whom_the_program_says_it_invited(world: World) -> None:
    program_id, _ = await a_program(world, {"Sales": 5})
    manager, path = world.tokens.manager(program_id), f"/programs/{program_id}/report"
    invited = [uuid4() for _ in range(7)]
    for person_id in invited:
        await world.hear(
            PersonState(
                person_id=person_id, given_name="A", family_name="B", email="a@example.com", occurred_at=world.now()
            )
        )
    body = {"person_ids": [str(one) for one in invited]}
    invite = f"/programs/{program_id}/invited"

    async def noted() -> bool:
        return bool((await world.client.post(invite, json=body, headers=manager)).status_code == 204)

    await eventually(noted)
    assert await noted(), "again changes nothing"

    async def counted() -> bool:
        total = (await world.get(path, manager))["total"] or {"funnel": {}}
        return bool(total["funnel"].get("matched") == 10)

    await eventually(counted)
    funnel = (await world.get(path, manager))["total"]["funnel"]
    assert (funnel["invited"], funnel["applied"], funnel["enrolled"]) == (17, 10, 10)


async def test_invitations_with_somebody_unknown_are_refused_whole_and_are_the_managers_business(world: World) -> None:
    program_id = await world.program()
    invite, manager = f"/programs/{program_id}/invited", world.tokens.manager(program_id)
    body = {"person_ids": [str(uuid4()), str(uuid4())]}
    refused = await world.client.post(invite, json=body, headers=manager)
    assert refused.status_code == 422
    assert [fault["field"] for fault in refused.json()["faults"]] == ["person_ids[0]", "person_ids[1]"]
    for headers in (world.tokens.manager(uuid4()), world.tokens.person(uuid4())):
        assert (await world.client.post(invite, json=body, headers=headers)).status_code == 403
    for ids in ([], ["nobody"], [str(uuid4())] * 10_001):
        assert (await world.client.post(invite, json={"person_ids": ids}, headers=manager)).status_code == 422


PEOPLE = """
    WITH added AS (
        INSERT INTO people (person_id, given_name, family_name, unit, level)
        SELECT gen_random_uuid(), 'G', 'F', :unit, :level FROM generate_series(1, :number) RETURNING person_id
    )
    INSERT INTO participations (program_id, person_id, applied_at, enrolled_at, matched_at, met_at)
    SELECT :program, person_id, now(), CASE WHEN :step > 0 THEN now() END, CASE WHEN :step > 1 THEN now() END,
           CASE WHEN :step > 2 THEN now() END
    FROM added
"""


async def test_no_small_group_is_found_by_subtracting_what_the_api_shows(world: World) -> None:
    """Everything that managers and administrators are shown of three programs with many small groups, attacked."""
    chance = Random(20260301)
    programs = [await world.program() for _ in range(3)]
    before = (await world.get("/reports/enterprise", world.tokens.admin()))["as_of"]
    async with world.app.state.database.transaction() as session:
        for program_id in programs:
            for unit, level, step in [(u, v, s) for u in "ABCDEF" for v in (1, 2, 3) for s in range(4)]:
                if number := chance.choice((0, 0, 0, 1, 2, 3, 7)):
                    about = {"program": program_id, "unit": unit, "level": level, "step": step, "number": number}
                    await session.execute(sa.text(PEOPLE), about)
    shown = [await world.get(f"/programs/{one}/report", world.tokens.manager(one)) for one in programs]

    async def counted() -> bool:
        enterprise = await world.get("/reports/enterprise", world.tokens.admin())
        return bool(enterprise["as_of"] > before and set("AB") & set(enterprise["by"]["unit"]))

    await eventually(counted)
    shown.append(await world.get("/reports/enterprise", world.tokens.admin()))
    hidden = 0
    for report in shown:
        for dimension, groups in report["by"].items():
            hidden += "(others)" in groups
            numbers = [list(one["funnel"].values()) for one in groups.values()]
            total = list(report["total"]["funnel"].values())
            for size in range(len(numbers) + 1):
                for known in combinations(numbers, size):
                    rest = [whole - sum(one[step] for one in known) for step, whole in enumerate(total)]
                    reached = [*rest, 0]
                    stopped = [early - late for early, late in pairwise(reached)]
                    assert all(one == 0 or one >= 5 for one in (*rest, *stopped)), (dimension, rest)
    for group in shown[-1]["by"]["unit"]:
        parts: list[int] = [report["by"]["unit"].get(group, {"people": 0})["people"] for report in shown[:-1]]
        for size in range(4):
            for parts_known in combinations(parts, size):
                left = shown[-1]["by"]["unit"][group]["people"] - sum(parts_known)
                assert left <= 0 or left >= 5, (group, left)
    assert hidden, "there were small groups to hide"
