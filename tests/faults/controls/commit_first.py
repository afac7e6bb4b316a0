"""A consumer that commits its offsets before it handles: what it held when it was ended is lost."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from aiokafka import AIOKafkaConsumer, TopicPartition

from tandem_events.consumer import Consumer

HANDLING_SECONDS = 0.25
"""How long a batch takes after its offsets are committed, as slow handlers would."""

IN_BETWEEN_LOCK = 0x7A6DEFFF
"""Held in the database while offsets are committed and nothing of what they stand for took effect."""


class CommitFirst(Consumer):
    """The backbone's consumer with the order turned round. WRONG ON PURPOSE: a crash in between loses the batch."""

    async def _handle(self, consumer: AIOKafkaConsumer, fetched: Mapping[TopicPartition, Sequence[Any]]) -> None:
        await consumer.commit({partition: records[-1].offset + 1 for partition, records in fetched.items()})
        async with self._transaction() as session:
            await session.execute(sa.select(sa.func.pg_advisory_xact_lock(IN_BETWEEN_LOCK)))
            await asyncio.sleep(HANDLING_SECONDS)
        await super()._handle(consumer, fetched)
