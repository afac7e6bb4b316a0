"""Searches among 200,000 people, timed: `python -m services.profiles.bench.search`.

Each kind is made as administrators do, among everybody; as everybody else does, within a program, by its manager and by
a participant; and pages further on. With `--page FILE` the figures are also written into a page.
"""

import asyncio
import json
import logging
import random
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import sqlalchemy as sa
import structlog

from tandem_chassis import migrations
from tandem_chassis.auth import Authenticator
from tandem_chassis.testing import ISSUER, KnownKeys, Tokens
from tandem_local import postgresql
from tandem_local.ports import free_port
from tandem_profiles.domain.sample_vocabulary import FAMILY_NAMES, GIVEN_NAMES, UNITS
from tandem_profiles.main import create_app
from tandem_profiles.settings import Settings
from tests.bench.figures import Figures, finish, options

PEOPLE = 200_000
IN_PROGRAMS = (5_000, 50_000)
"""How many people take part in the programs that are searched."""
SEARCHES = 1_000
PAGES = 5
"""How many pages are read of one search."""
LIMIT_MILLISECONDS = 50
ZONES = ("Europe/London", "Europe/Lisbon", "Asia/Kolkata", "America/Bogota", "Australia/Perth")
LANGUAGES = ("en", "pt", "hi", "es", "sw", "de", "fr")
SKILLS = tuple(f"Skill {number}" for number in range(400))


def person(number: int, chance: random.Random) -> dict[str, Any]:
    """An invented person. Middle parts make as many different names as a company of this size has."""
    syllables = ("ka", "lo", "mi", "ra", "te", "vo", "na", "su", "den", "har", "wick", "ley", "son", "ov", "es")
    family = chance.choice(FAMILY_NAMES)
    if chance.random() < 0.7:
        family = "".join(chance.choice(syllables) for _ in range(chance.randint(2, 4))).title()
    return {
        "number": str(number),
        "given": chance.choice(GIVEN_NAMES),
        "family": family,
        "unit": f"{chance.choice(UNITS)} {chance.randint(1, 20)}",
        "level": chance.choice((1, 2, 3, 3, 4, 4, 5, 6, 7)),
        "zone": chance.choices(ZONES, weights=(60, 15, 15, 7, 3))[0],
        "languages": sorted({"en", chance.choice(LANGUAGES)}),
        "skills": [f'{{"skill": "{skill}", "level": 3}}' for skill in chance.sample(SKILLS, chance.randint(0, 4))],
    }


_INSERT = """
INSERT INTO people (person_id, version, employee_number, given_name, family_name, email, email_key, level, unit,
                    time_zone, languages, skills_offered, registered_at, changed_at)
SELECT gen_random_uuid(), 1, p->>'number', p->>'given', p->>'family', p->>'number' || '@example.org',
       p->>'number' || '@example.org', (p->>'level')::int, p->>'unit', p->>'zone',
       ARRAY(SELECT jsonb_array_elements_text(p->'languages')),
       (SELECT coalesce(jsonb_agg(s::jsonb), '[]') FROM jsonb_array_elements_text(p->'skills') AS s), now(), now()
FROM jsonb_array_elements(CAST(:people AS jsonb)) AS p
"""


_ENROLL = """
INSERT INTO enrollments (enrollment_id, version, program_id, person_id, roles, status, mentor_places, wanted_mentors,
                         confidential_answers, submitted_at, changed_at)
SELECT gen_random_uuid(), 1, :program_id, person_id, '{mentee}', 'approved', 0, 1, '{}', now(), now()
FROM (SELECT person_id FROM people ORDER BY md5(employee_number) LIMIT :number) AS taking_part
"""


async def fill(app: Any, chance: random.Random) -> list[dict[str, Any]]:
    """Put everybody into the database."""
    everybody = [person(number, chance) for number in range(PEOPLE)]
    for begin in range(0, PEOPLE, 5_000):
        async with app.state.database.transaction() as session:
            chunk = json.dumps(everybody[begin : begin + 5_000])
            await session.execute(sa.text(_INSERT), {"people": chunk})
    async with app.state.database.transaction() as session:
        await session.execute(sa.text("ANALYZE people"))
    return everybody


async def enroll(app: Any, program_id: str, number: int) -> str:
    """Let so many people take part in a program; the answer is one of them."""
    found = sa.text("SELECT person_id FROM enrollments WHERE program_id = :id LIMIT 1")
    async with app.state.database.transaction() as session:
        await session.execute(sa.text(_ENROLL), {"program_id": UUID(program_id), "number": number})
        await session.execute(sa.text("ANALYZE enrollments"))
        return str(await session.scalar(found, {"id": UUID(program_id)}))


