"""Programs over HTTP: create, copy, change, say how sheets are read, and let them go their way."""

from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Body, Response
from pydantic import BaseModel, ConfigDict, Field

from tandem_chassis import idempotency, paging, preconditions
from tandem_chassis.app import Now
from tandem_chassis.auth import CurrentCaller
from tandem_chassis.database import Transaction
from tandem_chassis.paging import Cursor, Limit, Page
from tandem_chassis.preconditions import IfMatch
from tandem_events.contracts.programs import Format
from tandem_profiles.api.fields import Line
from tandem_profiles.api.program_fields import NewProgram, ProgramFields
from tandem_profiles.domain.programs import Status
from tandem_profiles.domain.templates import FORMATS, summary, template
from tandem_profiles.storage.programs import Program
from tandem_profiles.use_cases import programs, rights

router = APIRouter(tags=["programs"], route_class=idempotency.Route)


class ProgramDocument(ProgramFields):
    """A program as its managers see it."""

    model_config = ConfigDict(from_attributes=True)

    program_id: UUID
    status: Status
    manager_ids: list[UUID]
    copied_from: UUID | None
    created_at: datetime


class SignUpForm(BaseModel):
    """A program as those see it who may apply."""

    model_config = ConfigDict(from_attributes=True)

    program_id: UUID
    name: str
    objective: str
    format: Format
    starts_on: date | None
    ends_on: date | None
    closes_on: date | None
    audience: dict[str, Any]
    questions: list[dict[str, Any]]
    most_mentees: int | None
    most_mentors: int | None


class Copy(BaseModel):
    """What is different in the copy."""

    name: Line
    starts_on: date | None = None
    ends_on: date | None = None


class Managers(BaseModel):
    """Who manages a program."""

    manager_ids: list[UUID] = Field(max_length=100)


class TemplateDocument(BaseModel):
    """What usually goes well in a format; every field of it is a default of a program made from it."""

    format: Format
    summary: str
    defaults: dict[str, Any]

    @classmethod
    def of(cls, program_format: str) -> Self:
        """The template of a format."""
        return cls.model_validate(
            {"format": program_format, "summary": summary(program_format), "defaults": template(program_format)}
        )


def _shown(program: Program, response: Response) -> ProgramDocument:
    preconditions.tag(response, program.version)
    return ProgramDocument.model_validate(program)


@router.get("/program-templates")
async def list_templates(caller: CurrentCaller) -> list[TemplateDocument]:
    """A template for each format, from which a program is made with `template`, a name and an objective."""
    del caller  # anybody who is known may look
    return [TemplateDocument.of(program_format) for program_format in FORMATS]


