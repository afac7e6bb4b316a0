"""A service's picture of the others is damaged: the `tandem` command rebuilds it from the topics while all goes on."""

import asyncio
import json

import asyncpg
import pytest

from tandem_profiles.domain.sample_sheets import mentor_sheet
from tests.platform import RunningPlatform
from tests.thread import Thread

pytestmark = [pytest.mark.platform, pytest.mark.timeout(300)]


async def rows(platform: RunningPlatform, service: str, table: str) -> list[str]:
    connection = await asyncpg.connect(platform.database_url(service))
    try:
        return sorted(str(row[0]) for row in await connection.fetch(f'SELECT "{table}"::text FROM "{table}"'))
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("service", "table"),
    [("scheduling", "people"), ("matching", "programs"), ("feedback", "people"), ("matching", "people")],
)
async def test_a_damaged_read_model_is_rebuilt_by_one_command(
    platform: RunningPlatform, service: str, table: str
) -> None:
    async with Thread(platform) as thread:
        await thread.create_program(f"To be rebuilt in {service}")
        await thread.import_sheets({"mentor": mentor_sheet(5, 40).encode()})
        await thread.until_the_pool_is_complete()
        await thread.until(lambda: rows(platform, service, table), bool)
    before = await settled(platform, service, table)
    connection = await asyncpg.connect(platform.database_url(service))
    await connection.execute(f'DELETE FROM "{table}"')
    await connection.close()
    answer = await asyncio.to_thread(
        platform.command, "events", "replay", "--service", service, "--model", table, "--json"
    )
    said = json.loads(answer.stdout.splitlines()[-1])
    assert said["switched"] is True
    assert said["rows"] == {table: len(before)}
    assert await rows(platform, service, table) == before


async def test_without_a_model_the_command_lists_what_there_is_and_another_name_is_refused(
    platform: RunningPlatform,
) -> None:
    listed = await asyncio.to_thread(platform.command, "events", "replay", "--service", "feedback")
    assert [line.partition(":")[0] for line in listed.stdout.splitlines()[:-1]] == [
        "people",
        "programs",
        "members",
        "sessions",
    ]
    refused = await asyncio.to_thread(
        platform.command, "events", "replay", "--service", "feedback", "--model", "pople", check=False
    )
    assert refused.returncode != 0
    sentence = "feedback has no read model pople; there are: people, programs, members, sessions."
    assert sentence in " ".join(refused.stderr.replace("│", " ").split())


async def settled(platform: RunningPlatform, service: str, table: str) -> list[str]:
    """The table once nothing more arrives."""
    last: list[str] = []
    while last != (now := await rows(platform, service, table)):
        last = now
        await asyncio.sleep(1)  # a pause in which nothing changes is what is waited for
    return last
