"""Requests: a mentee asks mentors by name, one after the other, and a mentor says yes or no."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from tandem_events import outbox
from tandem_events.contracts import (
    MatchRequestAccepted,
    MatchRequestClosed,
    MatchRequestDeclined,
    MatchRequestExpired,
    MatchRequestMade,
)
from tandem_events.contracts.requests import CloseReason, DeclineReason
from tandem_matching.domain.refusals import (
    MentorNotAvailable,
    NoSuchRequest,
    NotAMentee,
    RequestDecided,
    RequestsNotAllowed,
)
from tandem_matching.domain.rules import Rules
from tandem_matching.domain.settings_document import rules_from
from tandem_matching.domain.suggestions import Suggestion, suggest
from tandem_matching.storage import ledger, pairings, pools, requests, world
from tandem_matching.storage.tables import MatchRequest
from tandem_matching.use_cases.allowed import ONE_TO_ONE, allowed_pairs, noon, require_pairs_by_name, running_program
from tandem_matching.use_cases.pairings import pair_two
from tandem_matching.use_cases.referrals import referable_until, say_referral


async def suggest_mentors(
    session: AsyncSession, program_id: UUID, mentee_id: UUID, *, limit: int, at: datetime
) -> list[Suggestion]:
    """Mentors with a free place whom the rules allow, the best first, with reasons.

    Raises:
        NoSuchProgram, ProgramNotRunning: there is nothing to ask in.
        NotAMentee: the caller is none here, or wants no more mentors.
    """
    program, rules = await running_program(session, program_id)
    require_pairs_by_name(program)
    pool = await pools.read_side(session, program_id, mentee_id, side="mentee", program_format=program.format)
    if not pool.mentees:
        raise NotAMentee("You take no part in this program as a mentee, or you have all the mentors you want.")
    return await asyncio.to_thread(suggest, pool, rules, to="mentee", limit=limit, at=noon(at))


async def request_mentors(
    session: AsyncSession,
    program_id: UUID,
    mentee_id: UUID,
    *,
    mentor_ids: Sequence[UUID],
    message: str | None,
    at: datetime,
) -> list[MatchRequest]:
    """Ask these mentors, the first now and each next one when the one before said no or nothing.

    Raises:
        NoSuchProgram, ProgramNotRunning: there is nothing to ask in.
        NotAMentee: the caller is none here, or wants no more mentors.
        RequestsNotAllowed: so many cannot be asked at a time.
        MentorNotAvailable: one of them takes nobody, or the rules do not allow the pair.
    """
    program, rules = await running_program(session, program_id)
    require_pairs_by_name(program)
    chain = await requests.lock_chain(session, program_id, mentee_id)
    wanted = list(dict.fromkeys(mentor_ids))
    if len(chain) + len(wanted) > rules.requests_at_most:
        raise RequestsNotAllowed(
            f"In this program {rules.requests_at_most} mentors can be asked at a time, and you have asked {len(chain)}."
            if rules.requests_at_most
            else "In this program mentors are not asked by name: wait for the match."
        )
    if {one.mentor_id for one in chain} & set(wanted):
        raise RequestsNotAllowed("You have asked one of these mentors already: wait for the answer, or withdraw it.")
    asker = (await pairings.holdings(session, program_id, {mentee_id}, program_format=program.format)).get(mentee_id)
    if asker is None or not asker.here or not asker.wanted:
        raise NotAMentee("You take no part in this program as a mentee, or you have all the mentors you want.")
    available = await allowed_pairs(session, program, rules, mentors=wanted, mentees={mentee_id}, at=at)
    if not {mentor_id for mentor_id, _ in available}.issuperset(wanted):
        raise MentorNotAvailable(
            "One of those you name has no free place in this program, or its rules keep the two of you apart: "
            "choose among the suggested mentors."
        )
    last = max((one.rank for one in chain), default=0)
    made = [
        MatchRequest(
            match_request_id=uuid7(),
            program_id=program_id,
            mentee_id=mentee_id,
            mentor_id=mentor_id,
            rank=last + position,
            state="queued",
            message=message,
            made_at=at,
        )
        for position, mentor_id in enumerate(wanted, start=1)
    ]
    session.add_all(made)
    await session.flush()
    await _ask_next(session, program_id, mentee_id, at=at)
    return made


async def _ask_next(session: AsyncSession, program_id: UUID, mentee_id: UUID, *, at: datetime) -> None:
    """Ask the mentee's next choice, where nobody is being asked; pass over those who take nobody any more."""
    chain = await requests.lock_chain(session, program_id, mentee_id)
    if not chain or chain[0].state == "open":
        return
    program = await world.find_program(session, program_id)
    days = (
        rules_from(program.matching, program_format=program.format).request_days
        if program is not None
        else Rules().request_days
    )
    holding = await pairings.holdings(
        session, program_id, {mentee_id, *(one.mentor_id for one in chain)}, program_format=ONE_TO_ONE
    )
    asker = holding.get(mentee_id)
    for one in chain:
        asked = holding.get(one.mentor_id)
        if asker is None or not asker.here or not asker.wanted:
            await _close(session, one, "matched" if asker and asker.here else "left", at=at)
        elif asked is None or not asked.here:
            await _close(session, one, "left", at=at)
        elif not asked.free:
            await _close(session, one, "fully_booked", at=at)
        else:
            one.state, one.expires_at = "open", at + timedelta(days=days)
            await session.flush()
            made = MatchRequestMade(
                occurred_at=at,
                match_request_id=one.match_request_id,
                program_id=program_id,
                mentee_id=mentee_id,
                mentor_id=one.mentor_id,
                rank=one.rank,
                expires_at=one.expires_at,
            )
            await outbox.add(session, made, version=one.version)
            return


