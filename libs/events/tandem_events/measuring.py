"""What is looked up in a service's database for its metrics: what waits to be sent, and what is parked."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events import metrics
from tandem_events.tables import dead_letters, outbox

STANDINGS = ("poison", "waiting", "follower")

COUNTED_AT_MOST = 100_000
"""Beyond this the outbox is no longer counted out: the answer to an operator is the same."""


async def measure(session: AsyncSession, reader: str, *, now: datetime) -> None:
    """Show how much waits in the outbox and since when, and how much is parked.

    Every replica shows the same, whoever leads, also while Kafka is away: that is when somebody looks.
    """
    unsent = sa.select(outbox.c.recorded_at).where(outbox.c.sent_at.is_(None)).order_by(outbox.c.id)
    first = unsent.limit(COUNTED_AT_MOST).subquery()
    depth, oldest = (await session.execute(sa.select(sa.func.count(), sa.func.min(first.c.recorded_at)))).one()
    metrics.OUTBOX_DEPTH.set(depth)
    metrics.OUTBOX_OLDEST_SECONDS.set(max(0.0, (now - oldest).total_seconds()) if oldest else 0)

    counted = await session.execute(
        sa.select(dead_letters.c.standing, sa.func.count())
        .where(dead_letters.c.reader == reader)
        .group_by(dead_letters.c.standing)
    )
    parked = {row.standing: row[1] for row in counted}
    for standing in STANDINGS:
        metrics.PARKED_NOW.labels(standing).set(parked.get(standing, 0))
