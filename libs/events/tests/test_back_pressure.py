"""Back-pressure: while a handler is slow, a consumer takes no more from the broker than it has room for."""

import asyncio
import tracemalloc
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events import kafka
from tandem_events.consumer import FETCH_BYTES, Consumer
from tandem_events.contracts import ProgramState
from tandem_events.envelope import to_message
from tandem_events.settings import EventSettings
from tandem_events.subscriptions import Subscription
from tandem_events.testing import eventually, publish_messages

from .conftest import Transaction
from .test_consumer import consuming

EVENTS, BYTES, BATCH = 440, 200_000, 20
MEBIBYTE = 1_048_576


async def read_everything(settings: EventSettings) -> None:
    """Another reader reads the whole topic: for so long the slow one could have gone on fetching."""
    topic = settings.kafka_namespace + "tandem.programs"
    client = AIOKafkaConsumer(topic, **kafka.connection(settings), group_id=None, auto_offset_reset="earliest")
    await client.start()
    try:
        read = 0
        while read < EVENTS:
            read += sum(len(records) for records in (await client.getmany(timeout_ms=200)).values())
    finally:
        await client.stop()


async def test_what_a_slow_reader_holds_in_memory_is_bounded_however_much_waits(
    settings: EventSettings, transaction: Transaction, broker: Any
) -> None:
    for _ in range(EVENTS // 40):
        states = [
            ProgramState(
                program_id=uuid4(),
                name="long",
                objective="x" * BYTES,
                format="group",
                status="draft",
                occurred_at=datetime.now(UTC),
            )
            for _ in range(40)
        ]
        await publish_messages(settings, *(to_message(state, version=1) for state in states))
    del states
    begun, may_go_on = asyncio.Event(), asyncio.Event()

    async def on_program(event: ProgramState, session: AsyncSession) -> None:
        del event, session
        begun.set()
        await may_go_on.wait()

    async def gone(*_: object) -> None: ...

    member = Consumer(
        settings.model_copy(update={"consumer_batch_events": BATCH}),
        [Subscription(ProgramState, on_program, on_gone=gone)],
        transaction,
        service="tests",
    )
    tracemalloc.start(1)
    try:
        before, _ = tracemalloc.get_traced_memory()
        async with consuming(member):
            await asyncio.wait_for(begun.wait(), 30)
            await read_everything(settings)
            held = tracemalloc.get_traced_memory()[0] - before
            tracemalloc.stop()
            may_go_on.set()
            await eventually(lambda: member.handled == EVENTS, within_seconds=60)
    finally:
        may_go_on.set()
        tracemalloc.stop()
    answer = FETCH_BYTES
    if broker.keeps_log:  # the embedded broker does not bound what comes of a single partition
        answer = settings.kafka_topic_partitions * 2 * settings.consumer_max_event_bytes
    most = 2 * answer + 2 * BATCH * BYTES
    assert BYTES < held < most < EVENTS * BYTES / 2, f"{held / MEBIBYTE:.1f} MiB, at most {most / MEBIBYTE:.1f}"
