"""Parked events: look at them, redrive them, give them up."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel

from tandem_chassis import idempotency, paging
from tandem_chassis.database import Transaction
from tandem_chassis.errors import NotFound
from tandem_chassis.operations.payloads import readable
from tandem_chassis.paging import Cursor, Limit, Page
from tandem_events import dead_letters
from tandem_events.consumer import Consumer
from tandem_events.dead_letters import Parked

router = APIRouter(route_class=idempotency.Route)


class NoSuchParkedEvent(NotFound):
    """Nothing with this number is parked here (any more)."""


class ParkedEvent(BaseModel):
    """An event that was put aside."""

    id: int
    topic: str
    partition: int
    offset: int
    key: str
    event_id: UUID
    type: str | None
    standing: str
    reason: str
    attempts: int
    parked_at: datetime
    retry_at: datetime | None


class ParkedEventWithPayload(ParkedEvent):
    """An event that was put aside, as it came."""

    headers: dict[str, str]
    payload: Any


class Redriven(BaseModel):
    """What came of trying again."""

    redriven: int
    still_parked: int


def _consumer(request: Request) -> Consumer:
    consumer: Consumer = request.app.state.consumer
    return consumer


Number = Annotated[int, Path(ge=1, lt=2**63)]
ServiceConsumer = Annotated[Consumer, Depends(_consumer)]


def _shown(parked: Parked) -> ParkedEvent:
    return ParkedEvent(**{name: getattr(parked, name) for name in ParkedEvent.model_fields})


@router.get("/parked-events")
async def list_parked_events(
    session: Transaction,
    consumer: ServiceConsumer,
    limit: Limit = 50,
    cursor: Cursor = None,
    key: Annotated[str | None, Query(max_length=500, pattern=r"^[^\x00]*$")] = None,
) -> Page[ParkedEvent]:
    """Parked events in the order in which they were parked, with the reason of each."""
    rows = await dead_letters.list_parked(
        session, consumer.handling.name, after_id=paging.after(cursor, paging.row_number) or 0, limit=limit + 1, key=key
    )
    return paging.page(rows, limit, _shown, by=lambda row: row.id)


@router.get("/parked-events/{parked_id}")
async def show_parked_event(
    parked_id: Number, session: Transaction, consumer: ServiceConsumer
) -> ParkedEventWithPayload:
    """A parked event with its headers and its payload (JSON where it is JSON, else text)."""
    parked = await dead_letters.find(session, consumer.handling.name, parked_id)
    if parked is None:
        raise NoSuchParkedEvent(f"No event with the number {parked_id} is parked here.")
    return ParkedEventWithPayload(**_shown(parked).model_dump(), headers=parked.headers, payload=readable(parked.value))


@router.post("/parked-events/{parked_id}/redrive")
async def redrive_parked_event(parked_id: Number, session: Transaction, consumer: ServiceConsumer) -> Redriven:
    """Try this event's key again from its first parked event on, in order."""
    parked = await dead_letters.find(session, consumer.handling.name, parked_id)
    if parked is None:
        raise NoSuchParkedEvent(f"No event with the number {parked_id} is parked here.")
    redriven = await consumer.handling.redriving.redrive((parked.topic, parked.key))
    left = await dead_letters.list_parked(session, consumer.handling.name, key=parked.key, limit=500)
    return Redriven(redriven=redriven, still_parked=len([row for row in left if row.topic == parked.topic]))


@router.post("/parked-events/{parked_id}/discard")
async def discard_parked_event(parked_id: Number, consumer: ServiceConsumer, session: Transaction) -> ParkedEvent:
    """Give this event up for good; those behind it can then be redriven."""
    del session  # opened for the idempotency key; the discard has a transaction of its own
    parked = await consumer.handling.redriving.discard(parked_id)
    if parked is None:
        raise NoSuchParkedEvent(f"No event with the number {parked_id} is parked here.")
    return _shown(parked)
