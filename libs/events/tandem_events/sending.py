"""Sending: rows of the outbox as the producer takes them, handed over so that nothing overtakes what failed."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder
from pydantic_core import from_json

from tandem_events import tracing
from tandem_events.database import DATABASE_AWAY, connect_directly
from tandem_events.settings import EventSettings


class Recorded(NamedTuple):
    """A row of the outbox, ready to go."""

    id: int
    recorded_on: date
    topic: str
    key: bytes
    headers: list[tuple[str, bytes]]
    value: bytes | None


@asynccontextmanager
async def connected(settings: EventSettings) -> AsyncIterator[asyncpg.Connection]:
    """A connection of one's own that reads the outbox, past any pool: locks that belong to a session need one.

    It is closed at the end of the block whatever ends it, also a cancellation while another one is being closed.
    """
    connection = await connect_directly(settings)
    try:
        await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=from_json, schema="pg_catalog")
        yield connection
    finally:
        with suppress(*DATABASE_AWAY):
            await connection.close(timeout=2)


def recorded(row: Any) -> Recorded:
    """An outbox row as the producer takes it."""
    headers = [(name, text.encode()) for name, text in row["headers"].items()]
    if arose := row["headers"].get(tracing.AROSE):
        headers.append((tracing.HOP, arose.encode()))
    return Recorded(
        id=row["id"],
        recorded_on=row["recorded_on"],
        topic=row["topic"],
        key=row["key"].encode(),
        headers=headers,
        value=row["value"],
    )


async def send_all(producer: AIOKafkaProducer, events: Sequence[Recorded], *, namespace: str) -> None:
    """Hand events to the producer in order and wait until all of them are acknowledged.

    The client's batches are filled here, a partition at a time, because its `send` of single messages costs twice as
    much. Of one partition, a batch is sent when the one before it is acknowledged: what fails is never overtaken.

    Raises:
        KafkaError: of some, nothing is known; all of them have to be sent again.
    """
    with tracing.sending(events) as headers_of_each:
        lanes: dict[tuple[str, int], list[BatchBuilder]] = {}
        partitions: dict[str, int] = {}
        for event, headers in zip(events, headers_of_each, strict=True):
            topic = namespace + event.topic
            if topic not in partitions:
                partitions[topic] = len(await producer.partitions_for(topic))
            lane = lanes.setdefault((topic, partition_of(event.key, partitions[topic])), [])
            fits = lane and lane[-1].append(timestamp=None, key=event.key, value=event.value, headers=headers)
            if not fits:
                lane.append(producer.create_batch())
                lane[-1].append(timestamp=None, key=event.key, value=event.value, headers=headers)
        ended = await asyncio.gather(
            *(_send_in_turn(producer, batches, *where) for where, batches in lanes.items()), return_exceptions=True
        )
        for fault in ended:
            if fault is not None:
                raise fault


async def _send_in_turn(
    producer: AIOKafkaProducer, batches: Iterable[BatchBuilder], topic: str, partition: int
) -> None:
    for batch in batches:
        await (await producer.send_batch(batch, topic, partition=partition))


@lru_cache(maxsize=16_384)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key, as every Kafka client's default partitioner has it."""
    return int(murmur2(key) & 0x7FFFFFFF) % partitions
