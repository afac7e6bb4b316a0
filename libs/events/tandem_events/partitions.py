"""Partitions: the outbox has one for each day; they come before their day and go with their retention."""

from datetime import UTC, date, datetime, timedelta

import asyncpg
import structlog

from tandem_events.settings import EventSettings
from tandem_events.tables import partition_name

log = structlog.get_logger(__name__)

DAYS_AHEAD = 2
LOCK_SECONDS = 3
"""Writers wait while a partition is made; a transaction that holds them up for longer is let be until the next time."""


async def keep_up(connection: asyncpg.Connection, settings: EventSettings) -> None:
    """Make the partitions of the coming days, and let go of those that are past their retention.

    Where nobody led for days, rows of those days lie in the default partition; they get their own here.

    Raises:
        asyncpg.PostgresError: a partition could not be made now; everything else is as it was, and facts go on being
            recorded and sent.
    """
    today = datetime.now(UTC).date()
    coming = [today + timedelta(days=ahead) for ahead in range(DAYS_AHEAD + 1)]
    strayed = await connection.fetch("SELECT DISTINCT recorded_on FROM outbox_default ORDER BY recorded_on")
    for day in dict.fromkeys((*coming, *(row["recorded_on"] for row in strayed))):
        await _make(connection, day)
    await _let_go(connection, today - timedelta(days=settings.outbox_retention_days))


async def _make(connection: asyncpg.Connection, day: date) -> None:
    """Make the partition of a day where it is missing, with the rows of that day that lie in the default partition."""
    name = partition_name(day)
    if await connection.fetchval("SELECT to_regclass($1)", name) is not None:
        return
    following = day + timedelta(days=1)
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
        # Whoever writes into the default partition at this moment is waited for, so that none of its rows is missed.
        await connection.execute("LOCK TABLE outbox_default IN ACCESS EXCLUSIVE MODE")
        await connection.execute(f"CREATE TABLE {name} (LIKE outbox INCLUDING DEFAULTS)")
        moved = await connection.execute(
            f"WITH strayed AS (DELETE FROM outbox_default WHERE recorded_on = $1 RETURNING *) "  # noqa: S608
            f"INSERT INTO {name} SELECT * FROM strayed",
            day,
        )
        await connection.execute(
            f"ALTER TABLE outbox ATTACH PARTITION {name} FOR VALUES FROM ('{day}') TO ('{following}')"
        )
    number = int(moved.rpartition(" ")[2])
    if number:
        log.warning("outbox_rows_moved_out_of_the_default_partition", partition=name, rows=number)


async def _let_go(connection: asyncpg.Connection, first_kept: date) -> None:
    expired = await connection.fetch(
        """
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'outbox'::regclass AND c.relname ~ '^outbox_[0-9]{8}$' AND c.relname < $1
        """,
        partition_name(first_kept),
    )
    for row in expired:
        name = row["relname"]
        if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {name} WHERE sent_at IS NULL)"):  # noqa: S608
            log.error("outbox_partition_expired_with_unsent_events", partition=name)
            continue
        async with connection.transaction():
            await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
            await connection.execute(f"DROP TABLE {name}")
        log.info("outbox_partition_dropped", partition=name)


async def oldest_unsent_day(connection: asyncpg.Connection) -> date | None:
    """The first day of which something has not been sent, or nothing. It looks into every partition."""
    day: date | None = await connection.fetchval("SELECT min(recorded_on) FROM outbox WHERE sent_at IS NULL")
    return day
