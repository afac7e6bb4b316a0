"""The roster from the outside: an HR system sends its people, and the other services hear of every difference."""

import csv
import io
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import openpyxl
import pytest

from tandem_chassis.testing import Tokens
from tandem_events.contracts import PersonDeparted, PersonRegistered, PersonReturned, PersonState, PersonUpdated
from tandem_events.testing import tap
from tandem_profiles.api import workbooks
from tandem_profiles.settings import Settings

from .sheets import ADA, MENTORS, send

Client = httpx2.AsyncClient
Headers = dict[str, str]

EMPLOYEES = Path(__file__).parents[4] / "shared" / "data" / "employees" / "employees.csv"
HEADER = "employee_number,given_name,family_name,email,department,job_title,manager_employee_number,hired_on,left_on\n"
MIRA = "1,Mira,Vasquez,mira@example.org,Harbour,Director,,2015-02-01,\n"
OLE = "2,Ole,Brandt,ole@example.org,Harbour,Engineer,1,2019-05-01,\n"
SANA = "3,Sana,Iqbal,sana@example.org,Docks,Engineer,1,2021-09-01,\n"


async def roster(client: Client, rows: str | bytes, headers: Headers, **parameters: Any) -> httpx2.Response:
    content = (HEADER + rows).encode() if isinstance(rows, str) else rows
    kind = parameters.pop("content_type", "text/csv")
    return await client.post("/roster", params=parameters, content=content, headers={**headers, "Content-Type": kind})


def counts(answer: httpx2.Response) -> dict[str, int]:
    assert answer.status_code == 200, answer.text
    names = ("joined", "moved", "changed", "left", "returned", "unchanged")
    return {name: answer.json()[name] for name in names if answer.json()[name]}


async def test_joins_moves_and_leavers_become_events(client: Client, admin: Headers, settings: Settings) -> None:
    assert counts(await roster(client, MIRA + OLE + SANA, admin)) == {"joined": 3}
    moved = OLE.replace("Harbour", "Docks").replace(",1,", ",3,")
    left = SANA.rstrip("\n") + "2026-06-30\n"
    answer = await roster(client, MIRA + moved + left, admin)
    assert counts(answer) == {"moved": 1, "left": 1, "unchanged": 1}
    assert {change["employee_number"]: (change["kind"], change["row"]) for change in answer.json()["changes"]} == {
        "2": ("moves", 3),
        "3": ("leaves", 4),
    }
    assert counts(await roster(client, MIRA + moved + SANA, admin)) == {"returned": 1, "unchanged": 2}
    async with tap(settings) as topics:
        registered = await topics.all_of(PersonRegistered, at_least=3)
        updated = await topics.all_of(PersonUpdated)
        departed = await topics.all_of(PersonDeparted)
        returned = await topics.all_of(PersonReturned)
        states = await topics.all_of(PersonState, at_least=6)
    by_name = {state.given_name: state for state in states}
    assert len(registered) == 3
    assert [(one.person_id, one.fields) for one in updated] == [(by_name["Ole"].person_id, ("manager_id", "unit"))]
    assert [(one.person_id, one.left_on) for one in departed] == [(by_name["Sana"].person_id, date(2026, 6, 30))]
    assert [one.person_id for one in returned] == [by_name["Sana"].person_id]
    assert by_name["Ole"].manager_id == by_name["Sana"].person_id
    assert len(states) == 6, "who did not change is not told again"


async def test_a_dry_run_shows_the_difference_and_stores_nothing(client: Client, admin: Headers) -> None:
    await roster(client, MIRA + OLE, admin)
    changed = MIRA + OLE.replace("Engineer", "Lead Engineer") + SANA
    answer = await roster(client, changed, admin, dry_run=True)
    assert counts(answer) == {"joined": 1, "moved": 1, "unchanged": 1}
    (move,) = [change for change in answer.json()["changes"] if change["kind"] == "moves"]
    assert move["fields"] == {"job_title": {"before": "Engineer", "after": "Lead Engineer"}}
    assert counts(await roster(client, changed, admin)) == {"joined": 1, "moved": 1, "unchanged": 1}


