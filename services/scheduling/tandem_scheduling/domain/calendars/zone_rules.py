"""Yearly rules of time zones, from the POSIX footer of their data (RFC 9636), as VTIMEZONE blocks say them."""

import re
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard

from tandem_scheduling.domain.zones import zone_named

_NAME = r"(?:<([A-Za-z0-9+-]+)>|([A-Za-z]{3,}))"
_OFFSET = r"([+-]?\d{1,3}(?::\d{2}){0,2})"
_RULE = r"M(\d{1,2})\.(\d)\.(\d)(?:/([+-]?\d{1,3}(?::\d{2}){0,2}))?"
_FOOTER = re.compile(rf"^{_NAME}{_OFFSET}(?:{_NAME}{_OFFSET}?,{_RULE},{_RULE})?$")
_DAYS = ("SU", "MO", "TU", "WE", "TH", "FR", "SA")


@dataclass(frozen=True, slots=True)
class Change:
    """A yearly change of the clocks: on the `week`-th `weekday` (0 is Sunday, week 5 is the last) of `month`."""

    month: int
    week: int
    weekday: int
    time: timedelta

    def local(self, year: int) -> datetime:
        """When the clocks change in this year, as they show it before the change."""
        if self.week == 5:
            following = date(year + self.month // 12, self.month % 12 + 1, 1)
            last = following - timedelta(days=1)
            day = last - timedelta(days=(last.isoweekday() - self.weekday) % 7)
        else:
            first = date(year, self.month, 1)
            day = first + timedelta(days=(self.weekday - first.isoweekday()) % 7 + 7 * (self.week - 1))
        return datetime(day.year, day.month, day.day) + self.time  # noqa: DTZ001 - a wall clock

    def rule(self) -> dict[str, object] | None:
        """The change as an RRULE; nothing where a rule cannot say it."""
        shift = self.time // timedelta(days=1)
        weekday = _DAYS[(self.weekday + shift) % 7]
        if shift == 0:
            week = -1 if self.week == 5 else self.week
            return {"freq": "YEARLY", "bymonth": self.month, "byday": f"{week}{weekday}"}
        # "The day before the last Sunday" is the Saturday of seven fixed dates, because the month's length is fixed.
        if self.month == 2:
            return None
        length = (date(2027 + self.month // 12, self.month % 12 + 1, 1) - timedelta(days=1)).day
        first = (length - 6 if self.week == 5 else 7 * (self.week - 1) + 1) + shift
        if first < 1 or first + 6 > length:
            return None
        days = list(range(first, first + 7))
        return {"freq": "YEARLY", "bymonth": self.month, "byday": weekday, "bymonthday": days}


@dataclass(frozen=True, slots=True)
class ZoneRules:
    """What a zone does every year: one offset, or two and the changes between them."""

    name: str
    offset: timedelta
    summer_name: str | None = None
    summer_offset: timedelta | None = None
    begins: Change | None = None
    ends: Change | None = None

    def offset_at(self, instant: datetime) -> timedelta:
        """The offset from UTC at an instant, as these rules have it."""
        if self.begins is None or self.ends is None or self.summer_offset is None:
            return self.offset
        year = (instant.astimezone(UTC) + self.offset).year
        begins = self.begins.local(year).replace(tzinfo=UTC) - self.offset
        ends = self.ends.local(year).replace(tzinfo=UTC) - self.summer_offset
        summer = begins <= instant < ends if begins < ends else not ends <= instant < begins
        return self.summer_offset if summer else self.offset


@lru_cache(maxsize=1024)
def rules_of(zone_name: str) -> ZoneRules | None:
    """The yearly rules in a zone's footer; nothing where it has none that a VTIMEZONE can say."""
    match = _FOOTER.match(_footer(zone_name))
    if match is None:
        return None
    quoted, plain, offset, summer_quoted, summer_plain, summer_offset, *changes = match.groups()
    standard = -_duration(offset)
    if not (summer_quoted or summer_plain):
        return ZoneRules(quoted or plain, standard)
    begins, ends = _change(*changes[:4]), _change(*changes[4:])
    if begins.rule() is None or ends.rule() is None:
        return None
    return ZoneRules(
        name=quoted or plain,
        offset=standard,
        summer_name=summer_quoted or summer_plain,
        summer_offset=-_duration(summer_offset) if summer_offset else standard + timedelta(hours=1),
        begins=begins,
        ends=ends,
    )


def _duration(text: str) -> timedelta:
    sign = -1 if text.startswith("-") else 1
    hours, minutes, seconds = ([int(part) for part in text.lstrip("+-").split(":")] + [0, 0])[:3]
    return sign * timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _change(month: str, week: str, weekday: str, time: str | None) -> Change:
    return Change(int(month), int(week), int(weekday), _duration(time) if time else timedelta(hours=2))


def _footer(zone_name: str) -> str:
    """The last line of a zone's data, from wherever `zoneinfo` reads it."""
    zone_named(zone_name)
    for root in zoneinfo.TZPATH:
        path = Path(root, *zone_name.split("/"))
        if path.is_file():
            return path.read_bytes().rsplit(b"\n", 2)[-2].decode("ascii", "replace")
    folder, _, name = zone_name.rpartition("/")
    package = resources.files("tzdata.zoneinfo").joinpath(*folder.split("/")) if folder else None
    data = (package or resources.files("tzdata.zoneinfo")).joinpath(name).read_bytes()
    return data.rsplit(b"\n", 2)[-2].decode("ascii", "replace")


@lru_cache(maxsize=4096)
def rules_between(zone_name: str, first_year: int, last_year: int) -> ZoneRules | None:
    """A zone's yearly rules, if the zone keeps to them in all of these years; else nothing.

    Zones that changed their rules meanwhile, or whose clocks follow a moon calendar, have none.
    """
    rules = rules_of(zone_name)
    if rules is None:
        return None
    zone = ZoneInfo(zone_name)
    instant, end = datetime(first_year, 1, 1, tzinfo=UTC), datetime(last_year + 1, 1, 1, tzinfo=UTC)
    moments = {instant + timedelta(hours=6 * step) for step in range(int((end - instant) / timedelta(hours=6)))}
    if rules.begins and rules.ends and rules.summer_offset is not None:
        for year in range(first_year, last_year + 1):
            for change, before in ((rules.begins, rules.offset), (rules.ends, rules.summer_offset)):
                onset = change.local(year).replace(tzinfo=UTC) - before
                moments |= {onset, onset - timedelta(seconds=1)}
    kept = all(moment.astimezone(zone).utcoffset() == rules.offset_at(moment) for moment in moments)
    return rules if kept else None


def timezone_block(zone_name: str, rules: ZoneRules, first_year: int) -> Timezone:
    """The VTIMEZONE of a zone that keeps to these rules, from the year before `first_year` on."""
    block = Timezone()
    block.add("tzid", zone_name)
    year = first_year - 1
    if rules.begins is None or rules.ends is None or rules.summer_offset is None:
        onset = datetime(year, 1, 1)  # noqa: DTZ001 - a wall clock
        block.add_component(_observance(TimezoneStandard(), rules.name, onset, rules.offset, rules.offset, None))
        return block
    # Where the "summer" time of the data lies behind (as Irish winter time does), its block is the standard one.
    ahead = rules.summer_offset > rules.offset
    block.add_component(
        _observance(
            TimezoneDaylight() if ahead else TimezoneStandard(),
            rules.summer_name or "",
            rules.begins.local(year),
            rules.offset,
            rules.summer_offset,
            rules.begins.rule(),
        )
    )
    block.add_component(
        _observance(
            TimezoneStandard() if ahead else TimezoneDaylight(),
            rules.name,
            rules.ends.local(year),
            rules.summer_offset,
            rules.offset,
            rules.ends.rule(),
        )
    )
    return block


def _observance(
    part: TimezoneStandard | TimezoneDaylight,
    name: str,
    onset: datetime,
    offset_from: timedelta,
    offset_to: timedelta,
    rule: dict[str, object] | None,
) -> TimezoneStandard | TimezoneDaylight:
    part.add("dtstart", onset)
    part.add("tzoffsetfrom", offset_from)
    part.add("tzoffsetto", offset_to)
    part.add("tzname", name)
    if rule is not None:
        part.add("rrule", rule)
    return part
