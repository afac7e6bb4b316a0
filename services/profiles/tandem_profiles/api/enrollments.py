"""Enrollments over HTTP: apply, decide, change, pause, withdraw, and see who takes part."""

from datetime import date, datetime, time
from functools import partial
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field, model_validator

from tandem_chassis import idempotency, paging, preconditions
from tandem_chassis.app import Now
from tandem_chassis.auth import CurrentCaller
from tandem_chassis.database import Transaction
from tandem_chassis.paging import Cursor, Limit, Page
from tandem_chassis.preconditions import IfMatch
from tandem_events.contracts.contract import Code
from tandem_events.contracts.enrollments import Preference
from tandem_events.contracts.people import SkillLevel
from tandem_profiles.api.fields import Document, Line
from tandem_profiles.domain.enrollments import Decision, Status
from tandem_profiles.domain.questions import shown_answers
from tandem_profiles.domain.roles import Role
from tandem_profiles.storage.enrollments import Enrollment
from tandem_profiles.storage.people import Person
from tandem_profiles.use_cases import decisions, enrollments, programs, rights

router = APIRouter(tags=["enrollments"], route_class=idempotency.Route)


class EnrollmentDocument(BaseModel):
    """Somebody's part in a program, as its managers see it."""

    enrollment_id: UUID
    program_id: UUID
    person_id: UUID
    given_name: str
    family_name: str
    roles: list[Role]
    status: Status
    reason: str | None
    mentor_places: int
    wanted_mentors: int
    submitted_at: datetime


class FreeTime(BaseModel):
    """When somebody is usually free, by their own clock."""

    weekday: int = Field(ge=1, le=7, description="1 is Monday.")
    begins: time
    ends: time

    @model_validator(mode="after")
    def ends_after_it_begins(self) -> Self:
        """Free time does not run over midnight: that is two."""
        if self.ends <= self.begins:
            raise ValueError("ends must lie behind begins")
        return self


class EnrollmentForm(BaseModel):
    """What somebody applies with."""

    roles: list[Role] = Field(min_length=1, max_length=2)
    mentor_places: int = Field(default=0, ge=0, le=1000)
    wanted_mentors: int = Field(default=0, ge=0, le=1000)
    needs: list[SkillLevel] = Field(default_factory=list, max_length=50)
    preferences: list[Preference] = Field(default_factory=list, max_length=50)
    preferred_ids: list[UUID] = Field(default_factory=list, max_length=50)
    excluded_ids: list[UUID] = Field(default_factory=list, max_length=50)
    availability: list[FreeTime] = Field(
        default_factory=list,
        max_length=50,
        description="When one is usually free, for whoever decides. Sessions go by what one sets with scheduling.",
    )
    goals: list[Line] = Field(default_factory=list, max_length=20)
    answers: Document = Field(default_factory=dict, description="By question, as the program asks.")

    def fields(self) -> dict[str, Any]:
        """As the use cases take them."""
        return {
            **self.model_dump(exclude={"needs", "preferences", "availability"}),
            "roles": [role.value for role in self.roles],
            "needs": [need.model_dump(mode="json") for need in self.needs],
            "preferences": [preference.model_dump(mode="json") for preference in self.preferences],
            "availability": [free.model_dump(mode="json") for free in self.availability],
        }


class Application(EnrollmentForm):
    """An application: one's own, or by a manager for somebody."""

    person_id: UUID | None = Field(default=None, description="Whom a manager enrolls; otherwise oneself.")


class FullEnrollmentDocument(EnrollmentDocument):
    """Somebody's part in a program, with what they answered. Answers for matching only are shown to nobody."""

    needs: list[SkillLevel]
    preferences: list[Preference]
    preferred_ids: list[UUID]
    excluded_ids: list[UUID]
    availability: list[FreeTime]
    goals: list[str]
    answers: dict[str, Any]
    paused_until: date | None


class Decisions(BaseModel):
    """One decision about many."""

    decision: Decision
    enrollment_ids: list[UUID] = Field(min_length=1, max_length=1000)
    reason: Code | None = Field(default=None, description="Of a pause: stretched_thin, on_leave or other.")
    until: date | None = Field(default=None, description="Of a pause: the day from which they are there again.")


class DecidedDocument(BaseModel):
    """What became of one of them."""

    enrollment_id: UUID
    status: Status | None
    refused: str | None


class DecidedMany(BaseModel):
    """What became of each of them."""

    decided: list[DecidedDocument]


class Reason(BaseModel):
    """Why, in a word that can be counted."""

    reason: Code = "by_choice"


class Pause(BaseModel):
    """Why somebody takes nobody new for now, and until when."""

    reason: Literal["stretched_thin", "on_leave", "other"] = "stretched_thin"
    until: date | None = Field(default=None, description="The day from which they are there again, in UTC.")


def shown(enrollment: Enrollment, person: Person) -> EnrollmentDocument:
    """An enrollment with its person's name."""
    return EnrollmentDocument(**_brief(enrollment, person))


def _brief(enrollment: Enrollment, person: Person) -> dict[str, Any]:
    names = [name for name in EnrollmentDocument.model_fields if name not in ("given_name", "family_name")]
    brief = {name: getattr(enrollment, name) for name in names}
    return {**brief, "given_name": person.given_name, "family_name": person.family_name}