async def _close(session: AsyncSession, one: MatchRequest, reason: CloseReason, *, at: datetime) -> None:
    one.state = "withdrawn" if reason == "withdrawn" else "closed"
    one.reason, one.decided_at = reason, at
    await session.flush()
    closed = MatchRequestClosed(
        occurred_at=at,
        match_request_id=one.match_request_id,
        program_id=one.program_id,
        mentee_id=one.mentee_id,
        mentor_id=one.mentor_id,
        reason=reason,
    )
    await outbox.add(session, closed, version=one.version)


async def find_request(session: AsyncSession, request_id: UUID, person_id: UUID | None) -> MatchRequest:
    """The request, for the two it concerns; for the mentor once it is their turn. Raises `NoSuchRequest`."""
    found = await requests.find_request(session, request_id)
    asked = found is not None and found.expires_at is not None and found.mentor_id == person_id
    if found is None or not (asked or found.mentee_id == person_id):
        raise NoSuchRequest("There is no request with this id that you made or received.")
    return found


async def _open(session: AsyncSession, request_id: UUID, mentor_id: UUID, *, at: datetime) -> MatchRequest:
    """The request that this mentor is to answer, with the mentee's whole chain locked."""
    seen = await find_request(session, request_id, mentor_id)
    if seen.mentor_id != mentor_id:
        raise NoSuchRequest("Only the mentor who was asked can answer.")
    await requests.lock_chain(session, seen.program_id, seen.mentee_id)
    found = await requests.find_request(session, request_id, lock=True)
    if found is None or found.state != "open" or found.expires_at is None or found.expires_at <= at:
        raise RequestDecided("This request was answered, withdrawn, or has expired.")
    return found


