"""Which broker is taken, by what was given, what was asked for, and what this machine can do."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tandem_local.brokers import apache, docker
from tandem_local.brokers.apache import ApacheFromJars
from tandem_local.brokers.docker import ApacheInDocker
from tandem_local.brokers.embedded import EmbeddedBroker
from tandem_local.brokers.given import GivenBroker
from tandem_local.brokers.interface import Broker
from tandem_local.ports import free_port
from tandem_local.refusals import CannotStart

KINDS = ("embedded", "apache")


def choose(
    kind: str | None, *, directory: Path, port: int, logs: Path, environment: Mapping[str, str] = os.environ
) -> Broker:
    """The broker for the platform, not yet started: `KAFKA_BOOTSTRAP_SERVERS` if given, else of `kind` (see `KINDS`).

    Raises:
        CannotStart: an address was given and another kind asked for, or the kind is unknown.
    """
    given = environment.get("KAFKA_BOOTSTRAP_SERVERS")
    if given:
        if kind is not None:
            raise CannotStart(
                f"KAFKA_BOOTSTRAP_SERVERS is set ({given}) and --kafka {kind} was asked for: choose one of them."
            )
        return GivenBroker(given)
    if kind in (None, "embedded"):
        return EmbeddedBroker(port=port, log=logs / "broker.log")
    if kind == "apache":
        return ApacheFromJars(
            directory=directory / "apache-kafka", port=port, controller_port=port + 1, log=logs / "broker.log"
        )
    raise CannotStart(f"There is no broker {kind!r}; there are: {', '.join(KINDS)}.")


def choose_for_tests(*, directory: Path, environment: Mapping[str, str] = os.environ) -> Broker:
    """The broker for a test run, not yet started; fetches Apache Kafka's image or jars where it can.

    `TANDEM_TEST_BROKER` decides: `apache` (required), `embedded`, or unset: the one in `KAFKA_BOOTSTRAP_SERVERS`, else
    Apache Kafka in Docker, else from its jars, else the embedded one.

    Raises:
        CannotStart: Apache Kafka is required and cannot be had, or the wish is unknown.
    """
    wish = environment.get("TANDEM_TEST_BROKER", "")
    log = directory / "broker.log"
    if wish not in ("", *KINDS):
        raise CannotStart(f"TANDEM_TEST_BROKER is {wish!r}; it can be: {', '.join(KINDS)}, or not set.")
    given = environment.get("KAFKA_BOOTSTRAP_SERVERS")
    if given and not wish:
        return GivenBroker(given)
    if wish == "embedded":
        return EmbeddedBroker(port=free_port(), log=log)
    missing_docker = docker.what_is_missing()
    if missing_docker is None:
        return ApacheInDocker(port=free_port())
    try:
        apache.fetch_jars()
    except CannotStart as refusal:
        if wish == "apache":
            raise CannotStart(
                f"Apache Kafka is required (TANDEM_TEST_BROKER): {missing_docker}, and {refusal}"
            ) from refusal
        broker = EmbeddedBroker(port=free_port(), log=log)
        broker.description += f" (no Apache Kafka: {missing_docker}, and {refusal})"
        return broker
    return ApacheFromJars(directory=directory / "apache-kafka", port=free_port(), controller_port=free_port(), log=log)


@contextmanager
def running_for_tests(*, directory: Path, environment: Mapping[str, str] = os.environ) -> Iterator[Broker]:
    """The broker for a test run, running until its block ends: the body of a pytest fixture. See `choose_for_tests`.

    Raises:
        CannotStart: there is none, or it does not start.
    """
    with running(choose_for_tests(directory=directory, environment=environment)) as broker:
        yield broker


@contextmanager
def running(broker: Broker) -> Iterator[Broker]:
    """This broker, running until the block ends; what was made for it is gone then."""
    try:
        broker.start()
        yield broker
    finally:
        remove: Callable[[], None] = getattr(broker, "remove", broker.stop)
        remove()
