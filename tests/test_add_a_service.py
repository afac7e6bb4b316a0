"""docs/add-a-service.md, followed: its files are written, their tests pass, and the service runs beside ours."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
import yaml

from tandem_events.contracts import SessionCompleted
from tandem_events.settings import EventSettings
from tandem_events.testing import eventually, publish
from tandem_local.ports import free_port
from tests.platform import RunningPlatform

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "add-a-service.md").read_text(encoding="utf-8")
FILE = re.compile(r"^\*\*`(?P<path>[^`]+)`\*\*\n\n```python\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def badges(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of its own with the files of the page."""
    folder = tmp_path_factory.mktemp("badges")
    for found in FILE.finditer(PAGE):
        (folder / found["path"]).parent.mkdir(parents=True, exist_ok=True)
        (folder / found["path"]).write_text(found["text"], encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n", encoding="utf-8")
    return folder


def environment(folder: Path, **more: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TANDEM_")}
    return {**inherited, "PYTHONPATH": str(folder), **more}


def test_the_page_has_every_file_that_it_counts(badges: Path) -> None:
    python = sorted(str(file.relative_to(badges)) for file in badges.rglob("*.py"))
    assert len(python) == 7
    assert PAGE.count("```python") == 7


def test_the_tests_of_the_page_pass_and_its_code_is_in_the_houses_style(badges: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=badges,
        env=environment(badges),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "1 passed" in answer.stdout
    for command in (["ruff", "check"], ["ruff", "format", "--check"]):
        config = ["--config", str(ROOT / "pyproject.toml")]
        tool = str(Path(sys.executable).with_name(command[0]))
        styled = subprocess.run(
            [tool, *command[1:], *config, str(badges / "tandem_badges")], capture_output=True, text=True, check=False
        )
        assert styled.returncode == 0, styled.stdout + styled.stderr


@pytest.mark.platform
async def test_the_service_runs_beside_ours(badges: Path, platform: RunningPlatform, database: str) -> None:
    ours = platform.process_of("feedback").environ()
    port, person = free_port(), uuid4()
    settings = EventSettings(
        database_url=database,
        kafka_bootstrap_servers=platform.bootstrap_servers,
        kafka_idempotent_producer=ours["TANDEM_KAFKA_IDEMPOTENT_PRODUCER"] == "true",
    )
    told = {
        "TANDEM_DATABASE_URL": database,
        "TANDEM_HTTP_PORT": str(port),
        "TANDEM_SESSIONS_FOR_A_BADGE": "1",
        **{
            name: ours[name]
            for name in (
                "TANDEM_KAFKA_BOOTSTRAP_SERVERS",
                "TANDEM_KAFKA_IDEMPOTENT_PRODUCER",
                "TANDEM_CONSUMER_SESSION_TIMEOUT_SECONDS",
                "TANDEM_OIDC_ISSUER",
                "TANDEM_OIDC_JWKS_URL",
            )
        },
    }
    async with served(badges, told), httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        await eventually(lambda: is_ready(client), within_seconds=60)
        await publish(settings, completed(person))
        token = await asyncio.to_thread(platform.token, admin=True)

        async def counted() -> bool:
            answer = await client.get(f"/people/{person}/badges", headers={"Authorization": f"Bearer {token}"})
            return bool(answer.status_code == 200 and answer.json() == {"sessions": 1, "badges": 1})

        await eventually(counted, within_seconds=60)
        assert (await client.get(f"/people/{person}/badges")).status_code == 401


@asynccontextmanager
async def served(folder: Path, told: dict[str, str]) -> AsyncIterator[None]:
    command = [sys.executable, "-m", "tandem_chassis", "serve", "tandem_badges", "--migrate"]
    with (folder / "badges.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, env=environment(folder, **told), stdout=log, stderr=log
        )
        try:
            yield
        finally:
            process.terminate()
            await process.wait()
    assert '"stopped"' in (folder / "badges.log").read_text(), "it did not leave in order"


async def is_ready(client: httpx2.AsyncClient) -> bool:
    try:
        return bool((await client.get("/health/ready")).status_code == 200)
    except httpx2.HTTPError:
        return False


def completed(person: UUID) -> SessionCompleted:
    now = datetime.now(UTC)
    return SessionCompleted(
        session_id=uuid4(),
        pairing_id=uuid4(),
        program_id=uuid4(),
        starts_at=now,
        ends_at=now,
        attended=(person,),
        completed_sessions=1,
        agenda_items=0,
        agenda_items_done=0,
        occurred_at=now,
    )


def test_the_entry_for_the_chart_is_one_that_the_chart_takes() -> None:
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    entry: dict[str, Any] = yaml.safe_load(block)["services"]["badges"]
    schema = yaml.safe_load((ROOT / "deploy" / "helm" / "tandem" / "values.schema.json").read_text())
    assert entry.keys() <= schema["definitions"]["service"]["properties"].keys()
    assert set(entry["reads"]) == {"tandem.scheduling", "tandem.profiles"}
