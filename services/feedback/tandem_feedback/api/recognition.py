"""The door of recognition: hours, milestones, badges, and the choice not to be recognised."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from tandem_chassis import idempotency, paging
from tandem_chassis.app import Now
from tandem_chassis.auth import CurrentCaller
from tandem_chassis.database import Transaction
from tandem_chassis.paging import Cursor, Limit, Page
from tandem_feedback.api.words import Day
from tandem_feedback.use_cases import recognition
from tandem_feedback.use_cases.recognition import Recognised

router = APIRouter(tags=["recognition"], route_class=idempotency.Route)


class AwardView(BaseModel):
    """A milestone or a badge."""

    kind: Literal["milestone", "badge"]
    award: str
    awarded_at: datetime


class RecognitionView(BaseModel):
    """What I did as a mentor and was awarded for it; nothing of it where I opted out."""

    opted_out: bool
    sessions: int
    minutes: int
    thanks: int
    goals_reached: int
    awards: list[AwardView]


class Choice(BaseModel):
    """Whether I do not want to be recognised."""

    opted_out: bool


class ProgramHours(BaseModel):
    """Time given to one program."""

    program_id: UUID
    sessions: int
    minutes: int


class HoursStatement(BaseModel):
    """Time given as a mentor in a period, both days included, in UTC."""

    first_day: date
    last_day: date
    sessions: int
    minutes: int
    programs: list[ProgramHours]


class MentorHours(BaseModel):
    """Time that a mentor gave to a program."""

    person_id: UUID
    sessions: int
    minutes: int


@router.get("/me/recognition")
async def show_recognition(caller: CurrentCaller, session: Transaction) -> RecognitionView:
    """What I did as a mentor and was awarded for it."""
    return _view(await recognition.recognition_of(session, caller.require_person()))


@router.put("/me/recognition")
async def choose_recognition(body: Choice, caller: CurrentCaller, now: Now, session: Transaction) -> RecognitionView:
    """Opt out of recognition (awards are taken back, and managers do not see my hours), or in again."""
    return _view(await recognition.choose(session, caller.require_person(), opted_out=body.opted_out, at=now))


@router.get("/me/hours-statement")
async def show_hours(
    caller: CurrentCaller,
    session: Transaction,
    first_day: Annotated[Day, Query()],
    last_day: Annotated[Day, Query()],
) -> HoursStatement:
    """How much time I gave as a mentor in a period."""
    statement = await recognition.hours_statement(
        session, caller.require_person(), first_day=first_day, last_day=last_day
    )
    return HoursStatement(
        first_day=first_day,
        last_day=last_day,
        sessions=sum(one.sessions for one in statement),
        minutes=sum(one.minutes for one in statement),
        programs=[ProgramHours.model_validate(one, from_attributes=True) for one in statement],
    )


@router.get("/programs/{program_id}/mentor-hours")
async def list_mentor_hours(
    program_id: UUID, caller: CurrentCaller, session: Transaction, limit: Limit = 50, cursor: Cursor = None
) -> Page[MentorHours]:
    """The mentors of a program with the time they gave, without those who opted out; for its managers."""
    rows = await recognition.mentors_of(session, caller, program_id, after=paging.after(cursor, UUID), limit=limit + 1)
    return paging.page(
        rows, limit, lambda one: MentorHours(person_id=one[0], sessions=one[1], minutes=one[2]), by=lambda one: one[0]
    )


def _view(seen: Recognised) -> RecognitionView:
    ledger = seen.ledger
    return RecognitionView(
        opted_out=seen.opted_out,
        sessions=ledger.sessions,
        minutes=ledger.minutes,
        thanks=ledger.thanks,
        goals_reached=ledger.goals_reached,
        awards=[AwardView.model_validate(one, from_attributes=True) for one in seen.awards],
    )
