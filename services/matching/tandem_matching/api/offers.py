"""Offers over HTTP: mentors offer themselves, mentees answer."""

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
from tandem_matching.api.requests import Words
from tandem_matching.api.runs import ReasonShown
from tandem_matching.storage import offers as stored
from tandem_matching.storage.tables import MentorOffer
from tandem_matching.use_cases import offers

router = APIRouter(tags=["mentor offers"], route_class=idempotency.Route)

State = Literal["open", "accepted", "declined", "expired", "withdrawn", "closed"]


class SuggestedMenteeShown(BaseModel):
    """A mentee to whom a mentor may offer themselves, and why the two suit."""

    mentee_id: UUID
    score: float = Field(description="0 to 100.")
    reasons: list[ReasonShown]


class SuggestedMentees(BaseModel):
    """Mentees who want a mentor, the best first."""

    items: list[SuggestedMenteeShown]


class NewOffer(BaseModel):
    """To whom a mentor offers themselves."""

    mentee_id: UUID
    message: Words = None


class OfferShown(BaseModel):
    """A mentor's offer, and what was answered."""

    mentor_offer_id: UUID
    program_id: UUID
    mentor_id: UUID
    mentee_id: UUID
    state: State
    message: str | None
    made_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    reason: str | None
    pairing_id: UUID | None


def _shown(one: MentorOffer) -> OfferShown:
    return OfferShown.model_validate(one, from_attributes=True)


@router.get("/programs/{program_id}/suggested-mentees")
async def suggest_mentees(
    program_id: UUID,
    caller: CurrentCaller,
    session: Transaction,
    now: Now,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> SuggestedMentees:
    """For a mentor with a free place: mentees who want a mentor and whom the rules allow, the best first."""
    found = await offers.suggest_mentees(session, program_id, caller.require_person(), limit=limit, at=now)
    return SuggestedMentees(
        items=[
            SuggestedMenteeShown(
                mentee_id=one.person_id,
                score=one.explained.score,
                reasons=[ReasonShown(**reason.as_document()) for reason in one.explained.reasons],
            )
            for one in found
        ]
    )


@router.post("/programs/{program_id}/mentor-offers", status_code=201)
async def offer_mentor(
    program_id: UUID, body: NewOffer, caller: CurrentCaller, session: Transaction, now: Now
) -> OfferShown:
    """Offer oneself to a mentee, who has as long for an answer as a mentor who is asked."""
    return _shown(
        await offers.offer_mentor(
            session, program_id, caller.require_person(), mentee_id=body.mentee_id, message=body.message, at=now
        )
    )


@router.get("/me/mentor-offers")
async def list_own_offers(
    caller: CurrentCaller,
    session: Transaction,
    side: Annotated[Literal["mentor", "mentee"], Query(alias="as")] = "mentee",
    state: Annotated[State | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[OfferShown]:
    """What the caller offered as a mentor, or was offered as a mentee, oldest first."""
    rows = await stored.list_offers(
        session,
        caller.require_person(),
        side=side,
        state=state,
        after=paging.after(cursor, UUID),
        limit=limit + 1,
    )
    return paging.page(rows, limit, _shown, by=lambda row: row.mentor_offer_id)


@router.get("/mentor-offers/{offer_id}")
async def show_offer(offer_id: UUID, caller: CurrentCaller, session: Transaction) -> OfferShown:
    """An offer, for the mentor who made it and the mentee to whom it was made."""
    return _shown(await offers.find_offer(session, offer_id, caller.require_person()))


@router.post("/mentor-offers/{offer_id}/acceptance")
async def accept_offer(offer_id: UUID, caller: CurrentCaller, session: Transaction, now: Now) -> OfferShown:
    """Say yes: the pairing begins at once."""
    return _shown(await offers.accept_offer(session, offer_id, caller.require_person(), at=now))


@router.post("/mentor-offers/{offer_id}/declination")
async def decline_offer(offer_id: UUID, caller: CurrentCaller, session: Transaction, now: Now) -> OfferShown:
    """Say no; no reason is asked."""
    return _shown(await offers.decline_offer(session, offer_id, caller.require_person(), at=now))


@router.post("/mentor-offers/{offer_id}/withdrawal")
async def withdraw_offer(offer_id: UUID, caller: CurrentCaller, session: Transaction, now: Now) -> OfferShown:
    """Take an offer back."""
    return _shown(await offers.withdraw_offer(session, offer_id, caller.require_person(), at=now))