async def test_somebody_who_signed_up_first_is_recognised_by_their_address(
    client: Client, admin: Headers, program_id: str
) -> None:
    await send(client, program_id, MENTORS + ADA, admin)
    answer = await roster(client, "7,Ada,Okafor,ADA@example.org,Harbour,Chief Analyst,,2014-01-01,\n", admin)
    assert counts(answer) == {"moved": 1}
    (ada,) = (await client.get("/people", params={"email": "ada@example.org"}, headers=admin)).json()["items"]
    assert (ada["job_title"], ada["biography"]) == ("Chief Analyst", "Twelve years of ports.")
    assert len((await client.get(f"/programs/{program_id}/enrollments", headers=admin)).json()["items"]) == 1


async def test_two_people_may_exchange_their_addresses(client: Client, admin: Headers) -> None:
    await roster(client, MIRA + OLE, admin)
    swapped = MIRA.replace("mira@", "ole@") + OLE.replace("ole@", "mira@")
    assert counts(await roster(client, swapped, admin)) == {"changed": 2}
    assert counts(await roster(client, swapped, admin)) == {"unchanged": 2}
    (found,) = (await client.get("/people", params={"email": "ole@example.org"}, headers=admin)).json()["items"]
    assert found["given_name"] == "Mira"


async def test_a_workbook_and_a_document_say_the_same_as_a_sheet(client: Client, admin: Headers) -> None:
    workbook = openpyxl.Workbook()
    page = workbook.active
    assert page is not None
    page.append(["employee_number", "given_name", "family_name", "email", "hired_on"])
    page.append([1, "Mira", "Vasquez", "mira@example.org", datetime(2015, 2, 1)])  # noqa: DTZ001 - as sheets keep days
    stored = io.BytesIO()
    workbook.save(stored)
    assert counts(await roster(client, stored.getvalue(), admin)) == {"joined": 1}
    person = {
        "employee_number": 1,
        "given_name": "Mira",
        "family_name": "Vasquez",
        "email": "mira@example.org",
        "hired_on": "2015-02-01",
    }
    same = await client.post("/roster", json={"people": [person]}, headers=admin)
    assert counts(same) == {"unchanged": 1}
    wrong = await client.post("/roster", json={"people": [person, {**person, "email": "nobody"}]}, headers=admin)
    assert wrong.status_code == 422
    assert {fault["field"] for fault in wrong.json()["faults"]} == {"people[1].email", "people[1].employee_number"}


@pytest.mark.parametrize(
    ("rows", "column", "words"),
    [
        (MIRA + OLE.replace(",1,", ",9,"), "manager_employee_number", "nobody's employee number"),
        (MIRA.replace(",,2015", ",1,2015"), "manager_employee_number", "nobody is their own manager"),
        (MIRA.replace(",,2015", ",2,2015") + OLE, "manager_employee_number", "in a circle"),
        (MIRA + OLE.replace("ole@", "MIRA@"), "email", "in row 2 already"),
        (MIRA + OLE.replace("2,Ole", "1,Ole").replace(",1,2019", ",,2019"), "employee_number", "in row 2 already"),
        (MIRA.replace("2015-02-01", "2015-02-30"), "hired_on", "is not a day"),
        (MIRA.replace("mira@example.org", "mira"), "email", "no @"),
        (MIRA.replace("Director", "=HYPERLINK(1)"), "job_title", "formula"),
        (MIRA.replace("1,Mira", ",Mira"), "employee_number", "is blank"),
    ],
)
async def test_a_fault_is_named_and_nothing_is_stored(
    client: Client, admin: Headers, rows: str, column: str, words: str
) -> None:
    answer = await roster(client, rows, admin)
    assert answer.status_code == 422, answer.text
    assert {fault["column"] for fault in answer.json()["faults"]} == {column}
    assert words in answer.json()["faults"][0]["reason"]
    for email in ("mira@example.org", "ole@example.org"):
        assert (await client.get("/people", params={"email": email}, headers=admin)).json()["items"] == []


