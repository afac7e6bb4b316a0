"""Parked events: those that could not be handled, and the later events of their keys, in order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events.tables import dead_letters


@dataclass(frozen=True, slots=True)
class Parked:
    """An event that was put aside, with everything needed to look at it and to try it again."""

    id: int
    topic: str
    partition: int
    offset: int
    key: str
    event_id: UUID
    type: str | None
    headers: dict[str, str]
    value: bytes | None
    standing: str
    reason: str
    attempts: int
    parked_at: datetime
    retry_at: datetime | None


Lane = tuple[str, str]
"""A topic and a key: what is kept in order."""


_BLOCKED = sa.text(
    """
    SELECT first.topic, first.key
    FROM unnest(CAST(:topics AS text[]), CAST(:keys AS text[])) AS lane (topic, key)
    CROSS JOIN LATERAL (
        SELECT d.topic, d.key FROM dead_letters d
        WHERE d.reader = :reader AND d.topic = lane.topic AND d.key = lane.key
        ORDER BY d.id LIMIT 1 FOR KEY SHARE
    ) AS first
    """
)
"""One look into the index for each key, however many events are parked behind its first."""


async def blocked(session: AsyncSession, reader: str, lanes: Iterable[Lane]) -> set[Lane]:
    """Which of these keys have parked events. Locks the first of each against a redrive until this transaction ends."""
    wanted = sorted(set(lanes))
    if not wanted:
        return set()
    rows = await session.execute(
        _BLOCKED,
        {"reader": reader, "topics": [topic for topic, _ in wanted], "keys": [key for _, key in wanted]},
    )
    return {(topic, key) for topic, key in rows}


async def park(session: AsyncSession, reader: str, rows: Sequence[dict[str, Any]]) -> None:
    """Put events aside. A message that is parked already stays as it is."""
    if rows:
        await session.execute(
            insert(dead_letters).on_conflict_do_nothing(), [{"reader": reader, **row} for row in rows]
        )


async def lock_lane(session: AsyncSession, reader: str, lane: Lane) -> list[Parked]:
    """The parked events of a key, oldest first, locked until this transaction ends.

    The first statement waits for consumers that are parking followers of this key; only the second one sees those.
    """
    of_lane = sa.and_(dead_letters.c.reader == reader, dead_letters.c.topic == lane[0], dead_letters.c.key == lane[1])
    await session.execute(sa.select(dead_letters.c.id).where(of_lane).with_for_update())
    rows = await session.execute(sa.select(dead_letters).where(of_lane).order_by(dead_letters.c.id))
    return [_parked(row) for row in rows.mappings()]


async def lock_first(session: AsyncSession, reader: str, lane: Lane) -> Parked | None:
    """The oldest parked event of a key, or nothing, locked until this transaction ends.

    It waits for consumers that are parking followers of this key, since they lock what is parked before: whoever holds
    the first holds the key.
    """
    rows = await session.execute(
        sa.select(dead_letters)
        .where(dead_letters.c.reader == reader, dead_letters.c.topic == lane[0], dead_letters.c.key == lane[1])
        .order_by(dead_letters.c.id)
        .limit(1)
        .with_for_update()
    )
    row = rows.mappings().one_or_none()
    return _parked(row) if row else None


async def behind(session: AsyncSession, reader: str, first: Parked, *, limit: int) -> list[Parked]:
    """What is parked behind the first of a key, oldest first. Only for whoever holds that one: it holds the key."""
    rows = await session.execute(
        sa.select(dead_letters)
        .where(
            dead_letters.c.reader == reader,
            dead_letters.c.topic == first.topic,
            dead_letters.c.key == first.key,
            dead_letters.c.id > first.id,
        )
        .order_by(dead_letters.c.id)
        .limit(limit)
    )
    return [_parked(row) for row in rows.mappings()]


async def promote_next(session: AsyncSession, reader: str, lane: Lane, *, now: datetime) -> None:
    """What is now the first of a key is due at once. In the transaction that took away the one before it: whoever did
    that may not live to go on, and a follower is tried by nobody."""
    of_lane = sa.and_(dead_letters.c.reader == reader, dead_letters.c.topic == lane[0], dead_letters.c.key == lane[1])
    first = sa.select(dead_letters.c.id).where(of_lane).order_by(dead_letters.c.id).limit(1).scalar_subquery()
    await session.execute(
        sa.update(dead_letters)
        .where(dead_letters.c.id == first, dead_letters.c.standing == "follower")
        .values(standing="waiting", retry_at=now)
    )


async def forget(session: AsyncSession, lane: Lane, *, reader: str | None = None) -> int:
    """Give up what is parked under a key, by one reader or by all here, because what it tells of is gone.

    The answer is how many. Waits for whoever is redriving or parking them.
    """
    of_lane = sa.delete(dead_letters).where(dead_letters.c.topic == lane[0], dead_letters.c.key == lane[1])
    if reader is not None:
        of_lane = of_lane.where(dead_letters.c.reader == reader)
    return len((await session.execute(of_lane.returning(dead_letters.c.id))).all())


async def lanes_due(session: AsyncSession, reader: str, *, now: datetime) -> list[Lane]:
    """Keys whose first parked event waits for another topic and is due to be tried again."""
    rows = await session.execute(
        sa.select(dead_letters.c.topic, dead_letters.c.key)
        .where(dead_letters.c.reader == reader, dead_letters.c.retry_at <= now)
        .distinct()
        .limit(500)
    )
    return [(topic, key) for topic, key in rows]


async def list_parked(
    session: AsyncSession,
    reader: str,
    *,
    after_id: int = 0,
    limit: int = 50,
    key: str | None = None,
    standing: str | None = None,
) -> list[Parked]:
    """Parked events in the order in which they were parked."""
    query = sa.select(dead_letters).where(dead_letters.c.reader == reader, dead_letters.c.id > after_id)
    if key is not None:
        query = query.where(dead_letters.c.key == key)
    if standing is not None:
        query = query.where(dead_letters.c.standing == standing)
    rows = await session.execute(query.order_by(dead_letters.c.id).limit(limit))
    return [_parked(row) for row in rows.mappings()]


async def find(session: AsyncSession, reader: str, parked_id: int) -> Parked | None:
    """One parked event, or nothing."""
    rows = await session.execute(
        sa.select(dead_letters).where(dead_letters.c.reader == reader, dead_letters.c.id == parked_id)
    )
    row = rows.mappings().one_or_none()
    return _parked(row) if row else None


async def count(session: AsyncSession, reader: str) -> dict[str, int]:
    """How many events are parked, by standing."""
    rows = await session.execute(
        sa.select(dead_letters.c.standing, sa.func.count().label("number"))
        .where(dead_letters.c.reader == reader)
        .group_by(dead_letters.c.standing)
    )
    return {row.standing: row.number for row in rows}


async def release(session: AsyncSession, *parked_ids: int) -> None:
    """The events were handled, or given up: they are no longer parked."""
    await session.execute(sa.delete(dead_letters).where(dead_letters.c.id.in_(parked_ids)))


async def note_failure(
    session: AsyncSession, parked_id: int, *, standing: str, reason: str, retry_at: datetime | None
) -> None:
    """Another attempt failed, for this reason."""
    await session.execute(
        sa.update(dead_letters)
        .where(dead_letters.c.id == parked_id)
        .values(standing=standing, reason=reason, retry_at=retry_at, attempts=dead_letters.c.attempts + 1)
    )


def _parked(row: sa.RowMapping) -> Parked:
    values = dict(row)
    values.pop("reader")
    return Parked(**values)
