"""When people are free, over zones, clock changes, holidays and the files of their own calendars."""

import time as clock
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import recurring_ical_events
from hypothesis import given
from hypothesis import strategies as some
from icalendar import Calendar

from tandem_scheduling.domain.availability import (
    Availability,
    HoursRefused,
    OutsideWindows,
    Span,
    UnknownRegion,
    common_spans,
    free_together,
    holidays_of,
    intersect,
    merged,
    require_offered,
    require_sound,
    suggestions,
    without,
    working_spans,
)
from tandem_scheduling.domain.calendars.busy import CalendarTooLarge, busy_spans
from tandem_scheduling.domain.calendars.reading import NotACalendar
from tandem_scheduling.domain.recurrence_rules import RuleExplodes

BERLIN, NEW_YORK, KOLKATA = (ZoneInfo(name) for name in ("Europe/Berlin", "America/New_York", "Asia/Kolkata"))
MONDAY = datetime(2027, 3, 1, tzinfo=UTC)
WEEK = timedelta(weeks=1)
ALL_DAY = dict.fromkeys(range(7), ((0, 1440),))


def shown(spans: list[Span]) -> list[str]:
    return [
        f"{datetime.fromtimestamp(begin, UTC):%d %H:%M}-{datetime.fromtimestamp(end, UTC):%H:%M}"
        for begin, end in spans
    ]


def test_office_hours_are_those_of_everybodys_own_clocks() -> None:
    berlin = working_spans(Availability(zone=BERLIN), since=MONDAY, until=MONDAY + WEEK)
    assert shown(berlin)[:2] == ["01 08:00-16:00", "02 08:00-16:00"]
    assert len(berlin) == 5
    new_york = working_spans(Availability(zone=NEW_YORK), since=MONDAY, until=MONDAY + WEEK)
    assert shown(common_spans([berlin, new_york]))[0] == "01 14:00-16:00"


def test_between_two_clock_changes_the_common_hours_of_berlin_and_new_york_are_others() -> None:
    since = datetime(2027, 3, 12, tzinfo=UTC)
    both = [Availability(zone=zone) for zone in (BERLIN, NEW_YORK)]
    days = {text[:2]: text[3:] for text in shown(free_together(both, [], since=since, until=since + 3 * WEEK))}
    assert days["12"] == "14:00-16:00"
    assert days["15"] == "13:00-16:00", "New York has changed its clocks, Berlin has not"
    assert days["29"] == "13:00-15:00"


def test_holidays_and_exceptional_days_are_free_and_sessions_take_time() -> None:
    wednesday = int(datetime(2027, 3, 24, 9, tzinfo=UTC).timestamp())
    somebody = Availability(
        zone=BERLIN, holidays="DE-BE", exceptions={date(2027, 3, 23): (), date(2027, 3, 25): ((600, 660),)}
    )
    since = datetime(2027, 3, 22, tzinfo=UTC)
    taken = [(wednesday, wednesday + 3600)]
    found = shown(free_together([somebody], [taken], since=since, until=since + WEEK))
    assert found == ["22 08:00-16:00", "24 08:00-09:00", "24 10:00-16:00", "25 09:00-10:00"]
    assert date(2027, 3, 8) in holidays_of("DE-BE", 2027)
    assert date(2027, 3, 8) not in holidays_of("DE-BY", 2027)
    for unknown in ("XX", "DE-ZZ"):
        with pytest.raises(UnknownRegion):
            holidays_of(unknown, 2027)


def test_hours_that_end_before_they_begin_or_overlap_are_refused() -> None:
    assert require_sound([(600, 720), (480, 600)], where="hours") == ((480, 600), (600, 720))
    for spans in ([(600, 600)], [(700, 600)], [(480, 610), (600, 720)]):
        with pytest.raises(HoursRefused):
            require_sound(spans, where="hours")


