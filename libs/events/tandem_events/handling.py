"""Handling: events that were read take effect, each exactly once, those of a key in order, or are parked."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events import dead_letters, inbox, metrics, tracing
from tandem_events.database import DATABASE_AWAY, Transaction
from tandem_events.dead_letters import Parked
from tandem_events.envelope import follow
from tandem_events.faults import Unreadable, passes, reason_of
from tandem_events.reading import Item, Reader, as_incoming, readable_headers, storable
from tandem_events.redriving import Redriving
from tandem_events.subscriptions import AroundBatch, NotYet, nothing_around
from tandem_events.switching import hold_off_a_switch

log = structlog.get_logger(__name__)


def _is_gone(item: Item) -> bool:
    """Whether this says readably that a thing of a state topic is gone."""
    return item.fault is None and item.subscription is not None and item.incoming.value is None


@dataclass(slots=True)
class Outcome:
    """What became of a batch."""

    handled: int = 0
    duplicates: int = 0
    passed_over: int = 0
    parked: int = 0
    types: dict[str, int] = field(default_factory=dict)

    def add(self, other: "Outcome") -> None:
        """Count another batch in."""
        self.handled += other.handled
        self.duplicates += other.duplicates
        self.passed_over += other.passed_over
        self.parked += other.parked
        for name, number in other.types.items():
            self.types[name] = self.types.get(name, 0) + number


class Handling:
    """Takes batches of read messages through inbox, handlers and parking, in transactions of the service's database."""

    def __init__(
        self,
        reader: Reader,
        transaction: Transaction,
        *,
        name: str,
        retry_seconds: float,
        waiting_retry_seconds: float,
        around_batch: AroundBatch = nothing_around,
    ) -> None:
        self.reader = reader
        self._around_batch = around_batch
        self.name = name
        self._transaction = transaction
        self._retry_seconds = retry_seconds
        self._waiting_retry = timedelta(seconds=waiting_retry_seconds)
        self.redriving = Redriving(transaction, self.take_effect_later, name=name, waiting_retry=self._waiting_retry)

    async def handle(self, items: Sequence[Item]) -> Outcome:
        """Handle messages of one or more keys, in the order given.

        Returns once every one of them has taken effect, was seen before, was passed over, or is parked; retries faults
        that pass, for as long as the database is away.
        """
        concerning = [item for item in items if item.passed_over is None]
        for item in items:
            if item.passed_over is not None:
                metrics.EVENTS_PASSED_OVER.labels(item.passed_over).inc()
        outcome = Outcome(passed_over=len(items) - len(concerning))
        if not concerning:
            return outcome
        with tracing.handling_batch(self.name, (item.incoming.headers for item in concerning)):
            try:
                outcome.add(await self._in_one_transaction(concerning))
            except Exception as fault:  # noqa: BLE001 - whatever a handler raises: the events are handled one by one, or parked
                metrics.BATCH_FALLBACKS.inc()
                if len(concerning) > 1:
                    log.info("batch_falls_back_to_single_events", events=len(concerning), reason=reason_of(fault))
                for item in concerning:
                    outcome.add(await self._one(item))
        metrics.EVENTS_DUPLICATE.inc(outcome.duplicates)
        for name, number in outcome.types.items():
            metrics.EVENTS_HANDLED.labels(name).inc(number)
        return outcome

    async def _in_one_transaction(self, items: Sequence[Item]) -> Outcome:
        outcome = Outcome()
        async with self._transaction() as session:
            await hold_off_a_switch(session)
            # THE ORDER MATTERS: admitting waits for a member that handles the same events still, such as one that was
            # silent for too long. Only then can what that one parked be seen.
            unseen = await inbox.admit(session, self.name, [item.event_id for item in items])
            await self._let_go_of_what_is_gone(session, [item for item in items if item.event_id in unseen])
            blocked = await dead_letters.blocked(session, self.name, (item.lane for item in items))
            parked: list[tuple[Item, str, str]] = []
            chosen: list[Item] = []
            for item in items:
                if item.event_id not in unseen:
                    outcome.duplicates += 1
                    continue
                unseen.discard(item.event_id)
                if _is_gone(item):
                    overtaken = [one for one in parked if one[0].lane == item.lane]
                    parked = [one for one in parked if one[0].lane != item.lane]
                    outcome.passed_over += len(overtaken)
                    blocked.discard(item.lane)
                if item.lane in blocked:
                    parked.append((item, "follower", "an earlier event of its key is parked"))
                elif item.fault is not None:
                    parked.append((item, "poison", item.fault))
                    blocked.add(item.lane)
                else:
                    chosen.append(item)
                    outcome.handled += 1
                    outcome.types[item.type or ""] = outcome.types.get(item.type or "", 0) + 1
            async with self._around_batch(session, [item.event for item in chosen if item.event is not None]):
                for item in chosen:
                    await self.apply(item, session)
            await self._park(session, parked)
            outcome.parked += len(parked)
        return outcome

    async def _let_go_of_what_is_gone(self, session: AsyncSession, items: Sequence[Item]) -> None:
        """Nothing of a thing that is gone stays parked, least of all what was told of somebody who is erased.

        A state is the whole of what is so now, so that the end of a thing needs nothing from before it: whoever begins
        to read later finds only that on the topic.
        """
        for lane in sorted({item.lane for item in items if _is_gone(item)}):
            if given_up := await dead_letters.forget(session, lane, reader=self.name):
                metrics.EVENTS_DISCARDED.inc(given_up)
                log.info("parked_states_overtaken", topic=lane[0], key=lane[1], events=given_up)

    async def apply(self, item: Item, session: AsyncSession) -> None:
        """Let a message that was read take effect in this transaction; nothing is remembered of it."""
        if item.subscription is None or item.envelope is None:
            raise RuntimeError(f"{item.type} was not read, so it cannot be handled")
        follow(item.envelope.as_cause())
        with tracing.handling(self.name, item.incoming.topic, item.incoming.headers):
            if item.event is not None:
                await item.subscription.handler(item.event, session)
            elif item.subscription.on_gone is not None:
                await item.subscription.on_gone(UUID(item.envelope.subject), session)

    async def take_effect_later(self, session: AsyncSession, parked: Sequence[Parked]) -> None:
        """Let events that were parked take effect, all or none, inside what the service does around a batch.

        Raises:
            Unreadable: one of them is what nobody here can read still.
        """
        items = [self.reader.read(as_incoming(one)) for one in parked]
        for item in items:
            if item.fault is not None:
                raise Unreadable(item.fault)
        concerning = [item for item in items if item.passed_over is None]
        if concerning:
            events = [item.event for item in concerning if item.event is not None]
            async with session.begin_nested(), self._around_batch(session, events):
                for item in concerning:
                    await self.apply(item, session)

    async def _one(self, item: Item) -> Outcome:
        """One event in a transaction of its own: retried while that may help, then parked."""
        deadline = asyncio.get_running_loop().time() + self._retry_seconds
        pause = 0.05
        while True:
            try:
                return await self._in_one_transaction([item])
            except Exception as fault:  # noqa: BLE001 - whatever a handler raises ends in parking; nothing is dropped
                if passes(fault):
                    # An event that got no connection was not tried: that says nothing against it.
                    if isinstance(fault, PoolTimeout) or not await self._database_answers():
                        deadline = asyncio.get_running_loop().time() + self._retry_seconds
                    if asyncio.get_running_loop().time() < deadline:
                        log.warning("event_retried", event_id=str(item.event_id), reason=reason_of(fault))
                        await asyncio.sleep(pause)
                        pause = min(pause * 2, 2.0)
                        continue
                if await self._park_alone(item, fault):
                    return Outcome(parked=1)

    async def _database_answers(self) -> bool:
        try:
            async with self._transaction() as session:
                await session.execute(sa.text("SELECT 1"))
        except DATABASE_AWAY:
            return False
        return True

    async def _park_alone(self, item: Item, fault: BaseException) -> bool:
        standing = "waiting" if isinstance(fault, NotYet) else "poison"
        reason = item.fault or reason_of(fault)
        try:
            try:
                await self._park_one(item, standing, reason)
            except DATABASE_AWAY as refused:
                if passes(refused):
                    raise
                # It is the event that the database refuses: what it can keep of it is kept, so that nothing stops.
                log.warning("event_parked_stripped", event_id=str(item.event_id), reason=reason_of(refused))
                stripped = item.incoming._replace(headers=())
                await self._park_one(item._replace(incoming=stripped, type=None), standing, ascii(reason))
        except DATABASE_AWAY as away:
            log.warning("parking_failed", event_id=str(item.event_id), reason=reason_of(away))
            await asyncio.sleep(0.5)
            return False
        return True

    async def _park_one(self, item: Item, standing: str, reason: str) -> None:
        async with self._transaction() as session:
            if await inbox.admit(session, self.name, [item.event_id]):
                await self._park(session, [(item, standing, reason)])

    async def _park(self, session: AsyncSession, parked: Sequence[tuple[Item, str, str]]) -> None:
        retry_at = datetime.now(UTC) + self._waiting_retry
        await dead_letters.park(
            session,
            self.name,
            [
                {
                    "topic": item.incoming.topic,
                    "partition": item.incoming.partition,
                    "offset": item.incoming.offset,
                    "key": item.lane[1],
                    "event_id": item.event_id,
                    "type": item.type,
                    "headers": readable_headers(item.incoming.headers),
                    "value": item.incoming.value,
                    "standing": standing,
                    "reason": storable(reason),
                    "retry_at": retry_at if standing == "waiting" else None,
                }
                for item, standing, reason in parked
            ],
        )
        for item, standing, reason in parked:
            metrics.EVENTS_PARKED.labels(standing).inc()
            if standing != "follower":
                log.warning(
                    "event_parked", event_id=str(item.event_id), type=item.type, standing=standing, reason=reason
                )