def searches(everybody: list[dict[str, Any]], chance: random.Random) -> dict[str, Callable[[], dict[str, Any]]]:
    """The kinds of searches, each made anew from somebody who is there."""

    def somebody() -> dict[str, Any]:
        return chance.choice(everybody)

    def mistyped(name: str) -> str:
        if len(name) < 5:
            return name + "x"
        place = chance.randrange(1, len(name) - 2)
        return name[:place] + name[place + 1] + name[place] + name[place + 2 :]

    return {
        "first letters": lambda: {"q": somebody()["family"][: chance.randint(2, 4)]},
        "given name": lambda: {"q": somebody()["given"]},
        "whole name": lambda: (lambda one: {"q": f"{one['given']} {one['family']}"})(somebody()),
        "mistyped name": lambda: {"q": mistyped(somebody()["family"])},
        "skill": lambda: {"skill": chance.choice(SKILLS)},
        "unit and level": lambda: (lambda one: {"unit": one["unit"], "lowest_level": one["level"]})(somebody()),
        "language and time zone": lambda: (lambda one: {"language": one["languages"][0], "time_zone": one["zone"]})(
            somebody()
        ),
        "name and skill": lambda: {"q": somebody()["given"][:3], "skill": chance.choice(SKILLS)},
        "level and time zone": lambda: {"lowest_level": 7, "time_zone": chance.choice(ZONES)},
    }


async def measure(figures: Figures, url: str) -> None:
    """Time the searches, whole requests inside the process, and hold their 99th percentile to the limit."""
    tokens = Tokens()
    settings = Settings(
        database_url=url,
        kafka_bootstrap_servers="127.0.0.1:9",
        oidc_issuer=ISSUER,
        oidc_jwks_url="http://127.0.0.1:9/",
    )
    await migrations.upgrade(settings.asyncpg_dsn(), package="tandem_profiles")
    app = create_app(settings)
    app.state.authenticator = Authenticator(settings, KnownKeys(tokens.keys))
    chance = random.Random(4)  # noqa: S311 - the same people and searches each time
    began = time.perf_counter()
    everybody = await fill(app, chance)
    figures.add(f"{PEOPLE:,} people stored", f"{time.perf_counter() - began:.0f} s")
    kinds = searches(everybody, chance)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://bench") as client:
        await time_searches(figures, client, "everybody", kinds, headers=tokens.admin(), among={})
        for number in IN_PROGRAMS:
            made = await client.post("/programs", json={"name": f"{number:,}"}, headers=tokens.admin())
            program_id = made.json()["program_id"]
            participant = await enroll(app, program_id, number)
            for who, headers in (("manager", tokens.manager(program_id)), ("participant", tokens.person(participant))):
                where = f"{who}, program of {number:,}"
                await time_searches(figures, client, where, kinds, headers=headers, among={"program_id": program_id})
    await app.state.database.close()


async def time_searches(
    figures: Figures,
    client: httpx2.AsyncClient,
    where: str,
    kinds: Mapping[str, Callable[[], dict[str, Any]]],
    *,
    headers: dict[str, str],
    among: dict[str, str],
) -> None:
    """Time the first page of each kind of search, and the pages behind it."""
    first: list[float] = []
    later: list[float] = []
    for kind, make in kinds.items():
        times: list[float] = []
        for _ in range(SEARCHES // len(kinds)):
            parameters = {"limit": 20, **make(), **among}
            for number in range(PAGES):
                start = time.perf_counter()
                answer = await client.get("/people", params=parameters, headers=headers)
                (later if number else times).append((time.perf_counter() - start) * 1000)
                answer.raise_for_status()
                parameters["cursor"] = answer.json()["next_cursor"]
                if parameters["cursor"] is None:
                    break
        first += times
        figures.add_times(f"{where}: {kind}", times)
    figures.add_times(f"{where}: every first page", first, limit=LIMIT_MILLISECONDS)
    figures.add_times(f"{where}: every later page", later, limit=LIMIT_MILLISECONDS)


def main() -> None:
    """Start a PostgreSQL of its own, measure, and say whether the limit held."""
    given = options(__doc__).parse_args()
    figures = Figures("Search: `make bench-profiles`", quiet=given.json)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as place:
        directory = Path(place)
        directory.chmod(0o711)
        server = postgresql.choose(
            directory=directory / "postgresql", port=free_port, log=directory / "postgresql.log", durable=False
        )
        server.start()
        try:
            asyncio.run(measure(figures, server.ensure_database("profiles_bench")))
        finally:
            server.stop()
    finish(figures, given)


if __name__ == "__main__":
    main()
