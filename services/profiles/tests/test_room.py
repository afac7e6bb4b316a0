"""Room: a program with a capacity is never overfull, and who waits for a place is let in when one is free."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from tandem_chassis.testing import Tokens
from tandem_events.contracts import (
    EnrollmentApproved,
    EnrollmentPaused,
    EnrollmentResumed,
    EnrollmentSubmitted,
    EnrollmentWaitlisted,
)
from tandem_events.testing import tap
from tandem_profiles.settings import Settings
from tandem_profiles.use_cases import decisions

from .sheets import ADA, BEN, MENTORS, send
from .test_enrollments import MENTEE, MENTOR, apply, decide, open_program, people

Client = httpx2.AsyncClient
Headers = dict[str, str]


async def statuses(client: Client, program: str, admin: Headers) -> dict[str, str]:
    listed = (await client.get(f"/programs/{program}/enrollments", headers=admin)).json()["items"]
    return {one["person_id"]: one["status"] for one in listed}


async def full_program(client: Client, admin: Headers, tokens: Tokens) -> tuple[str, list[str], list[str]]:
    """A program for one, four people in the order in which they applied, and their enrollments."""
    everybody = await people(client, admin, 4)
    program = await open_program(client, admin, approval="automatic", capacity=1)
    ids = [(await apply(client, program, tokens.person(one), MENTEE)).json()["enrollment_id"] for one in everybody]
    return program, everybody, ids


@pytest.mark.parametrize("by", ["themselves", "a manager"])
async def test_who_waits_longest_gets_the_place_of_somebody_who_withdraws(
    client: Client, admin: Headers, tokens: Tokens, settings: Settings, by: str
) -> None:
    program, everybody, ids = await full_program(client, admin, tokens)
    await decide(client, program, admin, "decline", ids[1])
    if by == "themselves":
        await client.post(f"/enrollments/{ids[0]}/withdrawal", json={}, headers=tokens.person(everybody[0]))
    else:
        await decide(client, program, admin, "withdraw", ids[0], reason="no_time")
    expected = ["withdrawn", "declined", "approved", "waitlisted"]
    assert await statuses(client, program, admin) == dict(zip(everybody, expected, strict=True))
    async with tap(settings) as topics:
        approved = await topics.all_of(EnrollmentApproved, at_least=2)
    assert {str(one.enrollment_id) for one in approved} == {ids[0], ids[2]}


async def test_a_higher_capacity_lets_in_who_waits(client: Client, admin: Headers, tokens: Tokens) -> None:
    program, everybody, ids = await full_program(client, admin, tokens)
    await decide(client, program, admin, "decline", ids[1])
    again = await apply(client, program, tokens.person(everybody[1]), MENTEE)
    assert again.json()["status"] == "waitlisted"
    shown = await client.get(f"/programs/{program}", headers=admin)
    body, headers = {**shown.json(), "capacity": 3}, {**admin, "If-Match": shown.headers["etag"]}
    assert (await client.put(f"/programs/{program}", json=body, headers=headers)).status_code == 200
    # Who was declined and applied again waits since then.
    expected = ["approved", "waitlisted", "approved", "approved"]
    assert await statuses(client, program, admin) == dict(zip(everybody, expected, strict=True))


@pytest.mark.parametrize(("path", "body"), [("departure", {"left_on": "2026-01-31"}), ("erasure", {})])
async def test_the_place_of_somebody_gone_is_given_on(
    app: FastAPI, client: Client, admin: Headers, tokens: Tokens, path: str, body: dict[str, Any]
) -> None:
    program, everybody, _ = await full_program(client, admin, tokens)
    assert (await client.post(f"/people/{everybody[0]}/{path}", json=body, headers=admin)).status_code in (200, 202)
    for let_in in (1, 0):
        async with app.state.database.transaction() as session:
            assert await decisions.let_those_waiting_in(session, at=datetime.now(UTC)) == let_in
    found = await statuses(client, program, admin)
    assert [found[one] for one in everybody[1:]] == ["approved", "waitlisted", "waitlisted"]


async def test_a_sheet_does_not_overfill_a_program(client: Client, admin: Headers, settings: Settings) -> None:
    program = await open_program(client, admin, capacity=1, questions=[])
    first = (await send(client, program, MENTORS + ADA + BEN, admin)).json()
    assert (first["enrollments_approved"], first["enrollments_waitlisted"]) == (1, 1)
    again = (await send(client, program, MENTORS + ADA + BEN, admin)).json()
    assert (again["enrollments_approved"], again["enrollments_waitlisted"]) == (0, 0)
    assert sorted((await statuses(client, program, admin)).values()) == ["approved", "waitlisted"]
    async with tap(settings) as topics:
        assert (await topics.first(EnrollmentWaitlisted)).reason == "program_full"
        assert len(await topics.all_of(EnrollmentSubmitted, at_least=2)) == 2
        assert len(await topics.all_of(EnrollmentApproved)) == 1


async def test_more_places_than_the_program_allows_are_a_fault_of_the_row(client: Client, admin: Headers) -> None:
    program = await open_program(client, admin, questions=[], most_mentees=1, most_mentors=1)
    mapping = (await client.get(f"/programs/{program}/sign-up-mapping", headers=admin)).json()
    for part in ("mentor", "mentee"):
        mapping[part]["constants"] |= {"mentor_places": 5, "wanted_mentors": 1}
    headers = {**admin, "If-Match": "*"}
    put = await client.put(f"/programs/{program}/sign-up-mapping", json=mapping, headers=headers)
    assert put.status_code == 200, put.text
    refused = await send(client, program, MENTORS + ADA, admin)
    assert refused.status_code == 422
    (fault,) = refused.json()["faults"]
    assert (fault["row"], fault["reason"]) == (2, "mentor_places is more than the 1 that the program allows")
    assert await statuses(client, program, admin) == {}
    taken = await send(client, program, MENTORS + ADA, admin, partial=True)
    assert (taken.json()["accepted"], taken.json()["fault_count"]) == (0, 1)


async def test_what_changed_during_a_pause_is_told_when_it_ends(
    app: FastAPI, client: Client, admin: Headers, tokens: Tokens, settings: Settings
) -> None:
    ada, ben, cleo = await people(client, admin, 3)
    program = await open_program(client, admin, approval="automatic")
    until = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
    ids = {}
    for one in (ada, ben, cleo):
        own = tokens.person(one)
        ids[one] = (await apply(client, program, own, MENTOR)).json()["enrollment_id"]
        address = f"/enrollments/{ids[one]}"
        await client.post(f"{address}/pause", json={"until": until} if one == cleo else {}, headers=own)
        changed = {**MENTOR, "mentor_places": 3}
        put = await client.put(address, json=changed, headers={**own, "If-Match": "*"})
        assert put.status_code == 200, put.text
    await client.post(f"/enrollments/{ids[ada]}/resumption", json={}, headers=tokens.person(ada))
    await decide(client, program, admin, "resume", ids[ben])
    async with app.state.database.transaction() as session:
        assert await decisions.let_those_due_resume(session, at=datetime.now(UTC) + timedelta(days=4)) == 1
    async with tap(settings) as topics:
        await topics.all_of(EnrollmentResumed, at_least=3)
        told = [one.event for one in topics.seen if one.topic == "tandem.profiles"]
    for enrollment in ids.values():
        steps = [one for one in told if str(getattr(one, "enrollment_id", None)) == enrollment]
        assert [type(one) for one in steps] == [
            EnrollmentSubmitted, EnrollmentApproved, EnrollmentPaused, EnrollmentApproved, EnrollmentResumed,
        ]  # fmt: skip
        assert isinstance(steps[3], EnrollmentApproved)
        assert steps[3].mentor_places == 3


async def test_nothing_of_an_enrollment_changes_once_the_program_is_over(
    client: Client, admin: Headers, tokens: Tokens
) -> None:
    (ada,) = await people(client, admin, 1)
    program, own = await open_program(client, admin, approval="automatic"), tokens.person(ada)
    address = f"/enrollments/{(await apply(client, program, own, MENTOR)).json()['enrollment_id']}"
    assert (await client.post(f"/programs/{program}/closing", json={}, headers=admin)).status_code == 200
    late = await client.put(address, json={**MENTOR, "mentor_places": 1}, headers={**own, "If-Match": "*"})
    assert late.status_code == 409
