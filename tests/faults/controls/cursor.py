"""A relay that remembers the last id it sent: what commits later with a lower id is lost."""

import asyncio
import json

import asyncpg

from tandem_events import kafka
from tandem_events.relay import recorded, send_all
from tandem_events.settings import EventSettings


class CursorRelay:
    """Reads `id > last`. WRONG ON PURPOSE: ids are drawn before the commit, so they become visible out of order."""

    def __init__(self, settings: EventSettings) -> None:
        self._settings = settings

    async def run(self) -> None:
        """Send what comes after the last one, until cancelled."""
        connection = await asyncpg.connect(self._settings.asyncpg_dsn())
        await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
        producer = kafka.producer(self._settings)
        await producer.start()
        last = 0
        try:
            while True:
                rows = await connection.fetch(
                    "SELECT id, recorded_on, topic, key, headers, value FROM outbox WHERE id > $1 ORDER BY id LIMIT $2",
                    last,
                    self._settings.outbox_batch_events,
                )
                if rows:
                    await send_all(producer, [recorded(row) for row in rows], namespace=self._settings.kafka_namespace)
                    last = rows[-1]["id"]
                await asyncio.sleep(self._settings.outbox_poll_min_milliseconds / 1000)
        finally:
            await producer.stop()
            await connection.close()
