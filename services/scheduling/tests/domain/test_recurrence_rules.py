"""Recurrence rules give the dates that another library gives, and end also where they never match."""

import time as clock
from datetime import datetime, timedelta

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as some

from tandem_scheduling.domain.recurrence_rules import WEEKDAYS, RuleExplodes, Steps, rule_of, starts

MONDAY = datetime(2027, 3, 1, 10)  # noqa: DTZ001 - wall clocks, here and below


def listed(text: str, *, begins: datetime = MONDAY, days: int = 366, steps: int = 100_000) -> list[datetime]:
    until = begins + timedelta(days=days)
    return list(starts(rule_of(text, until=None), begins, since=begins, until=until, steps=Steps(steps)))


def numbers(low: int, high: int) -> some.SearchStrategy[str]:
    chosen = some.lists(some.integers(low, high).filter(bool), min_size=1, max_size=4, unique=True)
    return chosen.map(lambda found: ",".join(map(str, found)))


plain = some.lists(some.sampled_from(WEEKDAYS), min_size=1, max_size=4, unique=True).map(",".join)
ordinal = some.builds("{}{}".format, some.integers(-6, 6).filter(bool), some.sampled_from(WEEKDAYS))
PARTS = {
    "BYMONTH": numbers(1, 12),
    "BYMONTHDAY": numbers(-31, 31),
    "BYYEARDAY": numbers(-366, 366),
    "BYHOUR": numbers(1, 23),
    "BYMINUTE": numbers(1, 59),
    "WKST": some.sampled_from(WEEKDAYS),
    "COUNT": some.integers(1, 40).map(str),
    "INTERVAL": some.integers(1, 13).map(str),
}


@some.composite
def rules(draw: some.DrawFn) -> str:
    frequency = draw(some.sampled_from(("DAILY", "WEEKLY", "MONTHLY", "YEARLY")))
    parts = {name: draw(PARTS[name]) for name in draw(some.sets(some.sampled_from(sorted(PARTS)), max_size=4))}
    weekdays = some.one_of(plain, ordinal) if frequency in ("MONTHLY", "YEARLY") else plain
    if draw(some.booleans()):
        parts["BYDAY"] = draw(weekdays)
    if frequency == "YEARLY" and draw(some.integers(0, 3)) == 0:
        parts["BYWEEKNO"] = draw(numbers(-53, 53))
    # The library counts the positions of a first week from the beginning, not from its first day.
    if frequency != "WEEKLY" and draw(some.integers(0, 3)) == 0:
        parts["BYSETPOS"] = draw(numbers(-5, 5))
    return ";".join((f"FREQ={frequency}", *(f"{name}={value}" for name, value in parts.items())))


# Shortly before the year 9999 also the library comes to the end of a rule that never matches.
@given(rules(), some.integers(0, 3000), some.integers(0, 1500), some.integers(1, 600))
def test_a_rule_has_the_dates_that_another_library_gives(text: str, day: int, later: int, length: int) -> None:
    begins = datetime(9984, 1, 1, 9, 30) + timedelta(days=day)  # noqa: DTZ001
    since = begins + timedelta(days=later)
    until = since + timedelta(days=length)
    found = list(starts(rule_of(text, until=None), begins, since=since, until=until, steps=Steps(1_000_000)))
    assert found == rrulestr(text, dtstart=begins).between(since, until, inc=True)


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=DAILY;INTERVAL=7;BYDAY=TU;COUNT=1",
        "FREQ=DAILY;INTERVAL=7;BYDAY=TU",
        "FREQ=MONTHLY;BYDAY=6MO;COUNT=1",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29;COUNT=9",
        "FREQ=MONTHLY;BYSETPOS=40;BYDAY=MO",
        "FREQ=DAILY;INTERVAL=1000000000000",
        "FREQ=YEARLY;INTERVAL=1000000000000;COUNT=9",
    ],
)
def test_a_rule_that_never_matches_again_looks_at_no_more_than_the_time_that_is_asked_for(text: str) -> None:
    assert listed(text, begins=MONDAY, steps=400) in ([], [MONDAY])


def test_what_is_counted_is_counted_from_the_beginning() -> None:
    rule, since = rule_of("FREQ=WEEKLY;COUNT=6", until=None), MONDAY + timedelta(weeks=4)
    last = list(starts(rule, MONDAY, since=since, until=since + timedelta(weeks=52), steps=Steps(1000)))
    assert last == [MONDAY + timedelta(weeks=4), MONDAY + timedelta(weeks=5)]


def test_an_old_rule_costs_no_more_than_a_new_one() -> None:
    rule = rule_of("FREQ=WEEKLY;INTERVAL=2", until=None)
    old = datetime(1927, 3, 1, 10)  # noqa: DTZ001
    found = starts(rule, old, since=MONDAY, until=MONDAY + timedelta(weeks=4), steps=Steps(40))
    assert len(list(found)) == 2


def test_every_first_monday_and_every_friday_are_both_days_of_a_rule() -> None:
    assert [one.day for one in listed("FREQ=MONTHLY;BYDAY=1MO,FR", days=30)] == [1, 5, 12, 19, 26]


def test_the_last_working_day_of_a_week_is_looked_for_in_the_whole_week() -> None:
    found = listed("FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=1", begins=MONDAY + timedelta(days=1), days=14)
    assert [one.day for one in found] == [8, 15]


def test_a_rule_by_the_second_stops_where_no_steps_are_left() -> None:
    every = ",".join(map(str, range(60)))
    began = clock.perf_counter()
    with pytest.raises(RuleExplodes):
        listed(f"FREQ=DAILY;BYHOUR={','.join(map(str, range(24)))};BYMINUTE={every};BYSECOND={every}", steps=500_000)
    assert clock.perf_counter() - began < 5


@pytest.mark.parametrize(
    "text", ["FREQ=HOURLY", "FREQ=MINUTELY;COUNT=2", "FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;INTERVAL=-1"]
)
def test_what_repeats_by_the_hour_or_at_once_is_refused(text: str) -> None:
    with pytest.raises(RuleExplodes):
        rule_of(text, until=None)


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=SOMETIMES",
        "COUNT=3",
        "FREQ=DAILY;BYDAY=XX",
        "FREQ=DAILY;BYHOUR=24",
        "FREQ=DAILY;BYHOUR=-1",
        "FREQ=YEARLY;BYMONTH=13",
        "FREQ=DAILY;COUNT=many",
        "FREQ=DAILY;BYFEELING=1",
        "FREQ=DAILY;BYMONTH=",
    ],
)
def test_a_malformed_rule_is_refused(text: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        rule_of(text, until=None)
