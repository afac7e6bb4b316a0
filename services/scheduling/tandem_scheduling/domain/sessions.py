"""Sessions: when a meeting may be booked, completed or cancelled."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from tandem_chassis.errors import Conflict, Fault, Forbidden, Invalid, NotFound

SHORTEST = timedelta(minutes=5)
LONGEST = timedelta(hours=8)
FARTHEST_AHEAD = timedelta(days=732)


def require_bookable(
    starts_at: datetime,
    ends_at: datetime,
    *,
    now: datetime,
    zone: ZoneInfo,
    farthest_ahead: timedelta = FARTHEST_AHEAD,
) -> None:
    """A session lies in the future, on one day of `zone`, and not across a change of its clocks.

    Raises:
        SessionTimeRefused: with a fault for everything that does not fit.
    """
    faults: list[Fault] = []
    if starts_at <= now:
        faults.append(Fault("It begins in the past. Choose a moment that is still to come.", field="starts_at"))
    if starts_at > now + farthest_ahead:
        faults.append(Fault("It begins too far ahead. Book it within two years of now.", field="starts_at"))
    length = ends_at - starts_at
    if length < SHORTEST or length > LONGEST:
        faults.append(Fault("A session lasts between 5 minutes and 8 hours.", field="ends_at"))
    elif not faults:
        faults += _faults_of_the_day(starts_at, ends_at, zone)
    if faults:
        raise SessionTimeRefused(faults[0].reason, faults=faults)


def _faults_of_the_day(starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> list[Fault]:
    # The last instant that belongs to the session: one that ends at midnight stays within its day.
    first, last = starts_at.astimezone(zone), (ends_at - timedelta(microseconds=1)).astimezone(zone)
    if first.utcoffset() != last.utcoffset():
        sentence = f"The clocks of {zone.key} change during it. Book it before or after the change."
        return [Fault(sentence, field="starts_at")]
    if first.date() != last.date():
        return [Fault(f"It goes over midnight in {zone.key}. End it by midnight, or book two.", field="ends_at")]
    return []


def require_debrief(*, kind: str, ends_at: datetime, debrief_starts_at: datetime | None) -> None:
    """Whoever is taken along talks about it afterwards.

    Raises:
        DebriefMissing: a shadowing session has no debrief, or one that begins before it ends.
    """
    if kind == "shadowing" and debrief_starts_at is None:
        sentence = "Say when you will talk about it afterwards: a shadowing session has a debrief."
        raise DebriefMissing(sentence, faults=[Fault(sentence, field="debrief")])
    if debrief_starts_at is not None and (kind != "shadowing" or debrief_starts_at < ends_at):
        sentence = "A debrief follows a shadowing session and begins after it ends."
        raise DebriefMissing(sentence, faults=[Fault(sentence, field="debrief")])


def require_over_or_running(starts_at: datetime, *, now: datetime) -> None:
    """Only a session that has begun can have taken place.

    Raises:
        SessionNotBegun: it is still to come.
    """
    if now < starts_at:
        raise SessionNotBegun(
            f"This session begins at {starts_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC. Complete it once it has begun."
        )


def is_late(starts_at: datetime, *, notice_hours: int, now: datetime) -> bool:
    """Whether a change of a session comes with less notice than its members agreed."""
    return now > starts_at - timedelta(hours=notice_hours)


def require_still_scheduled(state: str) -> None:
    """What is over or cancelled does not change any more.

    Raises:
        SessionSettled: the session is completed, cancelled or missed.
    """
    if state != "scheduled":
        raise SessionSettled(f"This session is {state} already, so this can no longer be done with it.")


def require_attendees(named: Collection[UUID], *, attendees: Collection[UUID], field: str) -> None:
    """Only those who were invited can have attended or own an action item.

    Raises:
        UnknownAttendee: somebody else is named.
    """
    if set(named) - set(attendees):
        raise UnknownAttendee(
            "Somebody is named who is not invited to this session.",
            faults=[Fault("Not an attendee of this session.", field=field)],
        )


def require_agenda_items(named: Collection[UUID], *, agenda: Collection[UUID]) -> None:
    """Only what is on a session's agenda can be done.

    Raises:
        NoSuchAgendaItem: something else is named.
    """
    if set(named) - set(agenda):
        raise NoSuchAgendaItem(
            "An agenda item is named that this session does not have. Read its agenda again.",
            faults=[Fault("Not on the agenda of this session.", field="agenda_items_done")],
        )


class NoSuchSession(NotFound):
    """No session has this id, or the caller may not know of it."""


class NotInvited(Forbidden):
    """A session of others."""


class SessionTimeRefused(Invalid):
    """The time of a session does not fit."""


class SessionNotBegun(Conflict):
    """The session is still to come."""


class SessionSettled(Conflict):
    """The session is completed, cancelled or missed."""


class UnknownAttendee(Invalid):
    """A person who is not invited."""


class DoubleBooked(Conflict):
    """A person already has a session at that time."""


class NoCounterparts(Invalid):
    """A session with fewer than two people."""


class DebriefMissing(Invalid):
    """A shadowing session without its debrief, or a debrief before it."""


class NoSuchSeries(NotFound):
    """No series has this id, or the caller may not know of it."""


class NoSuchProposal(NotFound):
    """No proposal has this id, or the caller may not know of it."""


class ProposalSettled(Conflict):
    """The proposal was accepted or declined already."""


class OwnProposal(Conflict):
    """Whoever proposes does not also accept."""


class NoSuchOption(Invalid):
    """A choice that the proposal does not offer."""


class NoSuchActionItem(NotFound):
    """No action item has this id, or the caller may not know of it."""


class NotYourActionItem(Forbidden):
    """Another member's commitment."""


class NothingMoved(Invalid):
    """A rescheduling to the same time and place."""


class NoSuchAgendaItem(Invalid):
    """An agenda item that this session does not have."""
