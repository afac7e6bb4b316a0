"""Puts the platform together: which parts there are, in which order they start, and what each is told."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from tandem_local import brokers, postgresql
from tandem_local.addresses import SERVICES, Addresses
from tandem_local.brokers import Broker
from tandem_local.identity import AUDIENCE
from tandem_local.parts import DatabaseServer, EventBroker, HttpProgram, Part
from tandem_local.postgresql import Postgresql
from tandem_local.processes import LAST_GRACE_SECONDS
from tandem_local.state import StateDirectory

SHUTDOWN_SECONDS = 2

UNHURRIED = {
    "TANDEM_OUTBOX_POLL_MAX_MILLISECONDS": "2000",
    "TANDEM_HEALTH_POLL_MILLISECONDS": "1000",
    "TANDEM_MATCH_RUN_POLL_MILLISECONDS": "1000",
    "TANDEM_REQUEST_SWEEP_MILLISECONDS": "5000",
    "TANDEM_DUE_POLL_MILLISECONDS": "2000",
    "TANDEM_WAITING_RETRY_SECONDS": "4",
    "TANDEM_CONSUMER_FETCH_WAIT_MILLISECONDS": "2000",
    "TANDEM_KAFKA_TOPIC_PARTITIONS": "2",
}
"""Background work looks less often than in production, and topics have few partitions, so that an idle platform leaves
the machine to its user. Commits wake the relay at once all the same. What the environment says comes before these."""

DESCRIPTIONS = {
    "profiles": "people, programs, enrollments",
    "matching": "requests, match runs, pairings",
    "scheduling": "agreements, sessions, modules",
    "feedback": "goals, feedback, health, recognition",
}


@dataclass(frozen=True, slots=True)
class Platform:
    """Everything that runs, not yet started."""

    stages: Sequence[Sequence[Part]]
    broker: Broker
    addresses: Addresses


def assemble(
    state: StateDirectory,
    addresses: Addresses,
    *,
    kafka: str | None,
    environment: Mapping[str, str] = os.environ,
) -> Platform:
    """The platform on this state directory and these addresses; `kafka` is embedded, apache, or None for the default.

    Raises:
        CannotStart: a part cannot be had here.
    """
    server = postgresql.choose(
        directory=state.postgresql,
        port=addresses.postgresql_port,
        log=state.logs / "postgresql.log",
        environment=environment,
    )
    broker = brokers.choose(
        kafka, directory=state.root, port=addresses.broker_port, logs=state.logs, environment=environment
    )
    identity = HttpProgram(
        name="identity",
        description="embedded identity provider (OpenID Connect)",
        command=[sys.executable, "-m", "tandem_local.identity"],
        port=addresses.identity_port,
        log=state.logs / "identity.log",
        grace_seconds=LAST_GRACE_SECONDS,
        environment=lambda: {
            "TANDEM_IDENTITY_DIRECTORY": str(state.identity),
            "TANDEM_OIDC_ISSUER": addresses.issuer,
            "TANDEM_HTTP_PORT": str(addresses.identity_port),
        },
    )
    archives = Archives(broker, may_lack_history=_may_be_another_than_last_time(state, broker))
    services = [
        HttpProgram(
            name=service,
            description=DESCRIPTIONS[service],
            command=[sys.executable, "-m", "tandem_chassis", "serve", f"tandem_{service}", "--migrate"],
            port=addresses.service_port(service),
            log=state.logs / f"{service}.log",
            environment=_service_environment(service, server, broker, addresses, archives),
            when_ready=partial(archives.note_published, service),
        )
        for service in SERVICES
    ]
    infrastructure: list[Part] = [
        DatabaseServer(server, port=addresses.postgresql_port),
        EventBroker(broker, relied_on_by=SERVICES),
        identity,
    ]
    return Platform(stages=[infrastructure, services], broker=broker, addresses=addresses)


def _service_environment(
    service: str, server: Postgresql, broker: Broker, addresses: Addresses, archives: "Archives"
) -> Callable[[], dict[str, str]]:
    def environment() -> dict[str, str]:
        return {
            **{name: value for name, value in UNHURRIED.items() if name not in os.environ},
            "TANDEM_DATABASE_URL": server.ensure_database(f"tandem_{service}"),
            "TANDEM_KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
            "TANDEM_KAFKA_IDEMPOTENT_PRODUCER": str(broker.idempotent_producer).lower(),
            "TANDEM_CONSUMER_SESSION_TIMEOUT_SECONDS": str(broker.session_timeout_seconds),
            "TANDEM_OIDC_ISSUER": addresses.issuer,
            "TANDEM_OIDC_AUDIENCE": AUDIENCE,
            "TANDEM_OIDC_JWKS_URL": f"{addresses.issuer}/jwks",
            "TANDEM_HTTP_HOST": "127.0.0.1",
            "TANDEM_HTTP_PORT": str(addresses.service_port(service)),
            "TANDEM_REPUBLISH_AT_START": str(archives.must_be_published(service)).lower(),
            "TANDEM_SHUTDOWN_SECONDS": str(SHUTDOWN_SECONDS),
        }

    return environment


class Archives:
    """Which services' archives the broker has not got: those that it forgot, or never had."""

    def __init__(self, broker: Broker, *, may_lack_history: bool) -> None:
        self._broker = broker
        self._may_lack_history = may_lack_history
        self._published_to: dict[str, int | None] = {}

    def must_be_published(self, service: str) -> bool:
        """Whether the service, when it starts now, has to publish its archive again."""
        if service in self._published_to:
            return not self._broker.keeps_log and self._published_to[service] != self._broker_pid()
        return self._may_lack_history or not self._broker.keeps_log

    def note_published(self, service: str) -> None:
        """The service became ready, so this process of the broker has its archive."""
        self._published_to[service] = self._broker_pid()

    def _broker_pid(self) -> int | None:
        return self._broker.process.pid if self._broker.process is not None else None


def _may_be_another_than_last_time(state: StateDirectory, broker: Broker) -> bool:
    """Whether this state directory's platform told its history to another broker, as far as it remembers."""
    return state.recall("broker") != _known_as(broker)


def remember_broker(state: StateDirectory, broker: Broker) -> None:
    """Note that this broker has the whole history: to be called when every service is ready, and never before.

    A start that failed half way would otherwise leave the next one to believe that nothing is missing.
    """
    state.remember("broker", _known_as(broker))


def _known_as(broker: Broker) -> dict[str, str]:
    return {"description": broker.description.partition(",")[0], "bootstrap_servers": broker.bootstrap_servers}
