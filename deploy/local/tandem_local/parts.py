"""The parts that a supervisor starts, watches and stops: PostgreSQL, the broker, and programs that answer over HTTP."""

import http.client
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from tandem_local.brokers import Broker
from tandem_local.ports import require_free_port
from tandem_local.postgresql import Postgresql
from tandem_local.processes import ChildProcess
from tandem_local.refusals import CannotStart

HTTP_GRACE_SECONDS = 5.0
"""Given to each service; what they stand on is asked to end after them (`processes.LAST_GRACE_SECONDS`), and all must
be gone within 10 s."""

START_SECONDS = 180.0


class Part(Protocol):
    """Something that runs as a process of its own, or runs elsewhere already and is only waited for."""

    name: str
    description: str
    address: str
    restarts_with_it: tuple[str, ...]
    """The parts to start anew when this one had to be: they rely on what it lost."""

    @property
    def process(self) -> ChildProcess | None:
        """Its process where it is ours."""

    def require_ports(self) -> None:
        """Return if its ports are free. Raises `PortInUse`."""

    def start(self) -> None:
        """Return when it works. Blocks. Raises `CannotStart`."""

    def why_unhealthy(self) -> str | None:
        """What it says is wrong with it and only a restart mends, or None. Blocks for a second at most."""

    def stop(self) -> None:
        """Return when it is gone. Blocks for some seconds at most; harmless when it does not run."""


class DatabaseServer:
    """PostgreSQL as a part."""

    name = "PostgreSQL"
    restarts_with_it: tuple[str, ...] = ()

    def __init__(self, server: Postgresql, *, port: int) -> None:
        self._server = server
        self._port = port
        self.description = server.description
        self.address = f"127.0.0.1:{port}" if server.process is not None else "given"

    @property
    def process(self) -> ChildProcess | None:
        return self._server.process

    def require_ports(self) -> None:
        if self._server.process is not None:
            require_free_port(self._port, wanted_by=self.name)

    def start(self) -> None:
        self._server.start()

    def why_unhealthy(self) -> str | None:
        return None

    def stop(self) -> None:
        self._server.stop()


class EventBroker:
    """The broker as a part. When one that keeps no log was started anew, the services publish their archives again."""

    name = "broker"

    def __init__(self, broker: Broker, *, relied_on_by: tuple[str, ...]) -> None:
        self._broker = broker
        self.description = broker.description
        self.address = broker.bootstrap_servers
        self.restarts_with_it = () if broker.keeps_log else relied_on_by

    @property
    def process(self) -> ChildProcess | None:
        return self._broker.process

    def require_ports(self) -> None:
        for port in self._broker.ports:
            require_free_port(port, wanted_by=f"the {self.name}")

    def start(self) -> None:
        self._broker.start()

    def why_unhealthy(self) -> str | None:
        return None

    def stop(self) -> None:
        self._broker.stop()


class HttpProgram:
    """A program with /health/live and /health/ready: the identity provider and each service."""

    def __init__(
        self,
        *,
        name: str,
        description: str,
        command: list[str],
        port: int,
        log: Path,
        environment: Callable[[], Mapping[str, str]],
        when_ready: Callable[[], None] = lambda: None,
        start_seconds: float = START_SECONDS,
        grace_seconds: float = HTTP_GRACE_SECONDS,
    ) -> None:
        """`environment` is asked for at each start: it may hold what earlier parts made known."""
        self.name = name
        self.description = description
        self.address = f"http://127.0.0.1:{port}"
        self.restarts_with_it: tuple[str, ...] = ()
        self._port = port
        self._environment = environment
        self._when_ready = when_ready
        self._start_seconds = start_seconds
        self._grace_seconds = grace_seconds
        self._process = ChildProcess(name=name, command=command, log=log)

    @property
    def process(self) -> ChildProcess:
        return self._process

    def require_ports(self) -> None:
        require_free_port(self._port, wanted_by=self.name)

    def start(self) -> None:
        self._process.environment = self._environment()
        self._process.start()
        self._process.wait_until(
            self._is_ready,
            timeout_seconds=self._start_seconds,
            poll_seconds=0.1,
            waiting_for=lambda: ask(self._port, "/health/ready", timeout_seconds=1).words,
        )
        self._when_ready()

    def _is_ready(self) -> bool:
        answer = ask(self._port, "/health/ready", timeout_seconds=5)
        if answer.status == http.client.SERVICE_UNAVAILABLE:
            alive = ask(self._port, "/health/live", timeout_seconds=5)
            if alive.status == http.client.SERVICE_UNAVAILABLE:
                raise CannotStart(f"{self.name} says that it cannot go on: {alive.words} (log: {self._process.log}).")
        return answer.status == http.client.OK

    def why_unhealthy(self) -> str | None:
        answer = ask(self._port, "/health/live", timeout_seconds=3)
        return None if answer.status == http.client.OK else answer.words

    def stop(self) -> None:
        self._process.stop(grace_seconds=self._grace_seconds)


class Answer(NamedTuple):
    """What a program said on a health page."""

    status: int | None
    """The HTTP status, or None where nothing came back."""
    words: str


def ask(port: int, path: str, *, timeout_seconds: float) -> Answer:
    """What a program on this machine answers there. Blocks."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_seconds)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read(10_000)
    except TimeoutError:
        return Answer(None, "it does not answer in time")
    except (OSError, http.client.HTTPException):
        return Answer(None, "it does not listen yet")
    finally:
        connection.close()
    if answer.status == http.client.OK:
        return Answer(answer.status, "ready")
    try:
        return Answer(answer.status, str(json.loads(body)["detail"]))
    except (ValueError, KeyError, TypeError):
        return Answer(answer.status, f"it answers {answer.status}")
