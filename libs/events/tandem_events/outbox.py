"""The outbox: a fact is stored in the transaction of the change it speaks of."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events import metrics
from tandem_events.contracts.contract import Event
from tandem_events.envelope import Message, to_message, to_tombstone
from tandem_events.tables import outbox

FACTS_ADDED = "tandem_facts_added"
"""Set in `session.info` once a fact was added: whoever commits wakes the relay."""


LARGEST_BYTES = 900_000
"""Of an event with its key and headers: Kafka takes a mebibyte unless told otherwise, and has to hold the batch too."""


class EventTooLarge(ValueError):
    """An event that no broker would take: it would keep everything behind it from being sent."""


async def add(session: AsyncSession, event: Event, *, version: int) -> None:
    """Say a fact, in this transaction.

    Everything pending is flushed first. That is what keeps the events of one aggregate in order: whoever holds the
    aggregate's row lock is the only one who can draw the next outbox id.

    `version` is the aggregate's version after the change.
    """
    await add_many(session, ((event, version),))


async def add_many(session: AsyncSession, events: Iterable[tuple[Event, int]]) -> None:
    """Say several facts, in this order; each with its aggregate's version."""
    await add_messages(session, [to_message(event, version=version) for event, version in events])


async def add_tombstone(
    session: AsyncSession, state: type[Event], subject: UUID, *, occurred_at: datetime, version: int
) -> None:
    """Say that a thing of a state topic is gone."""
    await add_messages(session, [to_tombstone(state, subject, occurred_at=occurred_at, version=version)])


async def add_messages(session: AsyncSession, messages: Sequence[Message]) -> None:
    """Say facts that were wrapped before, each where its cause was known, in this order.

    Raises:
        EventTooLarge: one of them is larger than any sender may be. Over HTTP that is answered 413.
    """
    if not messages:
        return
    for message in messages:
        if (size := _size_of(message)) > LARGEST_BYTES:
            raise EventTooLarge(f"{message.type} of {message.subject}: {size} bytes, at most {LARGEST_BYTES} are sent")
    await session.flush()
    await session.execute(
        sa.insert(outbox),
        [
            {
                "event_id": message.event_id,
                "type": message.type,
                "topic": message.topic,
                "key": message.key,
                "subject": message.subject,
                "headers": message.headers,
                "value": message.value,
            }
            for message in messages
        ],
    )
    session.info[FACTS_ADDED] = True
    for message in messages:
        metrics.EVENTS_RECORDED.labels(message.type).inc()


def _size_of(message: Message) -> int:
    headers = sum(len(name) + len(text) for name, text in message.headers.items())
    return len(message.value or b"") + len(message.key) + headers
