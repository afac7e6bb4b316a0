"""Reading calendars that others wrote: bounded, and with the time zones that a file defines for itself alone.

The library's own door (`Calendar.from_ical`) takes text of one line for the name of a file, keeps the zones of a file
for every file that comes after it, and expands their rules without end. So its parser is used without that door.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from itertools import islice
from typing import Any

from icalendar import Calendar, Component
from icalendar.cal import ComponentFactory
from icalendar.parser.ical.calendar import CalendarIcalParser

from tandem_chassis.errors import Invalid
from tandem_scheduling.domain.recurrence_rules import RuleExplodes, Steps, rule_of, starts
from tandem_scheduling.domain.zones import UnknownTimeZone, zone_named

MOST_CHANGES, MOST_OBSERVANCES = 50_000, 400
"""How many changes of clocks, and parts that say such, all zones of a file may have together."""

MOST_STEPS = 500_000
"""How many days the rules of all zones of a file may look at together."""

MOST_LEVELS = 8
"""How deep the parts of a file may lie in each other; an alarm of an event lies on the third level."""

FIRST_YEAR, LAST_YEAR = 1972, 2100
"""Between which years the rules of a zone are followed."""

_YEARLY = {"FREQ", "INTERVAL", "BYMONTH", "BYMONTHDAY", "BYDAY", "WKST", "UNTIL", "COUNT"}
_PARTS = ("STANDARD", "DAYLIGHT")
_NEVER = timedelta(0)


class NotACalendar(Invalid):
    """A file that cannot be read as a calendar."""


@dataclass(frozen=True, slots=True)
class Change:
    """The clocks are set from one offset to another, at `wall` as they showed it before."""

    wall: datetime
    before: timedelta
    after: timedelta


class WrittenZone(tzinfo):
    """A time zone as the rules in a calendar file say it.

    A wall-clock time that the clocks show twice is the first, unless it has `fold=1`; one that they jump over is taken
    with the offset before the jump (RFC 5545, 3.3.5).
    """

    def __init__(self, name: str, changes: list[Change]) -> None:
        self._name = name
        self._changes = sorted(changes, key=lambda change: change.wall - change.before)
        self._walls = [change.wall for change in self._changes]
        self._instants = [change.wall - change.before for change in self._changes]

    def utcoffset(self, moment: datetime | None) -> timedelta:
        """The offset from UTC at a wall-clock time."""
        if moment is None:
            return _NEVER
        wall = moment.replace(tzinfo=None, fold=0)
        place = bisect_right(self._walls, wall)
        if moment.fold:
            following = self._changes[place] if place < len(self._changes) else None
            if following is not None and wall >= following.wall - (following.before - following.after):
                place += 1
        elif place and wall < self._walls[place - 1] + self._changes[place - 1].after - self._changes[place - 1].before:
            place -= 1
        return self._offset(place)

    def dst(self, moment: datetime | None) -> timedelta:
        """Nothing: what a zone calls summer time does not matter here."""
        del moment
        return _NEVER

    def tzname(self, moment: datetime | None) -> str:
        """What the file calls it."""
        del moment
        return self._name

    def fromutc(self, moment: datetime) -> datetime:
        """What the clocks show at an instant."""
        instant = moment.replace(tzinfo=None)
        place = bisect_right(self._instants, instant)
        wall = instant + self._offset(place)
        shown_again = place > 0 and wall < self._walls[place - 1]
        return wall.replace(tzinfo=self, fold=int(shown_again))

    def _offset(self, place: int) -> timedelta:
        return self._changes[place - 1].after if place else self._changes[0].before


@dataclass(frozen=True, slots=True)
class ForeignCalendar:
    """A calendar that somebody else wrote, with the zones that it defines."""

    calendar: Calendar
    zones: Mapping[str, tzinfo]

    def zoned(self, moment: date, parameters: Mapping[str, Any]) -> date:
        """A moment in the zone that its parameters name, where only this file knows it; else as it is."""
        if isinstance(moment, datetime) and moment.tzinfo is None:
            return moment.replace(tzinfo=self.zones.get(str(parameters.get("TZID", "")).strip("/")))
        return moment


class _Parser(CalendarIcalParser):
    def handle_begin_component(self, vals: str) -> None:
        if len(self._stack) == MOST_LEVELS:
            raise ValueError("parts lie in parts that lie in parts")
        super().handle_begin_component(vals)

    def handle_end_component(self, vals: str) -> None:
        # Under its own name the library would keep the zone for all files to come, and expand its rules.
        super().handle_end_component("X-ZONE" if vals.upper() == "VTIMEZONE" else vals)

    def handle_property(self, name: str, params: Any, vals: str, line: Any) -> None:
        named = params.get("TZID") if params else None
        if isinstance(named, str) and named.startswith("/"):
            params["TZID"] = _without_vendor(named)
        super().handle_property(name, params, vals, line)

    def prepare_components(self) -> None:
        """Nothing: zones are looked up once everything is read."""


def _without_vendor(name: str) -> str:
    """The IANA name at the end of a globally unique one (RFC 5545, 3.2.19), such as `/vendor/Europe/Berlin`."""
    parts = name.strip("/").split("/")[-3:]
    for start in range(len(parts)):
        with suppress(UnknownTimeZone):
            return zone_named("/".join(parts[start:])).key
    return name.strip("/")


def read_calendar(text: bytes) -> ForeignCalendar:
    """The calendar in a file.

    Raises:
        NotACalendar: it cannot be read.
        RuleExplodes: a zone of its own has rules that are not yearly, or too many of them.
    """
    try:
        parts: list[Component] = _Parser(text.decode("utf-8-sig"), ComponentFactory(), Calendar.types_factory).parse()
        if len(parts) != 1 or not isinstance(parts[0], Calendar):
            raise NotACalendar("This is not an iCalendar file.")
        return ForeignCalendar(parts[0], _zones(parts[0]))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError) as malformed:
        raise NotACalendar("This cannot be read as an iCalendar file. Export it again.") from malformed


def _zones(calendar: Calendar) -> dict[str, tzinfo]:
    blocks = calendar.walk("VTIMEZONE")
    observances = [(block, part) for block in blocks for part in block.subcomponents if part.name in _PARTS]
    if len(observances) > MOST_OBSERVANCES:
        raise RuleExplodes("This calendar defines too many time zones. Export the next six months only.")
    changes: dict[str, list[Change]] = defaultdict(list)
    left, steps = MOST_CHANGES, Steps(MOST_STEPS)
    for block, part in observances:
        found = list(islice(_changes(part, steps), left + 1))
        left -= len(found)
        if left < 0:
            raise RuleExplodes("The time zones of this calendar change too often. Export the next six months only.")
        changes[_without_vendor(str(block["TZID"]))] += found
    return {name: WrittenZone(name, found) for name, found in changes.items()}


def _changes(observance: Any, steps: Steps) -> Iterator[Change]:
    """Every change of the clocks to what this part of a zone says."""
    before, after = observance["TZOFFSETFROM"].td, observance["TZOFFSETTO"].td
    onset = _wall(observance["DTSTART"].dt)
    yield Change(onset, before, after)
    for added in listed(observance.get("RDATE")):
        for one in added.dts:
            yield Change(_wall(one.dt), before, after)
    for rule in listed(observance.get("RRULE")):
        parts = {name.upper(): listed(value) for name, value in rule.items()}
        if str(parts["FREQ"][0]).upper() != "YEARLY" or set(parts) - _YEARLY or int(parts.get("INTERVAL", [1])[0]) < 1:
            raise RuleExplodes("This calendar has a time zone whose clocks change by other than yearly rules.")
        until: datetime | None = None
        for ends in parts.get("UNTIL", ()):
            in_utc = isinstance(ends, datetime) and ends.tzinfo is not None
            until = _wall(ends) + before if in_utc else _wall(ends)
        between = {"since": datetime(FIRST_YEAR, 1, 1), "until": datetime(LAST_YEAR, 1, 1)}  # noqa: DTZ001 - wall clocks
        for start in starts(rule_of(rule.to_ical().decode(), until=until), onset, **between, steps=steps):
            yield Change(start, before, after)


def _wall(moment: date) -> datetime:
    if isinstance(moment, datetime):
        return moment.replace(tzinfo=None)
    return datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001 - a wall clock


def listed(value: Any) -> list[Any]:
    """What the library gives as nothing, one, or several, as a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
