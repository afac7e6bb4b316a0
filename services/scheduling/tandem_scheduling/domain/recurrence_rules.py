"""Recurrence rules (RFC 5545, 3.3.10) by the wall clock, walked no further than asked.

The usual library looks for the end of a rule only where the rule matches: one that never does is followed to the year
9999. Here every day that is looked at counts, and between two moments there are only so many.
"""

import re
from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from tandem_chassis.errors import Invalid

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_WEEKDAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_NUMBERS = {
    "BYMONTH": ("months", 12),
    "BYMONTHDAY": ("month_days", 31),
    "BYYEARDAY": ("year_days", 366),
    "BYWEEKNO": ("weeks", 53),
    "BYHOUR": ("hours", 23),
    "BYMINUTE": ("minutes", 59),
    "BYSECOND": ("seconds", 59),
    "BYSETPOS": ("positions", 366),
}
_FROM_THE_END = {"BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS"}


class RuleExplodes(Invalid):
    """A recurrence that would take longer to expand than a calendar is worth."""


@dataclass(slots=True)
class Steps:
    """How many more moments all rules of a file may look at together: more would block everybody else."""

    left: int

    def take(self, number: int) -> None:
        """Look at so many.

        Raises:
            RuleExplodes: that is more than are left.
        """
        self.left -= number
        if self.left < 0:
            raise RuleExplodes("The rules of this calendar go on for too long. Export the next six months only.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How something repeats. A weekday has an ordinal (the first, the last, ...), or 0 for every one; 0 is Monday."""

    frequency: str
    interval: int = 1
    count: int | None = None
    until: datetime | None = None
    week_start: int = 0
    weekdays: tuple[tuple[int, int], ...] = ()
    months: tuple[int, ...] = ()
    month_days: tuple[int, ...] = ()
    year_days: tuple[int, ...] = ()
    weeks: tuple[int, ...] = ()
    hours: tuple[int, ...] = ()
    minutes: tuple[int, ...] = ()
    seconds: tuple[int, ...] = ()
    positions: tuple[int, ...] = ()


def rule_of(text: str, *, until: datetime | None) -> Rule:
    """The rule that a calendar writes; `until` is its UNTIL, if it has one, by the wall clock of its beginning.

    Raises:
        RuleExplodes: it repeats by the hour or finer, or at once for ever.
        ValueError: it is malformed.
    """
    parts = dict(part.upper().split("=", 1) for part in text.split(";") if part)
    frequency, interval = parts.pop("FREQ"), int(parts.pop("INTERVAL", "1"))
    if frequency in ("SECONDLY", "MINUTELY", "HOURLY"):
        raise RuleExplodes("This calendar has an event that repeats by the hour or finer. Take it out.")
    if interval < 1:
        raise RuleExplodes("This calendar has an event that repeats at once, for ever. Take it out.")
    if frequency not in _FREQUENCIES:
        raise ValueError(f"no frequency: {frequency}")
    parts.pop("UNTIL", None)
    count = parts.pop("COUNT", None)
    return Rule(
        frequency=frequency,
        interval=interval,
        count=int(count) if count is not None else None,
        until=until,
        week_start=WEEKDAYS.index(parts.pop("WKST", "MO")),
        weekdays=tuple(_weekday(written) for written in _listed(parts.pop("BYDAY", ""))),
        **_numbers(parts),
    )


def _listed(text: str) -> list[str]:
    return text.split(",") if text else []


def _weekday(written: str) -> tuple[int, int]:
    found = _WEEKDAY.fullmatch(written)
    if found is None:
        raise ValueError(f"no weekday: {written}")
    return int(found[1] or 0), WEEKDAYS.index(found[2])


def _numbers(parts: Mapping[str, str]) -> dict[str, Any]:
    numbers: dict[str, Any] = {}
    for name, text in parts.items():
        field, most = _NUMBERS[name]
        found = tuple(sorted({int(number) for number in text.split(",")}))
        if found[-1] > most or found[0] < (-most if name in _FROM_THE_END else 0):
            raise ValueError(f"{name} goes beyond {most}")
        numbers[field] = found
    return numbers


def starts(rule: Rule, begins: datetime, *, since: datetime, until: datetime, steps: Steps) -> Iterator[datetime]:
    """Every start between two moments, both inclusive, in order; of what begins at `begins`. All without a zone.

    Raises:
        RuleExplodes: no steps are left.
    """
    last = min(until, rule.until) if rule.until is not None else until
    whole = _completed(rule, begins)
    clocks = [
        time(hour, minute, second) for hour in whole.hours for minute in whole.minutes for second in whole.seconds
    ]
    found = 0
    # Whoever counts, counts from the beginning.
    first = begins if rule.count is not None else max(begins, since)
    for days in _periods(whole, begins.date(), first.date(), last.date()):
        steps.take(max(len(days), 1) * len(clocks))
        for start in _chosen(whole.positions, [day for day in days if _matches(whole, day)], clocks):
            if start < begins:
                continue
            found += 1
            if start > last or (rule.count is not None and found > rule.count):
                return
            if start >= since:
                yield start


def _completed(rule: Rule, begins: datetime) -> Rule:
    """The rule with what its beginning says where the rule itself says nothing."""
    rule = replace(
        rule,
        hours=rule.hours or (begins.hour,),
        minutes=rule.minutes or (begins.minute,),
        seconds=rule.seconds or (begins.second,),
    )
    if rule.weekdays or rule.month_days or rule.year_days or rule.weeks or rule.frequency == "DAILY":
        return rule
    if rule.frequency == "WEEKLY":
        return replace(rule, weekdays=((0, begins.weekday()),))
    months = rule.months or (begins.month,) if rule.frequency == "YEARLY" else rule.months
    return replace(rule, months=months, month_days=(begins.day,))


def _periods(rule: Rule, begins: date, first: date, last: date) -> Iterator[list[date]]:
    """The days of each day, week, month or year of a rule, from the one in which `first` lies."""
    if rule.frequency in ("DAILY", "WEEKLY"):
        size = 7 if rule.frequency == "WEEKLY" else 1
        origin = begins.toordinal() - ((begins.weekday() - rule.week_start) % 7 if size == 7 else 0)
        length = rule.interval * size
        skipped = max(first.toordinal() - origin, 0) // length
        for ordinal in range(origin + skipped * length, last.toordinal() + 1, length):
            yield [date.fromordinal(day) for day in range(max(ordinal, 1), ordinal + size)]
        return
    size = 12 if rule.frequency == "YEARLY" else 1
    origin = begins.year * 12 + (0 if size == 12 else begins.month - 1)
    length = rule.interval * size
    skipped = max(first.year * 12 + first.month - 1 - origin, 0) // length
    for month in range(origin + skipped * length, last.year * 12 + last.month, length):
        yield [
            date(one // 12, one % 12 + 1, day)
            for one in range(month, month + size)
            if not rule.months or one % 12 + 1 in rule.months
            for day in _days(rule, monthrange(one // 12, one % 12 + 1)[1])
        ]


def _days(rule: Rule, most: int) -> Sequence[int]:
    """The days of a month of this length that come into question."""
    if not rule.month_days:
        return range(1, most + 1)
    numbers = {number if number > 0 else most + number + 1 for number in rule.month_days}
    return sorted(number for number in numbers if 1 <= number <= most)


def _matches(rule: Rule, day: date) -> bool:
    if rule.months and day.month not in rule.months:
        return False
    if rule.weekdays and not _is_weekday(rule, day):
        return False
    # Of months and years only those days are looked at.
    if (
        rule.month_days
        and rule.frequency in ("DAILY", "WEEKLY")
        and not _either(day.day, monthrange(day.year, day.month)[1], rule.month_days)
    ):
        return False
    if rule.year_days and not _either(_day_of_year(day), _day_of_year(date(day.year, 12, 31)), rule.year_days):
        return False
    return not rule.weeks or _either(*_week(day, rule.week_start), rule.weeks)


def _either(number: int, most: int, wanted: tuple[int, ...]) -> bool:
    """Whether the number is wanted, counted from the beginning, or from the end with -1 for the last."""
    return number in wanted or number - most - 1 in wanted


def _is_weekday(rule: Rule, day: date) -> bool:
    wanted = day.weekday()
    for ordinal, weekday in rule.weekdays:
        if weekday == wanted and (ordinal == 0 or _is_ordinal(rule, day, ordinal)):
            return True
    return False


def _is_ordinal(rule: Rule, day: date, ordinal: int) -> bool:
    """Whether a day is the first, the last, ... of its weekday, in its month or its year."""
    if rule.frequency in ("DAILY", "WEEKLY"):
        return True
    if rule.frequency == "YEARLY" and not rule.months:
        number, most = _day_of_year(day), _day_of_year(date(day.year, 12, 31))
    else:
        number, most = day.day, monthrange(day.year, day.month)[1]
    return ordinal == ((number - 1) // 7 + 1 if ordinal > 0 else -((most - number) // 7 + 1))


def _day_of_year(day: date) -> int:
    return day.timetuple().tm_yday


def _week(day: date, week_start: int) -> tuple[int, int]:
    """Which week of its year a day lies in, and how many weeks that year has: a week is of the year of its middle."""
    middle = day - timedelta(days=(day.weekday() - week_start) % 7 - 3)
    end = date(middle.year, 12, 31)
    last = end - timedelta(days=(end.weekday() - week_start - 3) % 7)
    return (_day_of_year(middle) - 1) // 7 + 1, (_day_of_year(last) - 1) // 7 + 1


def _chosen(positions: tuple[int, ...], days: list[date], clocks: list[time]) -> Iterator[datetime]:
    """The moments of a period, or those at these positions among them, from the end where they are below 0."""
    if not positions:
        yield from (datetime.combine(day, clock) for day in days for clock in clocks)
        return
    number = len(days) * len(clocks)
    places = sorted({position - 1 if position > 0 else number + position for position in positions if position})
    for place in places:
        if 0 <= place < number:
            yield datetime.combine(days[place // len(clocks)], clocks[place % len(clocks)])
