"""The archive: everything that a service has said, as its outbox keeps it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events.tables import outbox

_UUID_VERSION_WITH_TIME = 7
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_MILLISECONDS = 7_258_118_400_000
"""The year 2200: an id that tells of later was not made by any service."""


class Position(NamedTuple):
    """Where an event stands in the archive."""

    recorded_on: date
    id: int


@dataclass(frozen=True, slots=True)
class Archived:
    """An event as it was said, when it was recorded, and when Kafka had it (null: not yet)."""

    position: Position
    event_id: UUID
    type: str
    topic: str
    key: str
    subject: str
    headers: dict[str, str]
    value: bytes | None
    recorded_at: datetime
    sent_at: datetime | None


async def entries(
    session: AsyncSession,
    *,
    key: str | None = None,
    types: Sequence[str] = (),
    event_ids: Sequence[UUID] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    after: Position | None = None,
    limit: int = 50,
) -> list[Archived]:
    """Events of the archive, oldest first, recorded from `since` on and before `until`.

    Those of one key come in the order in which they were said. Events of several keys come by day and then in that
    order, as the archive's partitions give them without sorting.
    """
    query = sa.select(outbox)
    if key is not None:
        query = query.where(outbox.c.key == key).order_by(outbox.c.id)
        if after is not None:
            query = query.where(outbox.c.id > after.id)
    else:
        query = query.order_by(outbox.c.recorded_on, outbox.c.id)
        if after is not None:
            query = query.where(sa.tuple_(outbox.c.recorded_on, outbox.c.id) > sa.tuple_(*after))
    if types:
        query = query.where(outbox.c.type.in_(types))
    if event_ids:
        query = query.where(outbox.c.event_id.in_(event_ids), outbox.c.recorded_on.in_(_days_of(event_ids)))
    # The days only spare the partitions that cannot hold what is asked for.
    if since is not None:
        query = query.where(outbox.c.recorded_at >= since, outbox.c.recorded_on >= since.astimezone(UTC).date())
    if until is not None:
        query = query.where(outbox.c.recorded_at < until, outbox.c.recorded_on <= until.astimezone(UTC).date())
    rows = await session.execute(query.limit(limit))
    return [_archived(row) for row in rows.mappings()]


def _days_of(event_ids: Sequence[UUID]) -> set[date]:
    """The days on which these events can have been recorded: an id tells its time, and its transaction began before."""
    days: set[date] = set()
    for event_id in event_ids:
        milliseconds = event_id.int >> 80
        if event_id.version == _UUID_VERSION_WITH_TIME and milliseconds < _LATEST_MILLISECONDS:
            made = (_EPOCH + timedelta(milliseconds=milliseconds)).date()
            days |= {made, made - timedelta(days=1)}
    return days


def _archived(row: sa.RowMapping) -> Archived:
    return Archived(
        position=Position(row["recorded_on"], row["id"]),
        event_id=row["event_id"],
        type=row["type"],
        topic=row["topic"],
        key=row["key"],
        subject=row["subject"],
        headers=row["headers"],
        value=row["value"],
        recorded_at=row["recorded_at"],
        sent_at=row["sent_at"],
    )
