"""Invitations: sessions as iTIP messages (REQUEST, CANCEL) and as a feed (PUBLISH) that calendars subscribe to."""

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, Timezone, vCalAddress, vText

from tandem_scheduling.domain.calendars.zone_rules import ZoneRules, rules_between, timezone_block
from tandem_scheduling.domain.recurrence import Recurrence, local_starts, rule_parts

PRODUCT = "-//Tandem//Scheduling//EN"
LARGEST_CHANGE_OF_LAW = timedelta(hours=4)
"""By how much a zone's new rules may differ from its old ones; sessions of a series are a day apart at least."""

NOTHING_SAID: Mapping[UUID, datetime] = {}
UTC_NAMES = ("UTC", "Etc/UTC")
_ADDRESS = re.compile(r"^[^\s\"<>,;:]+@[^\s\"<>,;:]+$")
_STANDING = {"accepted": "ACCEPTED", "tentative": "TENTATIVE", "declined": "DECLINED", None: "NEEDS-ACTION"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """Somebody who is invited, and what they answered."""

    name: str
    email: str
    answer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """A session as a calendar knows it."""

    session_id: UUID
    starts_at: datetime
    ends_at: datetime
    zone_name: str
    summary: str
    place: str | None
    organizer: Guest
    guests: tuple[Guest, ...]
    sequence: int
    changed_at: datetime
    cancelled: bool
    original_starts_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Serial:
    """A series as a calendar knows it, with each of its sessions."""

    series_id: UUID
    local_start: datetime
    minutes: int
    zone_name: str
    place: str | None
    recurrence: Recurrence
    sequence: int
    changed_at: datetime
    occasions: tuple[Occasion, ...]


class Calendars:
    """Writes calendars. `domain` is the right side of every UID, the same for ever."""

    def __init__(self, *, domain: str) -> None:
        self._domain = domain

    def invitation(self, occasion: Occasion, serial: Serial | None) -> tuple[str, str]:
        """The method and the text of the message that tells a calendar about one session.

        A session of a series is told as that series' exception, with the series' UID and its own RECURRENCE-ID.
        """
        method = "CANCEL" if occasion.cancelled else "REQUEST"
        zones = _Zones([occasion] if serial is None else serial.occasions)
        recurs = serial is not None and zones.recurs(serial.zone_name)
        said = _said(serial) if serial is not None and recurs else {}
        if serial is not None and not recurs:
            occasion = _by_itself(occasion, serial)
        event = self._event(occasion, zones, serial if recurs else None, said)
        return method, self._text(method, [event], zones)

    def series_invitation(self, serial: Serial) -> tuple[str, str]:
        """The method and the text of the message that tells a calendar about a whole series."""
        method = "CANCEL" if all(occasion.cancelled for occasion in serial.occasions) else "REQUEST"
        zones = _Zones(serial.occasions)
        return method, self._text(method, self._series_events(serial, zones, cancelling=method == "CANCEL"), zones)

    def feed(self, occasions: Iterable[Occasion], serials: Iterable[Serial], *, name: str) -> str:
        """A calendar to subscribe to: what takes place, series as series."""
        alone, recurring = list(occasions), list(serials)
        zones = _Zones([*alone, *(occasion for serial in recurring for occasion in serial.occasions)])
        events = [self._event(occasion, zones, None) for occasion in alone if not occasion.cancelled]
        for serial in recurring:
            events += self._series_events(serial, zones, cancelling=False)
        return self._text("PUBLISH", events, zones, name=name)

    def _series_events(self, serial: Serial, zones: "_Zones", *, cancelling: bool) -> list[Event]:
        standing = [occasion for occasion in serial.occasions if cancelling or not occasion.cancelled]
        if not standing:
            return []
        if not zones.recurs(serial.zone_name):
            # Without a yearly rule a recurrence in UTC would leave the wall clock: every session stands by itself.
            return [self._event(_by_itself(occasion, serial), zones, None) for occasion in standing]
        master = self._master(serial, standing, zones, cancelling=cancelling)
        said = _said(serial)
        moved = [
            self._event(occasion, zones, serial, said)
            for occasion in standing
            if occasion.starts_at != said.get(occasion.session_id)
            or occasion.ends_at - occasion.starts_at != timedelta(minutes=serial.minutes)
            or occasion.place != serial.place
        ]
        return [master, *([] if cancelling else moved)]

    def _master(self, serial: Serial, standing: Sequence[Occasion], zones: "_Zones", *, cancelling: bool) -> Event:
        zone = ZoneInfo(serial.zone_name)
        event = Event()
        event.add("uid", f"{serial.series_id}@{self._domain}")
        event.add("dtstamp", max(serial.changed_at, *(one.changed_at for one in serial.occasions)).astimezone(UTC))
        event.add("sequence", serial.sequence + sum(one.cancelled for one in serial.occasions))
        start = serial.local_start.replace(tzinfo=zone)
        _span(event, zones, start, start + timedelta(minutes=serial.minutes), serial.zone_name)
        event.add("rrule", rule_parts(serial.recurrence, _end(serial.recurrence, zone)))
        excluded = _excluded(serial, standing)
        if excluded:
            event.add("exdate", [zones.written(one, serial.zone_name) for one in excluded])
        # Whom the series is with is whom its last session is with; they come if they said so of every session.
        last = standing[-1]
        said = [{(guest.name, guest.email): guest.answer for guest in one.guests} for one in standing]
        guests = [
            replace(
                guest, answer=guest.answer if len({one.get((guest.name, guest.email)) for one in said}) == 1 else None
            )
            for guest in last.guests
        ]
        self._describe(event, replace(last, guests=tuple(guests)), place=serial.place, cancelled=cancelling)
        return event

    def _event(
        self, occasion: Occasion, zones: "_Zones", serial: Serial | None, said: Mapping[UUID, datetime] = NOTHING_SAID
    ) -> Event:
        event = Event()
        event.add("uid", f"{serial.series_id if serial else occasion.session_id}@{self._domain}")
        event.add("dtstamp", occasion.changed_at.astimezone(UTC))
        event.add("sequence", occasion.sequence + (serial.sequence if serial else 0))
        _span(event, zones, occasion.starts_at, occasion.ends_at, occasion.zone_name)
        if serial is not None and occasion.original_starts_at is not None:
            original = said.get(occasion.session_id, occasion.original_starts_at)
            event.add("recurrence-id", zones.written(original, serial.zone_name))
        self._describe(event, occasion, place=occasion.place, cancelled=occasion.cancelled)
        return event

    def _describe(self, event: Event, occasion: Occasion, *, place: str | None, cancelled: bool) -> None:
        event.add("summary", occasion.summary)
        event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
        event.add("transp", "TRANSPARENT" if cancelled else "OPAQUE")
        if place:
            event.add("location", place)
        event.add("organizer", _address(occasion.organizer), encode=False)
        for guest in occasion.guests:
            address = _address(guest)
            address.params["ROLE"] = vText("REQ-PARTICIPANT")
            address.params["PARTSTAT"] = vText(_STANDING[guest.answer])
            address.params["RSVP"] = vText("TRUE")
            event.add("attendee", address, encode=False)

    def _text(self, method: str, events: Sequence[Event], zones: "_Zones", *, name: str | None = None) -> str:
        calendar = Calendar()
        calendar.add("prodid", PRODUCT)
        calendar.add("version", "2.0")
        calendar.add("calscale", "GREGORIAN")
        calendar.add("method", method)
        if name:
            calendar.add("x-wr-calname", name)
        for block in zones.blocks():
            calendar.add_component(block)
        for event in events:
            calendar.add_component(event)
        text: bytes = calendar.to_ical()
        return text.decode()


class _Zones:
    """The zones of a calendar: with rules where they keep to some in all its years, else in UTC."""

    def __init__(self, occasions: Collection[Occasion]) -> None:
        years = [occasion.starts_at.year for occasion in occasions] + [
            occasion.original_starts_at.year for occasion in occasions if occasion.original_starts_at
        ]
        self._first, self._last = (min(years), max(years)) if years else (2000, 2000)
        self._used: dict[str, ZoneRules] = {}

    def rules(self, zone_name: str) -> ZoneRules | None:
        if zone_name in UTC_NAMES:
            return None
        return rules_between(zone_name, self._first - 1, self._last + 1)

    def recurs(self, zone_name: str) -> bool:
        """Whether a recurrence in this zone can be written so that every calendar expands it alike."""
        return zone_name in UTC_NAMES or self.rules(zone_name) is not None

    def written(self, moment: datetime, zone_name: str) -> datetime:
        """A moment in its zone, which then has a block, or in UTC."""
        rules = self.rules(zone_name)
        if rules is None:
            return moment.astimezone(UTC)
        self._used[zone_name] = rules
        return moment.astimezone(ZoneInfo(zone_name))

    def blocks(self) -> list[Timezone]:
        return [timezone_block(name, rules, self._first) for name, rules in sorted(self._used.items())]


def _end(recurrence: Recurrence, zone: ZoneInfo) -> datetime | None:
    if recurrence.until is None:
        return None
    midnight = datetime.combine(recurrence.until, datetime.max.time().replace(microsecond=0))
    return midnight.replace(tzinfo=zone).astimezone(UTC)


def _span(event: Event, zones: _Zones, starts_at: datetime, ends_at: datetime, zone_name: str) -> None:
    """From when to when: in UTC where the clocks show one of both twice, because a wall clock would say the first."""
    zone = ZoneInfo(zone_name)
    twice = any(_shown_twice(moment.astimezone(zone)) for moment in (starts_at, ends_at))
    for name, moment in (("dtstart", starts_at), ("dtend", ends_at)):
        event.add(name, moment.astimezone(UTC) if twice else zones.written(moment, zone_name))


def _by_itself(occasion: Occasion, serial: Serial) -> Occasion:
    """A session of a series that stands by itself: the series' own changes are changes of it."""
    return replace(occasion, sequence=occasion.sequence + serial.sequence)


def _shown_twice(local: datetime) -> bool:
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def _every_start(serial: Serial) -> list[datetime]:
    """Every instant that the rule says as zones are now, exceptions not left out, in UTC."""
    zone = ZoneInfo(serial.zone_name)
    every = replace(serial.recurrence, except_dates=())
    return [local.replace(tzinfo=zone).astimezone(UTC) for local in local_starts(every, serial.local_start)]


def _said(serial: Serial) -> dict[UUID, datetime]:
    """At which instant the rule says each session.

    It is the session's original one, unless its zone changed its law since it was booked: then the rule says another by
    now, of which the session is an exception that keeps its instant.
    """
    starts = _every_start(serial)
    found: dict[UUID, datetime] = {}
    for occasion in serial.occasions:
        original = occasion.original_starts_at or occasion.starts_at
        place = bisect_left(starts, original)
        nearest = min(starts[max(place - 1, 0) : place + 1], key=lambda start: abs(start - original), default=original)
        if abs(nearest - original) <= LARGEST_CHANGE_OF_LAW:
            found[occasion.session_id] = nearest
    return found


def _excluded(serial: Serial, standing: Collection[Occasion]) -> list[datetime]:
    """What the rule says but does not take place: exceptions, and sessions that were cancelled."""
    said = _said(serial)
    taking_place = {said.get(occasion.session_id) for occasion in standing}
    return [start for start in _every_start(serial) if start not in taking_place]


def _address(guest: Guest) -> vCalAddress:
    address = vCalAddress(f"mailto:{guest.email}" if _ADDRESS.match(guest.email) else "mailto:unknown@invalid")
    # Quotes and control characters are legal in names, and break readers that do not know RFC 6868.
    address.params["CN"] = vText(re.sub(r'[\x00-\x1f"^]+', " ", guest.name).strip() or "Somebody")
    return address
