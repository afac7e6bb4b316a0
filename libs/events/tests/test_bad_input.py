"""Bad input through the broker: whatever strangers write to our topics, the consumer goes on in every partition."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.record.util import calc_crc32c
from prometheus_client import REGISTRY

from tandem_events import dead_letters, kafka
from tandem_events.contracts import CONTRACTS, PersonRegistered
from tandem_events.envelope import Message, to_message
from tandem_events.settings import EventSettings
from tandem_events.testing import eventually

from .conftest import Transaction
from .test_consumer import consumer, consuming, effects

MARK = "undecodable-name"
LONG = "".join(chr(0x4E00 + index * 7919 % 20_000) for index in range(5000))


def registered() -> Message:
    return to_message(PersonRegistered(person_id=uuid4(), occurred_at=datetime.now(UTC)), version=1)


def with_header(name: str, text: str) -> Message:
    message = registered()
    return replace(message, headers={**message.headers, name: text})


BAD: dict[str, Message] = {
    "no headers": replace(registered(), headers={}),
    "broken JSON": replace(registered(), value=b'{"person_id":'),
    "a schema violation": replace(registered(), value=b'{"person_id": 7}'),
    "5 MB": replace(registered(), value=b'{"x":"' + b"x" * 5_000_000 + b'"}'),
    "a wrong key": replace(registered(), key="another"),
    "a very long key": replace(registered(), key=LONG),
    "a NUL in the name of a header": replace(with_header("na\x00me", "x"), value=b"[]"),
    "a NUL in the key": with_header("ce_partitionkey", "\x00"),
}
PASSED_OVER = {
    "an unknown type": with_header("ce_type", "tandem.unheard.of.v1"),
    "an unknown version": with_header("ce_type", "tandem.person.registered.v9"),
}


async def create_topic_for_messages_of(settings: EventSettings, most_bytes: int) -> None:
    """The topic as an operator may have made it: larger messages than ours come through the broker."""
    topic = NewTopic(
        settings.kafka_namespace + "tandem.profiles",
        settings.kafka_topic_partitions,
        1,
        topic_configs={"max.message.bytes": str(most_bytes)},
    )
    admin = AIOKafkaAdminClient(**kafka.connection(settings))
    await admin.start()
    try:
        await admin.create_topics([topic])
    finally:
        await admin.close()


async def produce(settings: EventSettings, *records: tuple[bytes | None, bytes | None, dict[str, str]]) -> None:
    """Records as any stranger may write them, all into one partition; a marked header's name becomes no UTF-8."""
    producer = AIOKafkaProducer(**kafka.connection(settings), acks="all", max_request_size=8_388_608)
    await producer.start()
    try:
        for key, value, headers in records:
            batch = producer.create_batch()
            batch.append(
                key=key, value=value, timestamp=None, headers=[(name, text.encode()) for name, text in headers.items()]
            )
            if MARK in headers:
                spoil(batch)
            await (await producer.send_batch(batch, settings.kafka_namespace + "tandem.profiles", partition=0))
    finally:
        await producer.stop()


def spoil(batch: Any) -> None:
    """Put bytes that are no UTF-8 in the place of a header's name, and make the checksum right again."""
    build = batch._build

    def spoilt() -> bytearray:
        built = bytearray(build())
        at = built.index(MARK.encode())
        built[at : at + len(MARK)] = b"\xff" * len(MARK)
        built[17:21] = calc_crc32c(bytes(built[21:])).to_bytes(4, "big")
        return built

    batch._build = spoilt


def as_record(message: Message) -> tuple[bytes, bytes | None, dict[str, str]]:
    return message.key.encode(), message.value, message.headers


async def subjects(transaction: Transaction) -> list[UUID]:
    return [subject for subject, _ in await effects(transaction)]


async def test_after_every_kind_of_bad_input_the_consumer_goes_on(
    settings: EventSettings, transaction: Transaction
) -> None:
    await create_topic_for_messages_of(settings, 8_388_608)
    await kafka.ensure_topics(settings, CONTRACTS)
    good = [registered() for _ in range(len(BAD) + len(PASSED_OVER) + 1)]
    bad = [*BAD.values(), *PASSED_OVER.values()]
    mixed = [good[0]]
    for one, after in zip(bad, good[1:], strict=True):
        mixed += [one, after]
    async with consuming(consumer(settings, transaction)):
        await produce(settings, *map(as_record, mixed))

        async def all_good_handled() -> bool:
            return sorted(await subjects(transaction)) == sorted(UUID(one.subject) for one in good)

        await eventually(all_good_handled)
    async with transaction() as session:
        parked = await dead_letters.list_parked(session, "tests")
    assert [one.standing for one in parked] == ["poison"] * len(BAD)


@pytest.mark.parametrize("in_a_row", [1, 2])
async def test_a_message_that_no_client_can_decode_is_stepped_over_and_its_place_is_parked(
    in_a_row: int, settings: EventSettings, transaction: Transaction
) -> None:
    await kafka.ensure_topics(settings, CONTRACTS)
    before, after = [registered() for _ in range(20)], [registered() for _ in range(20)]
    spoilt = [(b"k", b"{}", {**registered().headers, MARK: "x"})] * in_a_row
    counted = REGISTRY.get_sample_value("tandem_consumer_failures_total", {"reason": "undecodable"}) or 0
    await produce(settings, *map(as_record, before), *spoilt, *map(as_record, after))
    member = consumer(settings, transaction)

    async def all_handled() -> bool:
        return sorted(await subjects(transaction)) == sorted(UUID(one.subject) for one in (*before, *after))

    async with consuming(member):
        await eventually(all_handled)
    async with transaction() as session:
        parked = await dead_letters.list_parked(session, "tests")
    # Neighbours are one place where the broker has both at hand, else two; each of them is in one place.
    assert {(one.partition, one.standing) for one in parked} == {(0, "poison")}
    places = [tuple(map(int, re.findall(r"offsets (\d+) to (\d+)$", one.reason)[0])) for one in parked]
    assert [one.offset for one in parked] == [first for first, _ in places]
    assert [at for first, last in places for at in range(first, last + 1)] == list(range(20, 20 + in_a_row))
    now = REGISTRY.get_sample_value("tandem_consumer_failures_total", {"reason": "undecodable"}) or 0
    assert now - counted == len(places)
    last = registered()
    await produce(settings, as_record(last))
    async with consuming(consumer(settings, transaction)):
        await eventually(lambda: handled_last(transaction, last))


async def handled_last(transaction: Transaction, last: Message) -> bool:
    return (await subjects(transaction))[-1:] == [UUID(last.subject)]
