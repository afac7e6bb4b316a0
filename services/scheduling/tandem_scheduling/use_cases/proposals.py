"""What is done with proposals: offer times, choose one, or decline them all."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from tandem_chassis.auth import Caller
from tandem_chassis.errors import Fault
from tandem_events.contracts import SessionProposalDeclined, SessionProposed
from tandem_scheduling.domain.pairings import NoSuchPairing
from tandem_scheduling.domain.sessions import (
    NoSuchOption,
    NoSuchProposal,
    OwnProposal,
    ProposalSettled,
    require_bookable,
)
from tandem_scheduling.domain.zones import zone_named
from tandem_scheduling.storage import proposals
from tandem_scheduling.storage.proposals import Proposal
from tandem_scheduling.storage.sessions import Session
from tandem_scheduling.use_cases.availability import require_windows
from tandem_scheduling.use_cases.bookings import Slot, book, require_signed, zone_for
from tandem_scheduling.use_cases.facts import say
from tandem_scheduling.use_cases.rights import Booker, held_to_book, seen_pairing
from tandem_scheduling.use_cases.sessions import Span

NO_PROPOSAL = "No proposal of yours has this id."


async def propose_session(
    session: AsyncSession,
    pairing_id: UUID,
    options: Sequence[Span],
    caller: Caller,
    *,
    way_of_meeting: str,
    place: str | None,
    now: datetime,
) -> Proposal:
    """Offer times to choose from. Nobody's time is taken until one is chosen.

    Raises:
        AgreementNotSigned: not everybody signed the agreement.
        SessionTimeRefused: one of the times does not fit.
    """
    booker = await held_to_book(session, pairing_id, caller)
    await require_signed(session, booker.pairing)
    zone = zone_named(await zone_for(session, None, booker.member_id))
    for option in options:
        require_bookable(option.starts_at, option.ends_at, now=now, zone=zone)
    proposal = Proposal(
        proposal_id=uuid7(),
        pairing_id=pairing_id,
        program_id=booker.pairing.program_id,
        proposed_by=booker.member_id,
        options=[
            {"starts_at": option.starts_at.isoformat(), "ends_at": option.ends_at.isoformat()} for option in options
        ],
        way_of_meeting=way_of_meeting,
        place=place,
        state="open",
        proposed_at=now,
    )
    session.add(proposal)
    await say(
        session,
        SessionProposed(
            proposal_id=proposal.proposal_id,
            pairing_id=pairing_id,
            program_id=proposal.program_id,
            proposed_by=proposal.proposed_by,
            options=len(options),
            occurred_at=now,
        ),
        of=proposal,
    )
    return proposal


async def list_proposals(
    session: AsyncSession, pairing_id: UUID, caller: Caller, *, after: UUID | None, limit: int
) -> list[Proposal]:
    """A pairing's proposals, in the order in which they were made."""
    await seen_pairing(session, pairing_id, caller, delegates_too=True)
    return await proposals.of_pairing(session, pairing_id, after=after, limit=limit)


async def _held(session: AsyncSession, proposal_id: UUID, caller: Caller) -> tuple[Booker, Proposal]:
    found = await proposals.find(session, proposal_id)
    if found is None:
        raise NoSuchProposal(NO_PROPOSAL)
    try:
        booker = await held_to_book(session, found.pairing_id, caller)
    except NoSuchPairing as unknown:
        raise NoSuchProposal(NO_PROPOSAL) from unknown
    proposal = await proposals.lock(session, proposal_id)
    if proposal.state != "open":
        raise ProposalSettled(f"This proposal is {proposal.state} already. Make a new one.")
    return booker, proposal


async def accept_proposal(
    session: AsyncSession, proposal_id: UUID, caller: Caller, *, option: int, now: datetime
) -> Session:
    """Choose one of the times: the session is booked.

    Raises:
        NoSuchProposal: there is none, or the caller may not know of it.
        ProposalSettled: it was accepted or declined already.
        OwnProposal: the caller made it.
        NoSuchOption: it does not offer so many times.
        OutsideWindows: mentees agree on a time that a mentor does not offer.
        DoubleBooked: somebody has a session at that time by now.
    """
    booker, proposal = await _held(session, proposal_id, caller)
    if booker.member_id == proposal.proposed_by:
        raise OwnProposal("You offered these times yourself: the other side chooses.")
    if option > len(proposal.options):
        sentence = f"This proposal offers {len(proposal.options)} times; count from 1."
        raise NoSuchOption(sentence, faults=[Fault(sentence, field="option")])
    chosen = proposal.options[option - 1]
    starts_at, ends_at = datetime.fromisoformat(chosen["starts_at"]), datetime.fromisoformat(chosen["ends_at"])
    time_zone = await zone_for(session, None, proposal.proposed_by)
    require_bookable(starts_at, ends_at, now=now, zone=zone_named(time_zone))
    if booker.pairing.role_of(proposal.proposed_by) != "mentor":
        await require_windows(session, booker, [(starts_at, ends_at)], booker.pairing.member_ids)
    booked = await book(
        session,
        booker.pairing,
        [Slot(starts_at=starts_at, ends_at=ends_at, attendees=booker.pairing.member_ids)],
        way_of_meeting=proposal.way_of_meeting,
        place=proposal.place,
        organizer_id=proposal.proposed_by,
        time_zone=time_zone,
        now=now,
    )
    proposal.state = "accepted"
    proposal.session_id = booked[0].session_id
    await session.flush()
    return booked[0]


async def decline_proposal(
    session: AsyncSession, proposal_id: UUID, caller: Caller, *, reason: str, now: datetime
) -> Proposal:
    """None of the times suits; or, by whoever made it: it no longer stands.

    Raises:
        NoSuchProposal: there is none, or the caller may not know of it.
        ProposalSettled: it was accepted or declined already.
    """
    booker, proposal = await _held(session, proposal_id, caller)
    await withdraw_proposal(session, proposal, by=booker.member_id, reason=reason, at=now)
    return proposal


async def withdraw_proposal(session: AsyncSession, proposal: Proposal, *, by: UUID, reason: str, at: datetime) -> None:
    """Let a proposal stand no more, and say so; the caller holds it."""
    proposal.state = "declined"
    await say(
        session,
        SessionProposalDeclined(
            proposal_id=proposal.proposal_id,
            pairing_id=proposal.pairing_id,
            program_id=proposal.program_id,
            declined_by=by,
            reason=reason,
            occurred_at=at,
        ),
        of=proposal,
    )
