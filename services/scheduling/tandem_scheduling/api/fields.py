"""The fields that requests share: words, moments, ways of meeting, cursors."""

from datetime import UTC, date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field, NaiveDatetime, StringConstraints, WithJsonSchema

from tandem_chassis import paging
from tandem_chassis.paging import CursorMalformed

PRINTABLE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f]*$"
"""No control characters but tab, line feed and carriage return: PostgreSQL stores no NUL, calendars none."""

Words = Annotated[str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True, pattern=PRINTABLE)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=300, strip_whitespace=True, pattern=PRINTABLE)]
ZoneName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:/+-]{0,63}$")]
WayOfMeeting = Literal["in_person", "phone", "video", "messaging"]


Reason = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
"""Why, as a word out of the organisation's list: `ill`, `travel`, `conflict`, ..."""
Day = Annotated[date, Field(ge=date(1970, 1, 1), le=date(2200, 1, 1))]
Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""What a clock on the wall shows, such as 09:30."""


def _within_reason(moment: datetime) -> datetime:
    if not 1970 <= moment.year <= 2200:
        raise ValueError("the year must lie between 1970 and 2200")
    return moment.replace(microsecond=0)


LocalMoment = Annotated[
    NaiveDatetime,
    AfterValidator(_within_reason),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?$",
            "description": "What the clocks of the time zone show, without an offset: 2026-11-23T10:00.",
        }
    ),
]


def _as_utc(moment: datetime) -> datetime:
    return _within_reason(moment).astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_as_utc)]
"""A moment with its UTC offset, such as 2026-11-23T10:00:00+01:00."""


def after_moment(cursor: str | None) -> tuple[datetime, UUID] | None:
    """The position of a cursor in a list that is ordered by time.

    Raises:
        CursorMalformed: it is not one of this list's.
    """
    position = paging.decode(cursor, str, UUID)
    if position is None:
        return None
    written, identity = position
    try:
        moment = datetime.fromisoformat(written)
        if moment.tzinfo is None:
            raise CursorMalformed("This cursor is malformed: begin again without one.")
    except ValueError as malformed:
        raise CursorMalformed("This cursor is malformed: begin again without one.") from malformed
    return moment, identity
