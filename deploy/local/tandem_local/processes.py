"""One child process: started on a leash, logging to a file, and ended for certain."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tandem_local.refusals import CannotStart, DiskFull

LAST_GRACE_SECONDS = 4.0
"""Given to PostgreSQL and the broker, which are stopped when the services are gone. What the kill that follows cuts
off, they mend from their logs at their next start."""

LEASH = Path(__file__).with_name("leash.py")


def is_alive(pid: int) -> bool:
    """Whether this process runs; one that has ended and is only not yet collected by its parent does not."""
    import psutil

    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@dataclass
class ChildProcess:
    """A program run as a child, in a session of its own so that Ctrl-C in the terminal does not reach it directly.

    On Linux it receives `death_signal` when the thread that started it ends, however that happens: start children from
    a thread that lives as long as the process.
    """

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    inherit_environment: bool = True
    user: str = ""
    directory: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def pid(self) -> int | None:
        """The process id while it runs, else None."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def exit_code(self) -> int | None:
        """What it ended with (negative: the signal), or None while it runs or before it was started."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start it; returns at once, before it is ready. Starting it again appends to its log.

        Raises:
            CannotStart: the program or its log cannot be opened.
        """
        environment = {**(os.environ if self.inherit_environment else {}), **self.environment}
        leash = [sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), self.user, str(int(self.death_signal))]
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    [*leash, *self.command],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    cwd=self.directory,
                    start_new_session=True,
                )
        except OSError as refusal:
            raise CannotStart(f"{self.name} cannot be started: {refusal.strerror} ({refusal.filename}).") from refusal

    def send(self, wanted: signal.Signals) -> None:
        """Send a signal if it runs; do nothing otherwise."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(wanted)

    def stop(self, *, grace_seconds: float = LAST_GRACE_SECONDS) -> None:
        """Ask it to end, wait, and kill it when the grace is over. Blocks; harmless when it is not running."""
        if self._process is None:
            return
        self.send(self.stop_signal)
        try:
            self._process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it and its children at once (SIGKILL) and wait until they are gone.

        PostgreSQL's would end by themselves, but on a busy machine not before its next start, which they hinder.
        """
        if self._process is None:
            return
        import psutil

        try:
            family = psutil.Process(self._process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            family = []
        self.send(signal.SIGKILL)
        self._process.wait()
        for child in family:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        psutil.wait_procs(family, timeout=LAST_GRACE_SECONDS)

    def log_tail(self, lines: int = 12) -> str:
        """The last lines of its log, for a person who asks why it ended."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 16_384))
            text = log.read().decode(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def wait_until(
        self,
        ready: Callable[[], bool],
        *,
        timeout_seconds: float,
        poll_seconds: float = 0.03,
        waiting_for: Callable[[], str] | None = None,
    ) -> None:
        """Return when `ready()` is true. Blocks.

        Raises:
            DiskFull: it ended and its log says that the disk is full.
            CannotStart: it ended first, or was not ready in time; its last words, or what
                it says that it waits for, are part of the message.
        """
        deadline = time.monotonic() + timeout_seconds
        while True:
            # Asked before `ready`, so that an end that `ready` waits for is never taken for a failure.
            ended = self.exit_code is not None
            if ready():
                return
            if ended:
                raise self.ended()
            if time.monotonic() > deadline:
                reason = f": {waiting_for()}" if waiting_for is not None else ""
                raise CannotStart(f"{self.name} was not ready within {timeout_seconds:g} s{reason} (log: {self.log}).")
            time.sleep(poll_seconds)

    def ended(self) -> CannotStart:
        """The refusal that says that, and as far as its log tells why, the process ended."""
        tail = self.log_tail()
        if "No space left on device" in tail:
            return DiskFull(f"{self.name} ended because the disk is full; its log is {self.log}.")
        last_words = next((line for line in reversed(tail.splitlines()) if line.strip()), "it said nothing")
        return CannotStart(f"{self.name} ended with code {self.exit_code}: {last_words.strip()} (log: {self.log}).")
