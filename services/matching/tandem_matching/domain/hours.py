"""Working hours: how many of a day two people share across time zones."""

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

BEGIN, END = 9 * 60, 17 * 60
"""Office hours in minutes of the local day; matching asks for no finer calendar, scheduling keeps that."""

_DAY = 24 * 60


def offset_minutes(zone: str, *, at: datetime) -> int | None:
    """How far a zone's clocks are ahead of UTC at a moment, in minutes; None for a zone that nobody knows."""
    try:
        ahead = ZoneInfo(zone).utcoffset(at.astimezone(ZoneInfo("UTC")))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
    return None if ahead is None else round(ahead.total_seconds() / 60)


def common_minutes(first: int | None, second: int | None) -> int | None:
    """The office minutes of a day that people at these offsets share; None where one is not known."""
    if first is None or second is None:
        return None
    apart = abs(first - second) % _DAY
    apart = min(apart, _DAY - apart)
    return max(0, END - BEGIN - apart)