def test_a_mentee_books_within_the_mentors_windows() -> None:
    mentor = Availability(zone=BERLIN, windows={1: ((600, 720),)})
    tuesday_ten = datetime(2027, 3, 2, 9, tzinfo=UTC)
    require_offered(tuesday_ten, tuesday_ten + timedelta(hours=2), mentor)
    for begins in (tuesday_ten + timedelta(minutes=15), tuesday_ten + timedelta(days=1)):
        with pytest.raises(OutsideWindows):
            require_offered(begins, begins + timedelta(hours=2), mentor)
    require_offered(tuesday_ten - timedelta(hours=8), tuesday_ten, Availability(zone=BERLIN))


def test_suggestions_lie_on_the_quarter_hour_and_a_few_on_each_day() -> None:
    begin = int(datetime(2027, 3, 2, 9, 7, tzinfo=UTC).timestamp())
    found = suggestions(
        [(begin, begin + 6 * 3600), (begin + 86_400, begin + 86_400 + 3600)], length=timedelta(hours=1), most=9
    )
    assert [f"{one:%d %H:%M}" for one in found] == ["02 09:15", "02 10:15", "02 11:15"]


spans = some.lists(some.tuples(some.integers(0, 200), some.integers(1, 40)), max_size=12).map(
    lambda pairs: [(begin, begin + length) for begin, length in pairs]
)


@given(spans, spans)
def test_spans_are_intersected_and_taken_away_as_sets_of_seconds(left: list[Span], right: list[Span]) -> None:
    def seconds(listed: list[Span]) -> set[int]:
        return {second for begin, end in listed for second in range(begin, end)}

    one, other = merged(left), merged(right)
    assert seconds(intersect(one, other)) == seconds(left) & seconds(right)
    assert seconds(without(one, right)) == seconds(left) - seconds(right)
    assert seconds(one) == seconds(left)
    assert common_spans([one, other]) == intersect(one, other)


@given(
    some.lists(some.tuples(some.sampled_from((BERLIN, NEW_YORK, KOLKATA)), spans), min_size=1, max_size=4),
    some.sampled_from((datetime(2027, 3, 27, 5, tzinfo=UTC), datetime(2027, 10, 30, 5, tzinfo=UTC))),
)
def test_several_are_free_together_in_the_minutes_in_which_each_is_free(
    people: list[tuple[ZoneInfo, list[Span]]], since: datetime
) -> None:
    until, first = since + timedelta(days=3), int(since.timestamp())
    hours = dict.fromkeys(range(7), ((0, 90), (480, 1020), (1380, 1440)))
    taken = [[(first + 600 * begin, first + 600 * end) for begin, end in spans] for _, spans in people]
    found = free_together([Availability(zone=zone, hours=hours) for zone, _ in people], taken, since=since, until=until)

    def free(moment: int) -> bool:
        if any(begin <= moment < end for spans in taken for begin, end in spans):
            return False
        walls = [datetime.fromtimestamp(moment, zone) for zone, _ in people]
        minutes = [wall.hour * 60 + wall.minute for wall in walls]
        return all(any(begin <= minute < end for begin, end in hours[0]) for minute in minutes)

    moments = range(first, int(until.timestamp()), 600)
    assert [moment for moment in moments if any(begin <= moment < end for begin, end in found)] == [
        moment for moment in moments if free(moment)
    ]


def test_free_time_over_midnight_is_one_span() -> None:
    always = [Availability(zone=zone, hours=ALL_DAY) for zone in (BERLIN, KOLKATA)]
    free = free_together(always, [], since=MONDAY, until=MONDAY + WEEK)
    assert free == [(int(MONDAY.timestamp()), int((MONDAY + WEEK).timestamp()))]
    assert common_spans([]) == []


