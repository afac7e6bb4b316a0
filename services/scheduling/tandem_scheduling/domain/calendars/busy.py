"""Busy times out of somebody's own calendar file: only when, never what."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Component

from tandem_chassis.errors import TooLarge
from tandem_scheduling.domain.availability import Span, merged
from tandem_scheduling.domain.calendars.reading import ForeignCalendar, NotACalendar, listed, read_calendar
from tandem_scheduling.domain.recurrence_rules import RuleExplodes, Steps, rule_of, starts

LARGEST_FILE_BYTES = 2 * 1_048_576
MOST_EVENTS = 5_000
MOST_SPANS = 10_000
"""How many times of a file may fall into the time that is asked for: a day of the half year has room for fifty."""
MOST_STEPS = 500_000
"""How many days all rules of a file may look at together: more would block everybody else."""


class CalendarTooLarge(TooLarge):
    """A calendar file that is larger than what is read."""


def busy_spans(text: bytes, *, zone: ZoneInfo, since: datetime, until: datetime, own_domain: str) -> list[Span]:
    """When somebody is busy between two instants, merged. Times without a zone are those of `zone`.

    What is cancelled or marked as free does not count, nor do our own sessions, whose UIDs end with `own_domain`.

    Raises:
        CalendarTooLarge: the file has more than 2 MiB.
        NotACalendar: it cannot be read.
        RuleExplodes: it has more than 5,000 events or 10,000 times, rules by the hour or finer, or rules that go on
            for too long.
    """
    if len(text) > LARGEST_FILE_BYTES:
        raise CalendarTooLarge("This calendar has more than 2 MiB. Export the next six months only.")
    read = read_calendar(text)
    try:
        events, published = _foreign(read, "VEVENT", own_domain), _foreign(read, "VFREEBUSY", own_domain)
        if len(events) > MOST_EVENTS:
            raise RuleExplodes(f"This calendar has more than {MOST_EVENTS} events. Export the next six months only.")
        spans: list[Span] = []
        for begins, ends in (*_expanded(read, events, zone=zone, since=since, until=until), *_published(published)):
            if max(begins, since) < min(ends, until):
                spans.append((int(max(begins, since).timestamp()), int(min(ends, until).timestamp())))
            if len(spans) > MOST_SPANS:
                raise _too_many()
        return merged(spans)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError) as malformed:
        raise NotACalendar("This cannot be read as an iCalendar file. Export it again.") from malformed


def _too_many() -> RuleExplodes:
    return RuleExplodes(f"This calendar takes more than {MOST_SPANS} times. Export the next six months only.")


def _foreign(read: ForeignCalendar, name: str, own_domain: str) -> list[Component]:
    return [one for one in read.calendar.walk(name) if not str(one.get("uid", "")).endswith(f"@{own_domain}")]


def _expanded(
    read: ForeignCalendar, events: list[Component], *, zone: ZoneInfo, since: datetime, until: datetime
) -> Iterator[tuple[datetime, datetime]]:
    moved = {
        (str(one.get("uid")), _instant(_date(read, one, "recurrence-id"), zone))
        for one in events
        if one.get("recurrence-id") is not None
    }
    steps = Steps(MOST_STEPS)
    for event in events:
        if str(event.get("status", "")).upper() == "CANCELLED" or str(event.get("transp", "")).upper() == "TRANSPARENT":
            continue
        begins = _date(read, event, "dtstart")
        length = _length(read, event, begins)
        alone = event.get("recurrence-id") is not None
        found = (
            [begins] if alone else _starts(read, event, begins, zone, since=since - length, until=until, steps=steps)
        )
        for start in found:
            instant = _instant(start, zone)
            if alone or (str(event.get("uid")), instant) not in moved:
                yield instant, instant + length
        if not alone:
            yield from _periods(read, event, zone, moved)


def _published(freebusy: list[Component]) -> Iterator[tuple[datetime, datetime]]:
    """When somebody's calendar program says that they are busy, where it says only that."""
    for one in freebusy:
        for period in listed(one.get("freebusy")):
            if str(period.params.get("FBTYPE", "BUSY")).upper() != "FREE":
                yield _period(period.dt)


