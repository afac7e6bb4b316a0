"""Enrollments: apply, change what one applied with, and see who takes part."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from tandem_chassis.auth import Caller
from tandem_chassis.errors import Fault
from tandem_events import outbox
from tandem_profiles.domain.enrollments import (
    Decision,
    EnrolledAlready,
    NoSuchEnrollment,
    NotAnEnrollment,
    Status,
    in_order,
    policy_faults,
    require_in_audience,
    require_step,
)
from tandem_profiles.domain.people import DepartedAlready, NoSuchPerson
from tandem_profiles.domain.programs import (
    NoSuchProgram,
    require_takes_applications,
    require_takes_people,
)
from tandem_profiles.domain.programs import Status as ProgramStatus
from tandem_profiles.domain.questions import (
    FormNotAnswered,
    answers_faults,
    confidential_answers,
    named_people,
    open_answers,
    people_as_written_once,
)
from tandem_profiles.storage import enrollments, people, programs
from tandem_profiles.storage.enrollments import Enrollment
from tandem_profiles.storage.people import Person
from tandem_profiles.storage.programs import Program
from tandem_profiles.use_cases import decisions, person_changes, rights, skills


async def list_enrollments(
    session: AsyncSession, program_id: UUID, *, role: str | None, status: str | None, after: UUID | None, limit: int
) -> Sequence[tuple[Enrollment, Person]]:
    """Enrollments of a program with their people, in the order in which they were submitted first."""
    return await enrollments.page(session, program_id, role=role, status=status, after=after, limit=limit)


async def list_own(session: AsyncSession, person_id: UUID) -> Sequence[Enrollment]:
    """Every enrollment of a person, in the order in which they were submitted first."""
    return await enrollments.of_person(session, person_id)


async def show_enrollment(
    session: AsyncSession, caller: Caller, enrollment_id: UUID
) -> tuple[Enrollment, Person, Program]:
    """An enrollment, for its person and the program's managers.

    Raises:
        NoSuchEnrollment: there is none, or the caller may not know of it.
    """
    enrollment = await enrollments.find(session, enrollment_id)
    if enrollment is None:
        raise NoSuchEnrollment
    if caller.person_id != enrollment.person_id and not await rights.manages(session, caller, enrollment.program_id):
        raise NoSuchEnrollment
    person = await people.find(session, enrollment.person_id)
    program = await programs.find(session, enrollment.program_id)
    if person is None or program is None:
        raise NoSuchEnrollment
    return enrollment, person, program


async def apply(
    session: AsyncSession, program_id: UUID, person_id: UUID, form: Mapping[str, Any], *, by_manager: bool, at: datetime
) -> UUID:
    """Somebody applies; the answer is the enrollment's id. Where the program approves by itself, they are in at once.

    A manager may enroll people of any audience, and also while the program runs.

    Raises:
        NoSuchProgram, TakesNobody, NotOpen, NoSuchPerson, DepartedAlready, NotInAudience, EnrolledAlready
        NotAnEnrollment, FormNotAnswered: with every fault.
    """
    program = await programs.find_for_enrolling(session, program_id)
    if program is None:
        raise NoSuchProgram
    person = (await people.lock_many(session, [person_id])).get(person_id)
    if person is None:
        raise NoSuchPerson
    if person["departed_on"] is not None:
        raise DepartedAlready(person["departed_on"])
    if by_manager:
        require_takes_people(ProgramStatus(program.status))
    else:
        require_takes_applications(
            ProgramStatus(program.status), opens_on=program.opens_on, closes_on=program.closes_on, today=at.date()
        )
        require_in_audience(person, program.audience)
    fields = await _fields(session, program, form, person_id)
    before = (await enrollments.lock_of_people(session, program_id, [person_id])).get(person_id)
    if before is not None and Status(before["status"]) not in (Status.DECLINED, Status.WITHDRAWN):
        raise EnrolledAlready(Status(before["status"]))
    if before is None:
        row: dict[str, Any] = {
            "enrollment_id": uuid7(),
            "version": 1,
            "program_id": program_id,
            "person_id": person_id,
            "status": Status.SUBMITTED,
            "submitted_at": at,
            "changed_at": at,
            **fields,
        }
        await enrollments.begin_many(session, [row])
    else:
        change = {**fields, "status": Status.SUBMITTED, "reason": None, "submitted_at": at}
        await enrollments.change_many(session, {before["enrollment_id"]: change}, at=at)
        row = {**before, **change, "version": before["version"] + 1}
    await outbox.add(session, decisions.fact_of(row, at=at), version=row["version"])
    await decisions.tell_answers(session, {person_id: person}, [row], at=at)
    if program.approval == "automatic":
        await decisions.decide(session, program, [row], Decision.APPROVE, reason=None, until=None, at=at)
    enrollment_id: UUID = row["enrollment_id"]
    return enrollment_id


async def change_enrollment(
    session: AsyncSession,
    enrollment: Enrollment,
    form: Mapping[str, Any],
    *,
    by_manager: bool,
    expect: Callable[[int], None],
    at: datetime,
) -> None:
    """Somebody answers anew, or takes more or fewer. Whoever takes part already is told to matching again.

    `expect` refuses another version than they saw.

    What a manager is not shown, they do not change: people preferred and excluded, and answers for matching only.

    Raises:
        NoSuchProgram, NoSuchEnrollment, TakesNobody
        NotAnEnrollment, FormNotAnswered: with every fault.
        StepNotPossible: who is not in the program any more has nothing to change.
    """
    program = await programs.find_for_enrolling(session, enrollment.program_id)
    if program is None:
        raise NoSuchProgram
    require_takes_people(ProgramStatus(program.status))
    before = await people.lock_many(session, [enrollment.person_id])
    row = await decisions.lock(session, enrollment)
    expect(row["version"])
    status = Status(row["status"])
    require_step(status, Status.WITHDRAWN)
    if by_manager:
        unseen = {name: answer for name, answer in row["answers"].items() if name in row["confidential_answers"]}
        named = {name: row[name] for name in ("preferred_ids", "excluded_ids")}
        form = {**form, **named, "answers": {**form["answers"], **unseen}}
    fields = await _fields(session, program, form, enrollment.person_id)
    changes = {name: value for name, value in fields.items() if row[name] != value}
    if not changes:
        return
    await enrollments.change_many(session, {row["enrollment_id"]: changes}, at=at)
    row = {**row, **changes, "version": row["version"] + 1}
    if status in (Status.SUBMITTED, Status.APPROVED):
        await outbox.add(session, decisions.fact_of(row, at=at), version=row["version"])
    if decisions.TOLD_ANSWERS & changes.keys():
        await person_changes.change(session, before, {enrollment.person_id: {}}, at=at)


async def _fields(session: AsyncSession, program: Program, form: Mapping[str, Any], person_id: UUID) -> dict[str, Any]:
    """What an enrollment's form becomes as stored, once it fits the program."""
    faults = policy_faults(form, most_mentees=program.most_mentees, most_mentors=program.most_mentors)
    for field in ("preferred_ids", "excluded_ids"):
        faults += [
            Fault(f"{unknown} is nobody", field=field)
            for unknown in sorted(await people.unknown_among(session, form[field]))
        ]
        if person_id in form[field]:
            faults.append(Fault("names the person themselves", field=field))
    if faults:
        raise NotAnEnrollment(faults)
    faults = answers_faults(program.questions, form["answers"], form["roles"])
    named = named_people(program.questions, form["answers"]) if not faults else {}
    unknown_people = await people.unknown_among(session, {one for ids in named.values() for one in ids})
    for name, ids in named.items():
        faults += [Fault(f"{one} is nobody", field=f"answers.{name}") for one in ids if one in unknown_people]
    if faults:
        raise FormNotAnswered(faults)
    written = people_as_written_once(program.questions, form["answers"])
    answers = await skills.answers_in_vocabulary(session, program.questions, written)
    return {
        **form,
        "needs": await skills.in_vocabulary(session, form["needs"]),
        "roles": in_order(form["roles"]),
        "answers": answers,
        "confidential_answers": confidential_answers(program.questions, answers),
        "open_answers": open_answers(program.questions, answers),
    }
