"""What really is on the topic: read message by message, without a group and without the code under test."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition

from tandem_events import kafka
from tandem_events.settings import EventSettings
from tests.faults.ledgers import TOPIC

TOKEN = re.compile(rb"malformed-[0-9]+")


@dataclass(frozen=True, slots=True)
class Message:
    """A message: of an entry, or malformed with the token that it was given."""

    book: str
    entry: UUID | None = None
    event: UUID | None = None
    token: str | None = None


def token_of(headers: dict[str, bytes], value: bytes | None) -> str | None:
    """The token by which a message that is malformed on purpose is known, if it is one."""
    for place in (headers.get("x-token"), value):
        found = TOKEN.search(place or b"")
        if found:
            return found[0].decode()
    return None


async def messages(settings: EventSettings) -> AsyncIterator[tuple[int, Message]]:
    """Every message with its partition, each partition in its order."""
    name = settings.kafka_namespace + TOPIC
    partitions = [TopicPartition(name, number) for number in range(settings.kafka_topic_partitions)]
    consumer = AIOKafkaConsumer(**kafka.connection(settings), group_id=None, auto_offset_reset="earliest")
    consumer.assign(partitions)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(partitions)
        open_ones = {partition for partition in partitions if ends[partition]}
        while open_ones:
            for partition, records in (await consumer.getmany(timeout_ms=1000)).items():
                for record in records:
                    if record.offset >= ends[partition]:
                        continue
                    headers = dict(record.headers)
                    book = (record.key or b"").decode(errors="replace")
                    token = token_of(headers, record.value)
                    if token:
                        yield partition.partition, Message(book=book, token=token)
                    else:
                        entry = UUID(json.loads(record.value)["entry_id"])
                        yield (
                            partition.partition,
                            Message(book=book, entry=entry, event=UUID(headers["ce_id"].decode())),
                        )
            open_ones = {partition for partition in open_ones if await consumer.position(partition) < ends[partition]}
    finally:
        await consumer.stop()