def _period(written: Any) -> tuple[datetime, datetime]:
    begins, ends = written
    begins = _instant(begins, ZoneInfo("UTC"))
    return begins, begins + ends if isinstance(ends, timedelta) else _instant(ends, ZoneInfo("UTC"))


def _date(read: ForeignCalendar, event: Component, name: str) -> date:
    written: Any = event[name]
    if not isinstance(written.dt, date):
        raise TypeError(f"{name} is no date")
    return read.zoned(written.dt, written.params)


def _length(read: ForeignCalendar, event: Component, begins: date) -> timedelta:
    if event.get("dtend") is not None:
        ends = _date(read, event, "dtend")
        if isinstance(begins, datetime) and isinstance(ends, datetime):
            # By the wall clock where both have one zone, as calendars repeat it.
            same_zone = ends.tzinfo == begins.tzinfo
            return ends.replace(tzinfo=None) - begins.replace(tzinfo=None) if same_zone else ends - begins
        return timedelta(days=(ends - begins).days)
    if event.get("duration") is not None:
        length: Any = event["duration"]
        if not isinstance(length.dt, timedelta):
            raise TypeError("a duration is no length of time")
        return length.dt
    return timedelta(0) if isinstance(begins, datetime) else timedelta(days=1)


def _starts(
    read: ForeignCalendar,
    event: Component,
    begins: date,
    zone: ZoneInfo,
    *,
    since: datetime,
    until: datetime,
    steps: Steps,
) -> Iterator[date]:
    """When an event begins: as its rules say, or once, and at the further dates that it names, without the excluded."""
    wall = begins.replace(tzinfo=None) if isinstance(begins, datetime) else datetime.combine(begins, time())
    own_zone = begins.tzinfo if isinstance(begins, datetime) and begins.tzinfo is not None else zone
    first = since.astimezone(own_zone).replace(tzinfo=None) - timedelta(days=1)
    last = until.astimezone(own_zone).replace(tzinfo=None) + timedelta(days=1)
    found: set[datetime] = set() if event.get("rrule") is not None else {wall}
    for written in listed(event.get("rrule")):
        rule = rule_of(written.to_ical().decode(), until=_end(written, own_zone))
        for start in starts(rule, wall, since=first, until=last, steps=steps):
            found.add(start)
            if len(found) > MOST_SPANS:
                raise _too_many()
    for added in listed(event.get("rdate")):
        found |= {_wall(read.zoned(one.dt, added.params), own_zone) for one in added.dts if isinstance(one.dt, date)}
    for excluded in listed(event.get("exdate")):
        found -= {_wall(read.zoned(one.dt, excluded.params), own_zone) for one in excluded.dts}
    for start in found:
        yield start.replace(tzinfo=own_zone) if isinstance(begins, datetime) else start.date()


def _periods(
    read: ForeignCalendar, event: Component, zone: ZoneInfo, moved: set[tuple[str, datetime]]
) -> Iterator[tuple[datetime, datetime]]:
    """Further times of an event that have a length of their own."""
    for added in listed(event.get("rdate")):
        for begins, ends in (one.dt for one in added.dts if isinstance(one.dt, tuple)):
            instant = _instant(read.zoned(begins, added.params), zone)
            length = ends if isinstance(ends, timedelta) else ends - begins
            if (str(event.get("uid")), instant) not in moved:
                yield instant, instant + length


def _end(rule: Any, own_zone: Any) -> datetime | None:
    """Where a rule ends, by the wall clock of its beginning; a day ends with its last second."""
    for ends in listed({name.upper(): value for name, value in rule.items()}.get("UNTIL")):
        return _wall(ends, own_zone) + (timedelta(0) if isinstance(ends, datetime) else timedelta(days=1, seconds=-1))
    return None


def _wall(moment: date, zone: Any) -> datetime:
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time())
    return moment.astimezone(zone).replace(tzinfo=None) if moment.tzinfo else moment


def _instant(moment: date, zone: ZoneInfo) -> datetime:
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
