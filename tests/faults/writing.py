"""Writing: transactions that change one to three ledgers, say so in the outbox, and tell the oracle."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.exc import StaleDataError
from uuid_utils.compat import uuid7

from tandem_events import outbox
from tandem_events.database import Transaction
from tests.faults.database import AWAY
from tests.faults.ledgers import Ledger, LedgerChanged

HOT_SHARE = 0.15
"""This share of the ledgers gets half of the changes, so that writers meet."""

CHANGES = (1, 1, 1, 2, 2, 3)
"""How many ledgers a transaction changes; each as likely as the next."""

_TOLD = sa.text(
    """
    WITH transaction AS (
        INSERT INTO transactions (lane, number) SELECT :lane, :number WHERE CAST(:lane AS integer) IS NOT NULL
    )
    INSERT INTO oracle (entry_id, ledger_id, book_id, version, refused)
    SELECT entry_id, ledger_id, book_id, version, :refused
    FROM unnest(
        CAST(:entries AS uuid[]), CAST(:ledgers AS uuid[]), CAST(:books AS uuid[]), CAST(:versions AS integer[])
    ) AS told (entry_id, ledger_id, book_id, version)
    """
)
_LAST = sa.text("SELECT coalesce(max(number), -1) FROM transactions WHERE lane = :lane")


@dataclass(frozen=True, slots=True)
class Task:
    """What a writer has to do in each of its lanes."""

    transactions: int
    ledgers: int
    per_second: float
    begins_at: float
    held_share: float
    """This share of the transactions stays open for a while after its facts were added, as slow requests do."""

    held_seconds: float
    seed: int


async def change(
    session: AsyncSession,
    numbers: Sequence[int],
    *,
    lane: int | None = None,
    number: int | None = None,
    held_seconds: float = 0.0,
    refused: bool = False,
) -> None:
    """Give each of these ledgers a new entry, in this transaction, which is the lane's of this number.

    Raises:
        StaleDataError: another transaction changed one of them meanwhile.
    """
    rows = await session.scalars(sa.select(Ledger).where(Ledger.number.in_(numbers)).order_by(Ledger.id))
    changed = list(rows)
    for ledger in changed:
        ledger.entry_id = uuid7()
    await session.flush()
    events = [
        LedgerChanged(
            ledger_id=ledger.id,
            book_id=ledger.book_id,
            version=ledger.version,
            entry_id=ledger.entry_id,
            refused=refused,
            occurred_at=datetime.now(UTC),
        )
        for ledger in changed
        if ledger.entry_id is not None
    ]
    await outbox.add_many(session, [(event, event.version) for event in events])
    await session.execute(
        _TOLD,
        {
            "lane": lane,
            "number": number,
            "refused": refused,
            "entries": [event.entry_id for event in events],
            "ledgers": [event.ledger_id for event in events],
            "books": [event.book_id for event in events],
            "versions": [event.version for event in events],
        },
    )
    if held_seconds:
        await asyncio.sleep(held_seconds)


async def write_lane(transaction: Transaction, lane: int, task: Task) -> None:
    """Do the lane's transactions, one after the other; goes on after the last that was committed."""
    number = await _first_to_do(transaction, lane)
    while number < task.transactions:
        random = Random(f"{task.seed} {lane} {number}")
        due = task.begins_at + number / task.per_second
        await asyncio.sleep(max(0.0, due - time.time()))
        hot = max(1, int(task.ledgers * HOT_SHARE))
        numbers = {
            random.randrange(hot) if random.random() < 0.5 else random.randrange(task.ledgers)
            for _ in range(random.choice(CHANGES))
        }
        held = random.uniform(0.1, 1.0) * task.held_seconds if random.random() < task.held_share else 0.0
        try:
            async with transaction() as session:
                await change(session, sorted(numbers), lane=lane, number=number, held_seconds=held)
        except StaleDataError:
            continue
        except IntegrityError:
            number = await _first_to_do(transaction, lane)
        except AWAY:
            # Whether it was committed is not known: the table of transactions tells.
            await asyncio.sleep(0.2)
            number = await _first_to_do(transaction, lane)
        else:
            number += 1


async def _first_to_do(transaction: Transaction, lane: int) -> int:
    while True:
        try:
            async with transaction() as session:
                return int((await session.execute(_LAST, {"lane": lane})).scalar_one()) + 1
        except AWAY:
            await asyncio.sleep(0.2)
