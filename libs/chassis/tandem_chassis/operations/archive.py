"""The archive: what this service has said, for operators and for the story of a relationship."""

from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from tandem_chassis import idempotency, paging
from tandem_chassis.database import Transaction
from tandem_chassis.operations.payloads import readable
from tandem_chassis.paging import Cursor, Limit, Page
from tandem_events import archive
from tandem_events.archive import Archived, Position

router = APIRouter(route_class=idempotency.Route)

Key = Annotated[
    str, Query(max_length=500, pattern=r"^[^\x00]*$", description="Only of this key, such as a pairing's id.")
]
EventType = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_.]{1,100}$")]
Moment = Annotated[AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC), lt=datetime(2200, 1, 1, tzinfo=UTC))]


class ArchivedEvent(BaseModel):
    """An event that this service has said, with its envelope."""

    id: UUID
    type: str
    source: str
    subject: str
    key: str
    topic: str
    time: str = Field(description="When it became true (RFC 3339, UTC).")
    correlation_id: str | None = Field(description="The story that it belongs to: the id of the request that began it.")
    causation_id: str | None = Field(description="The event that led to it; null where a request or a timer did.")
    aggregate_version: int
    traceparent: str | None
    recorded_at: datetime
    sent_at: datetime | None = Field(description="When Kafka had it; null while it waits.")
    gone: bool = Field(description="It says that the thing of a state topic is gone.")
    data: Any = Field(description="Null for states: those may hold personal data, which operators have no use for.")


@router.get("/archive")
async def read_archive(
    request: Request,
    session: Transaction,
    limit: Limit = 50,
    cursor: Cursor = None,
    key: Key | None = None,
    type: Annotated[  # noqa: A002 - the parameter's name in the address
        list[EventType] | None,
        Query(max_length=50, description="Only of these types, such as `tandem.pairing.created.v1`."),
    ] = None,
    id: Annotated[  # noqa: A002 - the parameter's name in the address
        list[UUID] | None, Query(max_length=50, description="Only the events with these ids.")
    ] = None,
    since: Annotated[Moment | None, Query(description="Recorded at this moment or later.")] = None,
    until: Annotated[Moment | None, Query(description="Recorded before this moment.")] = None,
) -> Page[ArchivedEvent]:
    """What this service has said, oldest first. Those of one key come in the order in which they were said."""
    position = paging.decode(cursor, date.fromisoformat, paging.row_number)
    found = await archive.entries(
        session,
        key=key,
        types=type or (),
        event_ids=id or (),
        since=since,
        until=until,
        after=Position(*position) if position else None,
        limit=limit + 1,
    )
    facts = {event.contract.topic for event in request.app.state.service.sends if not event.contract.compacted}
    return paging.page(found, limit, lambda one: _shown(one, with_data=one.topic in facts), by=lambda one: one.position)


def _shown(one: Archived, *, with_data: bool) -> ArchivedEvent:
    said = one.headers
    return ArchivedEvent(
        id=one.event_id,
        type=one.type,
        source=said.get("ce_source", ""),
        subject=one.subject,
        key=one.key,
        topic=one.topic,
        time=said.get("ce_time", ""),
        correlation_id=said.get("ce_correlationid"),
        causation_id=said.get("ce_causationid"),
        aggregate_version=int(said.get("ce_aggregateversion", "0")),
        traceparent=said.get("ce_traceparent"),
        recorded_at=one.recorded_at,
        sent_at=one.sent_at,
        gone=one.value is None,
        data=readable(one.value) if with_data else None,
    )
