"""The whole platform, started and stopped as a newcomer does it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tandem_local.addresses import SERVICES
from tandem_local.measuring import idle, processes_of, started, tandem
from tandem_local.ports import free_base_port
from tandem_local.processes import is_alive
from tandem_local.state import NotRunning, PartRecord, StateDirectory

pytestmark = [pytest.mark.platform, pytest.mark.timeout(400)]


@dataclass
class Here:
    """The platform on this machine, for these tests."""

    home: Path
    base_port: int
    told: dict[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> StateDirectory:
        return StateDirectory(self.home)

    def runs(self) -> bool:
        try:
            return self.state.running().phase == "running"
        except NotRunning:
            return False

    def part(self, name: str) -> PartRecord:
        return next(part for part in self.state.running().parts if part.name == name)

    def start(self) -> None:
        self.told = json.loads(started(self.home, self.base_port).out)

    def kill(self, name: str) -> None:
        pid = self.part(name).pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

    def came_back(self, name: str, restarts: int) -> bool:
        part = self.part(name)
        return part.state == "running" and part.restarts >= restarts


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    directory = tmp_path_factory.mktemp("platform")
    for above in (directory, *directory.parents[:2]):
        above.chmod(0o711)
    here = Here(directory / "home", free_base_port())
    yield here
    tandem(here.home, "down")


@pytest.fixture
def platform(machine: Here) -> Here:
    """The platform, running: started unless the test before left it so."""
    if not machine.state.is_claimed():
        machine.start()
    return machine


def test_it_loads_the_sample_pairs_people_and_serves_its_pages(platform: Here) -> None:
    assert platform.told["sample"]["pairs"] > 50
    assert platform.told["sample"]["active_pairings"] == platform.told["sample"]["pairs"]
    megabytes, _ = idle(processes_of(platform.home), seconds=0.1)
    assert megabytes < 1000
    for url in platform.told["services"].values():
        assert httpx2.get(f"{url}/docs").status_code == 200
        assert httpx2.get(f"{url}/openapi.json").json()["paths"]
    assert tandem(platform.home, "status").exit_code == 0
    said = {event["type"] for event in events(platform)}
    assert {"tandem.program.launched.v1", "tandem.pairing.created.v1", "tandem.agreement.proposed.v1"} <= said

    again = tandem(platform.home, "up", "--base-port", str(platform.base_port))
    assert (again.exit_code, "already runs" in again.errors) == (4, True)


def test_a_service_that_is_killed_comes_back(platform: Here) -> None:
    before = platform.part("scheduling").restarts

    platform.kill("scheduling")

    wait_until(lambda: platform.came_back("scheduling", before + 1))
    assert tandem(platform.home, "status").exit_code == 0


def test_a_broker_that_forgets_everything_is_told_everything_again(platform: Here) -> None:
    if platform.part("broker").pid is None:
        pytest.skip("this broker is not a process of ours")

    def told() -> set[str]:
        return {event["headers"]["ce_id"] for event in events(platform)}

    seen = [told()]

    def nothing_new() -> bool:
        seen.append(told())
        return seen[-1] == seen[-2]

    wait_until(nothing_new)
    restarts = {name: platform.part(name).restarts for name in ("broker", *SERVICES)}

    platform.kill("broker")

    wait_until(lambda: all(platform.came_back(name, count + 1) for name, count in restarts.items()))
    wait_until(lambda: told() >= seen[-1])  # services go on by themselves, and may say more


def test_it_stops_without_a_trace_and_a_second_start_finds_its_data(platform: Here) -> None:
    processes = processes_of(platform.home)
    program_id = platform.told["sample"]["program_id"]

    stopped = tandem(platform.home, "down")

    assert stopped.exit_code == 0
    assert stopped.seconds < 10
    assert not [process for process in processes if is_alive(process.pid)]
    platform.start()
    sample = platform.told["sample"]
    assert (sample["program_id"], sample["fresh"]) == (program_id, False)
    assert sample["active_pairings"] == sample["pairs"] > 50


def test_everything_ends_with_a_supervisor_that_is_killed(platform: Here) -> None:
    processes = processes_of(platform.home)

    supervisor = platform.state.running().pid
    assert supervisor is not None
    os.kill(supervisor, signal.SIGKILL)

    wait_until(lambda: not any(is_alive(process.pid) for process in processes), within_seconds=20)
    assert tandem(platform.home, "status").exit_code == 3


def test_ctrl_c_stops_everything(machine: Here) -> None:
    tandem(machine.home, "down")
    command = [sys.executable, "-m", "tandem_local.cli", "up", "--no-sample", "--base-port", str(machine.base_port)]
    environment = {**os.environ, "TANDEM_HOME": str(machine.home)}
    terminal = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        wait_until(machine.runs)
        processes = processes_of(machine.home)
    finally:
        os.killpg(terminal.pid, signal.SIGINT)
        said, _ = terminal.communicate(timeout=20)

    assert terminal.returncode == 0
    assert "Ctrl-C stops everything." in said
    assert said.splitlines()[-1] == "Stopped."
    assert not [process for process in processes if is_alive(process.pid)]


def events(platform: Here) -> list[dict[str, Any]]:
    """Everything that is on the topics."""
    lines = tandem(platform.home, "events", "tail", "-n", "100000", "--json").out.splitlines()
    return [json.loads(line) for line in lines]


def wait_until(condition: Callable[[], bool], within_seconds: float = 120) -> None:
    deadline = time.monotonic() + within_seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.1)
