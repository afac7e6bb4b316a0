"""Availability: when people are free, each by their own clocks, and when several are free together.

Spans of free time are pairs of whole seconds since 1970-01-01 UTC, sorted, and never overlap each other.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import chain, pairwise
from zoneinfo import ZoneInfo

import holidays

from tandem_chassis.errors import Conflict, Fault, Invalid

Span = tuple[int, int]
Minutes = tuple[int, int]
"""From which minute of a day to which; 1440 is the midnight at its end."""

GRID_SECONDS = 15 * 60
OFFICE_HOURS: Mapping[int, tuple[Minutes, ...]] = dict.fromkeys(range(5), ((9 * 60, 17 * 60),))
"""What holds for whoever set nothing: Monday to Friday, nine to five by their own clocks."""


class HoursRefused(Invalid):
    """Hours that end before they begin, or overlap each other."""


class UnknownRegion(Invalid):
    """A country or region whose holidays are not known."""


class OutsideWindows(Conflict):
    """A time that the mentor does not offer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """When somebody works, by the clocks of `zone`. `windows` are what a mentor offers, where they set any."""

    zone: ZoneInfo
    hours: Mapping[int, tuple[Minutes, ...]] = field(default_factory=lambda: OFFICE_HOURS)
    windows: Mapping[int, tuple[Minutes, ...]] = field(default_factory=dict)
    holidays: str | None = None
    exceptions: Mapping[date, tuple[Minutes, ...]] = field(default_factory=dict)


def require_sound(spans: Iterable[Minutes], *, where: str) -> tuple[Minutes, ...]:
    """The spans of one day, sorted.

    Raises:
        HoursRefused: one ends before it begins, or two overlap.
    """
    ordered = tuple(sorted(spans))
    if any(begin >= end for begin, end in ordered):
        raise _refused("Hours end after they begin; 00:00 at the end is midnight.", where)
    if any(earlier[1] > later[0] for earlier, later in pairwise(ordered)):
        raise _refused("Hours of one day overlap each other. Put them together.", where)
    return ordered


def _refused(sentence: str, where: str) -> HoursRefused:
    return HoursRefused(sentence, faults=[Fault(sentence, field=where)])


@lru_cache(maxsize=2048)
def holidays_of(region: str, year: int) -> frozenset[date]:
    """The public holidays of a country (`DE`) or one of its regions (`DE-BE`) in a year.

    Raises:
        UnknownRegion: there is none of this name.
    """
    country, _, subdivision = region.partition("-")
    try:
        return frozenset(holidays.country_holidays(country, subdiv=subdivision or None, years=year))
    except NotImplementedError as unknown:
        sentence = "The holidays of this region are not known. Name a country such as DE, or a region such as DE-BE."
        raise UnknownRegion(sentence, faults=[Fault(sentence, field="holidays")]) from unknown


def free_together(
    people: Sequence[Availability], busy: Iterable[Sequence[Span]], *, since: datetime, until: datetime
) -> list[Span]:
    """When all of these people are free between two instants; nothing for nobody. `busy` is everybody's, in any order.

    What is taken from one is taken from all, so it is taken away once, from what the hours of all have in common.
    """
    together = common_spans([working_spans(one, since=since, until=until) for one in people])
    return without(together, chain.from_iterable(busy))


def working_spans(availability: Availability, *, since: datetime, until: datetime) -> list[Span]:
    """When somebody works between two instants: their hours, without holidays and exceptions."""
    first, last = int(since.timestamp()), int(until.timestamp())
    zone = availability.zone
    day = since.astimezone(zone).toordinal() - 1
    midnights = _midnights(zone, day, until.astimezone(zone).toordinal() - day + 2)
    weekly = [_offered(availability, availability.hours.get(weekday, ()), weekday) for weekday in range(7)]
    special = _special_days(availability, day, len(midnights))
    spans: list[Span] = []
    for midnight, following in pairwise(midnights):
        weekday = (day + 6) % 7
        for begin_minute, end_minute in special[day] if day in special else weekly[weekday]:
            if following - midnight == 86_400:
                begins, ends = midnight + 60 * begin_minute, midnight + 60 * end_minute
            else:
                begins, ends = _instant(day, begin_minute, zone), _instant(day, end_minute, zone)
            begins, ends = max(begins, first), min(ends, last)
            if begins < ends:
                spans.append((begins, ends))
        day += 1
    return spans


@lru_cache(maxsize=4096)
def _midnights(zone: ZoneInfo, first: int, number: int) -> tuple[int, ...]:
    """So many midnights of a zone, from the day with this number on. Nearly everybody who meets shares a few zones."""
    return tuple(_instant(first + step, 0, zone) for step in range(number))


