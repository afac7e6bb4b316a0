"""Reads the platform's topics for a person: what the services have told each other, oldest first."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from tandem_local.refusals import NotAnswering

TOPIC_PREFIX = "tandem."
EMPTY_ANSWERS_BEFORE_END = 6


@dataclass(frozen=True, slots=True)
class Seen:
    """One message as it stands on a topic."""

    topic: str
    partition: int
    offset: int
    at: str
    type: str
    key: str
    subject: str
    headers: dict[str, str]
    data: Any

    @property
    def name(self) -> str:
        """The event's name without prefix and version, such as `pairing.created`."""
        return self.type.removeprefix("tandem.").rpartition(".v")[0] or self.type or "(no envelope)"


async def known_topics(bootstrap_servers: str) -> list[str]:
    """The platform's topics at this broker, sorted.

    Raises:
        NotAnswering: the broker does not.
    """
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=10_000)
    try:
        await client.start()
        return sorted(topic for topic in await client.list_topics() if topic.startswith(TOPIC_PREFIX))
    except (KafkaError, OSError) as fault:
        raise NotAnswering(f"The broker does not answer at {bootstrap_servers}.") from fault
    finally:
        await client.close()


class Reading:
    """A reader of these topics without a group: it commits nothing and disturbs nobody. An async context manager."""

    def __init__(self, bootstrap_servers: str, topics: Sequence[str]) -> None:
        self._consumer = AIOKafkaConsumer(
            *topics,
            bootstrap_servers=bootstrap_servers,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            group_id=None,
        )

    async def __aenter__(self) -> "Reading":
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def last(self, count: int) -> list[Seen]:
        """The last `count` messages over all its topics, oldest first; then `following` goes on."""
        partitions = list(self._consumer.assignment())
        ends = await self._consumer.end_offsets(partitions)
        begins = await self._consumer.beginning_offsets(partitions)
        for partition in partitions:
            self._consumer.seek(partition, max(begins[partition], ends[partition] - count))
        awaited = {partition for partition in partitions if begins[partition] < ends[partition]}
        found: list[ConsumerRecord[Any, Any]] = []
        empty_answers = 0
        looked_on = not awaited
        while empty_answers < EMPTY_ANSWERS_BEFORE_END:
            batches = await self._consumer.getmany(timeout_ms=500)
            empty_answers = 0 if batches else empty_answers + 1
            for batch in batches.values():
                found.extend(batch)
            for partition in list(awaited):
                if await self._consumer.position(partition) >= ends[partition]:
                    awaited.discard(partition)
            if not awaited:
                # One look further: the embedded broker names an end too low for messages sent in batches.
                if looked_on:
                    break
                looked_on = True
        shown = [seen(record) for record in found]
        # By when it became true: a broker's own times begin anew when an archive is published again.
        shown.sort(key=lambda event: (event.at, event.topic, event.partition, event.offset))
        return shown[-count:] if count else []

    async def following(self) -> AsyncIterator[Seen]:
        """Every message from here on, for ever."""
        async for record in self._consumer:
            yield seen(record)


def seen(record: "ConsumerRecord[Any, Any]") -> Seen:
    """The message in words; whatever is malformed is shown as it is, never refused."""
    headers = {name: value.decode(errors="replace") for name, value in record.headers}
    data: Any = None
    if record.value is not None:
        text = record.value.decode(errors="replace")
        try:
            data = json.loads(text)
        except ValueError:
            data = text
    return Seen(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        at=headers.get("ce_time", ""),
        type=headers.get("ce_type", ""),
        key=record.key.decode(errors="replace") if record.key is not None else "",
        subject=headers.get("ce_subject", ""),
        headers=headers,
        data=data,
    )
