"""The inbox: remembers what was seen, so that a second delivery has no second effect."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events.tables import inbox

_ADMIT = sa.text(
    """
    INSERT INTO inbox (reader, event_id)
    SELECT :reader, id FROM unnest(CAST(:ids AS uuid[])) AS id
    ORDER BY id
    ON CONFLICT DO NOTHING
    RETURNING event_id
    """
)


async def admit(session: AsyncSession, reader: str, event_ids: Sequence[UUID]) -> set[UUID]:
    """Remember these events in this transaction; the answer is those that were not seen before.

    Waits for another transaction that is admitting the same event. The ids are taken in one order by everyone, so that
    two that overlap cannot wait for each other.
    """
    if not event_ids:
        return set()
    rows = await session.execute(_ADMIT, {"reader": reader, "ids": list(event_ids)})
    return set(rows.scalars())


async def forget(session: AsyncSession, *, before: datetime, limit: int = 10_000) -> int:
    """Delete entries that are older than every topic's retention; the answer is how many."""
    expired = sa.select(inbox.c.reader, inbox.c.event_id).where(inbox.c.seen_at < before).limit(limit)
    result = await session.execute(
        sa.delete(inbox).where(sa.tuple_(inbox.c.reader, inbox.c.event_id).in_(expired)).returning(inbox.c.event_id)
    )
    return len(result.all())
