"""Search from the outside: people and skills, found by whoever may find them."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from tandem_chassis.testing import Tokens
from tandem_profiles.storage import search

from .sheets import ADA, BEN, CLEO, MENTEES, MENTORS, send

Client = httpx2.AsyncClient
Headers = dict[str, str]
SKILLS = Path(__file__).parents[4] / "shared" / "data" / "skills"

LISTED = [
    {"given_name": "José", "family_name": "Nuñez", "unit": "Docks", "level": 3, "time_zone": "Europe/Madrid"},
    {"given_name": "Josefine", "family_name": "Ødegård", "unit": "Docks", "level": 5, "languages": ["nb", "en"]},
    {"given_name": "Łukasz", "family_name": "Wiśniewski", "unit": "Cranes", "level": 4, "languages": ["pl"]},
    {"given_name": "Zoë", "family_name": "Nunez", "unit": "Cranes", "level": 3},
]


@pytest.fixture
async def listed(client: Client, admin: Headers) -> None:
    people = [
        {**one, "employee_number": str(number), "email": f"p{number}@example.org"} for number, one in enumerate(LISTED)
    ]
    answer = await client.post("/roster", json={"people": people}, headers=admin)
    assert answer.status_code == 200, answer.text


async def names(client: Client, headers: Headers, **wanted: Any) -> list[str]:
    answer = await client.get("/people", params=wanted, headers=headers)
    assert answer.status_code == 200, answer.text
    return [one["given_name"] for one in answer.json()["items"]]


@pytest.mark.usefixtures("listed")
@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"q": "jos"}, ["José", "Josefine"]),
        ({"q": "NUNEZ"}, ["José", "Zoë"]),
        ({"q": "nuñez zoe"}, ["Zoë"]),
        ({"q": "odegard"}, ["Josefine"]),
        ({"q": "wisniewksi"}, ["Łukasz"]),
        ({"q": "lukasz"}, ["Łukasz"]),
        ({"q": "100%"}, []),
        ({"skill": "Piloting"}, []),
        ({"unit": "Cranes"}, ["Łukasz", "Zoë"]),
        ({"lowest_level": 4}, ["Josefine", "Łukasz"]),
        ({"lowest_level": 3, "highest_level": 3, "unit": "Docks"}, ["José"]),
        ({"language": "pl"}, ["Łukasz"]),
        ({"time_zone": "Europe/Madrid"}, ["José"]),
    ],
)
async def test_people_are_found_by_name_unit_level_language_and_time_zone(
    client: Client, admin: Headers, wanted: dict[str, Any], found: list[str]
) -> None:
    assert await names(client, admin, **wanted) == found


@pytest.mark.usefixtures("listed")
@pytest.mark.parametrize("wanted", [{}, {"q": "nunes"}])
async def test_pages_stay_stable_while_people_come(client: Client, admin: Headers, wanted: dict[str, str]) -> None:
    whole = await names(client, admin, **wanted)
    assert len(whole) > 1
    paged: list[str] = []
    cursor = None
    while True:
        parameters: dict[str, Any] = {**wanted, "limit": 1, **({"cursor": cursor} if cursor else {})}
        page = (await client.get("/people", params=parameters, headers=admin)).json()
        paged += [one["given_name"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        number = str(100 + len(paged))
        newcomer = {"employee_number": number, "given_name": "Aa", "email": f"aa{number}@example.org"}
        await client.post("/roster", json={"people": [newcomer]}, headers=admin)
    assert paged == whole


async def test_people_are_found_within_ones_own_programs_only(
    client: Client, admin: Headers, tokens: Tokens, program_id: str
) -> None:
    other = (await client.post("/programs", json={"name": "Other"}, headers=admin)).json()["program_id"]
    await send(client, program_id, MENTORS + ADA + BEN, admin)
    await send(client, other, MENTEES + CLEO, admin, role="mentee")
    manager = tokens.manager(program_id)
    assert await names(client, manager, program_id=program_id) == ["Ada", "Ben"]
    assert (await client.get("/people", params={"program_id": other}, headers=manager)).status_code == 403
    assert (await client.get("/people", params={"q": "cleo"}, headers=manager)).status_code == 422
    (ada,) = (await client.get("/people", params={"q": "ada"}, headers=admin)).json()["items"]
    own = tokens.person(ada["person_id"])
    seen = await client.get("/people", params={"program_id": program_id, "q": "ben"}, headers=own)
    assert [one["email"] for one in seen.json()["items"]] == [None]
    outside = await client.get("/people", params={"program_id": other}, headers=own)
    assert outside.status_code == 403


@pytest.mark.parametrize("small", [search.SMALL, 0], ids=["a small program", "a large program"])
async def test_a_programs_people_are_found_page_by_page_whatever_its_size(
    client: Client, admin: Headers, tokens: Tokens, program_id: str, monkeypatch: pytest.MonkeyPatch, small: int
) -> None:
    monkeypatch.setattr(search, "SMALL", small)
    dan = ADA.replace("Ada", "Dan").replace("ada@", "dan@")
    await send(client, program_id, MENTORS + BEN + dan + ADA, admin)
    other = (await client.post("/programs", json={"name": "Other"}, headers=admin)).json()["program_id"]
    await send(client, other, MENTEES + CLEO, admin, role="mentee")
    (ben,) = (await client.get("/people", params={"q": "ben"}, headers=admin)).json()["items"]
    manager = tokens.manager(program_id)

    async def found(**wanted: Any) -> list[str]:
        paged: list[str] = []
        parameters: dict[str, Any] = {"program_id": program_id, "limit": 1, **wanted}
        while True:
            page = (await client.get("/people", params=parameters, headers=manager)).json()
            paged += [one["given_name"] for one in page["items"]]
            if page["next_cursor"] is None:
                return paged
            parameters["cursor"] = page["next_cursor"]

    assert await found() == ["Ada", "Ben", "Dan"]
    assert await found(q="o") == ["Ada", "Dan"]
    assert await found(q="okafor") == ["Ada", "Dan"]
    assert await found(q="okafro") == ["Ada", "Dan"]
    assert await found(q="cleo") == []
    assert await found(lowest_level=ben["level"]) == ["Ben"]
    assert await found(lowest_level=ben["level"], q="lind") == ["Ben"]


async def test_skills_are_found_as_one_types_and_spelled_as_the_vocabulary_does(
    client: Client, admin: Headers, tokens: Tokens, program_id: str
) -> None:
    sheet = "skill,category,synonyms\nNegotiation,People,bargaining;haggling\nNavigation,Ships,\nPython,Software,\n"
    headers = {**admin, "Content-Type": "text/csv"}
    imported = await client.post("/skills/imports", content=sheet, headers=headers)
    assert imported.json() == {"skills": 3, "new": 3}
    assert (await client.post("/skills/imports", content=sheet, headers=headers)).json() == {"skills": 3, "new": 0}

    async def found(typed: str) -> list[str]:
        answer = await client.get("/skills", params={"q": typed}, headers=tokens.manager())
        return [one["skill"] for one in answer.json()]

    assert await found("n") == ["Navigation", "Negotiation"]
    assert await found("nego") == ["Negotiation"]
    assert await found("hagg") == ["Negotiation"]
    assert await found("pyhton") == ["Python"]
    await send(client, program_id, MENTORS + ADA, admin)
    (ada,) = (await client.get("/people", params={"q": "ada"}, headers=admin)).json()["items"]
    profile = {"skills_offered": [{"skill": "BARGAINING", "level": 2}, {"skill": "negotiation", "level": 4}]}
    changed = await client.put(f"/people/{ada['person_id']}/profile", json=profile, headers={**admin, "If-Match": "*"})
    assert changed.json()["skills_offered"] == [{"skill": "Negotiation", "level": 4}]
    for known_as in ("NEGOTIATION", "haggling", "Bargaining"):
        assert await names(client, admin, skill=known_as) == ["Ada"]
    assert await names(client, admin, skill="Navigation") == []


@pytest.mark.parametrize("sheet", [b"", b"skill\n", b"name\nPython\n", b"skill\n\n \nPython\x00\n", b'skill\n"open\n'])
async def test_what_is_no_vocabulary_is_refused(client: Client, admin: Headers, sheet: bytes) -> None:
    answer = await client.post("/skills/imports", content=sheet, headers={**admin, "Content-Type": "text/csv"})
    assert answer.status_code == 422, answer.text
    assert answer.json()["faults"]


@pytest.mark.skipif(not SKILLS.is_dir(), reason="the O*NET vocabulary is not at ../shared/data/skills")
async def test_the_whole_of_onet_is_a_vocabulary(client: Client, admin: Headers) -> None:
    for name, least in (("technology_skills.csv", 8_000), ("occupation_skills.csv", 30)):
        content = (SKILLS / name).read_bytes()
        answer = await client.post("/skills/imports", content=content, headers={**admin, "Content-Type": "text/csv"})
        assert answer.json()["new"] >= least, answer.text
    found = (await client.get("/skills", params={"q": "active lis"}, headers=admin)).json()
    assert found[0]["skill"] == "Active Listening"
