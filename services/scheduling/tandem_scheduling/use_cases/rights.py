"""Rights: members see and do what concerns their relationship; managers may look; delegates book and move."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis.auth import Caller
from tandem_scheduling.domain.pairings import MembersOnly, NoSuchPairing, PairingOver
from tandem_scheduling.domain.sessions import NoSuchSession, NotInvited
from tandem_scheduling.storage import delegates, pairings, sessions
from tandem_scheduling.storage.pairings import Pairing
from tandem_scheduling.storage.sessions import Session

NO_PAIRING = "No relationship of yours has this id."
NO_SESSION = "No session of yours has this id."
NOT_INVITED = "Others meet in this session. Ask somebody who is invited to it."
FACILITATOR = "facilitator"

CALENDAR_SCOPE = "calendar"
"""The scope of whoever delivers invitations, which say who comes, and takes in replies."""


@dataclass(frozen=True, slots=True)
class Booker:
    """Who books: a member, or somebody for whom a member's calendar is open."""

    caller_id: UUID
    member_id: UUID
    pairing: Pairing

    @property
    def role(self) -> str | None:
        """As what the member belongs to the relationship."""
        return self.pairing.role_of(self.member_id)


def may_see(caller: Caller, pairing: Pairing) -> bool:
    """Whether the caller belongs to a pairing or manages its program."""
    return caller.person_id in pairing.member_ids or caller.manages(pairing.program_id)


def sees_in_full(caller: Caller, meeting: Session) -> bool:
    """Whether the caller sees more of a session than when and where it is: delegates do not."""
    delivers = CALENDAR_SCOPE in caller.scopes
    return delivers or caller.person_id in meeting.attendee_ids or caller.manages(meeting.program_id)


def require_member(caller: Caller, pairing: Pairing) -> UUID:
    """The member who calls.

    Raises:
        MembersOnly: the caller may only look.
    """
    if caller.person_id is None or caller.person_id not in pairing.member_ids:
        raise MembersOnly("Only the members of this relationship do this. You may look.")
    return caller.person_id


def require_invited(meeting: Session, person_id: UUID) -> None:
    """What is said in a session is the business of those who are invited to it.

    Raises:
        NotInvited: others meet in it.
    """
    if person_id not in meeting.attendee_ids:
        raise NotInvited(NOT_INVITED)


def entitled(pairing: Pairing, meetings: Iterable[Session], organizer_id: UUID) -> set[UUID]:
    """Who disposes of sessions: the members who meet in them, who invites to them, and whoever facilitates."""
    concerned = {organizer_id, *(one for meeting in meetings for one in meeting.attendee_ids)}
    return {
        member.person_id for member in pairing.members if member.person_id in concerned or member.role == FACILITATOR
    }


def require_ongoing(pairing: Pairing) -> None:
    """Plans are made in relationships that go on.

    Raises:
        PairingOver: it has ended.
    """
    if pairing.ended_at is not None:
        raise PairingOver("This relationship has ended, so nothing more is planned in it.")


async def booked_for(session: AsyncSession, pairing: Pairing, caller: Caller) -> UUID | None:
    """The member for whom the caller books: themselves, or who let them; nothing where they may not."""
    if caller.person_id is None:
        return None
    if caller.person_id in pairing.member_ids:
        return caller.person_id
    return await delegates.principal_among(session, caller.person_id, pairing.member_ids)


async def seen_pairing(
    session: AsyncSession, pairing_id: UUID, caller: Caller, *, delegates_too: bool = False
) -> Pairing:
    """A pairing that the caller may see.

    Raises:
        NoSuchPairing: there is none, or the caller may not know of it.
    """
    pairing = await pairings.find(session, pairing_id)
    if pairing is not None and may_see(caller, pairing):
        return pairing
    if pairing is not None and delegates_too and await booked_for(session, pairing, caller):
        return pairing
    raise NoSuchPairing(NO_PAIRING)


async def concerned_in(session: AsyncSession, pairing: Pairing, caller: Caller) -> list[UUID] | None:
    """Whose sessions of a pairing the caller sees: those of whom they book for; nothing said where they see all."""
    if may_see(caller, pairing) or caller.person_id is None:
        return None
    return await delegates.principals_among(session, caller.person_id, pairing.member_ids)


