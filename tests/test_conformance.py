"""Services bear duplicates, topics in another order, poison and a kill: the conformance suite."""

from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer

from tandem_events import conformance
from tandem_events.conformance import Reference, Subject
from tandem_events.contracts import CONTRACTS
from tandem_events.envelope import Message, read_envelope
from tandem_profiles.domain.sample_sheets import mentee_sheet, mentor_sheet
from tests.platform import RunningPlatform
from tests.subjects import SERVICES, subject
from tests.thread import Thread

pytestmark = [pytest.mark.platform, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
async def recording(platform: RunningPlatform) -> list[Message]:
    """Everything that was said in a small program, from sign-up to feedback, in the order of its topics."""
    async with Thread(platform) as thread:
        await thread.create_program("Recorded")
        await thread.import_sheets({"mentor": mentor_sheet(8, 5).encode(), "mentee": mentee_sheet(8, 6).encode()})
        await thread.until_the_pool_is_complete()
        run = await thread.match()
        await thread.publish(run["run_id"])
        await thread.run_to_the_end()
    topics = sorted({event.contract.topic for event in CONTRACTS})
    consumer = AIOKafkaConsumer(
        *topics, bootstrap_servers=platform.bootstrap_servers, auto_offset_reset="earliest", group_id=None
    )
    await consumer.start()
    found: list[tuple[int, Message]] = []
    while fetched := await consumer.getmany(timeout_ms=2000):
        found += [(record.timestamp, as_message(record)) for records in fetched.values() for record in records]
    await consumer.stop()
    return [message for _, message in sorted(found, key=lambda pair: pair[0])]


def as_message(record: Any) -> Message:
    envelope = read_envelope(record.headers)
    return Message(
        event_id=envelope.event_id,
        type=envelope.type,
        topic=record.topic,
        key=record.key.decode(),
        subject=envelope.subject,
        headers={name: value.decode() for name, value in record.headers},
        value=record.value,
    )


@pytest.fixture(scope="module", params=SERVICES)
async def tried(
    request: pytest.FixtureRequest, recording: list[Message], new_database: Any, broker: Any
) -> tuple[Subject, list[Message], Reference]:
    """A service, what it reads of the recording, and its state after a plain feed."""
    try:
        made = subject(request.param, new_database, broker)
    except ModuleNotFoundError:
        pytest.skip(f"{request.param} reads nothing")
    read = [message for message in recording if message.type in made.reads]
    if not read:
        pytest.skip(f"{request.param} reads nothing that happens in this recording")
    return made, read, await conformance.reference(made, read)


Tried = tuple[Subject, list[Message], Reference]


async def test_the_reference_says_something(tried: Tried) -> None:
    made, _, expected = tried
    compared = {table: names for table, names in expected.columns.items() if names and expected.state[table]}
    assert compared, f"nothing of {made.service} could be compared"


async def test_duplicates_change_nothing(tried: Tried) -> None:
    made, read, expected = tried
    assert conformance.differences(expected, await conformance.duplicates(made, read)) == []


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_order_between_topics_changes_nothing(tried: Tried, seed: int) -> None:
    made, read, expected = tried
    assert conformance.differences(expected, await conformance.reordered_topics(made, read, seed)) == []


async def test_poison_is_parked_and_changes_nothing_else(tried: Tried) -> None:
    made, read, expected = tried
    assert conformance.differences(expected, await conformance.poison(made, read, seed=3)) == []


async def test_a_kill_in_the_middle_changes_nothing(tried: Tried) -> None:
    made, read, expected = tried
    assert conformance.differences(expected, await conformance.restart(made, read)) == []
