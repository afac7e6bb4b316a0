"""Sessions over HTTP: book, look, move, answer, complete, miss, cancel."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from tandem_chassis import idempotency, paging, preconditions
from tandem_chassis.app import Now
from tandem_chassis.auth import Caller, CurrentCaller
from tandem_chassis.database import Transaction
from tandem_chassis.paging import Cursor, Limit, Page
from tandem_scheduling.api.fields import Day, Line, Moment, Reason, WayOfMeeting, Words, ZoneName, after_moment
from tandem_scheduling.storage.sessions import Session
from tandem_scheduling.use_cases import completions
from tandem_scheduling.use_cases import sessions as use_cases
from tandem_scheduling.use_cases.completions import Agreed
from tandem_scheduling.use_cases.rights import sees_in_full
from tandem_scheduling.use_cases.sessions import Plan, Span

router = APIRouter(tags=["sessions"], route_class=idempotency.Route)


class SpanDocument(BaseModel):
    """From when to when."""

    starts_at: Moment
    ends_at: Moment

    def span(self) -> Span:
        """As use cases take it."""
        return Span(starts_at=self.starts_at, ends_at=self.ends_at)


class NewSession(SpanDocument):
    """A session to be booked, with every member of the pairing or those named."""

    way_of_meeting: WayOfMeeting
    place: Line | None = Field(default=None, description="Where, or the link or number for it.")
    time_zone: ZoneName | None = Field(
        default=None, description="IANA name; whose days count. Without one, that of whoever books."
    )
    kind: Literal["meeting", "shadowing"] = "meeting"
    attendees: list[UUID] | None = Field(default=None, min_length=1, max_length=100)
    debrief: SpanDocument | None = Field(default=None, description="When a shadowing session is talked about.")
    step_id: UUID | None = Field(default=None, description="The module to do in it, whose agenda is put on.")

    def plan(self) -> Plan:
        """As use cases take it."""
        values = self.model_dump(exclude={"debrief"})
        return Plan(**values, debrief=self.debrief.span() if self.debrief else None)


class Rescheduling(SpanDocument):
    """Where a session is moved, and why."""

    way_of_meeting: WayOfMeeting
    place: Line | None = None
    time_zone: ZoneName | None = None
    reason: Reason


class AttendeeDocument(BaseModel):
    """Somebody who is invited."""

    person_id: UUID
    attended: bool | None
    answer: Literal["accepted", "tentative", "declined"] | None


class SessionDocument(BaseModel):
    """A session. Whoever only books for somebody, or is not invited, sees when, how and where who meets.

    Who answers what and came, why it was cancelled and how long its agenda is are null for them.
    """

    session_id: UUID
    pairing_id: UUID
    program_id: UUID
    kind: Literal["meeting", "shadowing", "debrief"]
    state: Literal["scheduled", "completed", "cancelled", "missed"]
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    way_of_meeting: WayOfMeeting
    place: str | None
    organizer_id: UUID
    attendees: list[AttendeeDocument]
    agenda_items: int | None
    agenda_items_done: int | None
    reschedules: int
    late_changes: int = Field(description="How often it was moved or cancelled later than the agreement allows.")
    cancel_reason: str | None
    series_id: UUID | None
    debrief_of: UUID | None


class NewActionItem(BaseModel):
    """What somebody commits to do."""

    words: Words
    owner_id: UUID
    due_on: Day | None = None


class Completion(BaseModel):
    """How a session went."""

    attended: list[UUID] = Field(min_length=1, max_length=100)
    agenda_items_done: list[UUID] = Field(default=[], max_length=200)
    action_items: list[NewActionItem] = Field(default=[], max_length=50)


class Absence(BaseModel):
    """Who did not come."""

    missed_by: list[UUID] = Field(min_length=1, max_length=100)


class Cancellation(BaseModel):
    """Why a session will not take place."""

    reason: Reason


class Answer(BaseModel):
    """Whether somebody comes."""

    answer: Literal["accepted", "tentative", "declined"]


def document(meeting: Session, caller: Caller) -> SessionDocument:
    """A session as this caller sees it."""
    shown = SessionDocument.model_validate(meeting, from_attributes=True)
    if sees_in_full(caller, meeting):
        return shown
    invited = [one.model_copy(update={"attended": None, "answer": None}) for one in shown.attendees]
    hidden = dict.fromkeys(("agenda_items", "agenda_items_done", "cancel_reason"))
    return shown.model_copy(update={"attendees": invited, **hidden})


@router.post("/pairings/{pairing_id}/sessions", status_code=201)
async def schedule_session(
    pairing_id: UUID, body: NewSession, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> SessionDocument:
    """Book a session. It is said as `session.scheduled`."""
    meeting = await use_cases.schedule_session(session, pairing_id, body.plan(), caller, now=now)
    preconditions.tag(response, meeting.version)
    response.headers["Location"] = f"/sessions/{meeting.session_id}"
    return document(meeting, caller)


@router.get("/pairings/{pairing_id}/sessions")
async def list_sessions(
    pairing_id: UUID, caller: CurrentCaller, session: Transaction, cursor: Cursor = None, limit: Limit = 100
) -> Page[SessionDocument]:
    """A pairing's sessions, in the order of their beginning."""
    found = await use_cases.list_sessions(session, pairing_id, caller, after=after_moment(cursor), limit=limit + 1)
    return paging.page(
        found,
        limit,
        lambda meeting: document(meeting, caller),
        by=lambda meeting: (meeting.starts_at.isoformat(), meeting.session_id),
    )


