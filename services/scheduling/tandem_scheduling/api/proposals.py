"""Proposals over HTTP: offer times, choose one, decline them."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from tandem_chassis import idempotency, paging, preconditions
from tandem_chassis.app import Now
from tandem_chassis.auth import CurrentCaller
from tandem_chassis.database import Transaction
from tandem_chassis.paging import Cursor, Limit, Page
from tandem_scheduling.api.fields import Line, WayOfMeeting
from tandem_scheduling.api.sessions import Cancellation, SessionDocument, SpanDocument, document
from tandem_scheduling.storage.proposals import Proposal
from tandem_scheduling.use_cases import proposals as use_cases

router = APIRouter(tags=["proposals"], route_class=idempotency.Route)


class NewProposal(BaseModel):
    """Times to choose from."""

    options: list[SpanDocument] = Field(min_length=1, max_length=10)
    way_of_meeting: WayOfMeeting
    place: Line | None = None


class Option(BaseModel):
    """One of the times offered."""

    starts_at: datetime
    ends_at: datetime


class ProposalDocument(BaseModel):
    """Times that were offered, and what came of it."""

    proposal_id: UUID
    pairing_id: UUID
    proposed_by: UUID
    options: list[Option]
    way_of_meeting: WayOfMeeting
    place: str | None
    state: Literal["open", "accepted", "declined"]
    session_id: UUID | None
    proposed_at: datetime


class Choice(BaseModel):
    """Which of the times, counted from 1."""

    option: int = Field(ge=1, le=10)


def proposal_document(proposal: Proposal) -> ProposalDocument:
    """A proposal as it is shown."""
    return ProposalDocument.model_validate(proposal, from_attributes=True)


@router.post("/pairings/{pairing_id}/session-proposals", status_code=201)
async def propose_session(
    pairing_id: UUID, body: NewProposal, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> ProposalDocument:
    """Offer times to choose from. It is said as `session.proposed`."""
    proposal = await use_cases.propose_session(
        session,
        pairing_id,
        [option.span() for option in body.options],
        caller,
        way_of_meeting=body.way_of_meeting,
        place=body.place,
        now=now,
    )
    preconditions.tag(response, proposal.version)
    response.headers["Location"] = f"/pairings/{pairing_id}/session-proposals"
    return proposal_document(proposal)


@router.get("/pairings/{pairing_id}/session-proposals")
async def list_proposals(
    pairing_id: UUID, caller: CurrentCaller, session: Transaction, cursor: Cursor = None, limit: Limit = 100
) -> Page[ProposalDocument]:
    """A pairing's proposals, in the order in which they were made."""
    found = await use_cases.list_proposals(
        session, pairing_id, caller, after=paging.after(cursor, UUID), limit=limit + 1
    )
    return paging.page(found, limit, proposal_document, by=lambda proposal: proposal.proposal_id)


@router.post("/session-proposals/{proposal_id}/acceptance", status_code=201)
async def accept_proposal(
    proposal_id: UUID, body: Choice, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> SessionDocument:
    """Choose one of the times: the session is booked."""
    meeting = await use_cases.accept_proposal(session, proposal_id, caller, option=body.option, now=now)
    preconditions.tag(response, meeting.version)
    response.headers["Location"] = f"/sessions/{meeting.session_id}"
    return document(meeting, caller)


@router.post("/session-proposals/{proposal_id}/refusal")
async def decline_proposal(
    proposal_id: UUID, body: Cancellation, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> ProposalDocument:
    """None of the times suits, or the offer no longer stands. It is said as `session_proposal.declined`."""
    proposal = await use_cases.decline_proposal(session, proposal_id, caller, reason=body.reason, now=now)
    preconditions.tag(response, proposal.version)
    return proposal_document(proposal)
