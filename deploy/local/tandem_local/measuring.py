"""Measures the whole embedded platform: how soon it is ready, what it uses idle, how soon it is gone.

`python -m tandem_local.measuring` prints the table, on a state directory of its own that is removed afterwards.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tandem_local.ports import free_base_port
from tandem_local.processes import is_alive
from tandem_local.state import StateDirectory

SETTLE_SECONDS = 5.0
IDLE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured; times in seconds, memory in MB, processor in percent of one core."""

    first_start_seconds: float
    second_start_seconds: float
    stop_seconds: float
    idle_megabytes: float
    idle_processor_percent: float
    processes_left: int


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that was run to its end."""

    exit_code: int
    out: str
    errors: str
    seconds: float


def tandem(home: Path, *arguments: str, timeout_seconds: float = 120) -> Ran:
    """Run the command on this state directory, as a person would in a terminal."""
    began = time.monotonic()
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "TANDEM_TOKEN")}
    ended = subprocess.run(
        [sys.executable, "-m", "tandem_local.cli", *arguments],
        env=environment | {"TANDEM_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=timeout_seconds,
        check=False,
    )
    return Ran(ended.returncode, ended.stdout, ended.stderr, time.monotonic() - began)


def started(home: Path, base_port: int, *more: str) -> Ran:
    """Start the platform detached, with its sample.

    Raises:
        RuntimeError: it did not start; the message is what the command said.
    """
    ran = tandem(home, "up", "--detach", "--json", "--base-port", str(base_port), *more)
    if ran.exit_code != 0:
        raise RuntimeError(ran.errors)
    return ran


def processes_of(home: Path) -> list[psutil.Process]:
    """Every process of the platform on this state directory, PostgreSQL's own children among them."""
    record = StateDirectory(home).running()
    pids = [pid for pid in (record.pid, *(part.pid for part in record.parts)) if pid is not None]
    family: dict[int, psutil.Process] = {}
    for pid in pids:
        with suppress(psutil.NoSuchProcess):  # helpers of PostgreSQL come and go
            parent = psutil.Process(pid)
            family[pid] = parent
            family |= {process.pid: process for process in parent.children(recursive=True)}
    return list(family.values())


def idle(processes: list[psutil.Process], *, seconds: float) -> tuple[float, float]:
    """Memory in MB (shared pages counted once) and processor use in percent of one core over this time."""

    def processor_seconds() -> float:
        return sum(of_one(process, lambda one: sum(one.cpu_times()[:2])) for process in processes)

    before, began = processor_seconds(), time.monotonic()
    time.sleep(seconds)
    percent = 100 * (processor_seconds() - before) / (time.monotonic() - began)
    memory = sum(of_one(process, lambda one: one.memory_full_info().pss) for process in processes)
    return memory / 1_000_000, percent


def of_one(process: psutil.Process, figure: Callable[[psutil.Process], float]) -> float:
    """A figure of a process; nothing where it has ended meanwhile, as helpers of PostgreSQL do."""
    try:
        return figure(process)
    except psutil.NoSuchProcess:
        return 0.0


def measure(home: Path, base_port: int, *, idle_seconds: float = IDLE_SECONDS) -> Figures:
    """Start, idle, stop, start again, stop; on an empty state directory."""
    first = started(home, base_port)
    try:
        time.sleep(SETTLE_SECONDS)
        processes = processes_of(home)
        megabytes, percent = idle(processes, seconds=idle_seconds)
    finally:
        stop = tandem(home, "down")
    left = [process for process in processes if is_alive(process.pid)]
    second = started(home, base_port)
    tandem(home, "down")
    return Figures(
        first_start_seconds=first.seconds,
        second_start_seconds=second.seconds,
        stop_seconds=stop.seconds,
        idle_megabytes=megabytes,
        idle_processor_percent=percent,
        processes_left=len(left),
    )


def main() -> None:
    """Print the figures beside what was promised."""
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as directory:
        figures = measure(Path(directory) / "home", free_base_port())
    rows = (
        ("ready, first start with sample and match", f"{figures.first_start_seconds:.1f} s", "under 15 s"),
        ("ready, second start", f"{figures.second_start_seconds:.1f} s", "under 15 s"),
        ("everything stopped", f"{figures.stop_seconds:.1f} s", "under 10 s"),
        ("processes left running", str(figures.processes_left), "0"),
        ("memory, idle", f"{figures.idle_megabytes:.0f} MB", "under 1000 MB"),
        ("processor, idle", f"{figures.idle_processor_percent:.1f} % of a core", "under 5 %"),
    )
    if "--json" in sys.argv:
        print(json.dumps({name: value for name, value, _ in rows}))
        return
    for name, value, promised in rows:
        print(f"{name:<44} {value:>18}   {promised}")


if __name__ == "__main__":
    main()
