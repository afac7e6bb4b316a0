"""Agendas over HTTP: both sides write what they want to talk about."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from tandem_chassis import idempotency
from tandem_chassis.app import Now
from tandem_chassis.auth import CurrentCaller
from tandem_chassis.database import Transaction
from tandem_chassis.paging import Page
from tandem_scheduling.api.fields import Words
from tandem_scheduling.storage.agendas import AgendaItem
from tandem_scheduling.use_cases import agendas as use_cases

router = APIRouter(tags=["agendas"], route_class=idempotency.Route)


class NewAgendaItem(BaseModel):
    """Something to talk about, or a question."""

    words: Words


class AgendaItemDocument(BaseModel):
    """Something on the agenda."""

    agenda_item_id: UUID
    session_id: UUID
    author_id: UUID
    words: str
    state: Literal["open", "done", "carried_over"]
    written_at: datetime
    carried_from: UUID | None = Field(description="The item of an earlier session that was not done.")


def document(item: AgendaItem) -> AgendaItemDocument:
    """An agenda item as it is shown."""
    return AgendaItemDocument.model_validate(item, from_attributes=True)


@router.post("/sessions/{session_id}/agenda-items", status_code=201)
async def add_agenda_item(
    session_id: UUID, body: NewAgendaItem, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> AgendaItemDocument:
    """Put something on a session's agenda. It is said as `agenda.prepared`, without the words."""
    item = await use_cases.add_agenda_item(session, session_id, caller, words=body.words, now=now)
    response.headers["Location"] = f"/sessions/{session_id}/agenda-items"
    return document(item)


@router.get("/sessions/{session_id}/agenda-items")
async def list_agenda_items(session_id: UUID, caller: CurrentCaller, session: Transaction) -> Page[AgendaItemDocument]:
    """A session's agenda, for those who are invited."""
    return Page(items=[document(item) for item in await use_cases.see_agenda(session, session_id, caller)])
