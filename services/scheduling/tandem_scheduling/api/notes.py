"""Notes and action items over HTTP: what members keep of their sessions, and what became of it."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from tandem_chassis import idempotency, paging, preconditions
from tandem_chassis.app import Now
from tandem_chassis.auth import CurrentCaller
from tandem_chassis.database import Transaction
from tandem_chassis.paging import Cursor, Limit, Page
from tandem_scheduling.api.fields import Words
from tandem_scheduling.storage.action_items import ActionItem
from tandem_scheduling.storage.notes import Note
from tandem_scheduling.use_cases import action_items
from tandem_scheduling.use_cases import notes as use_cases

router = APIRouter(tags=["notes and action items"], route_class=idempotency.Route)


class NewNote(BaseModel):
    """Words for oneself (`mine`) or for every member (`ours`); about a session, for those who are invited to it.

    They never leave this service as an event.
    """

    words: Words
    visibility: Literal["mine", "ours"] = "mine"
    session_id: UUID | None = None


class NoteDocument(BaseModel):
    """A note."""

    note_id: UUID
    pairing_id: UUID
    session_id: UUID | None
    author_id: UUID
    visibility: Literal["mine", "ours"]
    words: str
    written_at: datetime


class ActionItemDocument(BaseModel):
    """What somebody committed to, and what became of it."""

    action_item_id: UUID
    pairing_id: UUID
    session_id: UUID
    owner_id: UUID
    words: str
    due_on: date | None
    agreed_at: datetime
    outcome: Literal["applied", "partly", "dropped"] | None
    outcome_words: str | None
    applied_at: datetime | None


class Outcome(BaseModel):
    """What became of a commitment, and how it went."""

    outcome: Literal["applied", "partly", "dropped"]
    words: Words | None = Field(default=None, description="How it went. For the members; never said as an event.")


def note_document(note: Note) -> NoteDocument:
    """A note as it is shown."""
    return NoteDocument.model_validate(note, from_attributes=True)


def action_item_document(item: ActionItem) -> ActionItemDocument:
    """An action item as it is shown."""
    return ActionItemDocument.model_validate(item, from_attributes=True)


@router.post("/pairings/{pairing_id}/notes", status_code=201)
async def write_note(
    pairing_id: UUID, body: NewNote, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> NoteDocument:
    """Write a note about the relationship, or one of its sessions."""
    note = await use_cases.write_note(session, pairing_id, caller, **body.model_dump(), now=now)
    response.headers["Location"] = f"/pairings/{pairing_id}/notes"
    return note_document(note)


@router.get("/pairings/{pairing_id}/notes")
async def list_notes(
    pairing_id: UUID, caller: CurrentCaller, session: Transaction, cursor: Cursor = None, limit: Limit = 100
) -> Page[NoteDocument]:
    """The caller's own notes, and those that others wrote for them as well. Managers read none."""
    found = await use_cases.list_notes(session, pairing_id, caller, after=paging.after(cursor, UUID), limit=limit + 1)
    return paging.page(found, limit, note_document, by=lambda note: note.note_id)


@router.get("/pairings/{pairing_id}/action-items")
async def list_action_items(
    pairing_id: UUID, caller: CurrentCaller, session: Transaction, cursor: Cursor = None, limit: Limit = 100
) -> Page[ActionItemDocument]:
    """What the caller committed to, and those whom they met, in the order in which they did."""
    found = await action_items.list_action_items(
        session, pairing_id, caller, after=paging.after(cursor, UUID), limit=limit + 1
    )
    return paging.page(found, limit, action_item_document, by=lambda item: item.action_item_id)


@router.post("/action-items/{action_item_id}/outcome")
async def report_outcome(
    action_item_id: UUID, body: Outcome, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> ActionItemDocument:
    """Report what became of one's own commitment. It is said as `action_item.applied`, without the words."""
    item = await action_items.report_outcome(
        session, action_item_id, caller, outcome=body.outcome, words=body.words, now=now
    )
    preconditions.tag(response, item.version)
    return action_item_document(item)
