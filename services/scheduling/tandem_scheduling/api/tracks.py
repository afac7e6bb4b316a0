"""Tracks over HTTP: a program's modules, the steps of a pair, and what is next."""

from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field, StringConstraints

from tandem_chassis import idempotency, preconditions
from tandem_chassis.app import Now
from tandem_chassis.auth import CurrentCaller
from tandem_chassis.database import Transaction
from tandem_chassis.paging import Page
from tandem_chassis.preconditions import IfMatch
from tandem_scheduling.api.fields import Line, Words
from tandem_scheduling.domain.tracks import TEMPLATES, ModuleText
from tandem_scheduling.storage.tracks import Module, Step
from tandem_scheduling.use_cases import tracks as use_cases

router = APIRouter(tags=["tracks"], route_class=idempotency.Route)


ModuleId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:/+-]{0,63}$")]


class ModuleWish(BaseModel):
    """A module: what it is for, what to talk about, and when it is due, in exactly one of two ways."""

    module_id: ModuleId | None = Field(
        default=None, description="The code of a module that stays; without one it is a new module, which is given one."
    )
    title: Line
    purpose: Words
    prompts: list[Line] = Field(default=[], max_length=20)
    agenda: list[Line] = Field(default=[], max_length=20, description="For the session in which it is done.")
    reading: list[Line] = Field(default=[], max_length=20)
    due_after_days: int | None = Field(default=None, ge=0, le=3660)
    due_after_sessions: int | None = Field(default=None, ge=0, le=300)

    def text(self) -> ModuleText:
        """As use cases take it."""
        return ModuleText(
            **{
                **self.model_dump(),
                "prompts": tuple(self.prompts),
                "agenda": tuple(self.agenda),
                "reading": tuple(self.reading),
            }
        )


class TrackWish(BaseModel):
    """A program's modules, in order."""

    modules: list[ModuleWish] = Field(max_length=60)


class ModuleDocument(BaseModel):
    """A module of a track. One that the program itself brings has no purpose until its track is set here."""

    module_id: str
    title: str
    purpose: str
    prompts: list[str]
    agenda: list[str]
    reading: list[str]
    due_after_days: int | None
    due_after_sessions: int | None


class StepDocument(BaseModel):
    """A module in one relationship."""

    step_id: UUID
    state: Literal["ahead", "due", "done", "dropped"]
    due_at: datetime | None
    completed_at: datetime | None
    module: ModuleDocument


class NextDocument(BaseModel):
    """What a pair does next."""

    code: Literal["sign_agreement", "book_session", "do_module", "prepare_agenda", "meet", "look_back"]
    words: str
    session_id: UUID | None
    session_starts_at: datetime | None
    step: StepDocument | None


def module_document(module: Module) -> ModuleDocument:
    """A module as it is shown."""
    return ModuleDocument.model_validate(module, from_attributes=True)


def step_document(step: Step, module: Module) -> StepDocument:
    """A step as it is shown."""
    return StepDocument(
        step_id=step.step_id,
        state=step.state,
        due_at=step.due_at,
        completed_at=step.completed_at,
        module=module_document(module),
    )


@router.get("/track-templates")
async def list_templates(caller: CurrentCaller) -> Page[ModuleWish]:
    """Modules that most programs begin with: first meeting, goal setting, midpoint review, closing."""
    del caller
    return Page(items=[ModuleWish.model_validate(asdict(template)) for template in TEMPLATES])


@router.get("/programs/{program_id}/track")
async def read_track(
    program_id: UUID, caller: CurrentCaller, session: Transaction, response: Response
) -> Page[ModuleDocument]:
    """A program's modules, in order."""
    modules, version = await use_cases.see_track(session, program_id, caller)
    preconditions.tag(response, version)
    return Page(items=[module_document(module) for module in modules])


@router.put("/programs/{program_id}/track")
async def set_track(
    program_id: UUID,
    body: TrackWish,
    caller: CurrentCaller,
    now: Now,
    session: Transaction,
    response: Response,
    if_match: IfMatch = None,
) -> Page[ModuleDocument]:
    """Set a program's modules. Its ongoing pairs follow them from now on; what they did stays done.

    What is set here holds instead of the modules that the program itself brings: read those, and set them again by
    their ids, with what they are for, what to read, and after how many sessions they are due.
    """
    modules, version = await use_cases.set_track(
        session,
        program_id,
        [module.text() for module in body.modules],
        caller,
        now=now,
        seen=partial(preconditions.require_match, if_match),
    )
    preconditions.tag(response, version)
    return Page(items=[module_document(module) for module in modules])


@router.get("/pairings/{pairing_id}/steps")
async def list_steps(pairing_id: UUID, caller: CurrentCaller, session: Transaction) -> Page[StepDocument]:
    """A pairing's steps, in order."""
    return Page(items=[step_document(*one) for one in await use_cases.list_steps(session, pairing_id, caller)])


@router.get("/pairings/{pairing_id}/next-step")
async def read_next_step(pairing_id: UUID, caller: CurrentCaller, now: Now, session: Transaction) -> NextDocument:
    """What a pair does next: there is always something."""
    found = await use_cases.see_next_step(session, pairing_id, caller, now=now)
    return NextDocument(
        code=found.step.code,
        words=found.step.words,
        session_id=found.session.session_id if found.session else None,
        session_starts_at=found.session.starts_at if found.session else None,
        step=step_document(*found.due) if found.due else None,
    )


@router.post("/steps/{step_id}/completion")
async def complete_step(
    step_id: UUID, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> StepDocument:
    """Say that a module is done. It is said as `module.completed`."""
    step, module = await use_cases.complete_step(session, step_id, caller, now=now)
    preconditions.tag(response, step.version)
    return step_document(step, module)