@router.get("/me/sessions")
async def list_own_sessions(
    caller: CurrentCaller,
    now: Now,
    session: Transaction,
    weeks: Annotated[int, Query(ge=1, le=26, description="How far to look.")] = 6,
    limit: Limit = 500,
) -> Page[SessionDocument]:
    """The caller's sessions of the coming weeks, over all relationships, in the order of their beginning."""
    found = await use_cases.list_own_sessions(session, caller, since=now, weeks=weeks, limit=limit)
    return Page(items=[document(meeting, caller) for meeting in found])


@router.get("/sessions/{session_id}")
async def read_session(
    session_id: UUID, caller: CurrentCaller, session: Transaction, response: Response
) -> SessionDocument:
    """A session."""
    meeting = await use_cases.see_session(session, session_id, caller)
    preconditions.tag(response, meeting.version)
    return document(meeting, caller)


@router.post("/sessions/{session_id}/rescheduling")
async def reschedule_session(
    session_id: UUID, body: Rescheduling, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> SessionDocument:
    """Move a session to another time or place. It is said as `session.rescheduled`."""
    plan = Plan(**body.model_dump(exclude={"reason"}))
    meeting = await use_cases.reschedule_session(session, session_id, plan, caller, reason=body.reason, now=now)
    preconditions.tag(response, meeting.version)
    return document(meeting, caller)


@router.post("/sessions/{session_id}/answers")
async def answer_session(
    session_id: UUID, body: Answer, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> SessionDocument:
    """Say whether one comes. It is said as `session.answered`."""
    meeting = await use_cases.answer_session(session, session_id, caller, answer=body.answer, now=now)
    preconditions.tag(response, meeting.version)
    return document(meeting, caller)


@router.post("/sessions/{session_id}/completion")
async def complete_session(
    session_id: UUID, body: Completion, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> SessionDocument:
    """Say that a session took place, who came, what was done and what was agreed."""
    meeting = await completions.complete_session(
        session,
        session_id,
        caller,
        attended=body.attended,
        agenda_items_done=body.agenda_items_done,
        agreed=[Agreed(**item.model_dump()) for item in body.action_items],
        now=now,
    )
    preconditions.tag(response, meeting.version)
    return document(meeting, caller)


@router.post("/sessions/{session_id}/absence")
async def miss_session(
    session_id: UUID, body: Absence, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> SessionDocument:
    """Say that a session did not take place because somebody did not come. It is said as `session.missed`."""
    meeting = await completions.miss_session(session, session_id, caller, missed_by=body.missed_by, now=now)
    preconditions.tag(response, meeting.version)
    return document(meeting, caller)


@router.post("/sessions/{session_id}/cancellation")
async def cancel_session(
    session_id: UUID, body: Cancellation, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> SessionDocument:
    """Cancel a session. Everybody's time is free again."""
    meeting = await use_cases.cancel_session(session, session_id, caller, reason=body.reason, now=now)
    preconditions.tag(response, meeting.version)
    return document(meeting, caller)
