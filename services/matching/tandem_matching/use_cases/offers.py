"""Offers: a mentor offers themselves to a mentee, who says yes or no."""

import asyncio
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from tandem_events import outbox
from tandem_events.contracts import MentorOfferClosed, MentorOfferMade
from tandem_events.contracts.requests import OfferOutcome
from tandem_matching.domain.refusals import (
    MenteeNotAvailable,
    NoSuchOffer,
    NotAMentor,
    OfferDecided,
    RequestsNotAllowed,
)
from tandem_matching.domain.suggestions import Suggestion, suggest
from tandem_matching.storage import ledger, offers, pairings, pools
from tandem_matching.storage.tables import MentorOffer
from tandem_matching.use_cases.allowed import allowed_pairs, noon, require_pairs_by_name, running_program
from tandem_matching.use_cases.pairings import pair_two

ANSWERS = frozenset({"accepted", "declined", "expired", "withdrawn"})


async def suggest_mentees(
    session: AsyncSession, program_id: UUID, mentor_id: UUID, *, limit: int, at: datetime
) -> list[Suggestion]:
    """Mentees who want a mentor and whom the rules allow, the best first, with reasons.

    Raises:
        NoSuchProgram, ProgramNotRunning: nobody is paired in it.
        RequestsNotAllowed: its format leaves pairing to its runs.
        NotAMentor: the caller is none here, or has no free place.
    """
    program, rules = await running_program(session, program_id)
    require_pairs_by_name(program)
    pool = await pools.read_side(session, program_id, mentor_id, side="mentor", program_format=program.format)
    if not pool.mentors:
        raise NotAMentor("You take no part in this program as a mentor, or all your places are taken.")
    return await asyncio.to_thread(suggest, pool, rules, to="mentor", limit=limit, at=noon(at))


async def offer_mentor(
    session: AsyncSession, program_id: UUID, mentor_id: UUID, *, mentee_id: UUID, message: str | None, at: datetime
) -> MentorOffer:
    """Offer oneself to a mentee.

    Raises:
        NoSuchProgram, ProgramNotRunning: nobody is paired in it.
        RequestsNotAllowed: its format leaves pairing to its runs, or so many offers cannot be open at a time.
        NotAMentor: the caller is none here, or has no free place.
        MenteeNotAvailable: the mentee wants no mentor, or the rules do not allow the pair.
    """
    program, rules = await running_program(session, program_id)
    require_pairs_by_name(program)
    open_offers = await offers.lock_open_offers(session, program_id, mentor_id)
    if len(open_offers) >= rules.requests_at_most:
        raise RequestsNotAllowed(
            f"In this program {rules.requests_at_most} offers of a mentor can be open at a time: wait for an answer, "
            "or withdraw one."
            if rules.requests_at_most
            else "In this program nobody is asked by name: wait for the match."
        )
    if any(one.mentee_id == mentee_id for one in open_offers):
        raise RequestsNotAllowed("You have offered yourself to this mentee already: wait for the answer.")
    holding = (await pairings.holdings(session, program_id, {mentor_id}, program_format=program.format)).get(mentor_id)
    if holding is None or not holding.here or not holding.free:
        raise NotAMentor("You take no part in this program as a mentor, or all your places are taken.")
    if not await allowed_pairs(session, program, rules, mentors={mentor_id}, mentees={mentee_id}, at=at):
        raise MenteeNotAvailable(
            "The mentee you name wants no mentor in this program, or its rules keep the two of you apart: choose among "
            "the suggested mentees."
        )
    made = MentorOffer(
        mentor_offer_id=uuid7(),
        program_id=program_id,
        mentor_id=mentor_id,
        mentee_id=mentee_id,
        state="open",
        message=message,
        made_at=at,
        expires_at=at + timedelta(days=rules.request_days),
    )
    session.add(made)
    await session.flush()
    said = MentorOfferMade(
        occurred_at=at,
        mentor_offer_id=made.mentor_offer_id,
        program_id=program_id,
        mentor_id=mentor_id,
        mentee_id=mentee_id,
        expires_at=made.expires_at,
    )
    await outbox.add(session, said, version=made.version)
    return made


