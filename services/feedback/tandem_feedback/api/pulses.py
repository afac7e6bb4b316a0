"""The door of pulses and calls for help."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from tandem_chassis import idempotency, paging
from tandem_chassis.app import Now
from tandem_chassis.auth import CurrentCaller
from tandem_chassis.database import Transaction
from tandem_chassis.paging import Cursor, Limit, Page
from tandem_feedback.api.words import Words
from tandem_feedback.domain.pulses import Trend
from tandem_feedback.storage.pulses import CallForHelp
from tandem_feedback.use_cases import pulses

router = APIRouter(tags=["pulse and help"], route_class=idempotency.Route)

Agreement = Annotated[int, Field(ge=1, le=5, description="1: not at all; 5: fully.")]


class NewPulse(BaseModel):
    """Two questions: do you feel listened to, and is the interest in you genuine?"""

    listening: Agreement
    interest: Agreement


class PulseView(NewPulse):
    """A pulse of mine."""

    pulse_id: UUID
    pairing_id: UUID
    submitted_at: datetime


class PulseDue(BaseModel):
    """A pulse that I may take, since two weeks have gone by."""

    pairing_id: UUID
    program_id: UUID
    due_at: datetime


class TrendView(BaseModel):
    """Where pulses point."""

    pairing_id: UUID
    of: Literal["me", "members"] = Field(description="Whose pulses: mine alone, or those of all members together.")
    trend: Trend


class NewCallForHelp(BaseModel):
    """What the managers of the program should know."""

    words: Words


class Settlement(BaseModel):
    """What was done, for the person who called."""

    answer: Words


class CallForHelpView(BaseModel):
    """A call for help; only its author and the managers of the program see it."""

    call_id: UUID
    pairing_id: UUID
    program_id: UUID
    author_id: UUID
    words: str
    called_at: datetime
    settled_at: datetime | None
    answer: str | None


@router.post("/pairings/{pairing_id}/pulses", status_code=201)
async def submit_pulse(
    pairing_id: UUID, body: NewPulse, caller: CurrentCaller, now: Now, session: Transaction
) -> PulseView:
    """Answer the two questions. The other services hear of it as `pulse.submitted`, without the values."""
    pulse = await pulses.submit(session, pairing_id, author_id=caller.require_person(), at=now, **body.model_dump())
    return PulseView.model_validate(pulse, from_attributes=True)


@router.get("/pairings/{pairing_id}/pulses")
async def list_my_pulses(
    pairing_id: UUID, caller: CurrentCaller, session: Transaction, limit: Limit = 50, cursor: Cursor = None
) -> Page[PulseView]:
    """My own pulses in a relationship, the newest first. Nobody else sees them."""
    rows = await pulses.own_pulses(
        session,
        pairing_id,
        author_id=caller.require_person(),
        after=paging.after(cursor, UUID),
        limit=limit + 1,
    )
    return paging.page(
        rows, limit, lambda row: PulseView.model_validate(row, from_attributes=True), by=lambda row: row.pulse_id
    )


@router.get("/pairings/{pairing_id}/pulse-trend")
async def show_trend(pairing_id: UUID, caller: CurrentCaller, session: Transaction) -> TrendView:
    """Where pulses point: for the program's managers those of all members together, for a member their own."""
    trend, own = await pulses.trend_of(session, caller, pairing_id)
    return TrendView(pairing_id=pairing_id, of="me" if own else "members", trend=trend)


@router.get("/me/pulses-due")
async def list_due_pulses(
    caller: CurrentCaller, now: Now, session: Transaction, limit: Limit = 50, cursor: Cursor = None
) -> Page[PulseDue]:
    """The pulses that are due from me: each two weeks in each of my relationships, as long as it goes on."""
    rows = await pulses.due_pulses(
        session, caller.require_person(), now=now, after=paging.after(cursor, UUID), limit=limit + 1
    )
    return paging.page(
        rows, limit, lambda row: PulseDue(pairing_id=row[0], program_id=row[1], due_at=row[2]), by=lambda row: row[0]
    )


@router.post("/pairings/{pairing_id}/calls-for-help", status_code=201)
async def call_for_help(
    pairing_id: UUID, body: NewCallForHelp, caller: CurrentCaller, now: Now, session: Transaction
) -> CallForHelpView:
    """Ask the managers of the program for help, in private: no event is said, and the other members learn nothing."""
    call = await pulses.call_for_help(session, pairing_id, author_id=caller.require_person(), words=body.words, at=now)
    return _call(call)


@router.get("/me/calls-for-help")
async def list_my_calls(
    caller: CurrentCaller, session: Transaction, limit: Limit = 50, cursor: Cursor = None
) -> Page[CallForHelpView]:
    """My calls for help and what was answered, the newest first."""
    rows = await pulses.calls_of(session, caller.require_person(), after=paging.after(cursor, UUID), limit=limit + 1)
    return paging.page(rows, limit, _call, by=lambda row: row.call_id)


@router.get("/programs/{program_id}/calls-for-help")
async def list_calls(
    program_id: UUID, caller: CurrentCaller, session: Transaction, limit: Limit = 50, cursor: Cursor = None
) -> Page[CallForHelpView]:
    """Calls for help to my program, the newest first."""
    rows = await pulses.calls_to(session, caller, program_id, after=paging.after(cursor, UUID), limit=limit + 1)
    return paging.page(rows, limit, _call, by=lambda row: row.call_id)


@router.post("/calls-for-help/{call_id}/settlement", status_code=201)
async def settle(
    call_id: UUID, body: Settlement, caller: CurrentCaller, now: Now, session: Transaction
) -> CallForHelpView:
    """Say that I have taken care of a call for help to my program, and what I did."""
    return _call(await pulses.settle(session, caller, call_id, answer=body.answer, at=now))


def _call(call: CallForHelp) -> CallForHelpView:
    return CallForHelpView.model_validate(call, from_attributes=True)
