"""Sign-up sheets from the outside: what an organiser sends, what they are told, what the other services hear."""

from typing import Any

import httpx2
import pytest

from tandem_chassis.testing import Tokens
from tandem_events.contracts import EnrollmentApproved, EnrollmentSubmitted, PersonRegistered, PersonState
from tandem_events.testing import tap
from tandem_profiles.domain import sample_sheets
from tandem_profiles.settings import Settings

from .sheets import ADA, BEN, CLEO, MENTEES, MENTORS, send

Client = httpx2.AsyncClient
Headers = dict[str, str]


async def listed(client: Client, program_id: str, headers: Headers, **parameters: Any) -> list[dict[str, Any]]:
    answer = await client.get(f"/programs/{program_id}/enrollments", params=parameters, headers=headers)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_everybody_on_a_sheet_is_registered_and_approved(
    client: Client, admin: Headers, program_id: str, settings: Settings
) -> None:
    answer = await send(client, program_id, MENTORS + ADA + BEN, admin)
    assert answer.status_code == 200, answer.text
    told = {name: answer.json()[name] for name in ("rows", "accepted", "people_registered", "people_updated")}
    assert told == {"rows": 2, "accepted": 2, "people_registered": 2, "people_updated": 0}
    assert (answer.json()["enrollments_approved"], answer.json()["faults"]) == (2, [])
    found = await listed(client, program_id, admin)
    assert [(one["given_name"], one["roles"], one["status"]) for one in found] == [
        ("Ada", ["mentor"], "approved"),
        ("Ben", ["mentor", "mentee"], "approved"),
    ]
    async with tap(settings) as topics:
        approved = await topics.all_of(EnrollmentApproved, at_least=2)
        submitted = await topics.all_of(EnrollmentSubmitted, at_least=2)
        people = {state.given_name: state for state in await topics.all_of(PersonState, at_least=2)}
        registered = await topics.all_of(PersonRegistered, at_least=2)
    assert {(one.mentor_places, one.wanted_mentors) for one in approved} == {(1, 0), (1, 1)}
    assert {one.enrollment_id for one in submitted} == {one.enrollment_id for one in approved}
    assert {one.person_id for one in registered} == {state.person_id for state in people.values()}
    ada = people["Ada"]
    assert (ada.level, ada.level_name, ada.time_zone) == (5, "SEO", "Europe/London")
    answers = {str(program): answers for program, answers in ada.confidential_answers.items()}
    assert answers == {program_id: {"characteristics": ("early riser",)}}


async def test_the_same_sheet_again_changes_nothing_and_says_nothing(
    client: Client, admin: Headers, program_id: str, settings: Settings
) -> None:
    sheet = sample_sheets.mentor_sheet(40, 3)
    assert (await send(client, program_id, sheet, admin)).status_code == 200
    again = await send(client, program_id, sheet, admin)
    assert again.json() == {
        "rows": 40,
        "accepted": 40,
        "people_registered": 0,
        "people_updated": 0,
        "enrollments_approved": 0,
        "enrollments_waitlisted": 0,
        "still_out": 0,
        "fault_count": 0,
        "faults": [],
    }
    await client.post("/programs", json={"name": "The last event"}, headers=admin)
    async with tap(settings) as topics:
        await topics.until(lambda seen: sum(one.envelope.name == "program.state" for one in seen) == 2)
        assert len(await topics.all_of(PersonState, at_least=40)) == 40
        assert len(await topics.all_of(EnrollmentApproved, at_least=40)) == 40


async def test_a_known_person_is_updated_and_not_doubled(client: Client, admin: Headers, program_id: str) -> None:
    await send(client, program_id, MENTORS + ADA, admin)
    promoted = ADA.replace("ada@", "ADA@").replace("SEO", "Grade 7").replace("Twelve years of ports.", "")
    answer = await send(client, program_id, MENTORS + promoted, admin)
    assert (answer.json()["people_registered"], answer.json()["people_updated"]) == (0, 1)
    (ada,) = (await client.get("/people", params={"email": "aDa@example.org"}, headers=admin)).json()["items"]
    assert (ada["level_name"], ada["email"]) == ("Grade 7", "ADA@example.org")
    assert ada["biography"] == "Twelve years of ports.", "a question left blank takes nothing away"


