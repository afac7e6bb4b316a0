"""The release: the handler is repaired, malformed messages are given up, and everything parked is redriven."""

import asyncio
import json
import time

from tandem_events import dead_letters
from tandem_events.handling import Handling
from tandem_events.reading import Reader
from tandem_events.subscriptions import Subscription
from tests.faults import database
from tests.faults.arena import Arena
from tests.faults.ledgers import LedgerChanged, on_ledger_changed_accepting
from tests.faults.members import SERVICE
from tests.faults.topic import token_of

LANES_AT_ONCE = 8
WITHIN_SECONDS = 600.0


async def redrive_everything(arena: Arena) -> tuple[int, float]:
    """Until nothing is parked and the writers are done: how many events were redriven, in how many seconds.

    Raises:
        TimeoutError: something is still parked after ten minutes.
    """
    began = time.monotonic()
    redriven = 0
    async with database.transactions(arena.url, "operator") as transaction:
        handling = Handling(
            Reader([Subscription(LedgerChanged, on_ledger_changed_accepting)], max_event_bytes=1_048_576),
            transaction,
            name=SERVICE,
            retry_seconds=5,
            waiting_retry_seconds=1,
        )
        async with asyncio.timeout(WITHIN_SECONDS):
            while True:
                written = all(writer.done for writer in arena.writers)
                await _discard_malformed(arena, handling)
                lanes = await _parked_lanes(arena)
                if not lanes and written:
                    return redriven, time.monotonic() - began
                free = asyncio.Semaphore(LANES_AT_ONCE)
                redriven += sum(await asyncio.gather(*(_redrive(handling, lane, free) for lane in lanes)))
                await asyncio.sleep(0.2)


async def _redrive(handling: Handling, lane: dead_letters.Lane, free: asyncio.Semaphore) -> int:
    async with free:
        return await handling.redriving.redrive(lane)


async def _parked_lanes(arena: Arena) -> list[dead_letters.Lane]:
    return [
        (row["topic"], row["key"]) for row in await arena.observer.rows("SELECT DISTINCT topic, key FROM dead_letters")
    ]


async def _discard_malformed(arena: Arena, handling: Handling) -> None:
    for row in await arena.observer.rows("SELECT id, headers, value FROM dead_letters ORDER BY id"):
        headers = {name: text.encode() for name, text in json.loads(row["headers"]).items()}
        if token_of(headers, row["value"]) is not None:
            await handling.redriving.discard(row["id"])
