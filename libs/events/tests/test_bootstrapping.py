"""A new reader of a compacted state topic: what is kept tells of everything that is, and of nobody who is gone."""

from collections import Counter
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events import kafka
from tandem_events.consumer import Consumer
from tandem_events.contracts import PersonState
from tandem_events.envelope import Message, to_message, to_tombstone
from tandem_events.settings import EventSettings
from tandem_events.subscriptions import Subscription
from tandem_events.testing import eventually, publish_messages

from .conftest import Transaction
from .test_consumer import consuming

COMPACTED_AT_ONCE = {
    "cleanup.policy": "compact",
    "segment.ms": "100",
    "min.cleanable.dirty.ratio": "0.0",
    "max.compaction.lag.ms": "100",
}
"""Kafka compacts what is in closed segments; a state topic of ours is compacted just the same, only later."""


class Known:
    """What a reader knows: names by person."""

    def __init__(self) -> None:
        self.names: dict[UUID, str] = {}
        self.heard: Counter[UUID] = Counter()

    async def on_person(self, event: PersonState, session: AsyncSession) -> None:
        del session
        self.heard[event.person_id] += 1
        self.names[event.person_id] = event.given_name

    async def on_person_gone(self, person_id: UUID, session: AsyncSession) -> None:
        del session
        self.heard[person_id] += 1
        self.names.pop(person_id, None)


def person(person_id: UUID, name: str) -> Message:
    state = PersonState(
        person_id=person_id, given_name=name, family_name="B", email="a@example.org", occurred_at=datetime.now(UTC)
    )
    return to_message(state, version=1)


def reading(settings: EventSettings, transaction: Transaction, known: Known, service: str) -> Consumer:
    subscription = Subscription(PersonState, known.on_person, on_gone=known.on_person_gone)
    return Consumer(settings, [subscription], transaction, service=service)


async def kept(settings: EventSettings) -> list[tuple[str, bool]]:
    """What is on the topic from its beginning to its end: key, and whether it says that the person is gone."""
    topic = settings.kafka_namespace + "tandem.people"
    client = AIOKafkaConsumer(topic, **kafka.connection(settings), group_id=None, auto_offset_reset="earliest")
    await client.start()
    try:
        ends = await client.end_offsets(client.assignment())
        found = []
        while any([await client.position(place) < end for place, end in ends.items()]):
            for records in (await client.getmany(timeout_ms=200)).values():
                found += [(record.key.decode(), record.value is None) for record in records]
        return found
    finally:
        await client.stop()


async def test_a_new_reader_learns_from_a_compacted_topic_what_an_old_one_knows(
    settings: EventSettings, transaction: Transaction, broker: object
) -> None:
    if type(broker).__name__ == "EmbeddedBroker":
        pytest.skip("the embedded broker compacts nothing: run with TANDEM_TEST_BROKER=apache")
    topic = NewTopic(settings.kafka_namespace + "tandem.people", 1, 1, topic_configs=COMPACTED_AT_ONCE)
    admin = AIOKafkaAdminClient(**kafka.connection(settings))
    await admin.start()
    await admin.create_topics([topic])
    await admin.close()
    stays, renamed, gone = uuid4(), uuid4(), uuid4()
    old = Known()
    async with consuming(reading(settings, transaction, old, "old")):
        await publish_messages(settings, person(stays, "Moira"), person(renamed, "Ann"), person(gone, "Ida"))
        await publish_messages(settings, person(renamed, "Anne"), person(gone, "Ida May"))
        await publish_messages(settings, to_tombstone(PersonState, gone, occurred_at=datetime.now(UTC), version=3))
        await eventually(lambda: old.heard.total() == 6)

        async def compacted() -> bool:
            await publish_messages(settings, person(stays, "Moira"))  # what closes a segment is the next message
            found = await kept(settings)
            of_gone = [is_gone for key, is_gone in found if key == str(gone)]
            return of_gone == [True] and [key for key, _ in found].count(str(renamed)) == 1

        await eventually(compacted, within_seconds=90)
        new = Known()
        async with consuming(reading(settings, transaction, new, "new")):
            await eventually(lambda: new.names == old.names and new.heard[gone] == 1)
    assert new.names == {stays: "Moira", renamed: "Anne"}
    assert new.heard[renamed] == 1, "what was overtaken is not read any more"
