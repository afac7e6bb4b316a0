"""What is done with notes: write them for oneself or for all members, and read them. Managers read none."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from tandem_chassis.auth import Caller
from tandem_scheduling.domain.sessions import NoSuchSession
from tandem_scheduling.storage import notes, pairings, sessions
from tandem_scheduling.storage.notes import Note
from tandem_scheduling.use_cases.rights import NO_SESSION, require_invited, require_member, seen_pairing


async def write_note(
    session: AsyncSession,
    pairing_id: UUID,
    caller: Caller,
    *,
    words: str,
    visibility: str,
    session_id: UUID | None,
    now: datetime,
) -> Note:
    """Write a note about the relationship or one of its sessions; also after its end.

    Raises:
        NoSuchPairing: there is none, or the caller may not know of it.
        MembersOnly: the caller may only look.
        NoSuchSession: the session is none of this relationship's.
        NotInvited: others meet in it.
    """
    pairing = await seen_pairing(session, pairing_id, caller)
    author_id = require_member(caller, pairing)
    await pairings.lock(session, pairing_id)
    if session_id is not None:
        meeting = await sessions.find(session, session_id)
        if meeting is None or meeting.pairing_id != pairing_id:
            raise NoSuchSession(NO_SESSION)
        require_invited(meeting, author_id)
    note = Note(
        note_id=uuid7(),
        pairing_id=pairing_id,
        session_id=session_id,
        author_id=author_id,
        visibility=visibility,
        words=words,
        written_at=now,
    )
    session.add(note)
    await session.flush()
    return note


async def list_notes(
    session: AsyncSession, pairing_id: UUID, caller: Caller, *, after: UUID | None, limit: int
) -> list[Note]:
    """The notes that the caller may read: their own, those for all members, and those of sessions that are theirs.

    Raises:
        NoSuchPairing: there is none, or the caller may not know of it.
        MembersOnly: the caller is not a member.
    """
    reader_id = require_member(caller, await seen_pairing(session, pairing_id, caller))
    return await notes.readable(session, pairing_id, reader_id=reader_id, after=after, limit=limit)
