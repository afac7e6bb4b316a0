"""What is done with agendas: both sides write what they want to talk about."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from tandem_chassis.auth import Caller
from tandem_events.contracts import AgendaPrepared
from tandem_scheduling.domain.sessions import require_still_scheduled
from tandem_scheduling.storage import agendas
from tandem_scheduling.storage.agendas import AgendaItem
from tandem_scheduling.storage.sessions import Session
from tandem_scheduling.use_cases.facts import say
from tandem_scheduling.use_cases.rights import held_session, require_invited, require_member, seen_session


async def add_agenda_item(
    session: AsyncSession, session_id: UUID, caller: Caller, *, words: str, now: datetime
) -> AgendaItem:
    """Put something on a session's agenda.

    Raises:
        NoSuchSession: there is none, or the caller may not know of it.
        NotInvited: others meet in it.
        SessionSettled: it is completed, cancelled or missed.
    """
    pairing, meeting = await held_session(session, session_id, caller)
    author_id = require_member(caller, pairing)
    require_invited(meeting, author_id)
    require_still_scheduled(meeting.state)
    return await write_agenda_item(session, meeting, author_id, words=words, now=now)


async def write_agenda_item(
    session: AsyncSession, meeting: Session, author_id: UUID, *, words: str, now: datetime
) -> AgendaItem:
    """Write an item and say that there is one; the caller holds the session's pairing."""
    item = agendas.add(
        session,
        uuid7(),
        session_id=meeting.session_id,
        pairing_id=meeting.pairing_id,
        author_id=author_id,
        words=words,
        written_at=now,
    )
    meeting.agenda_items += 1
    await say(
        session,
        AgendaPrepared(
            session_id=meeting.session_id,
            pairing_id=meeting.pairing_id,
            program_id=meeting.program_id,
            person_id=author_id,
            items=meeting.agenda_items,
            occurred_at=now,
        ),
        of=meeting,
    )
    return item


async def see_agenda(session: AsyncSession, session_id: UUID, caller: Caller) -> list[AgendaItem]:
    """A session's agenda, for its members: what they talk about is not their program manager's business.

    Raises:
        NoSuchSession: there is none, or the caller is not invited.
    """
    meeting = await seen_session(session, session_id, caller)
    if caller.person_id not in meeting.attendee_ids:
        return []
    return await agendas.of_session(session, session_id)
