"""Requests: a mentee asks a mentor by name, and what comes of it. Messages and reasons in words stay in matching."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from tandem_events.contracts.contract import Fact

DeclineReason = Literal["no_time", "not_my_field", "conflict_of_interest", "other"]
CloseReason = Literal["withdrawn", "matched", "fully_booked", "left"]
ReferralConsent = Literal["asked", "agreed", "declined"]
OfferOutcome = Literal["accepted", "declined", "expired", "withdrawn", "matched", "fully_booked", "left"]


class MatchRequestMade(Fact, name="match_request.made", sender="matching", subject="match_request_id", key="mentee_id"):
    """A mentor is asked: they may say yes or no until it expires."""

    match_request_id: UUID
    program_id: UUID
    mentee_id: UUID
    mentor_id: UUID
    rank: int = Field(ge=1, description="Which choice of the mentee it is.")
    expires_at: AwareDatetime


class MatchRequestAccepted(
    Fact, name="match_request.accepted", sender="matching", subject="match_request_id", key="mentee_id"
):
    """A mentor said yes: the pairing is created in the same moment."""

    match_request_id: UUID
    program_id: UUID
    mentee_id: UUID
    mentor_id: UUID
    pairing_id: UUID


class MatchRequestDeclined(
    Fact, name="match_request.declined", sender="matching", subject="match_request_id", key="mentee_id"
):
    """A mentor said no: the mentee's next choice is asked."""

    match_request_id: UUID
    program_id: UUID
    mentee_id: UUID
    mentor_id: UUID
    reason: DeclineReason


class MatchRequestExpired(
    Fact, name="match_request.expired", sender="matching", subject="match_request_id", key="mentee_id"
):
    """A mentor did not answer in time: the mentee's next choice is asked."""

    match_request_id: UUID
    program_id: UUID
    mentee_id: UUID
    mentor_id: UUID


class MatchRequestClosed(
    Fact, name="match_request.closed", sender="matching", subject="match_request_id", key="mentee_id"
):
    """A request no longer stands, without an answer of the mentor."""

    match_request_id: UUID
    program_id: UUID
    mentee_id: UUID
    mentor_id: UUID
    reason: CloseReason


class MentorReferred(Fact, name="mentor.referred", sender="matching", subject="match_request_id", key="mentee_id"):
    """A mentor who said no named a colleague who may suit the mentee better; said again when the colleague answered.

    The mentee is told who it is once the colleague agreed.
    """

    match_request_id: UUID
    program_id: UUID
    mentee_id: UUID
    referrer_id: UUID
    candidate_id: UUID
    consent: ReferralConsent | None = Field(
        default=None, description="Whether the colleague agrees to be named; without it they were not asked."
    )
    mentor_offer_id: UUID | None = Field(
        default=None, description="The offer to the mentee that the colleague made by agreeing."
    )


class MentorOfferMade(Fact, name="mentor_offer.made", sender="matching", subject="mentor_offer_id", key="mentee_id"):
    """A mentor offers themselves: the mentee may say yes or no until it expires."""

    mentor_offer_id: UUID
    program_id: UUID
    mentor_id: UUID
    mentee_id: UUID
    expires_at: AwareDatetime


class MentorOfferClosed(
    Fact, name="mentor_offer.closed", sender="matching", subject="mentor_offer_id", key="mentee_id"
):
    """An offer no longer stands: it was answered, or overtaken by what happened."""

    mentor_offer_id: UUID
    program_id: UUID
    mentor_id: UUID
    mentee_id: UUID
    outcome: OfferOutcome
    pairing_id: UUID | None = Field(default=None, description="What began with a yes.")