async def held_pairing(session: AsyncSession, pairing_id: UUID, caller: Caller) -> Pairing:
    """An ongoing pairing that the caller belongs to, held until the transaction ends.

    Raises:
        NoSuchPairing: there is none, or the caller may not know of it.
        MembersOnly: the caller may only look.
        PairingOver: it has ended.
    """
    pairing = await pairings.lock(session, pairing_id)
    if pairing is None or not may_see(caller, pairing):
        raise NoSuchPairing(NO_PAIRING)
    require_member(caller, pairing)
    require_ongoing(pairing)
    return pairing


async def held_to_book(session: AsyncSession, pairing_id: UUID, caller: Caller) -> Booker:
    """An ongoing pairing in which the caller books, held until the transaction ends.

    Raises:
        NoSuchPairing: there is none, or the caller may not know of it.
        MembersOnly: the caller may only look.
        PairingOver: it has ended.
    """
    pairing = await pairings.lock(session, pairing_id)
    member_id = await booked_for(session, pairing, caller) if pairing is not None else None
    if pairing is None or (member_id is None and not may_see(caller, pairing)):
        raise NoSuchPairing(NO_PAIRING)
    if member_id is None:
        require_member(caller, pairing)
    require_ongoing(pairing)
    assert caller.person_id is not None
    assert member_id is not None
    return Booker(caller.person_id, member_id, pairing)


async def booker_among(session: AsyncSession, pairing: Pairing, caller: Caller, may: Collection[UUID]) -> Booker:
    """The caller, or one of those for whom they book, if it is theirs to dispose of this; the caller holds the pairing.

    Raises:
        MembersOnly: the caller may only look.
        NotInvited: it is for others to dispose of.
        PairingOver: the relationship has ended.
    """
    member_id = caller.person_id if caller.person_id in may else None
    if member_id is None and caller.person_id is not None:
        member_id = await delegates.principal_among(session, caller.person_id, may)
    if member_id is None:
        if await booked_for(session, pairing, caller) is None:
            require_member(caller, pairing)
        raise NotInvited(NOT_INVITED)
    require_ongoing(pairing)
    assert caller.person_id is not None
    return Booker(caller.person_id, member_id, pairing)


async def seen_session(
    session: AsyncSession, session_id: UUID, caller: Caller, *, delegates_too: bool = False
) -> Session:
    """A session that the caller may see.

    Raises:
        NoSuchSession: there is none, or the caller may not know of it.
    """
    meeting = await sessions.find(session, session_id)
    if meeting is not None:
        try:
            pairing = await seen_pairing(session, meeting.pairing_id, caller, delegates_too=delegates_too)
        except NoSuchPairing as unknown:
            raise NoSuchSession(NO_SESSION) from unknown
        of = await concerned_in(session, pairing, caller)
        if of is None or set(of) & entitled(pairing, [meeting], meeting.organizer_id):
            return meeting
    raise NoSuchSession(NO_SESSION)


async def own_next_session(session: AsyncSession, pairing: Pairing, caller: Caller, *, now: datetime) -> Session | None:
    """The next session of the caller in a pairing; to those who only look, that of anybody."""
    of = caller.person_id if caller.person_id in pairing.member_ids else None
    return await sessions.next_to_come(session, pairing.pairing_id, now=now, of=of)


async def held_session(session: AsyncSession, session_id: UUID, caller: Caller) -> tuple[Pairing, Session]:
    """A session that is the caller's to dispose of, with its pairing, both held until the transaction ends.

    Raises:
        NoSuchSession: there is none, or the caller may not know of it.
        MembersOnly: the caller may only look.
        NotInvited: others meet in it.
    """
    found = await seen_session(session, session_id, caller)
    pairing = await pairings.lock(session, found.pairing_id)
    assert pairing is not None, "pairings are never deleted"
    member_id = require_member(caller, pairing)
    meeting = await sessions.lock(session, session_id)
    if member_id not in entitled(pairing, [meeting], meeting.organizer_id):
        raise NotInvited(NOT_INVITED)
    return pairing, meeting


async def held_session_to_move(session: AsyncSession, session_id: UUID, caller: Caller) -> tuple[Booker, Session]:
    """A session that the caller may move, with its ongoing pairing, both held until the transaction ends.

    Raises:
        NoSuchSession: there is none, or the caller may not know of it.
        MembersOnly: the caller may only look.
        NotInvited: others meet in it.
        PairingOver: the relationship has ended.
    """
    found = await seen_session(session, session_id, caller, delegates_too=True)
    pairing = await pairings.lock(session, found.pairing_id)
    assert pairing is not None, "pairings are never deleted"
    meeting = await sessions.lock(session, session_id)
    booker = await booker_among(session, pairing, caller, entitled(pairing, [meeting], meeting.organizer_id))
    return booker, meeting
