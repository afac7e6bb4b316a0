"""Cadence over HTTP: whether people meet as agreed, touchpoints, and the program's policy of meeting."""

from datetime import datetime
from functools import partial
from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from tandem_chassis import idempotency, paging, preconditions
from tandem_chassis.app import Now
from tandem_chassis.auth import CurrentCaller
from tandem_chassis.database import Transaction
from tandem_chassis.paging import Cursor, Limit, Page
from tandem_chassis.preconditions import IfMatch
from tandem_scheduling.api.fields import Moment
from tandem_scheduling.storage.cadence import Touchpoint
from tandem_scheduling.use_cases import cadence as use_cases

router = APIRouter(tags=["cadence"], route_class=idempotency.Route)

Channel = Literal["email", "chat", "phone", "video", "in_person"]


class CadenceDocument(BaseModel):
    """By when the members are expected to meet; nothing before the agreement is signed."""

    pairing_id: UUID
    meeting_every_days: int | None
    last_contact_at: datetime | None
    expected_by: datetime | None
    lapsed: bool
    next_session_id: UUID | None
    next_session_starts_at: datetime | None
    completed_sessions: int


class NewTouchpoint(BaseModel):
    """That the members were in touch outside a session."""

    channel: Channel
    happened_at: Moment


class TouchpointDocument(BaseModel):
    """A touchpoint."""

    touchpoint_id: UUID
    pairing_id: UUID
    person_id: UUID
    channel: Channel
    happened_at: datetime
    counts_as_meeting: bool


class PolicyDocument(BaseModel):
    """What a program's manager sets about meeting."""

    touchpoints_count: bool = Field(default=False, description="Whether a touchpoint counts as a meeting.")
    grace_days: int = Field(default=2, ge=0, le=60, description="How long after the expected day a lapse is said.")


def touchpoint_document(touchpoint: Touchpoint) -> TouchpointDocument:
    """A touchpoint as it is shown."""
    return TouchpointDocument.model_validate(touchpoint, from_attributes=True)


@router.get("/pairings/{pairing_id}/cadence")
async def read_cadence(pairing_id: UUID, caller: CurrentCaller, now: Now, session: Transaction) -> CadenceDocument:
    """Whether the members meet as often as they agreed."""
    found = await use_cases.see_cadence(session, pairing_id, caller, now=now)
    return CadenceDocument(
        pairing_id=pairing_id,
        meeting_every_days=found.pairing.meeting_every_days,
        last_contact_at=found.pairing.last_contact_at,
        expected_by=found.pairing.expected_by,
        lapsed=found.lapsed,
        next_session_id=found.next_session.session_id if found.next_session else None,
        next_session_starts_at=found.next_session.starts_at if found.next_session else None,
        completed_sessions=found.pairing.completed_sessions,
    )


@router.post("/pairings/{pairing_id}/touchpoints", status_code=201)
async def log_touchpoint(
    pairing_id: UUID, body: NewTouchpoint, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> TouchpointDocument:
    """Log that the members were in touch. It is said as `touchpoint.logged`."""
    logged = await use_cases.log_touchpoint(session, pairing_id, caller, **body.model_dump(), now=now)
    response.headers["Location"] = f"/pairings/{pairing_id}/touchpoints"
    return touchpoint_document(logged)


@router.get("/pairings/{pairing_id}/touchpoints")
async def list_touchpoints(
    pairing_id: UUID, caller: CurrentCaller, session: Transaction, cursor: Cursor = None, limit: Limit = 100
) -> Page[TouchpointDocument]:
    """A pairing's touchpoints, in the order in which they were logged."""
    found = await use_cases.list_touchpoints(
        session, pairing_id, caller, after=paging.after(cursor, UUID), limit=limit + 1
    )
    return paging.page(found, limit, touchpoint_document, by=lambda touchpoint: touchpoint.touchpoint_id)


@router.get("/programs/{program_id}/meeting-policy")
async def read_policy(
    program_id: UUID, caller: CurrentCaller, session: Transaction, response: Response
) -> PolicyDocument:
    """What a program's manager set about meeting, or what holds where they set nothing."""
    policy = await use_cases.see_policy(session, program_id, caller)
    preconditions.tag(response, policy.version)
    return PolicyDocument.model_validate(policy, from_attributes=True)


@router.put("/programs/{program_id}/meeting-policy")
async def set_policy(
    program_id: UUID,
    body: PolicyDocument,
    caller: CurrentCaller,
    session: Transaction,
    response: Response,
    if_match: IfMatch = None,
) -> PolicyDocument:
    """Set what holds from the next meeting on."""
    policy = await use_cases.set_policy(
        session, program_id, caller, **body.model_dump(), seen=partial(preconditions.require_match, if_match)
    )
    preconditions.tag(response, policy.version)
    return PolicyDocument.model_validate(policy, from_attributes=True)