async def test_somebody_on_both_sheets_has_one_enrollment_with_both_roles(
    client: Client, admin: Headers, program_id: str, settings: Settings
) -> None:
    await send(client, program_id, MENTORS + ADA, admin)
    ada = "Ada,Okafor,ada@example.org,no,Analyst,SEO,Harbour Office,Policy,yes,night owl,\n"
    answer = await send(client, program_id, MENTEES + ada, admin, role="mentee")
    assert answer.json()["enrollments_approved"] == 1
    (enrollment,) = await listed(client, program_id, admin)
    assert enrollment["roles"] == ["mentor", "mentee"]
    async with tap(settings) as topics:
        approved = (await topics.all_of(EnrollmentApproved, at_least=2))[-1]
        state = (await topics.all_of(PersonState, at_least=2))[-1]
    assert (approved.roles, approved.mentor_places, approved.wanted_mentors) == (("mentor", "mentee"), 1, 1)
    (answers,) = state.confidential_answers.values()
    assert answers == {
        "characteristics": ("early riser",),
        "match_with_similar_identity": True,
        "identity_to_match": "night owl",
    }


async def test_a_sheet_with_a_fault_is_refused_whole(client: Client, admin: Headers, program_id: str) -> None:
    wrong = ADA.replace("SEO", "Colonel")
    answer = await send(client, program_id, MENTORS + BEN + wrong, admin)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    (fault,) = answer.json()["faults"]
    assert (fault["row"], fault["column"]) == (3, "grade")
    assert "is not one of AA" in fault["reason"]
    assert await listed(client, program_id, admin) == []


async def test_partial_takes_the_good_rows_and_names_the_others(
    client: Client, admin: Headers, program_id: str
) -> None:
    answer = await send(client, program_id, MENTORS + BEN + ADA.replace("ada@", "ada"), admin, partial=True)
    assert answer.status_code == 200
    assert (answer.json()["rows"], answer.json()["accepted"]) == (2, 1)
    assert [(fault["row"], fault["column"]) for fault in answer.json()["faults"]] == [(3, "email address")]
    assert [one["given_name"] for one in await listed(client, program_id, admin)] == ["Ben"]


async def test_somebody_who_left_is_not_brought_back_by_a_sheet(
    client: Client, admin: Headers, program_id: str
) -> None:
    await send(client, program_id, MENTORS + ADA, admin)
    (ada,) = await listed(client, program_id, admin)
    await client.post(f"/people/{ada['person_id']}/departure", json={"left_on": "2026-01-31"}, headers=admin)
    answer = await send(client, program_id, MENTORS + BEN + ADA, admin)
    assert answer.status_code == 422
    (fault,) = answer.json()["faults"]
    assert (fault["row"], fault["column"]) == (3, "email address")
    assert "left on 2026-01-31" in fault["reason"]
    partly = await send(client, program_id, MENTORS + BEN + ADA, admin, partial=True)
    assert (partly.json()["accepted"], partly.json()["people_registered"]) == (1, 1)


@pytest.mark.parametrize(
    ("content", "content_type", "status", "word"),
    [
        (b"PK\x03\x04rest of a workbook", "application/octet-stream", 415, "CSV UTF-8"),
        (b"{}", "application/json", 415, "text/csv"),
        (b"a,b\n1,2\n", "text/csv; charset=klingon", 415, "klingon"),
        (b"", "text/csv", 422, "faults"),
        (MENTORS.encode(), "text/csv", 422, "faults"),
    ],
)
async def test_what_is_no_sheet_is_refused_clearly(
    client: Client, admin: Headers, program_id: str, content: bytes, content_type: str, status: int, word: str
) -> None:
    answer = await send(client, program_id, content, admin, content_type=content_type)
    assert answer.status_code == status, answer.text
    assert word in answer.json()["detail"]


async def test_the_declared_encoding_is_used(client: Client, admin: Headers, program_id: str) -> None:
    answer = await send(
        client,
        program_id,
        (MENTEES + CLEO).encode("windows-1252"),
        admin,
        role="mentee",
        content_type="text/csv; charset=windows-1252",
    )
    assert answer.status_code == 200, answer.text
    (cleo,) = await listed(client, program_id, admin)
    assert cleo["family_name"] == "Ibáñez"


async def test_five_hundred_rows_are_stored_at_once(client: Client, admin: Headers, program_id: str) -> None:
    answer = await send(client, program_id, sample_sheets.mentor_sheet(500, 11), admin)
    assert answer.json()["people_registered"] == 500


async def test_only_managers_of_the_program_may_send_one(
    client: Client, tokens: Tokens, admin: Headers, program_id: str
) -> None:
    assert (await send(client, program_id, MENTORS + ADA, tokens.manager())).status_code == 403
    assert (await send(client, program_id, MENTORS + ADA, tokens.manager(program_id))).status_code == 200
    missing = "0198f3c0-0000-7000-8000-000000000000"
    assert (await send(client, missing, MENTORS + ADA, admin)).status_code == 404
