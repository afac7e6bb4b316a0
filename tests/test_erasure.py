"""Somebody is erased: every service confirms it, and reading the topics again brings nobody back."""

import asyncio
import csv
import io
from functools import partial
from typing import Any

import asyncpg
import pytest

from tandem_profiles.domain.sample_sheets import mentee_sheet, mentor_sheet
from tests import outsider
from tests.platform import SERVICES, RunningPlatform
from tests.thread import Pair, Thread

pytestmark = [pytest.mark.platform, pytest.mark.timeout(600)]


def with_names_of_their_own(sheet: str) -> str:
    """The same sheet with a family name for each person that nobody else has, and that stands nowhere else."""
    rows = list(csv.DictReader(io.StringIO(sheet)))
    for number, row in enumerate(rows):
        row["last name"] = f"Quillfeather-{chr(ord('a') + number) * 5}"
    written = io.StringIO()
    writer = csv.DictWriter(written, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue()


async def places_that_tell_of(platform: RunningPlatform, words: str) -> list[str]:
    """Every table of every service with a row that holds these words, also as bytes."""
    found: list[str] = []
    for service in SERVICES:
        connection = await asyncpg.connect(platform.database_url(service))
        try:
            tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            for (table,) in tables:
                query = f'SELECT count(*) FROM "{table}" AS t WHERE t::text ILIKE $1 OR t::text ILIKE $2'
                if await connection.fetchval(query, f"%{words}%", f"%{words.encode().hex()}%"):
                    found.append(f"{service}.{table}")
        finally:
            await connection.close()
    return found


async def paired(thread: Thread) -> Pair:
    """A mentor and a mentee who agreed, met and told each other how it was, among others."""
    await thread.create_program("Erasure")
    sheets = {"mentor": mentor_sheet(10, 50), "mentee": with_names_of_their_own(mentee_sheet(10, 51))}
    await thread.import_sheets({role: sheet.encode() for role, sheet in sheets.items()})
    await thread.until_the_pool_is_complete()
    run = await thread.match()
    await thread.publish(run["run_id"])
    await thread.run_to_the_end()
    return thread.meeting_now[0]


async def park_a_state(platform: RunningPlatform, service: str, person_id: str, words: tuple[str, ...]) -> None:
    """A state of this person that this service could not handle, as it keeps those."""
    connection = await asyncpg.connect(platform.database_url(service))
    try:
        await connection.execute(
            'INSERT INTO dead_letters (reader, topic, partition, "offset", key, event_id, headers, value, standing, '
            "reason) "
            "VALUES ($1, 'tandem.people', 0, 0, $2, gen_random_uuid(), '{}', $3, 'poison', 'a fault of the handler')",
            service,
            person_id,
            " ".join(words).encode(),
        )
    finally:
        await connection.close()


async def test_every_service_confirms_an_erasure_and_a_replay_brings_nobody_back(platform: RunningPlatform) -> None:
    async with Thread(platform) as thread:
        pair = await paired(thread)
        erased = pair.mentee_id
        person = await thread.call("admin", "GET", "profiles", f"/people/{erased}")
        words = (person["family_name"], person["email"])
        for one in words:
            services = {place.partition(".")[0] for place in await places_that_tell_of(platform, one)}
            assert services >= {"profiles", "scheduling"}
        for service in ("matching", "scheduling", "feedback"):
            await park_a_state(platform, service, erased, words)
        await thread.call("admin", "POST", "profiles", f"/people/{erased}/erasure")
        look = partial(thread.call, "admin", "GET", "profiles", f"/people/{erased}/erasure")
        erasure = await thread.until(look, lambda seen: seen["complete"], within_seconds=60)
        assert set(erasure["confirmed"]) == {"matching", "scheduling", "feedback"}
        await assert_nobody_tells(platform, words)

        for service in SERVICES:
            await asyncio.to_thread(platform.command, "events", "republish", "--service", service)
        marker = await thread.call("admin", "POST", "profiles", "/programs", json={"name": "After the replay"})
        reads: Any = partial(thread.call, "admin", "GET", "matching", f"/programs/{marker['program_id']}/pool")
        await thread.until(reads, bool)
        await assert_nobody_tells(platform, words)
        with pytest.raises(AssertionError, match="404"):
            await thread.call("admin", "GET", "profiles", f"/people/{erased}")
        read = await asyncio.to_thread(outsider.read_all, platform.bootstrap_servers)
    of_the_erased = [one for one in read if one.topic.endswith("tandem.people") and one.key == erased]
    assert of_the_erased[-1].data is None, "the newest state of somebody erased is that they are gone"
    facts = {one.event.get_type() for one in read if isinstance(one.data, dict) and one.data.get("person_id") == erased}
    assert {f"tandem.{name}.erased.v1" for name in ("person", "matching", "scheduling", "feedback")} <= facts


async def assert_nobody_tells(platform: RunningPlatform, words: tuple[str, ...]) -> None:
    for one in words:
        assert await places_that_tell_of(platform, one) == [], one