@router.post("/programs", status_code=201)
async def create_program(
    body: NewProgram, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> ProgramDocument:
    """Create a draft. The other services hear of it as a new state on `tandem.programs`."""
    caller.require_admin()
    program = await programs.create_program(session, caller, body.fields(), at=now)
    response.headers["Location"] = f"/programs/{program.program_id}"
    return _shown(program, response)


@router.get("/programs")
async def list_programs(
    caller: CurrentCaller, session: Transaction, limit: Limit = 50, cursor: Cursor = None
) -> Page[ProgramDocument]:
    """The programs that the caller manages (an administrator: all), in the order in which they were created."""
    among = None if caller.is_admin else await rights.managed_programs(session, caller)
    found = await programs.list_programs(session, among=among, after=paging.after(cursor, UUID), limit=limit + 1)
    return paging.page(found, limit, ProgramDocument.model_validate, by=lambda program: program.program_id)


@router.get("/programs/{program_id}")
async def show_program(
    program_id: UUID, caller: CurrentCaller, session: Transaction, response: Response
) -> ProgramDocument:
    """A program, for its managers."""
    await rights.require_manager(session, caller, program_id)
    return _shown(await programs.find_program(session, program_id), response)


@router.put("/programs/{program_id}")
async def change_program(
    program_id: UUID,
    body: ProgramFields,
    caller: CurrentCaller,
    now: Now,
    session: Transaction,
    response: Response,
    if_match: IfMatch = None,
) -> ProgramDocument:
    """Change what a program is and the policies that hold in it. A question that was answered cannot go."""
    await rights.require_manager(session, caller, program_id)
    program = await programs.lock_program(session, program_id)
    preconditions.require_match(if_match, program.version)
    return _shown(await programs.change_program(session, program, body.fields(), at=now), response)


@router.put("/programs/{program_id}/managers")
async def set_managers(
    program_id: UUID,
    body: Managers,
    caller: CurrentCaller,
    now: Now,
    session: Transaction,
    response: Response,
    if_match: IfMatch = None,
) -> ProgramDocument:
    """Say who manages the program: people who are known here; for administrators, and noted in the audit log."""
    caller.require_admin()
    program = await programs.lock_program(session, program_id)
    preconditions.require_match(if_match, program.version)
    return _shown(await programs.set_managers(session, caller, program, body.manager_ids, at=now), response)


@router.post("/programs/{program_id}/copies", status_code=201)
async def copy_program(
    program_id: UUID, body: Copy, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> ProgramDocument:
    """A new draft with the same policies, questions and managers, without the people."""
    await rights.require_manager(session, caller, program_id)
    program = await programs.copy_program(session, caller, program_id, body.model_dump(), at=now)
    response.headers["Location"] = f"/programs/{program.program_id}"
    return _shown(program, response)


@router.get("/programs/{program_id}/sign-up-mapping")
async def show_sign_up_mapping(
    program_id: UUID, caller: CurrentCaller, session: Transaction, response: Response
) -> dict[str, Any]:
    """How the program's sign-up sheets are read."""
    await rights.require_manager(session, caller, program_id)
    program = await programs.find_program(session, program_id)
    preconditions.tag(response, program.version)
    return program.sign_up_mapping


@router.put("/programs/{program_id}/sign-up-mapping")
async def set_sign_up_mapping(
    program_id: UUID,
    body: Annotated[dict[str, Any], Body()],
    caller: CurrentCaller,
    session: Transaction,
    response: Response,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Say how the program's sign-up sheets are read from now on; a malformed mapping is refused with every fault."""
    await rights.require_manager(session, caller, program_id)
    program = await programs.lock_program(session, program_id)
    preconditions.require_match(if_match, program.version)
    program = await programs.set_sign_up_mapping(session, program, body)
    preconditions.tag(response, program.version)
    return program.sign_up_mapping


@router.get("/open-programs")
async def list_open_programs(
    caller: CurrentCaller, now: Now, session: Transaction, limit: Limit = 50, cursor: Cursor = None
) -> Page[SignUpForm]:
    """The programs for which the caller can apply today: open, and with an audience that they belong to."""
    found = await programs.list_open(
        session, caller, today=now.date(), after=paging.after(cursor, UUID), limit=limit + 1
    )
    return paging.page(found, limit, SignUpForm.model_validate, by=lambda program: program.program_id)


@router.get("/open-programs/{program_id}")
async def show_open_program(program_id: UUID, caller: CurrentCaller, now: Now, session: Transaction) -> SignUpForm:
    """What a program asks for which the caller can apply."""
    return SignUpForm.model_validate(await programs.find_open(session, caller, program_id, today=now.date()))


async def _step(
    program_id: UUID, wanted: Status, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> ProgramDocument:
    await rights.require_manager(session, caller, program_id)
    return _shown(await programs.step(session, program_id, wanted, at=now), response)


@router.post("/programs/{program_id}/opening")
async def open_program(
    program_id: UUID, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> ProgramDocument:
    """Let people apply."""
    return await _step(program_id, Status.OPEN, caller, now, session, response)


@router.post("/programs/{program_id}/launch")
async def launch_program(
    program_id: UUID, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> ProgramDocument:
    """Let the program run. The other services hear of it as `program.launched`."""
    return await _step(program_id, Status.RUNNING, caller, now, session, response)


@router.post("/programs/{program_id}/closing")
async def close_program(
    program_id: UUID, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> ProgramDocument:
    """End the program. The other services hear of it as `program.closed`."""
    return await _step(program_id, Status.CLOSED, caller, now, session, response)


@router.post("/programs/{program_id}/archiving")
async def archive_program(
    program_id: UUID, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> ProgramDocument:
    """Put a program away that is over, or that never began."""
    return await _step(program_id, Status.ARCHIVED, caller, now, session, response)