async def test_an_unknown_time_zone_and_a_taken_address_are_refused(client: Client, admin: Headers) -> None:
    await roster(client, MIRA, admin)
    zone = b"employee_number,given_name,email,time_zone\n5,Lu,lu@example.org,Mars/Olympus\n"
    answer = await roster(client, zone, admin)
    assert [(fault["row"], fault["column"]) for fault in answer.json()["faults"]] == [(2, "time_zone")]
    taken = await roster(client, "6,Mara,Vasquez,mira@example.org,Docks,,,,\n", admin)
    assert "belongs to employee 1 already" in taken.json()["faults"][0]["reason"]


async def test_circles_of_managers_can_be_cut(client: Client, admin: Headers) -> None:
    circle = MIRA.replace(",,2015", ",2,2015") + OLE
    answer = await roster(client, circle, admin, circles="cut")
    assert counts(answer) == {"joined": 2}
    assert sorted(answer.json()["cut_managers"]) == ["1", "2"]
    assert counts(await roster(client, circle, admin, circles="cut")) == {"unchanged": 2}


async def test_a_last_day_ahead_is_no_departure_yet(client: Client, admin: Headers, settings: Settings) -> None:
    ahead = (datetime.now(UTC) + timedelta(days=20)).date().isoformat()
    await roster(client, MIRA.rstrip("\n") + ahead + "\n", admin)
    (mira,) = (await client.get("/people", params={"email": "mira@example.org"}, headers=admin)).json()["items"]
    assert (mira["departed_on"], mira["leaves_on"]) == (None, ahead)
    async with tap(settings) as topics:
        assert (await topics.first(PersonState)).departed_on is None


@pytest.mark.parametrize("content", [b"PK\x03\x04 and no archive", b"\x00\x01\x02", b"", b"{", b"a;b\n1;2\n"])
async def test_what_is_no_roster_is_refused_clearly(client: Client, admin: Headers, content: bytes) -> None:
    for kind in ("text/csv", "application/json"):
        answer = await roster(client, content, admin, content_type=kind)
        assert answer.status_code == 422, (kind, answer.text)


async def test_only_administrators_and_hr_systems_send_rosters(client: Client, tokens: Tokens) -> None:
    assert (await roster(client, MIRA, tokens.manager())).status_code == 403
    assert (await roster(client, MIRA, tokens.service(["roster"]))).status_code == 200


@pytest.mark.skipif(not EMPLOYEES.is_file(), reason="the roster of 10,000 is not at ../shared/data/employees")
async def test_ten_thousand_people_are_imported_once(client: Client, admin: Headers, settings: Settings) -> None:
    content = EMPLOYEES.read_bytes()
    refused = await roster(client, content, admin)
    assert refused.status_code == 422
    assert "in a circle" in refused.json()["faults"][0]["reason"]
    assert counts(await roster(client, content, admin, circles="cut")) == {"joined": 10_000}
    assert counts(await roster(client, content, admin, circles="cut")) == {"unchanged": 10_000}
    lines = content.decode().splitlines()
    here = [number for number, line in enumerate(lines) if line.endswith(",")]
    gone = next(number for number, line in enumerate(lines) if number and not line.endswith(","))
    mover, leaver, renamed, returner = *here[:3], gone
    lines[mover] = lines[mover].replace(f",{lines[mover].split(',')[4]},", ",Harbour,")
    lines[leaver] += "2026-06-30"
    lines[renamed] = lines[renamed].replace(f",{lines[renamed].split(',')[2]},", ",Newname,")
    lines[returner] = lines[returner].rpartition(",")[0] + ","
    lines.append(f"999999,Ada,Okafor,ada@example.org,Harbour,Pilot,{lines[mover].split(',')[0]},2026-07-01,")
    changed = "\r\n".join(lines).encode()
    answer = await roster(client, changed, admin, circles="cut", dry_run=True)
    expected = {"joined": 1, "moved": 1, "changed": 1, "left": 1, "returned": 1, "unchanged": 9_996}
    assert counts(answer) == expected
    numbers = {number: lines[number].split(",")[0] for number in (mover, leaver, renamed, returner)}
    assert {(one["employee_number"], one["kind"]) for one in answer.json()["changes"]} == {
        (numbers[mover], "moves"),
        (numbers[leaver], "leaves"),
        (numbers[renamed], "changes"),
        (numbers[returner], "returns"),
        ("999999", "joins"),
    }
    assert counts(await roster(client, changed, admin, circles="cut")) == expected
    assert counts(await roster(client, changed, admin, circles="cut")) == {"unchanged": 10_001}
    async with tap(settings) as topics:
        await topics.all_of(PersonUpdated, at_least=2, within_seconds=60)
        await topics.all_of(PersonState, at_least=10_005, within_seconds=60)
        said = Counter(one.envelope.name for one in topics.seen)
        fields = sorted(one.fields for one in await topics.all_of(PersonUpdated, at_least=2))
    assert said == {
        "person.registered": 10_001,
        "person.departed": 1_937,
        "person.returned": 1,
        "person.state": 10_005,
        "person.updated": 2,
    }
    assert fields == [("family_name",), ("unit",)]


