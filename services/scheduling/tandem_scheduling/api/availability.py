"""Availability over HTTP: working hours, bookable windows, busy times, and times at which all are free."""

from datetime import date, datetime
from functools import partial
from typing import Annotated, Literal
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, Body, Request, Response
from pydantic import BaseModel, Field, StringConstraints

from tandem_chassis import idempotency, preconditions
from tandem_chassis.app import Now
from tandem_chassis.auth import CurrentCaller
from tandem_chassis.database import Transaction
from tandem_chassis.paging import Page
from tandem_chassis.preconditions import IfMatch
from tandem_scheduling.api.fields import Clock, Day, ZoneName
from tandem_scheduling.domain.availability import Availability, Minutes
from tandem_scheduling.settings import Settings
from tandem_scheduling.storage.busy_feeds import BusyFeed
from tandem_scheduling.use_cases import availability as use_cases
from tandem_scheduling.use_cases import busy_feeds
from tandem_scheduling.use_cases.availability import Wish

router = APIRouter(tags=["availability"], route_class=idempotency.Route)

CalendarFile = Annotated[bytes, Body(media_type="text/calendar", description="The caller's own calendar, exported.")]


class Hours(BaseModel):
    """From when to when on a day, by the wall clock; 00:00 at the end is midnight."""

    begins: Clock
    ends: Clock

    def minutes(self) -> Minutes:
        """As the rules take them."""
        return _minute(self.begins), _minute(self.ends) or 1440


class WeeklyHours(Hours):
    """Hours of every week. Weekdays count from 0, Monday."""

    weekday: int = Field(ge=0, le=6)


class ExceptionalDay(BaseModel):
    """A day that is not like others: its hours, or none at all."""

    on: Day
    hours: list[Hours] = Field(default=[], max_length=10)


class AvailabilityWish(BaseModel):
    """When somebody works, by their own clocks."""

    time_zone: ZoneName | None = Field(default=None, description="Without one, that of the person's profile.")
    hours: list[WeeklyHours] = Field(max_length=70)
    windows: list[WeeklyHours] = Field(
        default=[], max_length=70, description="What a mentor offers to mentees to book. Without any, all their hours."
    )
    holidays: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}(-[A-Za-z0-9]{1,6})?$")] | None = Field(
        default=None, description="Whose public holidays are free, such as DE or DE-BE."
    )
    exceptions: list[ExceptionalDay] = Field(default=[], max_length=400)

    def wish(self) -> Wish:
        """As use cases take it."""
        return Wish(
            time_zone=self.time_zone,
            hours=_by_day(self.hours),
            windows=_by_day(self.windows),
            holidays=self.holidays,
            exceptions={day.on.isoformat(): [one.minutes() for one in day.hours] for day in self.exceptions},
        )


class AvailabilityDocument(AvailabilityWish):
    """When somebody works, with the zone whose clocks count."""

    time_zone: str


class BusyDocument(BaseModel):
    """What was taken in of a calendar."""

    busy_spans: int


class FeedWish(BaseModel):
    """Where the caller's own calendar can be read. The address is a secret, and never shown again."""

    address: Annotated[str, StringConstraints(pattern=r"^https?://[!-~]{1,1990}$")]


class FollowedDocument(BaseModel):
    """A calendar that is followed, and how the last look at it went."""

    host: str
    fetched_at: datetime | None = Field(description="When it was last read; nothing before the first time.")
    fault: Literal["unreachable", "refused", "too_large", "not_a_calendar"] | None


class SuggestionWish(BaseModel):
    """What kind of time is looked for."""

    minutes: int | None = Field(default=None, ge=5, le=480, description="Without, as long as the agreement says.")
    weeks: int = Field(default=2, ge=1, le=6)
    most: int = Field(default=10, ge=1, le=100)
    people: list[UUID] | None = Field(default=None, min_length=2, max_length=12)


class Suggestion(BaseModel):
    """A time at which all are free."""

    starts_at: datetime
    ends_at: datetime


def _by_day(listed: list[WeeklyHours]) -> dict[int, list[Minutes]]:
    found: dict[int, list[Minutes]] = {}
    for one in listed:
        found.setdefault(one.weekday, []).append(one.minutes())
    return found


