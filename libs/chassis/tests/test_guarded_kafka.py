"""Kafka with SASL and TLS: a listener that asks for both lets in who has the password and checks the authority.

Needs Apache Kafka's jars; where those are missing, or tests run on the embedded broker, the test says so. CI has them.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from certificates import write_certificates
from confluent_kafka import admin as kafka_admin
from tandem_demo.settings import Settings

from tandem_chassis.testing import settings_for
from tandem_events import kafka
from tandem_events.contracts import PersonRegistered
from tandem_events.testing import own_namespace
from tandem_local.brokers import apache
from tandem_local.ports import free_port

GUARDED = """
listeners=PLAINTEXT://127.0.0.1:{{port}},CONTROLLER://127.0.0.1:{{controller_port}},GUARDED://127.0.0.1:{guarded}
advertised.listeners=PLAINTEXT://127.0.0.1:{{port}},GUARDED://127.0.0.1:{guarded}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,GUARDED:SASL_SSL
listener.name.guarded.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.guarded.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.guarded.ssl.keystore.type=PEM
listener.name.guarded.ssl.keystore.location={certificate}
"""


@dataclass(frozen=True)
class GuardedBroker:
    """Where it listens, and what its users must know."""

    bootstrap_servers: str
    authority: Path
    idempotent_producer = True
    session_timeout_seconds = apache.ApacheFromJars.session_timeout_seconds


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedBroker]:
    missing = apache.what_is_missing()
    if os.environ.get("TANDEM_TEST_BROKER") == "embedded" or missing is not None:
        pytest.skip(f"SASL and TLS were not tried: {missing or 'the tests run on the embedded broker'}")
    directory = tmp_path_factory.mktemp("guarded-kafka")
    authority, certificate = write_certificates(directory)
    port, controller_port, guarded_port = free_port(), free_port(), free_port()
    with pytest.MonkeyPatch.context() as patch:
        more = GUARDED.format(guarded=guarded_port, certificate=certificate)
        patch.setattr(apache, "PROPERTIES", apache.PROPERTIES + more)
        broker = apache.ApacheFromJars(
            directory=directory / "kafka", port=port, controller_port=controller_port, log=directory / "kafka.log"
        )
        broker.start()
    try:
        _let_in("tandem", b"open sesame", at=broker.bootstrap_servers)
        yield GuardedBroker(f"127.0.0.1:{guarded_port}", authority)
    finally:
        broker.stop()


def _let_in(user: str, password: bytes, *, at: str) -> None:
    scram: Any = kafka_admin  # the library's stubs do not export these
    proof = scram.ScramCredentialInfo(scram.ScramMechanism.SCRAM_SHA_512, 4096)
    wanted = [scram.UserScramCredentialUpsertion(user, proof, password)]
    administrator = scram.AdminClient({"bootstrap.servers": at})  # held: its answers end with it
    for done in administrator.alter_user_scram_credentials(wanted).values():
        done.result(timeout=20)


def settings_with(guarded: GuardedBroker, **more: Any) -> Settings:
    made: Settings = settings_for(
        Settings,
        database="postgresql://nobody@127.0.0.1:1/nothing",
        broker=guarded,
        namespace=own_namespace(),
        **{
            "kafka_security_protocol": "SASL_SSL",
            "kafka_sasl_username": "tandem",
            "kafka_sasl_password": "open sesame",
            "kafka_ssl_ca_file": guarded.authority,
            **more,
        },
    )
    return made


async def test_who_knows_the_password_makes_topics_and_sends(guarded: GuardedBroker) -> None:
    settings = settings_with(guarded)
    await kafka.ensure_topics(settings, [PersonRegistered])
    producer = kafka.producer(settings)
    await producer.start()
    try:
        sent = await producer.send_and_wait(settings.kafka_namespace + "tandem.profiles", b"{}", key=b"k")
    finally:
        await producer.stop()
    assert sent.offset == 0


async def test_a_wrong_password_and_a_stranger_among_brokers_are_refused(
    guarded: GuardedBroker, tmp_path: Path
) -> None:
    assert await kafka.reachable(settings_with(guarded))
    assert not await kafka.reachable(settings_with(guarded, kafka_sasl_password="open barley"))
    another_authority, _ = write_certificates(tmp_path)
    assert not await kafka.reachable(settings_with(guarded, kafka_ssl_ca_file=another_authority))