async def accept_request(session: AsyncSession, request_id: UUID, mentor_id: UUID, *, at: datetime) -> MatchRequest:
    """Say yes: the pairing begins in the same transaction, and the mentee's other requests are closed when they have
    all the mentors they want.

    Raises:
        NoSuchRequest: the caller was not asked.
        RequestDecided: it is too late.
        MentorFullyBooked: the last place went to somebody else in the meantime.
        NotAMentee: the mentee left, or found mentors in the meantime.
    """
    seen = await find_request(session, request_id, mentor_id)
    # The ledger first, as everybody does who locks both it and something else.
    await ledger.lock(session, {mentor_id}, seen.program_id, {mentor_id, seen.mentee_id})
    one = await _open(session, request_id, mentor_id, at=at)
    program, _ = await running_program(session, one.program_id)
    pairing_id = await pair_two(session, program, mentor_id=mentor_id, mentee_id=one.mentee_id, at=at)
    one.state, one.decided_at, one.pairing_id = "accepted", at, pairing_id
    await session.flush()
    accepted = MatchRequestAccepted(
        occurred_at=at,
        match_request_id=one.match_request_id,
        program_id=one.program_id,
        mentee_id=one.mentee_id,
        mentor_id=mentor_id,
        pairing_id=pairing_id,
    )
    await outbox.add(session, accepted, version=one.version)
    await _ask_next(session, one.program_id, one.mentee_id, at=at)
    return one


async def decline_request(
    session: AsyncSession,
    request_id: UUID,
    mentor_id: UUID,
    *,
    reason: DeclineReason,
    words: str | None,
    referred_to: UUID | None,
    at: datetime,
) -> MatchRequest:
    """Say no, perhaps naming a colleague, who is asked whether they agree; the mentee's next choice is asked.

    Raises:
        NoSuchRequest: the caller was not asked.
        RequestDecided: it is too late.
        MentorNotAvailable: the colleague takes no mentees in this program, or not this one by its rules, or was asked
            for this mentee before.
    """
    one = await _open(session, request_id, mentor_id, at=at)
    if referred_to is not None:
        one.referral_until = await referable_until(session, one, referred_to, at=at)
    one.state, one.decided_at, one.reason, one.words, one.referred_to = "declined", at, reason, words, referred_to
    await session.flush()
    declined = MatchRequestDeclined(
        occurred_at=at,
        match_request_id=one.match_request_id,
        program_id=one.program_id,
        mentee_id=one.mentee_id,
        mentor_id=mentor_id,
        reason=reason,
    )
    await outbox.add(session, declined, version=one.version)
    if referred_to is not None:
        await say_referral(session, one, referred_to, "asked", at=at)
    await _ask_next(session, one.program_id, one.mentee_id, at=at)
    return one


async def withdraw_request(session: AsyncSession, request_id: UUID, mentee_id: UUID, *, at: datetime) -> MatchRequest:
    """Take a request back; where it was being asked, the next choice is.

    Raises:
        NoSuchRequest: it is not the caller's.
        RequestDecided: it no longer stands.
    """
    seen = await find_request(session, request_id, mentee_id)
    if seen.mentee_id != mentee_id:
        raise NoSuchRequest("Only the mentee who asked can withdraw.")
    await requests.lock_chain(session, seen.program_id, mentee_id)
    one = await requests.find_request(session, request_id, lock=True)
    if one is None or one.state not in requests.STANDING:
        raise RequestDecided("This request was answered, withdrawn, or has expired.")
    await _close(session, one, "withdrawn", at=at)
    await _ask_next(session, one.program_id, mentee_id, at=at)
    return one


async def move_one_on(session: AsyncSession, *, at: datetime) -> bool:
    """Let one open request go that expired or no longer stands, and ask the next choice. False: there was none."""
    fallen = await requests.first_fallen(session, at=at)
    if fallen is None:
        return False
    request_id, program_id, mentee_id, why = fallen
    await requests.lock_chain(session, program_id, mentee_id)
    one = await requests.find_request(session, request_id, lock=True)
    if one is None or one.state != "open":
        return True  # somebody was quicker
    if why == "expired":
        one.state, one.decided_at = "expired", at
        await session.flush()
        expired = MatchRequestExpired(
            occurred_at=at,
            match_request_id=request_id,
            program_id=program_id,
            mentee_id=mentee_id,
            mentor_id=one.mentor_id,
        )
        await outbox.add(session, expired, version=one.version)
    else:
        await _close(session, one, cast("CloseReason", why), at=at)
    await _ask_next(session, program_id, mentee_id, at=at)
    return True
