"""Replies: what somebody's calendar answers to an invitation (iTIP METHOD:REPLY)."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from tandem_chassis.errors import Conflict, Invalid, TooLarge
from tandem_scheduling.domain.calendars.reading import NotACalendar, read_calendar
from tandem_scheduling.domain.recurrence_rules import RuleExplodes

LARGEST_REPLY_BYTES = 100_000
_ANSWERS = {"ACCEPTED": "accepted", "TENTATIVE": "tentative", "DECLINED": "declined"}


class NotAReply(Invalid):
    """Text that is no reply to an invitation."""


class ReplyTooLarge(TooLarge):
    """A file that is larger than any reply."""


class ReplyOutdated(Conflict):
    """A reply to an earlier state of the session, or one that was followed by another."""


def require_latest(written_at: datetime, *, answered_at: datetime | None) -> None:
    """Replies may come in another order than they were written: the one that was written last holds (RFC 5546, 2.1.5).

    Raises:
        ReplyOutdated: a later answer is known.
    """
    if answered_at is not None and written_at < answered_at:
        raise ReplyOutdated("A later answer of theirs is known already.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Who answered what about which session, and when they wrote it, if they say so.

    For one of a series, `occurrence` is its original beginning.
    """

    uid: UUID
    occurrence: datetime | None
    email: str
    answer: str
    sequence: int
    written_at: datetime | None


def read_reply(text: bytes) -> Reply:
    """The one answer in a METHOD:REPLY.

    Raises:
        ReplyTooLarge: it is larger than 100,000 bytes.
        NotAReply: it is not iCalendar, not a reply, or answers for nobody or for several.
    """
    if len(text) > LARGEST_REPLY_BYTES:
        raise ReplyTooLarge("This file is too large for a reply. Upload only the reply to one invitation.")
    try:
        read = read_calendar(text)
        if str(read.calendar.get("method", "")).upper() != "REPLY":
            raise NotAReply("This is not a reply: its METHOD is not REPLY.")
        events = read.calendar.walk("VEVENT")
        if len(events) != 1:
            raise NotAReply("A reply answers one invitation. Upload one reply at a time.")
        event: Any = events[0]
        attendee = event["attendee"]
        if isinstance(attendee, list):
            raise NotAReply("A reply answers for one attendee.")
        occurrence = event.get("recurrence-id")
        return Reply(
            uid=UUID(str(event["uid"]).partition("@")[0]),
            occurrence=_instant(read.zoned(occurrence.dt, occurrence.params)) if occurrence is not None else None,
            email=str(attendee).partition(":")[2].strip().lower(),
            answer=_ANSWERS[str(attendee.params["PARTSTAT"]).upper()],
            sequence=int(event.get("sequence", 0)),
            written_at=_instant(event["dtstamp"].dt) if event.get("dtstamp") is not None else None,
        )
    except (NotACalendar, RuleExplodes, ValueError, KeyError, TypeError, AttributeError, IndexError) as malformed:
        raise NotAReply(
            "This cannot be read as a reply: it needs UID, one ATTENDEE, and PARTSTAT accepted, tentative or declined."
        ) from malformed


def _instant(moment: object) -> datetime:
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise NotAReply("A RECURRENCE-ID and a DTSTAMP of a reply are moments with a time zone.")
    return moment.astimezone(UTC)
