"""What is done with calendars: invitations, private feeds, and the replies that come back."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis.auth import Caller
from tandem_scheduling.domain.calendars.invitations import Calendars, Guest, Occasion, Serial
from tandem_scheduling.domain.calendars.replies import Reply, ReplyOutdated
from tandem_scheduling.domain.feeds import NoFeed, NoSuchFeed, digest_of
from tandem_scheduling.domain.recurrence import recurrence_of
from tandem_scheduling.domain.sessions import NoSuchSeries, NoSuchSession, SessionSettled, UnknownAttendee
from tandem_scheduling.storage import calendar_feeds, pairings, people, programs, series, sessions
from tandem_scheduling.storage.people import Person
from tandem_scheduling.storage.series import Series
from tandem_scheduling.storage.sessions import Session
from tandem_scheduling.use_cases.rights import CALENDAR_SCOPE, NO_SESSION
from tandem_scheduling.use_cases.sessions import record_answer

FEED_LOOKS_BACK = timedelta(days=92)
FEED_LOOKS_AHEAD = timedelta(days=366 * 6)
MOST_FEED_SESSIONS = 2000
UNKNOWN = Guest(name="Somebody", email="")


async def invitation(
    session: AsyncSession, session_id: UUID, caller: Caller, calendars: Calendars, *, recipient_id: UUID | None
) -> tuple[str, str]:
    """The method and the text of the message that tells a recipient's calendar about a session as it is now.

    An attendee asks for their own; a delivering service with the scope `calendar` for any attendee's.

    Raises:
        NoSuchSession: there is none, or the recipient is not invited, or the caller may not know of it.
    """
    meeting = await sessions.find(session, session_id)
    recipient = _recipient(caller, recipient_id)
    gone = await sessions.withdrawn_from(session, recipient, [session_id]) if recipient else set()
    if meeting is None or recipient is None or not (recipient in meeting.attendee_ids or gone):
        raise NoSuchSession(NO_SESSION)
    guests = await people.of_ids(session, {*meeting.attendee_ids, recipient})
    summary = await _summary(session, meeting.program_id)
    made = await series.find(session, meeting.series_id) if meeting.series_id else None
    serial = await _serial(session, made, guests, summary, recipient) if made else None
    occasion = _occasion(meeting, guests, summary)
    if gone:
        occasion = replace(occasion, cancelled=True, guests=(_guest(guests, recipient),))
    return calendars.invitation(occasion, serial)


async def series_invitation(
    session: AsyncSession, series_id: UUID, caller: Caller, calendars: Calendars, *, recipient_id: UUID | None
) -> tuple[str, str]:
    """The method and the text of the message that tells a recipient's calendar about a whole series as it is now.

    Raises:
        NoSuchSeries: there is none, or the recipient is not invited, or the caller may not know of it.
    """
    made = await series.find(session, series_id)
    meetings = await sessions.of_series(session, series_id) if made else []
    recipient = _recipient(caller, recipient_id)
    gone = (
        await sessions.withdrawn_from(session, recipient, [one.session_id for one in meetings]) if recipient else set()
    )
    if made is None or recipient is None or not (gone or any(recipient in one.attendee_ids for one in meetings)):
        raise NoSuchSeries("No series of yours has this id.")
    guests = await people.of_ids(session, {recipient, *(one for meeting in meetings for one in meeting.attendee_ids)})
    serial = await _serial(session, made, guests, await _summary(session, made.program_id), recipient)
    return calendars.series_invitation(serial)


def _recipient(caller: Caller, recipient_id: UUID | None) -> UUID | None:
    """Whose calendar is told: the caller's own, or for whoever delivers that of anybody; else nobody's."""
    recipient = recipient_id or caller.person_id
    return recipient if caller.is_admin or CALENDAR_SCOPE in caller.scopes or caller.person_id == recipient else None


async def make_feed(session: AsyncSession, caller: Caller, *, now: datetime) -> str:
    """Give the caller a calendar feed; the answer is its secret, which is shown once. An earlier one is revoked."""
    secret = secrets.token_urlsafe(32)
    await calendar_feeds.replace(session, caller.require_person(), digest=digest_of(secret), made_at=now)
    return secret


async def revoke_feed(session: AsyncSession, caller: Caller) -> None:
    """Take the caller's feed away.

    Raises:
        NoFeed: there is none.
    """
    if not await calendar_feeds.revoke(session, caller.require_person()):
        raise NoFeed("You have no calendar feed.")


async def feed(session: AsyncSession, secret: str, calendars: Calendars, *, now: datetime) -> str:
    """The calendar of whoever has this secret: the last three months and everything to come.

    Raises:
        NoSuchFeed: nobody has it (any more).
    """
    person_id = await calendar_feeds.owner(session, digest_of(secret))
    if person_id is None:
        raise NoSuchFeed("No calendar has this address. It may have been revoked: make a new one.")
    meetings = await sessions.of_person(
        session,
        person_id,
        since=now - FEED_LOOKS_BACK,
        until=now + FEED_LOOKS_AHEAD,
        limit=MOST_FEED_SESSIONS,
    )
    guests = await _guests(session, meetings)
    summaries = {program_id: await _summary(session, program_id) for program_id in {one.program_id for one in meetings}}
    alone = [_occasion(one, guests, summaries[one.program_id]) for one in meetings if one.series_id is None]
    serials = [
        await _serial(session, made, guests, summaries[made.program_id], person_id)
        for made in await series.of_ids(session, {one.series_id for one in meetings if one.series_id})
    ]
    return calendars.feed(alone, serials, name="Mentoring")


async def take_reply(session: AsyncSession, reply: Reply, caller: Caller, *, now: datetime) -> list[Session]:
    """Keep what somebody's calendar answered; the answer is the sessions that it was about.

    An attendee brings their own reply; a delivering service with the scope `calendar` anybody's. A reply to a whole
    series is about every session to come but those that were moved, which have invitations of their own.

    Raises:
        NoSuchSession: it answers no session that the caller may know of.
        UnknownAttendee: a stranger replies.
        ReplyOutdated: the session was moved since, or a later reply came first.
        SessionSettled: it is completed, cancelled or missed, or nothing of the series is to come.
    """
    delivers = caller.is_admin or CALENDAR_SCOPE in caller.scopes
    found = await sessions.replied_to(session, reply.uid, reply.occurrence)
    invited = {person_id for one in found for person_id in one.attendee_ids}
    if not found or not (delivers or caller.person_id in invited):
        raise NoSuchSession(NO_SESSION)
    known = await people.of_ids(session, invited)
    author = next((one for one in known.values() if one.email.lower() == reply.email), None)
    if author is None or not (delivers or author.person_id == caller.person_id):
        raise UnknownAttendee("This reply comes from somebody who is not invited with this address.")
    await pairings.lock(session, found[0].pairing_id)
    made = await series.find(session, found[0].series_id) if found[0].series_id else None
    whole = made is not None and reply.uid == made.series_id and reply.occurrence is None
    answered: list[Session] = []
    outdated: ReplyOutdated | None = None
    for one in found:
        meeting = await sessions.lock(session, one.session_id)
        if whole and not (meeting.state == "scheduled" and meeting.starts_at > now and meeting.reschedules == 0):
            continue
        sequence = (0 if whole else meeting.sequence) + (made.sequence if made else 0)
        if reply.sequence < sequence:
            raise ReplyOutdated("The session was changed since this reply was written. Answer the newer invitation.")
        if whole and author.person_id not in meeting.attendee_ids:
            continue
        try:
            await record_answer(
                session, meeting, author.person_id, answer=reply.answer, now=now, written_at=reply.written_at
            )
        except ReplyOutdated as known:
            outdated = known
            continue
        answered.append(meeting)
    if outdated is not None and not answered:
        raise outdated
    if not answered:
        raise SessionSettled("Nothing of this series is still to come, so there is nothing to answer.")
    return answered


async def _guests(session: AsyncSession, meetings: Iterable[Session]) -> dict[UUID, Person]:
    return await people.of_ids(session, {person_id for one in meetings for person_id in one.attendee_ids})


async def _summary(session: AsyncSession, program_id: UUID) -> str:
    program = await programs.find(session, program_id)
    return f"Mentoring: {program.name}" if program else "Mentoring"


def _guest(known: Mapping[UUID, Person], person_id: UUID, answer: str | None = None) -> Guest:
    person = known.get(person_id)
    return Guest(name=person.name, email=person.email, answer=answer) if person else UNKNOWN


def _occasion(meeting: Session, known: Mapping[UUID, Person], summary: str) -> Occasion:
    return Occasion(
        session_id=meeting.session_id,
        starts_at=meeting.starts_at,
        ends_at=meeting.ends_at,
        zone_name=meeting.time_zone,
        summary=summary,
        place=meeting.place,
        organizer=_guest(known, meeting.organizer_id),
        guests=tuple(_guest(known, one.person_id, one.answer) for one in meeting.attendees),
        sequence=meeting.sequence,
        changed_at=meeting.changed_at,
        cancelled=meeting.state == "cancelled",
        original_starts_at=meeting.original_starts_at,
    )


async def _serial(
    session: AsyncSession, made: Series, known: Mapping[UUID, Person], summary: str, recipient_id: UUID
) -> Serial:
    """A series as one recipient knows it: what they are no longer invited to is cancelled for them."""
    meetings = await sessions.of_series(session, made.series_id)
    gone = await sessions.withdrawn_from(session, recipient_id, [one.session_id for one in meetings])
    occasions = [_occasion(meeting, known, summary) for meeting in meetings]
    return Serial(
        series_id=made.series_id,
        local_start=made.local_start,
        minutes=made.minutes,
        zone_name=made.time_zone,
        place=made.place,
        recurrence=recurrence_of(made.recurrence),
        sequence=made.sequence,
        changed_at=made.changed_at,
        occasions=tuple(replace(one, cancelled=True) if one.session_id in gone else one for one in occasions),
    )
