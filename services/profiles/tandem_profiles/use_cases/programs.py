"""Programs: create one, see it, say how its sheets are read, launch it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from tandem_chassis.auth import Caller
from tandem_events import outbox
from tandem_events.contracts import Event, ProgramClosed, ProgramLaunched
from tandem_profiles.domain.enrollments import NotInAudience, require_in_audience
from tandem_profiles.domain.programs import (
    FormatIsFixed,
    ManagersUnknown,
    NoSuchProgram,
    NotOpen,
    PutAway,
    Status,
    require_step,
    require_takes_applications,
    require_time_left,
)
from tandem_profiles.domain.questions import QuestionAnswered, changed_incompatibly
from tandem_profiles.domain.sheet_mapping import SheetMapping
from tandem_profiles.sheet_mappings import shipped_mapping
from tandem_profiles.storage import enrollments, people, programs
from tandem_profiles.storage.programs import Program
from tandem_profiles.use_cases import audit
from tandem_profiles.use_cases.decisions import let_waiting_in
from tandem_profiles.use_cases.telling import tell_program

COPIED = (
    "name", "objective", "format", "meeting_every_days", "meeting_minutes", "feedback_every_sessions", "matching",
    "most_mentees", "most_mentors", "capacity", "approval", "audience", "tracks", "questions",
)  # fmt: skip


async def create_program(session: AsyncSession, caller: Caller, fields: Mapping[str, Any], *, at: datetime) -> Program:
    """A new draft. Its sheets are read as the civil-service form until something else is said.

    Whoever manages it from the beginning is noted in the audit log.

    Raises:
        ManagersUnknown
    """
    await _require_known(session, fields["manager_ids"])
    return await _begin(session, caller, fields, at=at)


async def _begin(session: AsyncSession, caller: Caller, fields: Mapping[str, Any], *, at: datetime) -> Program:
    program = Program(
        program_id=uuid7(),
        status=Status.DRAFT,
        created_at=at,
        **{"sign_up_mapping": shipped_mapping("civil_service").to_document(), **fields},
    )
    session.add(program)
    await session.flush()
    await _note_managers(session, caller, program, before=(), at=at)
    await tell_program(session, program, at=at)
    return program


async def find_program(session: AsyncSession, program_id: UUID) -> Program:
    """Raises `NoSuchProgram`."""
    program = await programs.find(session, program_id)
    if program is None:
        raise NoSuchProgram
    return program


async def lock_program(session: AsyncSession, program_id: UUID) -> Program:
    """The program, which nobody else changes until this transaction ends. Raises `NoSuchProgram`."""
    program = await programs.find(session, program_id, lock=True)
    if program is None:
        raise NoSuchProgram
    return program


async def list_programs(
    session: AsyncSession, *, among: Collection[UUID] | None, after: UUID | None, limit: int
) -> Sequence[Program]:
    """Programs in the order in which they were created: all, or those `among` these ids."""
    return await programs.page(session, among=among, after=after, limit=limit)


async def set_sign_up_mapping(session: AsyncSession, program: Program, document: object) -> Program:
    """Say how the program's sign-up sheets are read from now on. Its row is locked.

    Raises:
        MappingMalformed
    """
    mapping = SheetMapping.from_document(document, time_zones=available_timezones())
    program.sign_up_mapping = mapping.to_document()
    await session.flush()
    return program


async def step(session: AsyncSession, program_id: UUID, wanted: Status, *, at: datetime) -> Program:
    """Let a program open, run, close or be archived.

    Raises:
        NoSuchProgram, StepNotPossible, OverBeforeItBegins
    """
    program = await lock_program(session, program_id)
    require_step(Status(program.status), wanted)
    require_time_left(wanted, closes_on=program.closes_on, ends_on=program.ends_on, today=at.date())
    program.status = wanted
    await session.flush()
    fact: Event | None = None
    if wanted is Status.RUNNING:
        fact = ProgramLaunched.model_validate({"program_id": program_id, "format": program.format, "occurred_at": at})
    elif wanted is Status.CLOSED:
        fact = ProgramClosed(program_id=program_id, occurred_at=at)
    if fact is not None:
        await outbox.add(session, fact, version=program.version)
    await tell_program(session, program, at=at)
    return program


async def change_program(
    session: AsyncSession, program: Program, fields: Mapping[str, Any], *, at: datetime
) -> Program:
    """Change what a program is and the policies that hold in it.

    Raises:
        PutAway, FormatIsFixed, QuestionAnswered
    """
    if program.status == Status.ARCHIVED:
        raise PutAway
    if program.status not in (Status.DRAFT, Status.OPEN) and fields["format"] != program.format:
        raise FormatIsFixed
    touched = changed_incompatibly(program.questions, fields["questions"])
    if touched:
        answered = sorted(set(touched) & await enrollments.answered_questions(session, program.program_id))
        if answered:
            raise QuestionAnswered(answered)
    for name, value in fields.items():
        if getattr(program, name) != value:
            setattr(program, name, value)
    before = program.version
    await session.flush()
    if program.version != before:
        await tell_program(session, program, at=at)
        await let_waiting_in(session, program, at=at)
    return program


async def copy_program(
    session: AsyncSession, caller: Caller, program_id: UUID, changes: Mapping[str, Any], *, at: datetime
) -> Program:
    """A new draft like another program, without its people and its days. Whoever copies it manages the copy.

    Raises:
        NoSuchProgram
    """
    original = await find_program(session, program_id)
    managers = list(original.manager_ids)
    if not caller.is_admin and caller.person_id is not None and caller.person_id not in managers:
        managers.append(caller.person_id)
    fields = {name: getattr(original, name) for name in COPIED}
    copy = {**fields, "manager_ids": managers, "sign_up_mapping": original.sign_up_mapping, **changes}
    return await _begin(session, caller, {**copy, "copied_from": program_id}, at=at)


async def set_managers(
    session: AsyncSession, caller: Caller, program: Program, manager_ids: Sequence[UUID], *, at: datetime
) -> Program:
    """Say who manages a program; noted in the audit log. Its row is locked.

    Raises:
        ManagersUnknown: somebody who did not manage it yet.
    """
    await _require_known(session, set(manager_ids) - set(program.manager_ids))
    await _change_managers(session, caller, program, list(dict.fromkeys(manager_ids)), at=at)
    return program


async def _require_known(session: AsyncSession, manager_ids: Collection[UUID]) -> None:
    """Refuse ids that are nobody's; whoever is somebody is not erased or merged before this transaction ends."""
    unknown = sorted(set(manager_ids) - await people.keep(session, manager_ids))
    if unknown:
        raise ManagersUnknown(unknown)


