"""Requests over HTTP: mentees ask mentors by name, mentors answer."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from tandem_chassis import idempotency, paging
from tandem_chassis.app import Now
from tandem_chassis.auth import CurrentCaller
from tandem_chassis.database import Transaction
from tandem_chassis.paging import Cursor, Limit, Page
from tandem_events.contracts.requests import DeclineReason
from tandem_matching.api.runs import ReasonShown
from tandem_matching.storage import requests as stored
from tandem_matching.storage.tables import MatchRequest
from tandem_matching.use_cases import requests

router = APIRouter(tags=["match requests"], route_class=idempotency.Route)

State = Literal["queued", "open", "accepted", "declined", "expired", "withdrawn", "closed"]
Words = Annotated[str | None, Field(max_length=2000, pattern=r"^[^\x00]*$")]


class SuggestedMentor(BaseModel):
    """A mentor who may be asked, and why they suit."""

    mentor_id: UUID
    score: float = Field(description="0 to 100.")
    reasons: list[ReasonShown]


class Suggestions(BaseModel):
    """Mentors who may be asked, the best first."""

    items: list[SuggestedMentor]


class NewRequests(BaseModel):
    """Whom to ask, in this order."""

    mentor_ids: list[UUID] = Field(min_length=1, max_length=20)
    message: Words = None


class RequestShown(BaseModel):
    """A mentee's wish for a mentor, and what was answered."""

    match_request_id: UUID
    program_id: UUID
    mentee_id: UUID
    mentor_id: UUID
    rank: int
    state: State
    message: str | None
    made_at: datetime
    expires_at: datetime | None
    decided_at: datetime | None
    reason: str | None
    words: str | None
    referred_to: UUID | None = Field(description="A colleague of the mentor's; the mentee sees them once they agreed.")
    pairing_id: UUID | None


class RequestsMade(BaseModel):
    """What was asked; the first of them is open."""

    items: list[RequestShown]


class Declination(BaseModel):
    """Why a mentor says no, and perhaps who may suit better."""

    reason: DeclineReason
    words: Words = Field(default=None, description="For the mentee only.")
    referred_to: UUID | None = Field(
        default=None, description="A colleague with a free place in the program, who is asked whether they agree."
    )


def _shown(one: MatchRequest, *, to: Literal["mentor", "mentee"]) -> RequestShown:
    shown = RequestShown.model_validate(one, from_attributes=True)
    if to == "mentee" and one.referral != "agreed":
        return shown.model_copy(update={"referred_to": None})
    return shown


@router.get("/programs/{program_id}/suggested-mentors")
async def suggest_mentors(
    program_id: UUID,
    caller: CurrentCaller,
    session: Transaction,
    now: Now,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Suggestions:
    """For a mentee: mentors with a free place whom the rules allow, the best first, with reasons."""
    found = await requests.suggest_mentors(session, program_id, caller.require_person(), limit=limit, at=now)
    return Suggestions(
        items=[
            SuggestedMentor(
                mentor_id=one.person_id,
                score=one.explained.score,
                reasons=[ReasonShown(**reason.as_document()) for reason in one.explained.reasons],
            )
            for one in found
        ]
    )


@router.post("/programs/{program_id}/match-requests", status_code=201)
async def request_mentors(
    program_id: UUID, body: NewRequests, caller: CurrentCaller, session: Transaction, now: Now
) -> RequestsMade:
    """Ask mentors by name: the first now, each next one when the one before said no or nothing in time."""
    made = await requests.request_mentors(
        session, program_id, caller.require_person(), mentor_ids=body.mentor_ids, message=body.message, at=now
    )
    return RequestsMade(items=[_shown(one, to="mentee") for one in made])


@router.get("/me/match-requests")
async def list_own_requests(
    caller: CurrentCaller,
    session: Transaction,
    side: Annotated[Literal["mentor", "mentee"], Query(alias="as")] = "mentee",
    state: Annotated[State | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[RequestShown]:
    """What the caller asked as a mentee, or was asked as a mentor, oldest first."""
    rows = await stored.list_requests(
        session,
        caller.require_person(),
        side=side,
        state=state,
        after=paging.after(cursor, UUID),
        limit=limit + 1,
    )
    return paging.page(rows, limit, lambda row: _shown(row, to=side), by=lambda row: row.match_request_id)


@router.get("/match-requests/{request_id}")
async def show_request(request_id: UUID, caller: CurrentCaller, session: Transaction) -> RequestShown:
    """A request, for the mentee who made it and the mentor who is asked."""
    found = await requests.find_request(session, request_id, caller.require_person())
    return _shown(found, to="mentee" if found.mentee_id == caller.person_id else "mentor")


@router.post("/match-requests/{request_id}/acceptance")
async def accept_request(request_id: UUID, caller: CurrentCaller, session: Transaction, now: Now) -> RequestShown:
    """Say yes: the pairing begins at once."""
    return _shown(await requests.accept_request(session, request_id, caller.require_person(), at=now), to="mentor")


@router.post("/match-requests/{request_id}/declination")
async def decline_request(
    request_id: UUID, body: Declination, caller: CurrentCaller, session: Transaction, now: Now
) -> RequestShown:
    """Say no; the mentee's next choice is asked."""
    return _shown(
        await requests.decline_request(
            session,
            request_id,
            caller.require_person(),
            reason=body.reason,
            words=body.words,
            referred_to=body.referred_to,
            at=now,
        ),
        to="mentor",
    )


@router.post("/match-requests/{request_id}/withdrawal")
async def withdraw_request(request_id: UUID, caller: CurrentCaller, session: Transaction, now: Now) -> RequestShown:
    """Take a request back."""
    return _shown(await requests.withdraw_request(session, request_id, caller.require_person(), at=now), to="mentee")
