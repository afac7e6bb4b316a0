"""Why something cannot be done, each in one sentence that a person can act on."""

import errno
import os
import shutil
from pathlib import Path
from typing import Any

LEAST_FREE_MEGABYTES = 300


class CannotStart(Exception):
    """Something the platform stands on is missing or in the way; the message is one complete sentence."""


class PortInUse(CannotStart):
    """Another program already listens where one of our parts has to listen."""


class DiskFull(CannotStart):
    """The disk that holds the state directory has too little room to start on."""


class NotWritable(CannotStart):
    """The state directory cannot be written."""


class Unreachable(CannotStart):
    """A PostgreSQL or broker whose address was given does not answer."""


class Refused(Exception):
    """A service refused; `problem` is its problem document, and the message its sentence."""

    def __init__(self, service: str, status: int, problem: dict[str, Any]) -> None:
        self.problem = problem
        self.status = status
        detail = problem.get("detail") or problem.get("title") or f"it answered {status}"
        super().__init__(f"{service} refused: {detail}")

    @property
    def faults(self) -> list[dict[str, Any]]:
        """Everything that was wrong with what was sent, where the service named it."""
        faults: list[dict[str, Any]] = self.problem.get("faults", [])
        return faults


class NotAnswering(Exception):
    """A service does not answer; the message is one complete sentence."""


def require_room(directory: Path, *, least_megabytes: int = LEAST_FREE_MEGABYTES) -> None:
    """Make `directory`, and return if files can be written there and the disk has room.

    Raises:
        NotWritable: the directory cannot be made or written.
        DiskFull: fewer than `least_megabytes` are free, or not even a few bytes can be written.
    """
    probe = directory / f".probe-{os.getpid()}"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"0" * 8192)
        free_megabytes = shutil.disk_usage(directory).free // 1_000_000
    except OSError as refusal:
        if refusal.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"The disk that holds {directory} is full; free at least {least_megabytes} MB.") from refusal
        raise NotWritable(f"The state directory {directory} cannot be written: {refusal.strerror}.") from refusal
    finally:
        if probe.exists():
            probe.unlink()
    if free_megabytes < least_megabytes:
        raise DiskFull(
            f"The disk that holds {directory} has {free_megabytes} MB left; the platform needs {least_megabytes} MB."
        )