CALENDAR = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//Somebody//EN\r
{events}\r
END:VCALENDAR\r
"""


def event(*lines: str) -> str:
    return "\r\n".join(["BEGIN:VEVENT", "DTSTAMP:20270101T000000Z", *lines, "END:VEVENT"])


def read(*events: str, weeks: int = 26) -> list[Span]:
    text = CALENDAR.format(events="\r\n".join(events)).encode()
    return busy_spans(text, zone=BERLIN, since=MONDAY, until=MONDAY + weeks * WEEK, own_domain="tandem.test")


def test_only_what_takes_time_is_busy_and_our_own_sessions_are_left_out() -> None:
    day = ("DTSTART:20270303T100000Z", "DTEND:20270303T110000Z")
    found = read(
        event("UID:1", *day),
        event("UID:2@tandem.test", "DTSTART:20270304T100000Z", "DTEND:20270304T110000Z"),
        event("UID:3", "TRANSP:TRANSPARENT", "DTSTART:20270305T100000Z", "DTEND:20270305T110000Z"),
        event("UID:4", "STATUS:CANCELLED", "DTSTART:20270306T100000Z", "DTEND:20270306T110000Z"),
        event("UID:5", "DTSTART;VALUE=DATE:20270307"),
        event("UID:6", "DTSTART:20270303T104500Z", "DURATION:PT30M"),
        event("UID:7", "DTSTART:20260303T100000Z", "DTEND:20260303T110000Z"),
    )
    assert shown(found) == ["03 10:00-11:15", "06 23:00-23:00"]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"])
def test_recurring_events_expand_as_another_library_expands_them(zone: str) -> None:
    weekly = event(
        "UID:1",
        f"DTSTART;TZID={zone}:20260105T093000",
        f"DTEND;TZID={zone}:20260105T101500",
        "RRULE:FREQ=WEEKLY;BYDAY=MO,TH",
        f"EXDATE;TZID={zone}:20270308T093000",
    )
    moved = event(
        "UID:1",
        f"RECURRENCE-ID;TZID={zone}:20270311T093000",
        f"DTSTART;TZID={zone}:20270312T093000",
        f"DTEND;TZID={zone}:20270312T101500",
    )
    monthly = event("UID:2", f"DTSTART;TZID={zone}:20260131T140000", "DURATION:PT1H", "RRULE:FREQ=MONTHLY;COUNT=20")
    calendar = Calendar.from_ical(CALENDAR.format(events="\r\n".join((weekly, moved, monthly))))
    wanted = merged(
        (int(one["DTSTART"].dt.timestamp()), int(one.end.timestamp()))
        for one in recurring_ical_events.of(calendar).between(MONDAY, MONDAY + 26 * WEEK)
    )
    assert read(weekly, moved, monthly) == wanted
    assert len(wanted) > 50


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=HOURLY;COUNT=5",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;BYHOUR=0,1,2,3,4,5;BYMINUTE=0,1,2,3,4,5,6,7,8,9;BYSECOND=0,1,2,3,4,5,6,7,8,9,10",
        "FREQ=SOMETIMES",
    ],
)
def test_a_rule_that_explodes_is_refused_at_once(rule: str) -> None:
    began = clock.perf_counter()
    with pytest.raises((RuleExplodes, NotACalendar)):
        read(*(event(f"UID:{number}", "DTSTART:20200101T100000Z", f"RRULE:{rule}") for number in range(2)))
    assert clock.perf_counter() - began < 5


@pytest.mark.parametrize(
    ("rule", "times"),
    [
        ("FREQ=DAILY;INTERVAL=7;BYDAY=TU;COUNT=1", 0),
        ("FREQ=DAILY;INTERVAL=7;BYDAY=TU", 0),
        ("FREQ=MONTHLY;BYDAY=6MO;COUNT=1", 0),
        ("FREQ=DAILY;COUNT=3;BYMONTH=2;BYMONTHDAY=30", 0),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", 0),
        ("FREQ=WEEKLY;COUNT=100000000", 26),
        ("FREQ=WEEKLY;COUNT=3", 3),
    ],
)
def test_a_hundred_rules_that_never_match_or_count_far_take_no_time(rule: str, times: int) -> None:
    began = clock.perf_counter()
    every = [
        event(f"UID:{number}", "DTSTART:20270301T100000Z", "DURATION:PT1H", f"RRULE:{rule}") for number in range(100)
    ]
    assert len(read(*every)) == times
    assert clock.perf_counter() - began < 3


def test_what_counts_from_long_ago_is_over() -> None:
    counted = event("UID:1", "DTSTART:20260301T100000Z", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=54")
    assert shown(read(counted)) == ["07 10:00-11:00"]


def test_a_calendar_with_more_times_than_a_half_year_has_room_for_is_refused() -> None:
    every = ",".join(map(str, range(60)))
    rule = f"RRULE:FREQ=DAILY;BYHOUR=8,9;BYMINUTE={every}"
    with pytest.raises(RuleExplodes, match="10000 times"):
        read(event("UID:1", "DTSTART:20270301T080000Z", "DURATION:PT30S", rule))
    days = [
        f"DTSTART:20270301T{number // 3600 % 24:02}{number // 60 % 60:02}{number % 60:02}Z" for number in range(2000)
    ]
    several = [event(f"UID:{number}", day, "DURATION:PT1S", "RRULE:FREQ=MONTHLY") for number, day in enumerate(days)]
    with pytest.raises(RuleExplodes, match="10000 times"):
        read(*several)


def test_further_dates_and_exceptions_count_also_without_a_rule() -> None:
    found = read(
        event(
            "UID:1",
            "DTSTART;TZID=Europe/Berlin:20270303T100000",
            "DURATION:PT1H",
            "RDATE;TZID=Europe/Berlin:20270304T100000,20270305T100000",
            "RDATE;VALUE=PERIOD:20270306T080000Z/PT30M,20270306T100000Z/20270306T103000Z",
            "EXDATE;TZID=Europe/Berlin:20270304T100000",
        ),
        event(
            "UID:1",
            "RECURRENCE-ID;TZID=Europe/Berlin:20270305T100000",
            "DTSTART;TZID=Europe/Berlin:20270305T120000",
            "DURATION:PT1H",
        ),
    )
    assert shown(found) == ["03 09:00-10:00", "05 11:00-12:00", "06 08:00-08:30", "06 10:00-10:30"]


def test_a_calendar_that_tells_only_when_somebody_is_busy_is_read() -> None:
    published = "\r\n".join(
        (
            "BEGIN:VFREEBUSY",
            "UID:1",
            "DTSTAMP:20270101T000000Z",
            "DTSTART:20270301T000000Z",
            "DTEND:20270401T000000Z",
            "FREEBUSY:20270303T100000Z/PT1H,20270304T100000Z/20270304T113000Z",
            "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20270305T100000Z/PT1H",
            "FREEBUSY;FBTYPE=FREE:20270306T100000Z/PT1H",
            "FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20260305T100000Z/PT1H",
            "END:VFREEBUSY",
        )
    )
    assert shown(read(published)) == ["03 10:00-11:00", "04 10:00-11:30", "05 10:00-11:00"]


def test_parts_that_lie_in_parts_without_end_are_refused_at_once() -> None:
    began = clock.perf_counter()
    with pytest.raises(NotACalendar):
        read("BEGIN:VTODO\r\n" * 80_000 + "END:VTODO\r\n" * 80_000)
    assert clock.perf_counter() - began < 5


def test_an_endless_rule_ends_with_the_time_that_is_asked_for() -> None:
    assert len(read(event("UID:1", "DTSTART:20200101T100000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY"), weeks=2)) == 14


@pytest.mark.parametrize(
    "text", [b"", b"nonsense", b"\xff\x00", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VEVENT\r\nEND:VCALENDAR"]
)
def test_what_is_no_calendar_is_refused(text: bytes) -> None:
    with pytest.raises(NotACalendar):
        busy_spans(text, zone=BERLIN, since=MONDAY, until=MONDAY + WEEK, own_domain="tandem.test")


def test_a_calendar_of_ten_megabytes_is_refused_unread() -> None:
    with pytest.raises(CalendarTooLarge):
        busy_spans(b"x" * 10_000_000, zone=BERLIN, since=MONDAY, until=MONDAY + WEEK, own_domain="tandem.test")
