"""What becomes of a pairing here: an agreement is proposed, members leave, its sessions are cancelled at its end."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events.subscriptions import NotYet
from tandem_scheduling.storage import pairings, programs, proposals, reminders, series, sessions, tracks
from tandem_scheduling.use_cases.agreements import complete_without, propose_agreement
from tandem_scheduling.use_cases.bookings import settle_agendas
from tandem_scheduling.use_cases.proposals import withdraw_proposal
from tandem_scheduling.use_cases.sessions import MEMBER_LEFT, withdraw_attendee, withdraw_session

PAIRING_ENDED = "pairing_ended"
"""The reason of everything that is withdrawn because a relationship has ended."""


async def begin_pairing(
    session: AsyncSession,
    pairing_id: UUID,
    *,
    program_id: UUID,
    pairing_format: str,
    members: Iterable[tuple[UUID, str]],
    at: datetime,
) -> None:
    """Keep the pairing and propose its agreement from the program's policy.

    Raises:
        NotYet: the program was not heard of.
    """
    # Held, so that a track which is set meanwhile finds this pairing, or this pairing finds the track.
    program = await programs.find(session, program_id, hold=True)
    if program is None:
        raise NotYet("the program's policy is not known yet")
    pairing = pairings.add(
        session,
        pairing_id,
        program_id=program_id,
        pairing_format=pairing_format,
        members=members,
        created_at=at,
    )
    await session.flush()
    await propose_agreement(session, pairing, program, at=at)
    await tracks.plan_for_pairing(session, pairing_id, now=at)


async def end_pairing(session: AsyncSession, pairing_id: UUID, *, at: datetime) -> None:
    """Nothing more is planned in this pairing: its sessions to come are cancelled, and what was offered is withdrawn.

    Raises:
        NotYet: the pairing was not heard of.
    """
    pairing = await pairings.lock(session, pairing_id)
    if pairing is None:
        raise NotYet("the pairing's beginning is not known yet")
    if pairing.ended_at is not None:
        return
    pairing.ended_at = at
    await tracks.drop_of_pairing(session, pairing_id)
    for meeting in await sessions.lock_to_come(session, pairing_id, now=at):
        await withdraw_session(session, meeting, reason=PAIRING_ENDED, by=None, at=at)
    for proposal in await proposals.lock_open(session, pairing_id):
        await withdraw_proposal(session, proposal, by=proposal.proposed_by, reason=PAIRING_ENDED, at=at)
    for made in await series.lock_of_pairing(session, pairing_id):
        made.cancelled_at = made.changed_at = at
        made.sequence += 1
    await session.flush()


async def leave_pairing(session: AsyncSession, pairing_id: UUID, person_id: UUID, *, at: datetime) -> None:
    """The others go on without somebody: sessions to come take place without them, or not where nobody else is left.

    What they offered is withdrawn, what they organized is organized by somebody else, and an agreement that only they
    had not signed is in force.

    Raises:
        NotYet: the pairing was not heard of.
    """
    pairing = await pairings.lock(session, pairing_id)
    if pairing is None:
        raise NotYet("the pairing's beginning is not known yet")
    if person_id not in pairing.member_ids:
        return
    await pairings.remove_member(session, pairing, person_id)
    await session.flush()
    organizer_id = min(pairing.members, key=lambda member: (member.role != "mentor", member.person_id)).person_id
    for made in await series.lock_of_pairing(session, pairing_id):
        made.sequence += 1
        made.changed_at = at
        if made.organizer_id == person_id:
            made.organizer_id = organizer_id
    to_come = await sessions.lock_to_come(session, pairing_id, now=at)
    for meeting in to_come:
        if meeting.organizer_id == person_id:
            meeting.organizer_id = organizer_id
        await withdraw_attendee(session, meeting, person_id, at=at)
    await settle_agendas(session, [meeting for meeting in to_come if meeting.state == "cancelled"], now=at)
    for proposal in await proposals.lock_open(session, pairing_id, of=person_id):
        await withdraw_proposal(session, proposal, by=person_id, reason=MEMBER_LEFT, at=at)
    await reminders.drop_of_member(session, person_id, pairing_id)
    await complete_without(session, pairing, at=at)
    await session.flush()
