"""Referrals over HTTP: whom a mentor names instead agrees to be named, or does not."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from tandem_chassis import idempotency, paging
from tandem_chassis.app import Now
from tandem_chassis.auth import CurrentCaller
from tandem_chassis.database import Transaction
from tandem_chassis.paging import Cursor, Limit, Page
from tandem_matching.api.offers import OfferShown
from tandem_matching.api.requests import Words
from tandem_matching.storage import requests as stored
from tandem_matching.storage.tables import MatchRequest
from tandem_matching.use_cases import referrals

router = APIRouter(tags=["match requests"], route_class=idempotency.Route)


class ReferralShown(BaseModel):
    """That a mentor who said no to a mentee named the caller instead. What the mentee wrote is not shown."""

    match_request_id: UUID
    program_id: UUID
    mentee_id: UUID
    referrer_id: UUID
    expires_at: datetime = Field(description="Until when the caller can agree to be named.")


class Agreement(BaseModel):
    """What goes with a yes."""

    message: Words = Field(default=None, description="For the mentee, with the offer.")


def _shown(one: MatchRequest) -> ReferralShown:
    return ReferralShown(
        match_request_id=one.match_request_id,
        program_id=one.program_id,
        mentee_id=one.mentee_id,
        referrer_id=one.mentor_id,
        expires_at=one.referral_until,
    )


@router.get("/me/referrals")
async def list_own_referrals(
    caller: CurrentCaller, session: Transaction, now: Now, limit: Limit = 50, cursor: Cursor = None
) -> Page[ReferralShown]:
    """For which mentees colleagues named the caller, who has not answered yet; oldest first."""
    rows = await stored.list_referrals(
        session, caller.require_person(), at=now, after=paging.after(cursor, UUID), limit=limit + 1
    )
    return paging.page(rows, limit, _shown, by=lambda row: row.match_request_id)


@router.post("/match-requests/{request_id}/referral/acceptance", status_code=201)
async def agree_to_referral(
    request_id: UUID, body: Agreement, caller: CurrentCaller, session: Transaction, now: Now
) -> OfferShown:
    """Agree to be named: the caller offers themselves to the mentee, who answers as any offer is answered."""
    made = await referrals.agree_to_referral(session, request_id, caller.require_person(), message=body.message, at=now)
    return OfferShown.model_validate(made, from_attributes=True)


@router.post("/match-requests/{request_id}/referral/declination")
async def decline_referral(request_id: UUID, caller: CurrentCaller, session: Transaction, now: Now) -> ReferralShown:
    """Do not agree to be named; no reason is asked, and the mentee never learns of it."""
    return _shown(await referrals.decline_referral(session, request_id, caller.require_person(), at=now))
