"""Apache Kafka in a container, for tests on machines with a Docker engine."""

import http.client
import os
import socket
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tandem_local.brokers import readiness
from tandem_local.brokers.apache import VERSION
from tandem_local.processes import ChildProcess
from tandem_local.refusals import CannotStart

IMAGE = f"apache/kafka:{VERSION}"


class ApacheInDocker:
    """Apache Kafka's own image under testcontainers, which removes the container when the test run ends."""

    idempotent_producer = True
    session_timeout_seconds = 6
    keeps_log = True
    process: ChildProcess | None = None

    def __init__(self, *, port: int) -> None:
        self.bootstrap_servers = f"127.0.0.1:{port}"
        self.description = f"Apache Kafka {VERSION} in Docker (testcontainers)"
        self.ports: tuple[int, ...] = (port,)
        self._container: Any = None

    def start(self) -> None:
        """Return when it answers.

        Raises:
            CannotStart: the engine refuses, or the broker is not ready within a minute.
        """
        import time

        from docker.errors import DockerException  # type: ignore[import-untyped]

        try:
            if self._container is None:
                self._container = self._new_container()
                self._container.start()
            else:
                self._container.get_wrapped_container().start()
        except DockerException as refusal:
            raise CannotStart(f"Docker cannot start {IMAGE}: {refusal}") from refusal
        deadline = time.monotonic() + 60
        while not readiness.answers(self.bootstrap_servers):
            if time.monotonic() > deadline:
                raise CannotStart(f"{IMAGE} in Docker was not ready within 60 s.")
            time.sleep(0.2)

    def stop(self) -> None:
        """Stop the container; its log stays in it for the next start."""
        if self._container is not None:
            self._container.get_wrapped_container().stop(timeout=8)

    def kill(self) -> None:
        """Kill the container's process."""
        if self._container is not None:
            self._container.get_wrapped_container().kill()

    def remove(self) -> None:
        """Remove the container and its log."""
        if self._container is not None:
            self._container.stop()
            self._container = None

    def _new_container(self) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the library's own imports, which are not ours to mend
            from testcontainers.core.container import DockerContainer

        container = DockerContainer(IMAGE).with_bind_ports(9092, self.ports[0])
        settings = {
            "KAFKA_PROCESS_ROLES": "broker,controller",
            "KAFKA_NODE_ID": "1",
            "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
            "KAFKA_LISTENERS": "PLAINTEXT://0.0.0.0:9092,CONTROLLER://localhost:9093",
            "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{self.bootstrap_servers}",
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
            "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
            "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "4",
            "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
            "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
            "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR": "1",
            "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR": "1",
            "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
            "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        }
        for name, value in settings.items():
            container = container.with_env(name, value)
        return container


def what_is_missing() -> str | None:
    """None when a Docker engine here has, or has now pulled, the image; else what stands in the way. May download."""
    if not _engine_answers():
        return "no Docker engine answers"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the library's own imports, which are not ours to mend
        import docker  # type: ignore[import-untyped]
        from docker.errors import DockerException, ImageNotFound
    try:
        engine = docker.from_env()
        try:
            try:
                engine.images.get(IMAGE)
            except ImageNotFound:
                engine.images.pull(IMAGE)
        finally:
            engine.close()
    except (DockerException, OSError) as refusal:
        return f"the Docker engine has no image {IMAGE} and cannot pull it ({type(refusal).__name__})"
    return None


def _engine_answers() -> bool:
    """Asks the engine for its pulse with the standard library: importing the client takes longer than most tests."""
    address = urlsplit(os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock")
    if address.scheme != "unix":
        # A remote engine publishes ports on another machine, and tests talk to 127.0.0.1 only.
        return False
    connection = http.client.HTTPConnection("localhost", timeout=2)
    if not Path(address.path).exists():
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as pulse:
        pulse.settimeout(2)
        try:
            pulse.connect(address.path)
            connection.sock = pulse
            connection.request("GET", "/_ping")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
