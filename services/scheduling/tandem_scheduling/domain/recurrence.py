"""Recurrence: the dates of a series, as people say them: every second Tuesday at ten, twelve times, not on the 24th."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from tandem_chassis.errors import Fault, Invalid
from tandem_scheduling.domain import recurrence_rules
from tandem_scheduling.domain.zones import AmbiguousLocalTime, NoSuchLocalTime, instant_of

MOST_OCCURRENCES = 300
LONGEST_SERIES = timedelta(days=5 * 366)


class SeriesRefused(Invalid):
    """A series that never ends, is too long, or has dates that do not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """How a series repeats. Exactly one of `count` and `until` (the last date, inclusive) says where it ends."""

    frequency: str
    interval: int = 1
    weekdays: tuple[str, ...] = ()
    count: int | None = None
    until: date | None = None
    except_dates: tuple[date, ...] = ()

    def as_document(self) -> dict[str, Any]:
        """The recurrence as JSON keeps it."""
        document = asdict(self)
        document["until"] = self.until.isoformat() if self.until else None
        document["except_dates"] = [day.isoformat() for day in self.except_dates]
        return document


def recurrence_of(document: Mapping[str, Any]) -> Recurrence:
    """The recurrence that `as_document` wrote."""
    until = document["until"]
    return Recurrence(
        frequency=document["frequency"],
        interval=document["interval"],
        weekdays=tuple(document["weekdays"]),
        count=document["count"],
        until=date.fromisoformat(until) if until else None,
        except_dates=tuple(date.fromisoformat(day) for day in document["except_dates"]),
    )


def local_starts(recurrence: Recurrence, local_start: datetime) -> list[datetime]:
    """Every wall-clock start of a series, exceptions left out, in order.

    Raises:
        SeriesRefused: it never ends, is longer than five years or 300 sessions, has an exception that is none of its
            dates, or does not begin on one of its own days.
    """
    if (recurrence.count is None) == (recurrence.until is None):
        raise _refused("Say either how many sessions there are (count) or the last day (until).", "count")
    last = recurrence.until or (local_start + LONGEST_SERIES).date()
    if last < local_start.date() or last > (local_start + LONGEST_SERIES).date():
        raise _refused("A series ends after its beginning and within five years of it.", "until")
    rule = recurrence_rules.Rule(
        frequency=recurrence.frequency.upper(),
        interval=recurrence.interval,
        weekdays=tuple((0, recurrence_rules.WEEKDAYS.index(day)) for day in recurrence.weekdays),
    )
    end = datetime.combine(last, datetime.max.time())
    steps = recurrence_rules.Steps(2 * LONGEST_SERIES.days)
    every = recurrence_rules.starts(rule, local_start, since=local_start, until=end, steps=steps)
    found = list(islice(every, recurrence.count or MOST_OCCURRENCES + 1))
    if not found or found[0] != local_start:
        raise _refused("A series begins on one of its own days.", "starts_at")
    if len(found) < (recurrence.count or 0):
        raise _refused("A series ends within five years of its beginning. Make it shorter.", "count")
    if len(found) > MOST_OCCURRENCES:
        raise _refused(f"A series has {MOST_OCCURRENCES} sessions at the most. Make it shorter.", "count")
    strangers = set(recurrence.except_dates) - {start.date() for start in found}
    if strangers:
        raise _refused(f"{min(strangers).isoformat()} is an exception, but no date of the series.", "except_dates")
    kept = [start for start in found if start.date() not in recurrence.except_dates]
    if not kept:
        raise _refused("Every date of the series is an exception.", "except_dates")
    return kept


def starts(recurrence: Recurrence, local_start: datetime, zone: ZoneInfo) -> list[datetime]:
    """Every start of a series as an instant, in UTC.

    Raises:
        SeriesRefused: as for `local_starts`, or the clocks of `zone` skip or double some of its times.
    """
    instants: list[datetime] = []
    faults: list[Fault] = []
    for local in local_starts(recurrence, local_start):
        try:
            instants.append(instant_of(local, zone))
        except (NoSuchLocalTime, AmbiguousLocalTime) as refused:
            faults.append(Fault(refused.sentence, field="except_dates"))
    if faults:
        raise SeriesRefused(
            f"{faults[0].reason} Put that date among the exceptions and book it by itself.", faults=faults
        )
    return instants


def rule_parts(recurrence: Recurrence, until: datetime | None) -> dict[str, Any]:
    """The RRULE of a series, part by part. `until` is its last start, in UTC, where it has no count."""
    parts: dict[str, Any] = {"freq": recurrence.frequency.upper(), "interval": recurrence.interval}
    if recurrence.weekdays:
        parts["byday"] = list(recurrence.weekdays)
    if recurrence.count is not None:
        parts["count"] = recurrence.count
    elif until is not None:
        parts["until"] = until
    return parts


def _refused(sentence: str, field: str) -> SeriesRefused:
    return SeriesRefused(sentence, faults=[Fault(sentence, field=field)])
