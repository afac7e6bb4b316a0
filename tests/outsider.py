"""A reader of the topics that shares no code with the platform: confluent-kafka, the CloudEvents SDK, JSON Schema."""

import json
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from confluent_kafka import Consumer, TopicPartition
from jsonschema import Draft202012Validator, FormatChecker

SCHEMAS = Path(__file__).parent.parent / "libs" / "events" / "tandem_events" / "schemas"


@dataclass(frozen=True)
class Read:
    """A message as an outsider understands it."""

    topic: str
    key: str
    event: BaseCloudEvent
    data: Any


def read_all(bootstrap_servers: str, *, quiet_seconds: float = 1.0) -> list[Read]:
    """Everything on the platform's topics, from the first message until nothing comes any more. Blocks."""
    consumer = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": f"outsider-{time.time_ns()}"})
    topics = {
        name: topic for name, topic in consumer.list_topics(timeout=20).topics.items() if name.startswith("tandem.")
    }
    ends: dict[tuple[str, int], int] = {}
    begin: list[TopicPartition] = []
    for name, topic in topics.items():
        for partition in topic.partitions:
            low, high = consumer.get_watermark_offsets(TopicPartition(name, partition), timeout=20)
            begin.append(TopicPartition(name, partition, low))
            if high > low:
                ends[name, partition] = high
    consumer.assign(begin)
    read: list[Read] = []
    deadline = time.monotonic() + 60
    while True:
        messages = consumer.consume(500, timeout=quiet_seconds)
        for message in messages:
            if message.error():
                raise AssertionError(message.error())
            read.append(_understood(message))
            place = (str(message.topic()), int(message.partition() or 0))
            if int(message.offset() or 0) + 1 >= ends.get(place, 0):
                ends.pop(place, None)
        # On until a look finds nothing: the embedded broker names an end too low for messages sent in batches.
        if not ends and not messages:
            break
        if time.monotonic() > deadline:
            raise TimeoutError(f"not read to the end: {ends}")
    consumer.close()
    return read


def _understood(message: Any) -> Read:
    headers = dict(message.headers() or [])
    event = from_binary(
        KafkaMessage(headers=headers, key=message.key(), value=message.value() or b"null"), JSONFormat()
    )
    data = json.loads(message.value()) if message.value() is not None else None
    return Read(message.topic(), message.key().decode(), event, data)


@cache
def validator(kind: str) -> Draft202012Validator:
    """The frozen schema of an event type, such as `tandem.pairing.created.v1`."""
    schema = json.loads((SCHEMAS / f"{kind.removeprefix('tandem.')}.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=FormatChecker())
