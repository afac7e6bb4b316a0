"""Kafka clients, made from the settings in one place, and the topics that the platform needs."""

import asyncio
import ssl
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from tandem_events.contracts.contract import Event
from tandem_events.settings import EventSettings

log = structlog.get_logger(__name__)

LEAVING_SECONDS = 1.0
TOPIC_EXISTS = 36
"""Kafka's error code for a topic that is there already."""


class TopicsRefused(Exception):
    """The broker would not create a topic; the sentence says which and why."""


def connection(settings: EventSettings) -> dict[str, Any]:
    """The arguments that every client needs to reach the brokers."""
    arguments: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap_servers,
        "security_protocol": settings.kafka_security_protocol,
    }
    if settings.kafka_security_protocol.endswith("SSL"):
        context = ssl.create_default_context(cafile=settings.kafka_ssl_ca_file)
        if settings.kafka_ssl_certificate_file is not None:
            context.load_cert_chain(settings.kafka_ssl_certificate_file, settings.kafka_ssl_key_file)
        arguments["ssl_context"] = context
    if settings.kafka_security_protocol.startswith("SASL"):
        password = settings.kafka_sasl_password
        arguments |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_sasl_username,
            "sasl_plain_password": password.get_secret_value() if password else None,
        }
    return arguments


def producer(settings: EventSettings) -> AIOKafkaProducer:
    """A producer that loses nothing: acknowledged by all replicas, in order, idempotent where the broker can."""
    return AIOKafkaProducer(
        **connection(settings),
        acks="all",
        enable_idempotence=settings.kafka_idempotent_producer,
        linger_ms=0,
        max_batch_size=262_144,
        max_request_size=8_388_608,
        request_timeout_ms=20_000,
    )


async def stop(producer: AIOKafkaProducer, *, within_seconds: float = 5) -> None:
    """Stop a producer for good. Never raises: what it could not deliver by then is given up, and never sent later."""
    with suppress(KafkaError, OSError):
        try:
            async with asyncio.timeout(within_seconds):
                await producer.stop()
        except TimeoutError:
            # Cancelled while it waited for what is on its way: it would go on sending by itself.
            sender = producer._sender
            if sender is not None:
                await sender.close()
            await producer.client.close()


async def start(client: AIOKafkaConsumer | AIOKafkaProducer | AIOKafkaAdminClient) -> None:
    """Start this client.

    Raises:
        KafkaError: no broker can be reached.
    """
    starting = asyncio.ensure_future(client.start())
    try:
        await asyncio.shield(starting)
    finally:
        await give_up(starting)


async def give_up(starting: asyncio.Future[None]) -> None:
    """End a start that is under way; it has a moment: a client cut off while it meets a broker leaks a connection."""
    if not starting.done():
        await asyncio.wait({starting}, timeout=LEAVING_SECONDS)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)


async def reachable(settings: EventSettings) -> bool:
    """Whether a broker answers now."""
    admin = AIOKafkaAdminClient(**connection(settings), request_timeout_ms=3_000)
    try:
        await start(admin)
    except (KafkaError, OSError):
        return False
    finally:
        await admin.close()
    return True


async def ensure_topics(settings: EventSettings, events: Iterable[type[Event]]) -> None:
    """Create the topics of these events where they are missing. Safe to call from several services at once.

    Raises:
        TopicsRefused: the broker answered with an error other than "exists already".
    """
    wanted: dict[str, NewTopic] = {}
    for event in events:
        contract = event.contract
        configs = (
            {"cleanup.policy": "compact"}
            if contract.compacted
            else {"retention.ms": str(settings.kafka_topic_retention_days * 86_400_000)}
        )
        name = settings.kafka_namespace + contract.topic
        wanted[name] = NewTopic(
            name,
            num_partitions=settings.kafka_topic_partitions,
            replication_factor=settings.kafka_topic_replication,
            topic_configs=configs,
        )
    admin = AIOKafkaAdminClient(**connection(settings))
    try:
        await start(admin)
        existing = set(await admin.list_topics())
        missing = [topic for name, topic in wanted.items() if name not in existing]
        if missing:
            answer = await admin.create_topics(missing)
            for topic, code, *message in answer.topic_errors:
                if code not in (0, TOPIC_EXISTS):
                    raise TopicsRefused(f"the broker would not create {topic}: error {code} {message}")
                if code == 0:
                    log.info("topic_created", topic=topic)
        # A topic is created before every broker knows it: clients that ask too early would be told that it is missing.
        while not set(wanted) <= set(await admin.list_topics()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    finally:
        await admin.close()


async def partitions_of(settings: EventSettings, topics: Iterable[str]) -> dict[str, list[int]]:
    """The partitions of each of these topics, by its name as the contracts know it; none where it does not exist."""
    admin = AIOKafkaAdminClient(**connection(settings))
    try:
        await start(admin)
        described = await admin.describe_topics([settings.kafka_namespace + topic for topic in topics])
    finally:
        await admin.close()
    return {
        one["topic"].removeprefix(settings.kafka_namespace): sorted(part["partition"] for part in one["partitions"])
        for one in described
    }
