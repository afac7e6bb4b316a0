"""Which broker is chosen, and what each of them does."""

import asyncio
import socketserver
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pydantic import PostgresDsn

from tandem_events.contracts import PersonRegistered
from tandem_events.settings import EventSettings
from tandem_events.testing import publish, tap
from tandem_local import brokers
from tandem_local.brokers import ApacheFromJars, Broker, EmbeddedBroker, GivenBroker, apache, docker, given, readiness
from tandem_local.ports import free_port
from tandem_local.refusals import CannotStart, PortInUse, Unreachable


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    broker = EmbeddedBroker(port=free_port(), log=tmp_path / "broker.log")
    broker.start()
    yield broker
    broker.kill()


def test_a_given_broker_comes_first(tmp_path: Path) -> None:
    environment = {"KAFKA_BOOTSTRAP_SERVERS": "kafka.example:9092"}

    assert isinstance(
        brokers.choose(None, directory=tmp_path, port=1, logs=tmp_path, environment=environment), GivenBroker
    )
    assert isinstance(brokers.choose_for_tests(directory=tmp_path, environment=environment), GivenBroker)


def test_a_given_broker_and_another_kind_asked_for_are_a_contradiction(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="choose one of them"):
        brokers.choose(
            "apache", directory=tmp_path, port=1, logs=tmp_path, environment={"KAFKA_BOOTSTRAP_SERVERS": "x:1"}
        )


def test_an_unknown_kind_is_answered_with_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="embedded, apache"):
        brokers.choose("rabbit", directory=tmp_path, port=1, logs=tmp_path, environment={})
    with pytest.raises(CannotStart, match="embedded, apache"):
        brokers.choose_for_tests(directory=tmp_path, environment={"TANDEM_TEST_BROKER": "rabbit"})


def test_apache_kafka_required_but_not_to_be_had_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker, "what_is_missing", lambda: "no Docker engine answers")
    monkeypatch.setattr(apache, "what_is_missing", lambda: "there is no Java 17 or newer")

    with pytest.raises(CannotStart, match=r"required.*no Docker.*no Java 17"):
        brokers.choose_for_tests(directory=tmp_path, environment={"TANDEM_TEST_BROKER": "apache"})


def test_without_apache_kafka_the_embedded_broker_serves_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker, "what_is_missing", lambda: "no Docker engine answers")
    monkeypatch.setattr(apache, "what_is_missing", lambda: "there is no Java 17 or newer")

    broker = brokers.choose_for_tests(directory=tmp_path, environment={})

    assert isinstance(broker, EmbeddedBroker)
    assert "no Java 17" in broker.description


def test_a_docker_engine_is_asked_for_its_pulse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "docker.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{place}")
    assert docker.what_is_missing() == "no Docker engine answers"

    class Engine(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/_ping" else 404)
            self.end_headers()

        def address_string(self) -> str:
            return "unix"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with socketserver.UnixStreamServer(str(place), Engine) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert docker._engine_answers()
        thread.join()


def test_an_engine_on_another_machine_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://docker.example:2375")

    assert docker.what_is_missing() == "no Docker engine answers"


def test_a_dead_given_broker_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(given, "PATIENCE_SECONDS", 0.1)
    with pytest.raises(Unreachable, match=r"KAFKA_BOOTSTRAP_SERVERS.*does not answer"):
        GivenBroker(f"127.0.0.1:{free_port()}").start()


def test_a_port_in_use_is_named(embedded: EmbeddedBroker, tmp_path: Path) -> None:
    with pytest.raises(PortInUse, match="wanted by the broker"):
        EmbeddedBroker(port=embedded.ports[0], log=tmp_path / "second.log").start()


def test_what_a_given_broker_can_do_is_tried_out(embedded: EmbeddedBroker, broker: Broker) -> None:
    assert GivenBroker(embedded.bootstrap_servers).idempotent_producer is embedded.idempotent_producer
    assert GivenBroker(broker.bootstrap_servers).idempotent_producer is broker.idempotent_producer


async def test_the_broker_carries_keys_and_headers(broker: Broker) -> None:
    topic = f"carried-{uuid.uuid4().hex}"
    await make_topic(broker, topic)
    async with AIOKafkaProducer(
        bootstrap_servers=broker.bootstrap_servers, enable_idempotence=broker.idempotent_producer
    ) as producer:
        await producer.send_and_wait(topic, key=b"k", value=b"{}", headers=[("ce_id", b"1")])

    consumer = AIOKafkaConsumer(topic, bootstrap_servers=broker.bootstrap_servers, auto_offset_reset="earliest")
    async with consumer:
        message = await consumer.getone()

    assert (message.key, message.value, message.headers) == (b"k", b"{}", (("ce_id", b"1"),))


async def test_a_broker_killed_and_started_again_has_its_address_and_where_it_can_its_log(
    broker: Broker,
) -> None:
    if broker.process is None:
        pytest.skip("this broker is not a process of ours")
    topic = f"kept-{uuid.uuid4().hex}"
    await make_topic(broker, topic)

    broker.kill()
    assert not readiness.answers(broker.bootstrap_servers)
    broker.start()

    client = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    await client.start()
    try:
        assert (topic in await client.list_topics()) is broker.keeps_log
    finally:
        await client.close()


def test_the_apache_broker_needs_its_controller_port_too(tmp_path: Path, embedded: EmbeddedBroker) -> None:
    if apache.what_is_missing() is not None:
        pytest.skip(f"no Apache Kafka here: {apache.what_is_missing()}")
    kafka = ApacheFromJars(
        directory=tmp_path, port=free_port(), controller_port=embedded.ports[0], log=tmp_path / "apache.log"
    )
    with pytest.raises(PortInUse, match="controller"):
        kafka.start()


async def make_topic(broker: Broker, topic: str) -> None:
    client = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    await client.start()
    try:
        await client.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    finally:
        await client.close()


def test_a_test_of_another_service_gets_a_broker_that_runs_until_its_block_ends(tmp_path: Path) -> None:
    person = PersonRegistered(person_id=uuid.uuid4(), occurred_at=datetime.now(UTC))

    async def said_and_heard(settings: EventSettings) -> PersonRegistered:
        await publish(settings, person)
        async with tap(settings) as topics:
            return await topics.first(PersonRegistered)

    with brokers.running_for_tests(directory=tmp_path, environment={"TANDEM_TEST_BROKER": "embedded"}) as broker:
        settings = EventSettings(
            database_url=PostgresDsn("postgresql://nobody@127.0.0.1:9/none"),
            kafka_bootstrap_servers=broker.bootstrap_servers,
            kafka_idempotent_producer=broker.idempotent_producer,
        )
        assert asyncio.run(said_and_heard(settings)) == person

    assert not readiness.answers(broker.bootstrap_servers)
