"""The consumer as a member of its group: rebalances, restarts, crashes and poison lose and double nothing."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events import clients, kafka, lag
from tandem_events import consumer as consumer_module
from tandem_events.consumer import Consumer
from tandem_events.contracts import CONTRACTS, PersonRegistered
from tandem_events.envelope import Message, to_message
from tandem_events.settings import EventSettings
from tandem_events.subscriptions import Subscription
from tandem_events.testing import eventually, publish_messages
from tandem_local.ports import free_port

from .conftest import Transaction

PEOPLE = [uuid4() for _ in range(12)]


async def on_registered(event: PersonRegistered, session: AsyncSession) -> None:
    await session.execute(
        sa.text("INSERT INTO effects (subject, what) VALUES (:subject, :what)"),
        {"subject": event.person_id, "what": event.occurred_at.isoformat()},
    )


def consumer(settings: EventSettings, transaction: Transaction) -> Consumer:
    return Consumer(settings, [Subscription(PersonRegistered, on_registered)], transaction, service="tests")


@asynccontextmanager
async def consuming(member: Consumer) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(member.run())
    try:
        yield task
    finally:
        await member.stop()
        with suppress(asyncio.CancelledError):
            await asyncio.wait_for(task, 20)


def messages(number: int, start: int = 0) -> list[Message]:
    return [
        to_message(
            PersonRegistered(
                person_id=PEOPLE[index % len(PEOPLE)], occurred_at=datetime.fromtimestamp(1_700_000_000 + index, UTC)
            ),
            version=index,
        )
        for index in range(start, start + number)
    ]


async def effects(transaction: Transaction) -> list[tuple[UUID, str]]:
    async with transaction() as session:
        rows = await session.execute(sa.text("SELECT subject, what FROM effects ORDER BY id"))
        return [(row.subject, row.what) for row in rows]


async def handled(transaction: Transaction, number: int) -> bool:
    return len(await effects(transaction)) >= number


def assert_once_and_in_order(seen: list[tuple[UUID, str]], number: int) -> None:
    assert max(Counter(seen).values()) == 1
    assert len(seen) == number
    for person in PEOPLE:
        of_person = [what for subject, what in seen if subject == person]
        assert of_person == sorted(of_person)


async def test_events_are_handled_in_order_of_their_key(settings: EventSettings, transaction: Transaction) -> None:
    await publish_messages(settings, *messages(300))
    member = consumer(settings, transaction)
    async with consuming(member):
        await eventually(lambda: handled(transaction, 300))
        await eventually(lambda: member.handled == 300)
        assert member.stalled() is None
    assert_once_and_in_order(await effects(transaction), 300)


async def test_duplicates_in_the_topic_have_one_effect(settings: EventSettings, transaction: Transaction) -> None:
    sent = messages(100)
    await publish_messages(settings, *sent, *sent, *sent[:50])
    member = consumer(settings, transaction)
    async with consuming(member):
        await eventually(lambda: member.handled == 250)
    assert_once_and_in_order(await effects(transaction), 100)


async def test_a_restart_goes_on_where_it_stopped(settings: EventSettings, transaction: Transaction) -> None:
    await publish_messages(settings, *messages(100))
    async with consuming(consumer(settings, transaction)):
        await eventually(lambda: handled(transaction, 100))
    await publish_messages(settings, *messages(100, start=100))
    second = consumer(settings, transaction)
    async with consuming(second):
        await eventually(lambda: handled(transaction, 200))
        await eventually(lambda: second.handled >= 100)
    assert second.handled == 100, "a graceful stop commits, so nothing comes again"
    assert_once_and_in_order(await effects(transaction), 200)


async def test_a_crash_between_effect_and_offset_has_one_effect(
    settings: EventSettings, transaction: Transaction
) -> None:
    await publish_messages(settings, *messages(200))
    first = consumer(settings.model_copy(update={"consumer_batch_events": 20}), transaction)
    task = asyncio.create_task(first.run())
    await eventually(lambda: handled(transaction, 20))
    task.cancel()  # as a kill would: no drain, no commit, wherever it is
    with suppress(asyncio.CancelledError):
        await task
    async with consuming(consumer(settings, transaction)):
        await eventually(lambda: handled(transaction, 200), within_seconds=60)
    assert_once_and_in_order(await effects(transaction), 200)


async def test_members_come_and_go_without_loss_or_double_effect(
    settings: EventSettings, transaction: Transaction
) -> None:
    await kafka.ensure_topics(settings, CONTRACTS)
    small = settings.model_copy(update={"consumer_batch_events": 10})
    async with consuming(consumer(small, transaction)):
        await publish_messages(settings, *messages(200))
        async with consuming(consumer(small, transaction)):
            await publish_messages(settings, *messages(200, start=200))
            await eventually(lambda: handled(transaction, 300), within_seconds=60)
        await publish_messages(settings, *messages(200, start=400))
        await eventually(lambda: handled(transaction, 600), within_seconds=60)
    assert_once_and_in_order(await effects(transaction), 600)


async def test_what_was_fetched_while_the_group_was_rebalanced_is_not_passed_over(
    settings: EventSettings, transaction: Transaction
) -> None:
    member = consumer(settings.model_copy(update={"consumer_batch_events": 20}), transaction)
    await publish_messages(settings, *messages(20))
    async with consuming(member):
        await eventually(lambda: handled(transaction, 20))
        client = member._consumer
        assert client is not None
        fetch = client.getmany
        rebalanced: list[Any] = []

        async def rebalanced_meanwhile(**limits: Any) -> Any:
            fetched = await fetch(**limits)
            if fetched and len(rebalanced) < 3:
                rebalanced.append(fetched)
                await member.on_partitions_revoked([])
            return fetched

        client.getmany = rebalanced_meanwhile
        await publish_messages(settings, *messages(200, start=20))
        await eventually(lambda: handled(transaction, 220))
    assert len(rebalanced) == 3
    assert_once_and_in_order(await effects(transaction), 220)


async def test_a_broker_that_lost_its_topics_gets_them_again_and_is_read_from_their_beginning(
    settings: EventSettings, transaction: Transaction
) -> None:
    if not settings.kafka_idempotent_producer:
        pytest.skip(
            "the embedded broker does not delete topics: it loses them with its process, which is tried elsewhere"
        )
    sent = messages(100)
    await publish_messages(settings, *sent[:50])
    member = consumer(settings, transaction)
    async with consuming(member):
        await eventually(lambda: handled(transaction, 50))
        names = [settings.kafka_namespace + topic for topic in member._reader.topics]
        admin = AIOKafkaAdminClient(**kafka.connection(settings))
        await admin.start()
        await admin.delete_topics(names)
        await admin.close()
        client = member._consumer
        if client is not None:
            await client._client.force_metadata_update()
        await eventually(lambda: known(settings, names), within_seconds=60)
        await publish_messages(settings, *sent)
        await eventually(lambda: handled(transaction, 100), within_seconds=60)
    assert_once_and_in_order(await effects(transaction), 100)


async def known(settings: EventSettings, names: list[str]) -> bool:
    admin = AIOKafkaAdminClient(**kafka.connection(settings))
    try:
        await admin.start()
        return set(names) <= set(await admin.list_topics())
    finally:
        await admin.close()


async def test_a_consumer_that_makes_no_progress_says_so(settings: EventSettings, transaction: Transaction) -> None:
    impatient = settings.model_copy(update={"consumer_stalled_after_seconds": 0})
    await publish_messages(settings, *messages(1))
    member = consumer(impatient, transaction)
    async with consuming(member):
        await eventually(lambda: handled(transaction, 1))
        member.lag.events = 5
        member._progress_at -= 10
        said = member.stalled()
        assert said is not None
        assert "5 events behind" in said


async def test_a_consumer_whose_client_never_gets_to_know_a_broker_gives_it_up(
    settings: EventSettings, transaction: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "START_SECONDS", 0.2)
    made: list[Any] = []

    class Forlorn(AIOKafkaConsumer):  # type: ignore[misc]
        """Its first instance met a broker that was starting, and was told of no broker."""

        async def start(self) -> None:
            made.append(self)
            if len(made) == 1:
                await asyncio.Event().wait()
            await super().start()

        async def topics(self) -> set[str]:
            if self is made[0]:
                raise KafkaError("Unable to get cluster metadata over all known brokers")
            return set(await super().topics())

    monkeypatch.setattr(consumer_module, "AIOKafkaConsumer", Forlorn)
    await publish_messages(settings, *messages(10))
    async with consuming(consumer(settings, transaction)):
        await eventually(lambda: handled(transaction, 10))
    assert len(made) == 2


async def test_a_consumer_whose_broker_is_away_is_not_taken_for_stalled(
    settings: EventSettings, transaction: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer_module, "RESTART_SECONDS", 0.01)
    nowhere = settings.model_copy(
        update={"kafka_bootstrap_servers": f"127.0.0.1:{free_port()}", "consumer_stalled_after_seconds": 60}
    )
    member = consumer(nowhere, transaction)

    async def begins_again(since: float) -> None:
        await eventually(lambda: member._progress_at > since)

    async with consuming(member):
        await begins_again(0.0)
        for _ in range(2):
            member._progress_at -= 100
            await begins_again(member._progress_at)
            assert member.stalled() is None


async def publish_singly(settings: EventSettings, *sent: Message) -> None:
    """Each in a batch of its own: of larger ones, the embedded broker names an end that is too low."""
    for message in sent:
        await publish_messages(settings, message)


async def test_a_client_that_stopped_silently_is_seen_while_events_wait(
    settings: EventSettings, transaction: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lag, "LOOK_SECONDS", 0.05)
    member = consumer(settings, transaction)
    await publish_singly(settings, *messages(3))
    async with consuming(member):
        await eventually(lambda: handled(transaction, 3))
        client = member._consumer
        assert client is not None
        fetch = client.getmany

        stopped = asyncio.Event()

        async def nothing(**_: Any) -> dict[Any, Any]:
            stopped.set()
            await asyncio.sleep(0.01)
            return {}

        client.getmany = nothing
        await stopped.wait()
        await eventually(lambda: member.handled == 3)
        await publish_singly(settings, *messages(4, start=3))
        await eventually(lambda: member.lag.events == 4)
        before = member._progress_at
        await eventually(lambda: member.lag.age_of_the_oldest() > 0.2)
        assert member._progress_at == before
        member._progress_at -= 1000
        assert "4 events behind" in (member.stalled() or "")
        client.getmany = fetch
        await eventually(lambda: member.lag.events == 0)
        assert member.stalled() is None
        assert member.lag.age_of_the_oldest() == 0


async def test_events_that_wait_where_nothing_was_ever_read_count_as_lag(
    settings: EventSettings, transaction: Transaction
) -> None:
    await publish_singly(settings, *messages(7))
    member = consumer(settings, transaction)
    client = AIOKafkaConsumer(**kafka.connection(settings), group_id=member.group, enable_auto_commit=False)
    await client.start()
    try:
        topic = settings.kafka_namespace + "tandem.profiles"
        client.assign([TopicPartition(topic, number) for number in range(settings.kafka_topic_partitions)])
        looking = lag.Lag(settings, {}, idle=lambda: False, progress=lambda: None)
        await looking.look(client)
        assert looking.events == 7
    finally:
        await client.stop()