def _special_days(availability: Availability, first: int, number: int) -> dict[int, Sequence[Minutes]]:
    """The hours of days that are not like others: holidays, and what is set for the day itself, which comes first."""
    days: dict[int, Sequence[Minutes]] = {}
    if availability.holidays is not None:
        for year in range(date.fromordinal(first).year, date.fromordinal(first + number).year + 1):
            days.update(dict.fromkeys(_holiday_numbers(availability.holidays, year), ()))
    for day, hours in availability.exceptions.items():
        days[day.toordinal()] = _offered(availability, hours, day.weekday())
    return days


@lru_cache(maxsize=2048)
def _holiday_numbers(region: str, year: int) -> tuple[int, ...]:
    return tuple(day.toordinal() for day in holidays_of(region, year))


def _offered(availability: Availability, hours: Sequence[Minutes], weekday: int) -> Sequence[Minutes]:
    """What of these hours somebody offers: all of them where they set no windows."""
    return intersect(hours, availability.windows.get(weekday, ())) if availability.windows else hours


def _instant(number: int, minute: int, zone: ZoneInfo) -> int:
    # Where the clocks jump over a time, it is taken as so long after the jump; where they show it twice, as the first.
    day = date.fromordinal(number + minute // 1440)
    return int(datetime(day.year, day.month, day.day, minute % 1440 // 60, minute % 60, tzinfo=zone).timestamp())


def intersect(left: Sequence[Span], right: Sequence[Span]) -> list[Span]:
    """What both have in common."""
    found: list[Span] = []
    here = there = 0
    while here < len(left) and there < len(right):
        begin, end = max(left[here][0], right[there][0]), min(left[here][1], right[there][1])
        if begin < end:
            found.append((begin, end))
        if left[here][1] < right[there][1]:
            here += 1
        else:
            there += 1
    return found


def without(spans: Sequence[Span], taken: Iterable[Span]) -> list[Span]:
    """What is left of `spans`, which are sorted, after `taken`, which may be in any order and overlap."""
    begins, ends = [begin for begin, _ in spans], [end for _, end in spans]
    last = len(spans) - 1
    # Most of what is taken lies outside of the spans: it is passed over before the rest is sorted.
    blocked = merged(
        one for one in taken if begins and one[0] < ends[last] and begins[bisect_right(ends, one[0])] < one[1]
    )
    left: list[Span] = []
    place = 0
    for begin, end in spans:
        at = begin
        while place < len(blocked) and blocked[place][1] <= at:
            place += 1
        look = place
        while look < len(blocked) and blocked[look][0] < end:
            if blocked[look][0] > at:
                left.append((at, blocked[look][0]))
            at = max(at, blocked[look][1])
            look += 1
        if at < end:
            left.append((at, end))
    return left


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same time as spans that are sorted and never touch each other."""
    joined: list[Span] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return joined


def common_spans(everybody: Sequence[Sequence[Span]]) -> list[Span]:
    """When all are free; nothing for nobody. One pass over all beginnings and ends, in order."""
    needed, free, since = len(everybody), 0, 0
    # At one moment beginnings come before ends, so that spans of somebody that touch each other count as one.
    edges = [2 * begin for spans in everybody for begin, _ in spans]
    edges += [2 * end + 1 for spans in everybody for _, end in spans]
    edges.sort()
    together: list[Span] = []
    for edge in edges:
        if edge & 1:
            if free == needed and since < edge >> 1:
                together.append((since, edge >> 1))
            free -= 1
        else:
            free += 1
            if free == needed:
                since = edge >> 1
    return together


def suggestions(together: Sequence[Span], *, length: timedelta, most: int, most_a_day: int = 3) -> list[datetime]:
    """Beginnings from which all are free for `length`: on the quarter hour, a few on each UTC day, in order."""
    seconds = int(length.total_seconds())
    found: list[datetime] = []
    on_day: dict[int, int] = {}
    for begin, end in together:
        at = -(-begin // GRID_SECONDS) * GRID_SECONDS
        while at + seconds <= end and len(found) < most:
            day = at // 86_400
            if on_day.get(day, 0) >= most_a_day:
                break
            on_day[day] = on_day.get(day, 0) + 1
            found.append(datetime.fromtimestamp(at, UTC))
            at += max(seconds, GRID_SECONDS)
    return found


def require_offered(starts_at: datetime, ends_at: datetime, availability: Availability) -> None:
    """A mentee books within the windows that the mentor offers, where the mentor offers any.

    Raises:
        OutsideWindows: the time lies outside of them.
    """
    if not availability.windows:
        return
    offered = merged(working_spans(availability, since=starts_at, until=ends_at))
    wanted = (int(starts_at.timestamp()), int(ends_at.timestamp()))
    if wanted not in offered:
        raise OutsideWindows(
            "The mentor does not offer this time. Ask for suggestions, or propose it to them.",
            faults=[Fault("Outside the mentor's bookable windows.", field="starts_at")],
        )
