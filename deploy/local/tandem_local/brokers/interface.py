"""What every broker can be asked, wherever it comes from."""

from typing import Protocol

from tandem_local.processes import ChildProcess


class Broker(Protocol):
    """A Kafka broker on the plaintext protocol.

    All methods block. Stopped and started again it has the same address and, where `keeps_log`, the same log.
    """

    @property
    def description(self) -> str:
        """What it is, in words, for a person."""

    @property
    def bootstrap_servers(self) -> str:
        """host:port, known before it is started."""

    @property
    def session_timeout_seconds(self) -> int:
        """How long this broker should take a silent consumer for alive."""
        ...

    @property
    def idempotent_producer(self) -> bool:
        """Whether idempotent producers work on it; known once it was started."""

    @property
    def keeps_log(self) -> bool:
        """Whether its topics and their messages outlive a stop."""

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports on this machine that it takes when it is started."""

    @property
    def process(self) -> ChildProcess | None:
        """Its process, where it is one of ours."""

    def start(self) -> None:
        """Return when clients can list topics and join groups; harmless when it already runs.

        Raises:
            CannotStart: and the message says why in one sentence.
        """

    def stop(self) -> None:
        """Return when it is gone, if it is ours; harmless when it does not run."""

    def kill(self) -> None:
        """End it without warning, as a crash would, if it is ours."""