async def in_pieces(content: bytes, size: int) -> AsyncIterator[bytes]:
    for begin in range(0, len(content), size):
        yield content[begin : begin + size]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
async def test_a_roster_that_comes_in_pieces_is_read_as_a_whole(
    client: Client, admin: Headers, encoding: str, delimiter: str
) -> None:
    rows = HEADER + MIRA.replace("Vasquez", "Vásquez").replace("Director", '"Director,\nDocks; and ""more"""') + OLE
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter).writerows(csv.reader(io.StringIO(rows)))
    declared = {"windows-1252": "windows-1252"}.get(encoding, "utf-8")
    content = written.getvalue().encode(encoding)
    headers = {**admin, "Content-Type": f"text/csv; charset={declared}"}
    answer = await client.post("/roster", content=in_pieces(content, 7), headers=headers)
    assert counts(answer) == {"joined": 2}
    (mira,) = (await client.get("/people", params={"email": "mira@example.org"}, headers=admin)).json()["items"]
    assert (mira["family_name"], mira["job_title"]) == ("Vásquez", 'Director, Docks; and "more"')


async def a_million_rows(filling: str) -> AsyncIterator[bytes]:
    yield b"employee_number,given_name,email,unit\n"
    for thousand in range(1_000):
        numbers = range(thousand * 1_000, thousand * 1_000 + 1_000)
        yield "".join(f"{number},Mira,p{number}@example.org,{filling}\n" for number in numbers).encode()


@pytest.mark.parametrize(("filling", "words"), [("Harbour", "more than 300,000 rows"), ("Harbour" * 20, "64 MiB")])
async def test_a_file_of_a_million_rows_is_refused_and_does_not_fill_the_memory(
    client: Client, admin: Headers, filling: str, words: str
) -> None:
    tracemalloc.start()
    try:
        headers = {**admin, "Content-Type": "text/csv"}
        answer = await client.post("/roster", content=a_million_rows(filling), headers=headers)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
    assert words in answer.json()["detail"]
    assert most < 150_000_000, f"{most:,} bytes"
    assert (await client.get("/people", headers=admin)).json()["items"] == []


def test_a_workbook_whose_texts_would_fill_the_memory_is_refused_unread() -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("xl/sharedStrings.xml", "w") as texts:
            for _ in range(31):
                texts.write(b"<si><t>a</t></si>" * 58_824)
        archive.writestr("xl/worksheets/sheet1.xml", b"")
    assert content.getbuffer().nbytes < 1_000_000
    with pytest.raises(workbooks.WorkbookTooLarge):
        next(workbooks.rows_of(content))


@pytest.mark.parametrize("many", [b"{},", b"[],"])
async def test_a_document_of_too_many_people_is_refused_unread(client: Client, admin: Headers, many: bytes) -> None:
    body = b'{"people": [' + many * 700_000 + b"{}]}"
    refused = await client.post("/roster", content=body, headers={**admin, "Content-Type": "application/json"})
    assert refused.status_code == 413
    body = b'{"people": [{"employee_number": "' + b"1" * 16_777_216 + b'"}]}'
    refused = await client.post("/roster", content=body, headers={**admin, "Content-Type": "application/json"})
    assert refused.status_code == 413
