"""A broker that runs already and whose address was given."""

import time

from tandem_local.brokers import readiness
from tandem_local.processes import ChildProcess
from tandem_local.refusals import Unreachable

PATIENCE_SECONDS = 5.0


class GivenBroker:
    """The broker that `KAFKA_BOOTSTRAP_SERVERS` names; we neither start nor stop it."""

    keeps_log = True
    ports: tuple[int, ...] = ()
    process: ChildProcess | None = None

    def __init__(self, bootstrap_servers: str) -> None:
        self.bootstrap_servers = bootstrap_servers
        self.description = f"given by KAFKA_BOOTSTRAP_SERVERS ({bootstrap_servers})"
        self._idempotent_producer: bool | None = None

    session_timeout_seconds = 30

    @property
    def idempotent_producer(self) -> bool:
        """Tried out on the broker, once."""
        if self._idempotent_producer is None:
            self._idempotent_producer = readiness.takes_idempotent_producers(self.bootstrap_servers)
        return self._idempotent_producer

    def start(self) -> None:
        """Return when it answers.

        Raises:
            Unreachable: it does not within some seconds.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not readiness.answers(self.bootstrap_servers):
            if time.monotonic() > deadline:
                raise Unreachable(
                    f"The broker given by KAFKA_BOOTSTRAP_SERVERS ({self.bootstrap_servers}) does not answer."
                )
            time.sleep(0.1)

    def stop(self) -> None:
        """Nothing to do: it is not ours."""

    def kill(self) -> None:
        """Nothing to do: it is not ours."""