async def replace_manager(
    session: AsyncSession, caller: Caller, managed: Sequence[Program], person_id: UUID, *, by: UUID | None, at: datetime
) -> None:
    """Let somebody else, or nobody, manage these programs in the place of this person. Their rows are locked."""
    for program in managed:
        wanted = [by if one == person_id else one for one in program.manager_ids]
        await _change_managers(session, caller, program, list(dict.fromkeys(filter(None, wanted))), at=at)


async def _change_managers(
    session: AsyncSession, caller: Caller, program: Program, wanted: list[UUID], *, at: datetime
) -> None:
    before = program.manager_ids
    if set(wanted) == set(before):
        return
    program.manager_ids = wanted
    await session.flush()
    await _note_managers(session, caller, program, before=before, at=at)
    await tell_program(session, program, at=at)


async def _note_managers(
    session: AsyncSession, caller: Caller, program: Program, *, before: Collection[UUID], at: datetime
) -> None:
    added = [str(one) for one in program.manager_ids if one not in before]
    removed = [str(one) for one in before if one not in program.manager_ids]
    if added or removed:
        details = {"added": added, "removed": removed}
        program_id = program.program_id
        await audit.note(session, caller, "program_managers_changed", at=at, program_id=program_id, details=details)


async def list_open(
    session: AsyncSession, caller: Caller, *, today: date, after: UUID | None, limit: int
) -> Sequence[Program]:
    """Programs for which this caller can apply today, in the order in which they were created; administrators see all.

    Of somebody who is not known yet only programs for everybody are listed.
    """
    to = None if caller.is_admin else await _as_applicant(session, caller)
    return await programs.open_page(session, to=to, today=today, after=after, limit=limit)


async def _as_applicant(session: AsyncSession, caller: Caller) -> Mapping[str, Any]:
    person = await people.find(session, caller.person_id) if caller.person_id is not None else None
    return {name: getattr(person, name, None) for name in ("unit", "location", "level")}


async def find_open(session: AsyncSession, caller: Caller, program_id: UUID, *, today: date) -> Program:
    """A program for which this caller can apply today. Raises `NoSuchProgram` for any other."""
    program = await find_program(session, program_id)
    try:
        require_takes_applications(
            Status(program.status), opens_on=program.opens_on, closes_on=program.closes_on, today=today
        )
        if not caller.is_admin:
            require_in_audience(await _as_applicant(session, caller), program.audience)
    except (NotOpen, NotInAudience) as refusal:  # what is not open, or for others, is nobody's business
        raise NoSuchProgram from refusal
    return program