async def _full(
    session: Transaction, caller: CurrentCaller, enrollment_id: UUID, response: Response
) -> FullEnrollmentDocument:
    enrollment, person, program = await enrollments.show_enrollment(session, caller, enrollment_id)
    await session.refresh(enrollment)
    own = caller.person_id == enrollment.person_id
    answers = enrollment.answers if own else shown_answers(program.questions, enrollment.answers, to_managers=True)
    preconditions.tag(response, enrollment.version)
    return FullEnrollmentDocument(
        **_brief(enrollment, person),
        needs=[SkillLevel.model_validate(need) for need in enrollment.needs],
        preferences=[Preference.model_validate(preference) for preference in enrollment.preferences],
        preferred_ids=enrollment.preferred_ids if own else [],
        excluded_ids=enrollment.excluded_ids if own else [],
        availability=[FreeTime.model_validate(free) for free in enrollment.availability],
        goals=enrollment.goals,
        answers=answers,
        paused_until=enrollment.paused_until,
    )


@router.get("/programs/{program_id}/enrollments")
async def list_enrollments(
    program_id: UUID,
    caller: CurrentCaller,
    session: Transaction,
    role: Annotated[Role | None, Query(description="Only those who take part as this.")] = None,
    status: Annotated[Status | None, Query(description="Only those in this status.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[EnrollmentDocument]:
    """Who takes part, in the order in which they signed up."""
    await rights.require_manager(session, caller, program_id)
    await programs.find_program(session, program_id)
    found = await enrollments.list_enrollments(
        session, program_id, role=role, status=status, after=paging.after(cursor, UUID), limit=limit + 1
    )
    return paging.page(found, limit, lambda one: shown(*one), by=lambda one: one[0].enrollment_id)


@router.post("/programs/{program_id}/enrollments", status_code=201)
async def apply(
    program_id: UUID, body: Application, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> FullEnrollmentDocument:
    """Apply for a program that is open; or, as its manager, enroll somebody."""
    by_manager = body.person_id is not None and body.person_id != caller.person_id
    if by_manager:
        await rights.require_manager(session, caller, program_id)
    person_id = body.person_id or caller.require_person()
    form = EnrollmentForm.model_validate(body.model_dump(exclude={"person_id"})).fields()
    enrollment_id = await enrollments.apply(session, program_id, person_id, form, by_manager=by_manager, at=now)
    response.headers["Location"] = f"/enrollments/{enrollment_id}"
    return await _full(session, caller, enrollment_id, response)


@router.post("/programs/{program_id}/enrollment-decisions")
async def decide_many(
    program_id: UUID, body: Decisions, caller: CurrentCaller, now: Now, session: Transaction
) -> DecidedMany:
    """Approve, decline, waitlist, withdraw, pause or resume up to a thousand at once.

    Each for which the decision does not follow is named with the reason, and stays as it is.
    """
    await rights.require_manager(session, caller, program_id)
    decided = await decisions.decide_many(
        session, program_id, body.enrollment_ids, body.decision, reason=body.reason, until=body.until, at=now
    )
    return DecidedMany(
        decided=[
            DecidedDocument(enrollment_id=one.enrollment_id, status=one.status, refused=one.refused) for one in decided
        ]
    )


@router.get("/me/enrollments")
async def list_own_enrollments(caller: CurrentCaller, session: Transaction) -> list[FullEnrollmentDocument]:
    """The caller's own parts in programs."""
    own = await enrollments.list_own(session, caller.require_person())
    return [await _full(session, caller, enrollment.enrollment_id, Response()) for enrollment in own]


@router.get("/enrollments/{enrollment_id}")
async def show_enrollment(
    enrollment_id: UUID, caller: CurrentCaller, session: Transaction, response: Response
) -> FullEnrollmentDocument:
    """An enrollment, for its person and the program's managers."""
    return await _full(session, caller, enrollment_id, response)


@router.put("/enrollments/{enrollment_id}")
async def change_enrollment(
    enrollment_id: UUID,
    body: EnrollmentForm,
    caller: CurrentCaller,
    now: Now,
    session: Transaction,
    response: Response,
    if_match: IfMatch = None,
) -> FullEnrollmentDocument:
    """Answer anew, or take more or fewer. Matching hears of it."""
    enrollment, _, _ = await enrollments.show_enrollment(session, caller, enrollment_id)
    by_manager, expect = caller.person_id != enrollment.person_id, partial(preconditions.require_match, if_match)
    await enrollments.change_enrollment(
        session, enrollment, body.fields(), by_manager=by_manager, expect=expect, at=now
    )
    return await _full(session, caller, enrollment_id, response)


@router.post("/enrollments/{enrollment_id}/withdrawal")
async def withdraw(
    enrollment_id: UUID, body: Reason, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> FullEnrollmentDocument:
    """Take part no longer."""
    enrollment, _, _ = await enrollments.show_enrollment(session, caller, enrollment_id)
    await decisions.step(session, enrollment, Decision.WITHDRAW, reason=body.reason, at=now)
    return await _full(session, caller, enrollment_id, response)


@router.post("/enrollments/{enrollment_id}/pause")
async def pause(
    enrollment_id: UUID, body: Pause, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> FullEnrollmentDocument:
    """Take nobody new for now; what there is goes on."""
    enrollment, _, _ = await enrollments.show_enrollment(session, caller, enrollment_id)
    await decisions.step(session, enrollment, Decision.PAUSE, reason=body.reason, until=body.until, at=now)
    return await _full(session, caller, enrollment_id, response)


@router.post("/enrollments/{enrollment_id}/resumption")
async def resume(
    enrollment_id: UUID, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> FullEnrollmentDocument:
    """Be there for new people again."""
    enrollment, _, _ = await enrollments.show_enrollment(session, caller, enrollment_id)
    await decisions.step(session, enrollment, Decision.RESUME, reason=None, at=now)
    return await _full(session, caller, enrollment_id, response)