def _minute(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def _clock(minute: int) -> str:
    return f"{minute % 1440 // 60:02}:{minute % 60:02}"


def document(known: Availability) -> AvailabilityDocument:
    """Availability as it is shown."""

    def weekly(spans_by_day: dict[int, tuple[Minutes, ...]]) -> list[WeeklyHours]:
        return [
            WeeklyHours(weekday=weekday, begins=_clock(begin), ends=_clock(end))
            for weekday, spans in sorted(spans_by_day.items())
            for begin, end in spans
        ]

    def exceptional(day: date, spans: tuple[Minutes, ...]) -> ExceptionalDay:
        return ExceptionalDay(on=day, hours=[Hours(begins=_clock(begin), ends=_clock(end)) for begin, end in spans])

    return AvailabilityDocument(
        time_zone=known.zone.key,
        hours=weekly(dict(known.hours)),
        windows=weekly(dict(known.windows)),
        holidays=known.holidays,
        exceptions=[exceptional(day, spans) for day, spans in sorted(known.exceptions.items())],
    )


def followed(feed: BusyFeed) -> FollowedDocument:
    """A calendar that is followed, as it is shown."""
    host = urlsplit(feed.address).hostname or ""
    return FollowedDocument.model_validate({"host": host, "fetched_at": feed.fetched_at, "fault": feed.fault})


@router.get("/me/availability")
async def read_availability(caller: CurrentCaller, session: Transaction, response: Response) -> AvailabilityDocument:
    """When the caller works. Without anything set: Monday to Friday, nine to five by their own clocks."""
    known, version = await use_cases.see_availability(session, caller)
    preconditions.tag(response, version)
    return document(known)


@router.put("/me/availability")
async def set_availability(
    body: AvailabilityWish,
    caller: CurrentCaller,
    now: Now,
    session: Transaction,
    response: Response,
    if_match: IfMatch = None,
) -> AvailabilityDocument:
    """Keep when the caller works, and which windows they offer."""
    known, version = await use_cases.set_availability(
        session, caller, body.wish(), now=now, seen=partial(preconditions.require_match, if_match)
    )
    preconditions.tag(response, version)
    return document(known)


@router.put("/me/busy-calendar")
async def take_busy_calendar(
    text: CalendarFile, caller: CurrentCaller, now: Now, session: Transaction, request: Request
) -> BusyDocument:
    """Take in the caller's own calendar: when they are busy in the coming half year. It replaces an earlier one."""
    settings: Settings = request.app.state.settings
    spans = await use_cases.take_busy_calendar(session, caller, text, own_domain=settings.calendar_domain, now=now)
    return BusyDocument(busy_spans=spans)


@router.put("/me/busy-feed")
async def follow_calendar(
    body: FeedWish, caller: CurrentCaller, now: Now, session: Transaction, request: Request
) -> FollowedDocument:
    """Follow the caller's own calendar by its address: it is looked at now, and from time to time."""
    settings: Settings = request.app.state.settings
    return followed(
        await busy_feeds.follow_calendar(session, caller, body.address, origins=settings.busy_feed_origins, now=now)
    )


@router.get("/me/busy-feed")
async def read_followed(caller: CurrentCaller, session: Transaction) -> FollowedDocument:
    """Which calendar of the caller's own is followed, and how the last look at it went."""
    return followed(await busy_feeds.see_feed(session, caller))


@router.delete("/me/busy-feed", status_code=204)
async def unfollow_calendar(caller: CurrentCaller, session: Transaction) -> None:
    """Follow the caller's own calendar no more, and forget what was read in it."""
    await busy_feeds.unfollow_calendar(session, caller)


@router.post("/pairings/{pairing_id}/time-suggestions")
async def suggest_times(
    pairing_id: UUID, body: SuggestionWish, caller: CurrentCaller, now: Now, session: Transaction
) -> Page[Suggestion]:
    """Times at which the members, or those named, are free together. Nothing is booked."""
    found, length = await use_cases.suggest_times(
        session,
        pairing_id,
        caller,
        minutes=body.minutes,
        weeks=body.weeks,
        most=body.most,
        person_ids=body.people,
        now=now,
    )
    return Page(items=[Suggestion(starts_at=begins, ends_at=begins + length) for begins in found])
