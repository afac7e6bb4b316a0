"""Transfers: another mentor takes over a relationship."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from tandem_chassis.auth import Caller
from tandem_events import outbox
from tandem_events.contracts import PairingTransferred
from tandem_events.contracts.pairings import EndReason
from tandem_matching.domain.refusals import MentorNotAvailable, NotTransferable, ReasonForManagers
from tandem_matching.storage import ledger, pairings
from tandem_matching.storage.pairings import NewPairing
from tandem_matching.storage.tables import Pairing
from tandem_matching.use_cases.allowed import allowed_pairs, running_program
from tandem_matching.use_cases.pairings import begin_pairings, end, find_pairing


async def transfer_pairing(
    session: AsyncSession, pairing_id: UUID, caller: Caller, *, to: UUID, reason: EndReason, at: datetime
) -> tuple[Pairing, UUID]:
    """Let another mentor take over: the relationship ends, and its mentees go on with the other one at once.

    The answer is the ended pairing and the id of the one that goes on.

    Raises:
        NoSuchPairing: there is none with this id that the caller is in or manages.
        ReasonForManagers: the caller is no manager of the program.
        NotTransferable: it has no mentor, or the mentor is the same.
        PairingOver: it has ended already.
        MentorNotAvailable: the other mentor has too few free places, or the program's rules keep them apart.
    """
    seen, members = await find_pairing(session, pairing_id, caller)
    if not caller.manages(seen.program_id):
        raise ReasonForManagers("Only the program's managers can hand a relationship over: turn to them.")
    mentors = [one.person_id for one in members if one.role == "mentor"]
    mentees = [one.person_id for one in members if one.role == "mentee"]
    if len(mentors) != 1 or not mentees:
        raise NotTransferable("A relationship can be handed over that has one mentor and mentees.")
    if to in {one.person_id for one in members}:
        raise NotTransferable("Name another mentor than the members that the relationship has.")
    # All lines at once and in order, before any of the two steps takes its own.
    await ledger.lock(session, {*mentors, to}, seen.program_id, {*mentors, *mentees, to})
    program, rules = await running_program(session, seen.program_id)
    pairing, _ = await end(session, pairing_id, reason=reason, at=at)
    room = (await pairings.holdings(session, seen.program_id, {to}, program_format=program.format)).get(to)
    allowed = await allowed_pairs(session, program, rules, mentors={to}, mentees=mentees, at=at)
    if room is None or not room.here or room.free < len(mentees) or len(allowed) < len(mentees):
        raise MentorNotAvailable(
            "The mentor you name has too few free places in this program, or its rules keep them apart; or a mentee "
            "takes no part in the program any more."
        )
    following = uuid7()
    await begin_pairings(
        session,
        [NewPairing(following, ((to, "mentor"), *((one, "mentee") for one in mentees)))],
        program_id=seen.program_id,
        program_format=program.format,
        run_id=None,
        at=at,
    )
    pairing.continued_as = following
    await session.flush()
    transferred = PairingTransferred(
        occurred_at=at,
        pairing_id=pairing_id,
        program_id=seen.program_id,
        continued_as=following,
        from_mentor_id=mentors[0],
        to_mentor_id=to,
    )
    await outbox.add(session, transferred, version=pairing.version)
    return pairing, following
