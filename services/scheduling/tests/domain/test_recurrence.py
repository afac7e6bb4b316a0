"""The dates of a series, and series that are refused."""

import time as clock
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from tandem_scheduling.domain.recurrence import Recurrence, SeriesRefused, local_starts, recurrence_of, starts

BERLIN = ZoneInfo("Europe/Berlin")
TUESDAY = datetime(2027, 3, 2, 10, 0)  # noqa: DTZ001 - a wall clock


def test_every_second_tuesday_at_ten_stays_at_ten_when_the_clocks_change() -> None:
    found = starts(Recurrence(frequency="weekly", interval=2, count=4), TUESDAY, BERLIN)
    assert [one.astimezone(BERLIN).strftime("%m-%d %H:%M") for one in found] == [
        "03-02 10:00",
        "03-16 10:00",
        "03-30 10:00",
        "04-13 10:00",
    ]
    assert [one.hour for one in found] == [9, 9, 8, 8]
    assert all(one.tzinfo is UTC for one in found)


def test_exceptions_are_left_out_and_must_be_dates_of_the_series() -> None:
    weekly = Recurrence(frequency="weekly", count=3, except_dates=(date(2027, 3, 9),))
    assert [one.day for one in local_starts(weekly, TUESDAY)] == [2, 16]
    with pytest.raises(SeriesRefused, match="no date of the series"):
        local_starts(Recurrence(frequency="weekly", count=3, except_dates=(date(2027, 3, 10),)), TUESDAY)
    with pytest.raises(SeriesRefused, match="Every date"):
        local_starts(Recurrence(frequency="weekly", count=1, except_dates=(date(2027, 3, 2),)), TUESDAY)


@pytest.mark.parametrize(
    "recurrence",
    [
        Recurrence(frequency="weekly"),
        Recurrence(frequency="weekly", count=3, until=date(2027, 4, 1)),
        Recurrence(frequency="daily", until=date(2028, 4, 1)),
        Recurrence(frequency="monthly", interval=52, count=300),
        Recurrence(frequency="weekly", until=date(2037, 4, 1)),
        Recurrence(frequency="weekly", until=date(2027, 3, 1)),
        Recurrence(frequency="weekly", weekdays=("MO",), count=3),
        Recurrence(frequency="daily", interval=7, weekdays=("MO",), count=2),
        Recurrence(frequency="daily", interval=7, weekdays=("MO",), until=date(2028, 4, 1)),
    ],
)
def test_a_series_that_never_ends_explodes_or_misses_its_own_beginning_is_refused(recurrence: Recurrence) -> None:
    began = clock.perf_counter()
    with pytest.raises(SeriesRefused) as refused:
        local_starts(recurrence, TUESDAY)
    assert clock.perf_counter() - began < 0.3, "others wait meanwhile"
    assert refused.value.faults


def test_times_that_the_clocks_skip_or_double_are_named() -> None:
    at_half_past_two = datetime(2027, 3, 21, 2, 30)  # noqa: DTZ001 - a wall clock
    with pytest.raises(SeriesRefused, match="jump over 2027-03-28 02:30"):
        starts(Recurrence(frequency="weekly", count=3), at_half_past_two, BERLIN)
    autumn = datetime(2027, 10, 24, 2, 30)  # noqa: DTZ001 - a wall clock
    with pytest.raises(SeriesRefused, match="2027-10-31 02:30 twice"):
        starts(Recurrence(frequency="weekly", count=2), autumn, BERLIN)
    skipped = Recurrence(frequency="weekly", count=3, except_dates=(date(2027, 3, 28),))
    assert len(starts(skipped, at_half_past_two, BERLIN)) == 2


def test_a_recurrence_survives_its_document() -> None:
    recurrence = Recurrence(
        frequency="weekly", interval=2, weekdays=("TU", "TH"), until=date(2027, 9, 1), except_dates=(date(2027, 3, 4),)
    )
    assert recurrence_of(recurrence.as_document()) == recurrence
