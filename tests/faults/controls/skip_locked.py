"""Relays that share the outbox with FOR UPDATE SKIP LOCKED: one overtakes the other."""

import asyncio
import json

import asyncpg

from tandem_events import kafka
from tandem_events.relay import recorded, send_all
from tandem_events.settings import EventSettings


class SkipLockedRelay:
    """One of several that each take what no other holds. WRONG ON PURPOSE: the later batch may be sent first.

    `delay_seconds` passes between taking a batch and sending it, as a slow network would have it: it makes the fault
    certain in a short run, and is not what causes it.
    """

    def __init__(self, settings: EventSettings, *, delay_seconds: float) -> None:
        self._settings = settings
        self._delay_seconds = delay_seconds

    async def run(self) -> None:
        """Take, send, mark; until cancelled."""
        connection = await asyncpg.connect(self._settings.asyncpg_dsn())
        await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
        producer = kafka.producer(self._settings)
        await producer.start()
        try:
            while True:
                async with connection.transaction():
                    rows = await connection.fetch(
                        """
                        SELECT id, recorded_on, topic, key, headers, value FROM outbox
                        WHERE sent_at IS NULL ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
                        """,
                        self._settings.outbox_batch_events,
                    )
                    await asyncio.sleep(self._delay_seconds)
                    batch = [recorded(row) for row in rows]
                    await send_all(producer, batch, namespace=self._settings.kafka_namespace)
                    await connection.execute(
                        "UPDATE outbox SET sent_at = now() WHERE id = ANY($1::bigint[])", [row["id"] for row in rows]
                    )
                if not rows:
                    await asyncio.sleep(self._settings.outbox_poll_min_milliseconds / 1000)
        finally:
            await producer.stop()
            await connection.close()
