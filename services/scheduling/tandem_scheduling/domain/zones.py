"""Time zones: names, and wall-clock times that exist once, twice or never."""

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tandem_chassis.errors import Fault, Invalid


class UnknownTimeZone(Invalid):
    """A name that the IANA time zone database does not have."""


class NoSuchLocalTime(Invalid):
    """A wall-clock time that the clocks jump over."""


class AmbiguousLocalTime(Invalid):
    """A wall-clock time that the clocks show twice."""


@lru_cache(maxsize=1024)
def zone_named(name: str) -> ZoneInfo:
    """The time zone of this IANA name, such as `Europe/Berlin`.

    Raises:
        UnknownTimeZone: there is none.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:
        sentence = "This is not a time zone of the IANA database. Name one such as Europe/Berlin."
        raise UnknownTimeZone(sentence, faults=[Fault(sentence, field="time_zone")]) from unknown


def instant_of(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which the clocks of `zone` show `local`, which carries no offset.

    Raises:
        NoSuchLocalTime: the clocks jump over it.
        AmbiguousLocalTime: the clocks show it twice.
    """
    first = local.replace(tzinfo=zone, fold=0)
    second = local.replace(tzinfo=zone, fold=1)
    instant = first.astimezone(UTC)
    if first.utcoffset() == second.utcoffset():
        return instant
    if instant.astimezone(zone).replace(tzinfo=None) != local:
        sentence = (
            f"The clocks of {zone.key} jump over {local:%Y-%m-%d %H:%M}. Choose a time before or after the change."
        )
        raise NoSuchLocalTime(sentence, faults=[Fault(sentence, field="starts_at")])
    sentence = (
        f"The clocks of {zone.key} show {local:%Y-%m-%d %H:%M} twice. Choose another time, or send its UTC offset."
    )
    raise AmbiguousLocalTime(sentence, faults=[Fault(sentence, field="starts_at")])
