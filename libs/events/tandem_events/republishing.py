"""Republishing: the archive is sent again, and whatever is sent again, the newest state of a thing stays the last."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaProducer

from tandem_events import kafka
from tandem_events.sending import Recorded, connected, recorded, send_all
from tandem_events.settings import EventSettings

Newest = dict[tuple[str, str], int]
"""Of each thing of a state topic, by topic and key: the id of the newest state that was sent."""

KEYS_AT_ONCE = 500
IN_FLIGHT_SECONDS = 25.0
"""A relay marks what it sent within this time; what is unsent for longer will be sent, and so comes last by itself."""


async def republish(
    settings: EventSettings,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    types: Sequence[str] = (),
    key: str | None = None,
    subject: UUID | None = None,
) -> AsyncIterator[int]:
    """Send events of the archive again, oldest first, narrowed by time, type, key or subject.

    Yields how many were sent so far, once a batch. Readers that saw them before pass them over. Events that were never
    sent are left to the relay. Where a state was sent that is not the thing's newest any more, the newest is sent after
    it, whatever the narrowing: a compacted topic keeps the last.
    """
    async with connected(settings) as connection:
        producer = kafka.producer(settings)
        try:
            await kafka.start(producer)
            sent, last_id, newest = 0, 0, Newest()
            while True:
                rows = await connection.fetch(
                    """
                    SELECT id, recorded_on, topic, key, headers, value FROM outbox
                    WHERE sent_at IS NOT NULL AND id > $1
                      AND ($2::timestamptz IS NULL OR recorded_at >= $2)
                      AND ($3::timestamptz IS NULL OR recorded_at < $3)
                      AND (cardinality($4::text[]) = 0 OR type = ANY($4))
                      AND ($5::text IS NULL OR key = $5)
                      AND ($6::text IS NULL OR subject = $6)
                    ORDER BY id LIMIT $7
                    """,
                    last_id,
                    since,
                    until,
                    list(types),
                    key,
                    str(subject) if subject else None,
                    settings.outbox_batch_events,
                )
                if not rows:
                    break
                batch = [recorded(row) for row in rows]
                await send_all(producer, batch, namespace=settings.kafka_namespace)
                newest |= newest_sent(batch)
                sent += len(batch)
                last_id = batch[-1].id
                yield sent
            # Without a narrowing by type, everything before these days was seen above.
            seen_before = None if types else (until or datetime.now(UTC)).astimezone(UTC).date() - timedelta(days=2)
            again = await send_newest_states(
                connection, producer, newest, namespace=settings.kafka_namespace, since=seen_before
            )
            if again:
                yield sent + again
        finally:
            await producer.stop()


def newest_sent(batch: Iterable[Recorded]) -> Newest:
    """Of the states in a batch that is in order, the newest of each thing."""
    return {(event.topic, event.key.decode()): event.id for event in batch if _is_state(event)}


def _is_state(event: Recorded) -> bool:
    """A sender's facts are on the topic that bears its name; its states are on topics of their own."""
    source = next((text.decode() for name, text in event.headers if name == "ce_source"), "")
    return event.topic != source.removeprefix("/").replace("/", ".")


async def send_newest_states(
    connection: asyncpg.Connection,
    producer: AIOKafkaProducer,
    newest: Newest,
    *,
    namespace: str,
    since: date | None,
) -> int:
    """Send the newest state of each of these things where it is newer than what was sent; the answer is how many.

    It looks at what was recorded from `since` on, and again until nothing newer is found: a relay may be sending
    meanwhile. What no relay has sent yet is left to it, because it will come later.
    """
    sent, pending = 0, dict(newest)
    deadline = asyncio.get_running_loop().time() + IN_FLIGHT_SECONDS
    while pending:
        found: Newest = {}
        things = list(pending.items())
        for start in range(0, len(things), KEYS_AT_ONCE):
            newer = await _newer(connection, things[start : start + KEYS_AT_ONCE], since)
            batch = [recorded(row) for row in newer if row["sent_at"] is not None]
            if batch:
                await send_all(producer, batch, namespace=namespace)
                sent += len(batch)
            found |= newest_sent(batch)
            if asyncio.get_running_loop().time() < deadline:
                found |= {
                    where: pending[where]
                    for row in newer
                    if row["sent_at"] is None and (where := (row["topic"], row["key"])) in pending
                }
        if found and not any(found[where] > pending[where] for where in found):
            await asyncio.sleep(0.1)  # only what a relay has in hand is newer: it is marked in a moment
        pending = found
    return sent


async def _newer(
    connection: asyncpg.Connection, some: Iterable[tuple[tuple[str, str], int]], since: date | None
) -> list[asyncpg.Record]:
    topics, keys, ids = zip(*((topic, key, number) for (topic, key), number in some), strict=True)
    rows: list[asyncpg.Record] = await connection.fetch(
        """
        SELECT newer.* FROM unnest($1::text[], $2::text[], $3::bigint[]) AS sent (topic, key, id)
        CROSS JOIN LATERAL (
            SELECT o.id, o.recorded_on, o.topic, o.key, o.headers, o.value, o.sent_at FROM outbox o
            WHERE o.key = sent.key AND o.topic = sent.topic AND o.id > sent.id AND o.recorded_on >= $4
            ORDER BY o.id DESC LIMIT 1
        ) AS newer
        """,
        topics,
        keys,
        ids,
        since or date.min,
    )
    return rows
