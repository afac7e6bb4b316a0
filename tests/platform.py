"""The whole platform as processes of its own: started by the `tandem` command, as a person would."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil

from tandem_local.access import Wish, request_token
from tandem_local.addresses import SERVICES, Addresses
from tandem_local.state import StateDirectory

__all__ = ["SERVICES", "RunningPlatform", "running_platform", "tandem"]

TANDEM = str(Path(sys.executable).with_name("tandem"))


@dataclass(frozen=True)
class RunningPlatform:
    """A platform that runs, with its own data, ports and broker."""

    home: Path
    addresses: Addresses
    kafka: str | None

    @property
    def record(self) -> dict[str, Any]:
        """What the supervisor says about itself."""
        document: dict[str, Any] = json.loads((self.home / "run.json").read_text())
        return document

    @property
    def bootstrap_servers(self) -> str:
        """Where the broker listens."""
        return str(self.record["bootstrap_servers"])

    def process_of(self, part: str) -> psutil.Process:
        """The process of a part, such as `matching`."""
        return psutil.Process(next(entry["pid"] for entry in self.record["parts"] if entry["name"] == part))

    def kill(self, part: str) -> None:
        """End a part at once, as a crash would."""
        os.kill(self.process_of(part).pid, signal.SIGKILL)

    def restarts_of(self, part: str) -> int:
        """How often the supervisor had to start this part again."""
        return int(next(entry["restarts"] for entry in self.record["parts"] if entry["name"] == part))

    def runs_again(self, part: str, restarts_before: int) -> bool:
        """Whether the supervisor has started this part again."""
        entry = next(entry for entry in self.record["parts"] if entry["name"] == part)
        return bool(entry["restarts"] > restarts_before and entry["state"] == "running")

    def database_url(self, service: str) -> str:
        """The database of a service, as the service was told."""
        return self.process_of(service).environ()["TANDEM_DATABASE_URL"]

    def token(self, *, admin: bool = False, programs: tuple[UUID, ...] = (), person_id: UUID | None = None) -> str:
        """A token of the embedded identity provider."""
        wish = Wish(admin=admin, programs=programs, person_id=person_id)
        return str(request_token(StateDirectory(self.home), self.addresses, wish)["access_token"])

    def command(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the `tandem` command against this platform."""
        return tandem(self.home, self.addresses.base_port, *arguments, check=check)


def tandem(home: Path, base_port: int, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the `tandem` command with its own state directory and ports."""
    answer = subprocess.run(
        [TANDEM, *arguments],
        env={**os.environ, "TANDEM_HOME": str(home), "TANDEM_BASE_PORT": str(base_port)},
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    if check and answer.returncode != 0:
        raise AssertionError(
            f"tandem {' '.join(arguments)} ended with {answer.returncode}: {answer.stdout}{answer.stderr}"
        )
    return answer


@contextmanager
def running_platform(
    home: Path, *, base_port: int, kafka: str | None, sample: bool = False
) -> Iterator[RunningPlatform]:
    """Start a platform, and stop it at the end of the block."""
    chosen = ["--kafka", kafka] if kafka else []
    tandem(home, base_port, "up", "--detach", *chosen, "--sample" if sample else "--no-sample")
    try:
        yield RunningPlatform(home, Addresses(base_port), kafka)
    finally:
        tandem(home, base_port, "down")
