"""Kafka's log is lost: the archives are published again, and every service is as it was and goes on."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from tandem_local.ports import free_base_port
from tandem_profiles.domain.sample_sheets import mentee_sheet, mentor_sheet
from tests import outsider
from tests.platform import SERVICES, RunningPlatform, running_platform
from tests.thread import Thread

pytestmark = [pytest.mark.platform, pytest.mark.timeout(600)]

BACKBONE = {"outbox_leader", "alembic_version", "idempotency_keys"}


@pytest.fixture
def platform_on_apache(broker_choice: str | None) -> Iterator[RunningPlatform]:
    if broker_choice != "apache":
        pytest.skip("only Apache Kafka has a log directory to lose: this was not tried")
    with tempfile.TemporaryDirectory(prefix="tandem-platform-") as folder:
        Path(folder).chmod(0o711)
        with running_platform(Path(folder) / "home", base_port=free_base_port(), kafka="apache") as running:
            yield running


async def tables_of(platform: RunningPlatform) -> dict[str, dict[str, list[str]]]:
    """Every row of every table of every service, as text, sorted; of the archive, what was said."""
    found: dict[str, dict[str, list[str]]] = {}
    for service in SERVICES:
        connection = await asyncpg.connect(platform.database_url(service))
        names = await connection.fetch(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
        )
        found[service] = {
            name: sorted(str(row[0]) for row in await connection.fetch(f'SELECT "{name}"::text FROM "{name}"'))
            for name in sorted(row["relname"] for row in names)
            if name not in BACKBONE
        }
        await connection.close()
    return found


async def test_after_republishing_every_service_is_as_before_and_goes_on(platform_on_apache: RunningPlatform) -> None:
    platform = platform_on_apache
    async with Thread(platform) as thread:
        await thread.create_program("Survives its broker's log")
        await thread.import_sheets({"mentor": mentor_sheet(10, 7).encode(), "mentee": mentee_sheet(10, 8).encode()})
        await thread.until_the_pool_is_complete()
        run = await thread.match()
        await thread.publish(run["run_id"])
        last = thread.meeting_now[-1]
        thread.pairs.remove(last)
        await thread.run_to_the_end()
        before = await settled(platform)
        said = len(await asyncio.to_thread(outsider.read_all, platform.bootstrap_servers))

        restarts = platform.restarts_of("broker")
        shutil.rmtree(platform.home / "apache-kafka" / "log")
        platform.kill("broker")
        await thread.until(lambda: asyncio.to_thread(platform.runs_again, "broker", restarts), bool, within_seconds=90)
        answer = await asyncio.to_thread(platform.command, "events", "republish", "--json")
        assert set(json.loads(answer.stdout.splitlines()[-1])) == set(SERVICES)
        again = await asyncio.to_thread(outsider.read_all, platform.bootstrap_servers)
        assert len(again) == said
        assert await settled(platform) == before

        thread.pairs = [last]
        await thread.run_to_the_end()
        assert len(await thread.items(last.mentor_id, "scheduling", f"/pairings/{last.pairing_id}/sessions")) == 1


async def settled(platform: RunningPlatform) -> dict[str, dict[str, list[str]]]:
    """The tables once they stay the same for a while: everything said was heard."""
    deadline = asyncio.get_running_loop().time() + 120
    last = await tables_of(platform)
    while asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(3)  # a pause in which nothing changes is what is waited for
        now = await tables_of(platform)
        if now == last:
            return now
        last = now
    raise TimeoutError("the tables did not come to rest")
