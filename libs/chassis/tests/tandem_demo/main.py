"""The demo's table of contents."""

from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
from fastapi import APIRouter, FastAPI, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from uuid_utils.compat import uuid7

from tandem_chassis import idempotency, preconditions
from tandem_chassis.app import Now, Service, create_application
from tandem_chassis.auth import CurrentCaller
from tandem_chassis.database import Transaction
from tandem_chassis.errors import Conflict, NotFound
from tandem_chassis.preconditions import IfMatch
from tandem_demo.settings import Settings
from tandem_events import outbox
from tandem_events.contracts import PersonRegistered, ProgramLaunched
from tandem_events.subscriptions import NotYet, Subscription

router = APIRouter(prefix="/notes", route_class=idempotency.Route)


class Table(DeclarativeBase):
    pass


class Note(Table):
    __tablename__ = "notes"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    words: Mapped[str]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class NewNote(BaseModel):
    words: str = Field(min_length=1, max_length=100)


class NoteTaken(Conflict):
    """These words were written before."""


class NoSuchNote(NotFound):
    """No note has this id."""


@router.post("", status_code=201)
async def write_note(body: NewNote, now: Now, session: Transaction, response: Response) -> dict[str, Any]:
    if await session.scalar(sa.select(Note).where(Note.words == body.words)):
        raise NoteTaken("These words were written before.")
    note = Note(id=uuid7(), words=body.words)
    session.add(note)
    await outbox.add(session, PersonRegistered(person_id=note.id, occurred_at=now), version=1)
    response.headers["Location"] = f"/notes/{note.id}"
    return {"id": note.id, "words": note.words}


@router.put("/{note_id}")
async def change_note(
    note_id: UUID, body: NewNote, now: Now, session: Transaction, response: Response, if_match: IfMatch = None
) -> dict[str, Any]:
    note = await session.get(Note, note_id, with_for_update=True)
    if note is None:
        raise NoSuchNote("No note has this id.")
    preconditions.require_match(if_match, note.version)
    note.words = body.words
    await outbox.add(session, PersonRegistered(person_id=note.id, occurred_at=now), version=note.version + 1)
    preconditions.tag(response, note.version)
    return {"id": note.id, "words": note.words}


@router.get("/fault")
async def fail(words: Annotated[str, Query()]) -> None:
    raise RuntimeError(words)


@router.get("/admin")
async def for_admins(caller: CurrentCaller) -> dict[str, str]:
    caller.require_admin()
    return {"subject": caller.subject}


@router.get("/manager/{program_id}")
async def for_managers(program_id: UUID, caller: CurrentCaller) -> dict[str, str]:
    caller.require_manager(program_id)
    return {"subject": caller.subject}


async def on_program_launched(event: ProgramLaunched, session: AsyncSession) -> None:
    if event.format == "flash":
        raise ValueError("no flash here")
    if event.format == "circle" and not await session.scalar(sa.text("SELECT count(*) FROM notes")):
        raise NotYet("a note must be written first")
    await session.execute(
        sa.text("INSERT INTO heard (program_id, format) VALUES (:program, :format)"),
        {"program": event.program_id, "format": event.format},
    )


def create_app(settings: Settings, *, migrate: bool = False) -> FastAPI:
    return create_application(
        Service(
            name="demo",
            title="Demo",
            description="For tests.",
            routers=[router],
            subscriptions=[Subscription(ProgramLaunched, on_program_launched)],
            sends=[PersonRegistered],
        ),
        settings,
        migrate=migrate,
    )