async def find_offer(session: AsyncSession, offer_id: UUID, person_id: UUID) -> MentorOffer:
    """The offer, for the two it concerns. Raises `NoSuchOffer`."""
    found = await offers.find_offer(session, offer_id)
    if found is None or person_id not in (found.mentor_id, found.mentee_id):
        raise NoSuchOffer("There is no offer with this id that you made or received.")
    return found


async def _open(session: AsyncSession, offer_id: UUID, *, at: datetime) -> MentorOffer:
    found = await offers.find_offer(session, offer_id, lock=True)
    if found is None or found.state != "open" or found.expires_at <= at:
        raise OfferDecided("This offer was answered, withdrawn, or has expired.")
    return found


async def _close(session: AsyncSession, one: MentorOffer, outcome: str, *, at: datetime) -> None:
    one.state = outcome if outcome in ANSWERS else "closed"
    one.reason, one.decided_at = outcome, at
    await session.flush()
    closed = MentorOfferClosed(
        occurred_at=at,
        mentor_offer_id=one.mentor_offer_id,
        program_id=one.program_id,
        mentor_id=one.mentor_id,
        mentee_id=one.mentee_id,
        outcome=cast("OfferOutcome", outcome),
        pairing_id=one.pairing_id,
    )
    await outbox.add(session, closed, version=one.version)


async def accept_offer(session: AsyncSession, offer_id: UUID, mentee_id: UUID, *, at: datetime) -> MentorOffer:
    """Say yes: the pairing begins in the same transaction.

    Raises:
        NoSuchOffer: it was not made to the caller.
        OfferDecided: it is too late.
        MentorFullyBooked, NotAMentee, MentorNotAvailable: one of the two has no room any more.
    """
    seen = await find_offer(session, offer_id, mentee_id)
    if seen.mentee_id != mentee_id:
        raise NoSuchOffer("Only the mentee to whom it was made can answer.")
    await ledger.lock(session, {seen.mentor_id}, seen.program_id, {seen.mentor_id, mentee_id})
    one = await _open(session, offer_id, at=at)
    program, _ = await running_program(session, one.program_id)
    one.pairing_id = await pair_two(session, program, mentor_id=one.mentor_id, mentee_id=mentee_id, at=at)
    await _close(session, one, "accepted", at=at)
    return one


async def decline_offer(session: AsyncSession, offer_id: UUID, mentee_id: UUID, *, at: datetime) -> MentorOffer:
    """Say no. Raises `NoSuchOffer` where it was not made to the caller, `OfferDecided` where it is too late."""
    if (await find_offer(session, offer_id, mentee_id)).mentee_id != mentee_id:
        raise NoSuchOffer("Only the mentee to whom it was made can answer.")
    one = await _open(session, offer_id, at=at)
    await _close(session, one, "declined", at=at)
    return one


async def withdraw_offer(session: AsyncSession, offer_id: UUID, mentor_id: UUID, *, at: datetime) -> MentorOffer:
    """Take an offer back. Raises `NoSuchOffer` where it is not the caller's, `OfferDecided` where it is too late."""
    if (await find_offer(session, offer_id, mentor_id)).mentor_id != mentor_id:
        raise NoSuchOffer("Only the mentor who made it can withdraw.")
    one = await _open(session, offer_id, at=at)
    await _close(session, one, "withdrawn", at=at)
    return one


async def close_one_fallen(session: AsyncSession, *, at: datetime) -> bool:
    """Close one open offer that expired or no longer stands. False: there was none."""
    fallen = await offers.first_fallen(session, at=at)
    if fallen is None:
        return False
    offer_id, why = fallen
    one = await offers.find_offer(session, offer_id, lock=True)
    if one is not None and one.state == "open":
        await _close(session, one, why, at=at)
    return True
