"""Redriving: parked events are tried again in the order of their key, or given up."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events import dead_letters, metrics
from tandem_events.database import Transaction
from tandem_events.dead_letters import Parked
from tandem_events.faults import Unreadable, passes, reason_of
from tandem_events.reading import Lane, storable
from tandem_events.subscriptions import NotYet
from tandem_events.switching import hold_off_a_switch

log = structlog.get_logger(__name__)

REDRIVEN_AT_ONCE = 200
"""So many parked events of a key take effect in one transaction, while all goes well."""

TakeEffect = Callable[[AsyncSession, Sequence[Parked]], Awaitable[None]]
"""Lets these events take effect in this transaction, all or none."""


class Redriving:
    """Tries one reader's parked events again, in transactions of the service's database."""

    def __init__(
        self, transaction: Transaction, take_effect: TakeEffect, *, name: str, waiting_retry: timedelta
    ) -> None:
        self._transaction = transaction
        self._take_effect = take_effect
        self._name = name
        self._waiting_retry = waiting_retry

    async def redrive(self, lane: Lane) -> int:
        """Try the parked events of a key again, in order; the answer is how many took effect.

        The first one that fails again stays, with its new reason, and so does everything behind it. Many take effect
        in one transaction; where that fails, each in one of its own.
        """
        redriven, singly = 0, 0
        while True:
            done, together = await self._redrive(lane, at_most=1 if singly > 0 else REDRIVEN_AT_ONCE)
            if done == 0:
                return redriven
            singly = singly - 1 if together else REDRIVEN_AT_ONCE
            redriven += done

    async def _redrive(self, lane: Lane, *, at_most: int) -> tuple[int, bool]:
        """How many events at the head of a key took effect in one transaction, and whether those behind the first did.

        The first takes effect by itself, so that what it fails of is its own reason; those behind it all or none.
        """
        async with self._transaction() as session:
            await hold_off_a_switch(session)
            first = await dead_letters.lock_first(session, self._name, lane)
            if first is None:
                return 0, True
            try:
                await self._take_effect(session, [first])
            except Exception as raised:
                if passes(raised):
                    raise
                standing = "waiting" if isinstance(raised, NotYet) else "poison"
                reason = str(raised) if isinstance(raised, Unreadable) else reason_of(raised)
                await self._still_parked(session, first, standing, reason)
                return 0, True
            done, together = [first], True
            following = await dead_letters.behind(session, self._name, first, limit=at_most - 1)
            try:
                await self._take_effect(session, following)
                done += following
            except Exception as raised:
                if passes(raised):
                    raise
                together = False
            await dead_letters.release(session, *(one.id for one in done))
            await dead_letters.promote_next(session, self._name, lane, now=datetime.now(UTC))
        metrics.EVENTS_REDRIVEN.inc(len(done))
        return len(done), together

    async def _still_parked(self, session: AsyncSession, parked: Parked, standing: str, reason: str) -> None:
        retry_at = None
        if standing == "waiting":
            retry_at = datetime.now(UTC) + self._waiting_retry * min(2**parked.attempts, 64)
        await dead_letters.note_failure(
            session, parked.id, standing=standing, reason=storable(reason), retry_at=retry_at
        )

    async def discard(self, parked_id: int) -> Parked | None:
        """Give up a parked event; its followers can then be redriven. The answer is what was given up, if anything."""
        async with self._transaction() as session:
            parked = await dead_letters.find(session, self._name, parked_id)
            if parked is None:
                return None
            await dead_letters.lock_lane(session, self._name, (parked.topic, parked.key))
            await dead_letters.release(session, parked_id)
        metrics.EVENTS_DISCARDED.inc()
        log.warning("event_discarded", event_id=str(parked.event_id), type=parked.type, reason=parked.reason)
        return parked

    async def redrive_due(self, now: datetime) -> int:
        """Try the keys again whose first event waits for another topic; the answer is how many events took effect."""
        async with self._transaction() as session:
            lanes = await dead_letters.lanes_due(session, self._name, now=now)
        return sum([await self.redrive(lane) for lane in lanes])
