"""The state directory: what stays on disk between two starts, and the record of what runs now."""

import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tandem_local.addresses import DEFAULT_BASE_PORT, SERVICES, Addresses
from tandem_local.invocation import tandem
from tandem_local.processes import is_alive
from tandem_local.refusals import CannotStart, require_room

LARGEST_LOG_BYTES = 10_000_000
CLIENT_SECRET_FILE = "TANDEM_CLIENT_SECRET_FILE"  # noqa: S105 - the name of a variable
"""Names the file with the command's secret where the platform runs in containers (deploy/compose.yaml)."""


class AlreadyRunning(CannotStart):
    """A platform runs on this state directory."""


class NotRunning(Exception):
    """No platform runs on this state directory; the message is one complete sentence."""


@dataclass
class PartRecord:
    """One part of the platform as the supervisor last saw it."""

    name: str
    description: str
    address: str
    state: str = "waiting"
    pid: int | None = None
    restarts: int = 0


@dataclass
class RunRecord:
    """What a supervisor says about itself in `run.json`, for `tandem status` and `tandem down` in other terminals."""

    pid: int | None
    """The supervisor's process; None where the platform runs in containers and an engine watches over it."""
    base_port: int
    phase: str
    bootstrap_servers: str = ""
    parts: list[PartRecord] = field(default_factory=list)


class StateDirectory:
    """`.tandem/`: data, logs, secrets, and who runs. Others may pass through it, as PostgreSQL's own user must."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self._lock: IO[str] | None = None

    @classmethod
    def find(cls, environment: Mapping[str, str] = os.environ) -> "StateDirectory":
        """`TANDEM_HOME`, else the nearest `.tandem` above, else one at the top of the repository, else one here."""
        given = environment.get("TANDEM_HOME")
        if given:
            return cls(Path(given).expanduser())
        here = Path.cwd()
        above = (here, *here.parents)
        for mark in (".tandem", ".git"):
            for directory in above:
                if (directory / mark).exists():
                    return cls(directory / ".tandem")
        return cls(here / ".tandem")

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def postgresql(self) -> Path:
        return self.root / "postgresql"

    @property
    def identity(self) -> Path:
        return self.root / "identity"

    def prepare(self) -> None:
        """Make it, and set large logs aside.

        Raises:
            NotWritable, DiskFull: and the message says so in one sentence.
        """
        require_room(self.root)
        self.root.chmod(0o711)
        self.logs.mkdir(exist_ok=True)
        for log in self.logs.glob("*.log"):
            if log.stat().st_size > LARGEST_LOG_BYTES:
                log.replace(log.with_suffix(".log.1"))

    def claim(self) -> None:
        """Become the one platform that runs here, until this process ends.

        Raises:
            AlreadyRunning: another is.
        """
        lock = (self.root / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            lock.close()
            record = self.read_record()
            who = f" (process {record.pid})" if record is not None else ""
            raise AlreadyRunning(
                f"The platform already runs on {self.root}{who}; stop it with: {tandem('down')}"
            ) from taken
        self._lock = lock

    def release(self) -> None:
        """Let another platform run here."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def is_claimed(self) -> bool:
        """Whether a supervisor runs here now; true even when its record is missing or old."""
        file = self.root / "lock"
        if not file.exists():
            return False
        with file.open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def write_record(self, record: RunRecord) -> None:
        """Say what runs; whole or not at all."""
        file = self.root / "run.json"
        fresh = file.with_suffix(".json.new")
        fresh.write_text(json.dumps(record, default=vars, indent=1))
        fresh.replace(file)

    def read_record(self) -> RunRecord | None:
        """What the last supervisor said, whether it still runs or not."""
        file = self.root / "run.json"
        try:
            document = json.loads(file.read_text())
            return RunRecord(**{**document, "parts": [PartRecord(**part) for part in document["parts"]]})
        except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
            return None  # there is none, or another version of this program wrote it

    def running(self, environment: Mapping[str, str] = os.environ) -> RunRecord:
        """What runs here now, or in containers where `TANDEM_CLIENT_SECRET_FILE` says so.

        Raises:
            NotRunning: nothing does.
        """
        if environment.get(CLIENT_SECRET_FILE):
            return _in_containers(environment)
        record = self.read_record()
        # A supervisor that has just begun finds the record of the one before, which may have been killed.
        told_by_the_living = record is not None and record.pid is not None and is_alive(record.pid)
        if record is None or not told_by_the_living or not self.is_claimed():
            raise NotRunning(f"No platform runs on {self.root}; start one with: {tandem('up')}")
        return record

    def remember(self, name: str, document: dict[str, Any]) -> None:
        """Keep a small document under `name` for the next start."""
        (self.root / f"{name}.json").write_text(json.dumps(document, indent=1))

    def recall(self, name: str) -> dict[str, Any] | None:
        """The document kept under `name`, or None."""
        file = self.root / f"{name}.json"
        return json.loads(file.read_text()) if file.exists() else None


def _in_containers(environment: Mapping[str, str]) -> RunRecord:
    """The platform that deploy/compose.yaml publishes on this machine, from `TANDEM_BASE_PORT` on."""
    addresses = Addresses(int(environment.get("TANDEM_BASE_PORT") or DEFAULT_BASE_PORT))
    ports = {"identity": addresses.identity_port, **{service: addresses.service_port(service) for service in SERVICES}}
    return RunRecord(
        pid=None,
        base_port=addresses.base_port,
        phase="running in containers",
        bootstrap_servers=f"127.0.0.1:{addresses.broker_port}",
        parts=[
            PartRecord(name=name, description="in a container", address=f"http://127.0.0.1:{port}", state="running")
            for name, port in ports.items()
        ],
    )
