"""Clients: what has to be known of the client that reads from Kafka, and what a record of it is to us."""

import asyncio
from collections.abc import Iterable
from traceback import walk_tb
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError

from tandem_events import kafka
from tandem_events.reading import Incoming

START_SECONDS = 10.0
"""How often a client that is starting is asked whether it knows a broker."""


async def started(consumer: AIOKafkaConsumer) -> None:
    """Start this client, however long its group takes to be balanced.

    A client that meets a broker while that is starting may be told of no broker at all, and would wait for one for
    ever: it is given up.

    Raises:
        KafkaError: no broker can be reached.
    """
    starting = asyncio.ensure_future(consumer.start())
    try:
        while not starting.done():
            await asyncio.wait({starting}, timeout=START_SECONDS)
            if not starting.done():
                await consumer.topics()
        await starting
    finally:
        await kafka.give_up(starting)


def require_known(consumer: AIOKafkaConsumer, topics: Iterable[str]) -> None:
    """Refuse to go on where this client does not know all of its topics.

    A broker that lost its log comes back without them. The client takes this for an assignment of nothing and would
    read nothing for minutes, also when the topics are there again.

    Raises:
        UnknownTopicOrPartitionError: a topic is missing.
    """
    missing = [topic for topic in topics if not consumer.partitions_for_topic(topic)]
    if missing:
        raise UnknownTopicOrPartitionError(f"the broker does not know {', '.join(missing)}")


def place_of(fault: UnicodeDecodeError) -> TopicPartition | None:
    """The partition in which the client met what it could not decode: it says so only in where it was."""
    places = [frame.f_locals.get("tp") for frame, _ in walk_tb(fault.__traceback__)]
    return next((place for place in reversed(places) if isinstance(place, TopicPartition)), None)


def incoming(record: Any, *, namespace: str) -> Incoming:
    """A record as the client gives it, with the topic's name as the contracts know it."""
    return Incoming(
        topic=record.topic.removeprefix(namespace),
        partition=record.partition,
        offset=record.offset,
        timestamp_milliseconds=record.timestamp,
        key=record.key,
        headers=tuple(record.headers),
        value=record.value,
    )
