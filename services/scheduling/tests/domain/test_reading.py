"""Calendars of others: their own time zones count for them alone, and nothing in them is followed without end."""

import time as clock
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tandem_scheduling.domain.availability import Span
from tandem_scheduling.domain.calendars.busy import busy_spans
from tandem_scheduling.domain.calendars.reading import NotACalendar, read_calendar
from tandem_scheduling.domain.recurrence_rules import RuleExplodes

MONDAY = datetime(2027, 3, 1, tzinfo=UTC)

CALENDAR = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//Somebody//EN\r
{parts}\r
END:VCALENDAR\r
"""


def observance(kind: str, begins: str, offsets: tuple[str, str], *lines: str) -> str:
    said = (f"DTSTART:{begins}", f"TZOFFSETFROM:{offsets[0]}", f"TZOFFSETTO:{offsets[1]}", *lines)
    return "\r\n".join((f"BEGIN:{kind}", *said, f"END:{kind}"))


def zone(name: str, *observances: str) -> str:
    return "\r\n".join(("BEGIN:VTIMEZONE", f"TZID:{name}", *observances, "END:VTIMEZONE"))


def meeting(name: str, *lines: str, begins: str = "20270302T100000") -> str:
    said = ("UID:1", f'DTSTART;TZID="{name}":{begins}', "DURATION:PT1H", *lines)
    return "\r\n".join(("BEGIN:VEVENT", *said, "END:VEVENT"))


def read(*parts: str, weeks: int = 26) -> list[Span]:
    text = CALENDAR.format(parts="\r\n".join(parts)).encode()
    return busy_spans(
        text, zone=ZoneInfo("UTC"), since=MONDAY, until=MONDAY + timedelta(weeks=weeks), own_domain="tandem.test"
    )


def begins(spans: list[Span]) -> list[datetime]:
    return [datetime.fromtimestamp(begin, UTC) for begin, _ in spans]


BERLIN = (
    observance("STANDARD", "16011028T030000", ("+0200", "+0100"), "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10"),
    observance("DAYLIGHT", "16010325T020000", ("+0100", "+0200"), "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3"),
)
NEW_YORK = (
    observance("STANDARD", "20071104T020000", ("-0400", "-0500"), "RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11"),
    observance("DAYLIGHT", "20070311T020000", ("-0500", "-0400"), "RRULE:FREQ=YEARLY;BYDAY=2SU;BYMONTH=3"),
)


@pytest.mark.parametrize(("known", "parts"), [("Europe/Berlin", BERLIN), ("America/New_York", NEW_YORK)])
def test_a_zone_that_a_file_defines_is_the_zone_of_its_rules(known: str, parts: tuple[str, ...]) -> None:
    weekly = "RRULE:FREQ=WEEKLY"
    own = read(zone("Our office", *parts), meeting("Our office", weekly), weeks=60)
    assert own == read(meeting(known, weekly), weeks=60)
    assert len(own) == 60
    later = read(meeting("Our office", weekly), zone("Our office", *parts), weeks=60)
    assert later == own, "it may be defined behind what uses it"


def test_the_same_name_means_another_zone_in_another_file() -> None:
    east = zone("Customized Time Zone", observance("STANDARD", "19700101T000000", ("+0500", "+0500")))
    west = zone("Customized Time Zone", observance("STANDARD", "19700101T000000", ("-0500", "-0500")))
    event = meeting("Customized Time Zone")
    assert begins(read(east, event)) == [MONDAY + timedelta(days=1, hours=5)]
    assert begins(read(west, event)) == [MONDAY + timedelta(days=1, hours=15)]
    assert begins(read(event)) == [MONDAY + timedelta(days=1, hours=10)], "undefined, it is the person's own"


@pytest.mark.parametrize("hour", range(5))
@pytest.mark.parametrize("day", ["2027-03-28", "2027-10-31"])
@pytest.mark.parametrize("fold", [0, 1])
def test_an_own_zone_agrees_with_the_data_of_the_system_when_the_clocks_change(day: str, hour: int, fold: int) -> None:
    text = CALENDAR.format(parts=zone("Our office", *BERLIN)).encode()
    office = read_calendar(text).zones["Our office"]
    wall = datetime.fromisoformat(f"{day}T0{hour}:30:00").replace(fold=fold)
    known = wall.replace(tzinfo=ZoneInfo("Europe/Berlin"))
    own = wall.replace(tzinfo=office)
    assert own.utcoffset() == known.utcoffset()
    shown, wanted = own.astimezone(UTC).astimezone(office), known.astimezone(UTC).astimezone(known.tzinfo)
    assert (shown.replace(tzinfo=None), shown.fold) == (wanted.replace(tzinfo=None), wanted.fold)


def test_names_that_other_programs_give_to_known_zones_are_known() -> None:
    wanted = read(meeting("Europe/Berlin"))
    assert read(meeting("W. Europe Standard Time")) == wanted
    assert read(meeting("/freeassociation.sourceforge.net/Europe/Berlin")) == wanted


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=DAILY",
        "FREQ=YEARLY;BYSECOND=1,2,3",
        "FREQ=YEARLY;INTERVAL=0",
        "FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU",
    ],
)
def test_a_zone_whose_clocks_change_without_end_is_refused(rule: str) -> None:
    parts = [
        observance("STANDARD", "19720101T000000", ("+0200", "+0100"), f"RRULE:{rule}"),
        observance("DAYLIGHT", "19720301T000000", ("+0100", "+0300"), f"RRULE:{rule}"),
    ]
    with pytest.raises(RuleExplodes):
        read(zone("Evil", *parts), meeting("Evil"))


def test_rules_that_never_match_and_zones_without_number_end() -> None:
    never = observance(
        "STANDARD", "19720101T000000", ("+0100", "+0100"), "RRULE:FREQ=YEARLY;COUNT=9;BYMONTHDAY=-31;BYMONTH=2"
    )
    assert len(read(zone("Odd", never), meeting("Odd"))) == 1
    with pytest.raises(RuleExplodes):
        read(*(zone(f"Zone {number}", never) for number in range(401)))
    endless = never.replace("COUNT=9;", "")
    began = clock.perf_counter()
    assert len(read(zone("Odd", *[endless] * 100), meeting("Odd"))) == 1
    assert clock.perf_counter() - began < 5


def test_a_line_that_is_the_name_of_a_file_reads_no_file(tmp_path: Path) -> None:
    file = tmp_path / "calendar.ics"
    file.write_text(CALENDAR.format(parts=meeting("UTC")))
    with pytest.raises(NotACalendar):
        read_calendar(str(file).encode())
