"""Referrals: a colleague whom a mentor names instead agrees to be named, or does not."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events import outbox
from tandem_events.contracts import MentorReferred
from tandem_events.contracts.requests import ReferralConsent
from tandem_matching.domain.refusals import MentorNotAvailable, NoSuchReferral, ReferralDecided
from tandem_matching.storage import requests
from tandem_matching.storage.tables import MatchRequest, MentorOffer
from tandem_matching.use_cases.allowed import allowed_pairs, running_program
from tandem_matching.use_cases.offers import offer_mentor


async def referable_until(session: AsyncSession, one: MatchRequest, candidate_id: UUID, *, at: datetime) -> datetime:
    """Until when a colleague who is named instead may answer. The mentee's chain of requests must be locked.

    Raises:
        NoSuchProgram, ProgramNotRunning: nobody is paired in it any more.
        MentorNotAvailable: the colleague takes no mentees in this program, or not this one by its rules, or was asked
            for this mentee before: a referral goes to nobody twice, and in no circle.
    """
    program, rules = await running_program(session, one.program_id)
    suits = (
        candidate_id not in (one.mentor_id, one.mentee_id)
        and not await requests.was_asked_for(session, one.program_id, one.mentee_id, candidate_id=candidate_id)
        and await allowed_pairs(session, program, rules, mentors={candidate_id}, mentees={one.mentee_id}, at=at)
    )
    if not suits:
        # Which of these it is would tell what others decided, or whom they exclude.
        raise MentorNotAvailable(
            "The colleague you name has no free place in this program, its rules keep them and the mentee apart, or "
            "they were asked for this mentee before: name another one, or nobody."
        )
    return at + timedelta(days=rules.request_days)


async def say_referral(
    session: AsyncSession,
    one: MatchRequest,
    candidate_id: UUID,
    consent: ReferralConsent,
    *,
    offer_id: UUID | None = None,
    at: datetime,
) -> None:
    """Say that somebody was named instead, or what they answered."""
    referred = MentorReferred(
        occurred_at=at,
        match_request_id=one.match_request_id,
        program_id=one.program_id,
        mentee_id=one.mentee_id,
        referrer_id=one.mentor_id,
        candidate_id=candidate_id,
        consent=consent,
        mentor_offer_id=offer_id,
    )
    await outbox.add(session, referred, version=one.version)


async def _unanswered(session: AsyncSession, request_id: UUID, candidate_id: UUID, *, at: datetime) -> MatchRequest:
    """The request for which the caller was named, locked."""
    found = await requests.find_request(session, request_id, lock=True)
    if found is None or found.referred_to != candidate_id or found.referral_until is None:
        raise NoSuchReferral("There is no request with this id for which a colleague named you.")
    if found.referral is not None or found.referral_until <= at:
        raise ReferralDecided("You answered already, or the time for an answer is over.")
    return found


async def agree_to_referral(
    session: AsyncSession, request_id: UUID, candidate_id: UUID, *, message: str | None, at: datetime
) -> MentorOffer:
    """Agree to be named: the caller offers themselves to the mentee, who is told by whom they were named.

    Raises:
        NoSuchReferral: nobody named the caller.
        ReferralDecided: it was answered, or it is too late.
        NoSuchProgram, ProgramNotRunning, RequestsNotAllowed, NotAMentor, MenteeNotAvailable: no offer can be made.
    """
    one = await _unanswered(session, request_id, candidate_id, at=at)
    made = await offer_mentor(session, one.program_id, candidate_id, mentee_id=one.mentee_id, message=message, at=at)
    one.referral = "agreed"
    await session.flush()
    await say_referral(session, one, candidate_id, "agreed", offer_id=made.mentor_offer_id, at=at)
    return made


async def decline_referral(
    session: AsyncSession, request_id: UUID, candidate_id: UUID, *, at: datetime
) -> MatchRequest:
    """Do not agree to be named: the mentee never learns of it.

    Raises:
        NoSuchReferral: nobody named the caller.
        ReferralDecided: it was answered, or it is too late.
    """
    one = await _unanswered(session, request_id, candidate_id, at=at)
    one.referral = "declined"
    await session.flush()
    await say_referral(session, one, candidate_id, "declined", at=at)
    return one
