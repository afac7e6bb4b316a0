"""What is done about busy feeds: follow somebody's own calendar, look at it, forget it."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis.auth import Caller
from tandem_scheduling.domain.availability import Span
from tandem_scheduling.domain.busy_feeds import NoBusyFeed, next_look, require_allowed
from tandem_scheduling.domain.calendars.busy import CalendarTooLarge, busy_spans
from tandem_scheduling.domain.calendars.reading import NotACalendar
from tandem_scheduling.domain.recurrence_rules import RuleExplodes
from tandem_scheduling.storage import availability, busy_feeds
from tandem_scheduling.storage.busy_feeds import BusyFeed
from tandem_scheduling.storage.sessions import lock_calendars
from tandem_scheduling.use_cases.availability import BUSY_WEEKS_AHEAD

LOOK_TAKES = timedelta(minutes=5)
"""How long a look may take; whoever did not come back by then is taken for gone, and another replica looks."""

NO_FEED = "You follow no calendar."


@dataclass(frozen=True, slots=True)
class Look:
    """A calendar to be looked at now."""

    person_id: UUID
    address: str
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look found: when somebody is busy, or why nothing could be read."""

    spans: list[Span] | None
    fault: str | None


async def follow_calendar(
    session: AsyncSession, caller: Caller, address: str, *, origins: Collection[str], now: datetime
) -> BusyFeed:
    """Follow the caller's own calendar, at this address from now on.

    Raises:
        FeedRefused: the address is malformed, or of a place that is not asked.
    """
    person_id = caller.require_person()
    require_allowed(address, origins=origins)
    await lock_calendars(session, [person_id])
    feed = await busy_feeds.of_person(session, person_id, lock=True)
    if feed is None:
        feed = BusyFeed(person_id=person_id, address=address, fetch_at=now, failures=0)
        session.add(feed)
    elif feed.address != address:
        feed.address, feed.fetched_at = address, None
        await availability.replace_busy(session, person_id, [], source="feed")
    feed.fetch_at, feed.fault, feed.failures = now, None, 0
    await session.flush()
    return feed


async def see_feed(session: AsyncSession, caller: Caller) -> BusyFeed:
    """Which calendar the caller lets us follow, and how the last look went.

    Raises:
        NoBusyFeed: none.
    """
    feed = await busy_feeds.of_person(session, caller.require_person())
    if feed is None:
        raise NoBusyFeed(NO_FEED)
    return feed


async def unfollow_calendar(session: AsyncSession, caller: Caller) -> None:
    """Follow the caller's calendar no more, and forget what was read in it.

    Raises:
        NoBusyFeed: none is followed.
    """
    person_id = caller.require_person()
    await lock_calendars(session, [person_id])
    feed = await busy_feeds.of_person(session, person_id, lock=True)
    if feed is None:
        raise NoBusyFeed(NO_FEED)
    await session.delete(feed)
    await availability.replace_busy(session, person_id, [], source="feed")


async def claim_look(session: AsyncSession, *, now: datetime) -> Look | None:
    """A calendar that is to be looked at; no other replica looks at it meanwhile."""
    feed = await busy_feeds.claim(session, now=now)
    if feed is None:
        return None
    feed.fetch_at = now + LOOK_TAKES
    zone = (await availability.of_people(session, [feed.person_id]))[feed.person_id].zone
    return Look(feed.person_id, feed.address, zone)


async def read_seen(look: Look, text: bytes, *, own_domain: str, now: datetime) -> Seen:
    """When somebody is busy, out of their calendar. Takes a while: no transaction is open meanwhile."""
    until = now + timedelta(weeks=BUSY_WEEKS_AHEAD)
    try:
        return Seen(
            await asyncio.to_thread(busy_spans, text, zone=look.zone, since=now, until=until, own_domain=own_domain),
            None,
        )
    except CalendarTooLarge:
        return Seen(None, "too_large")
    except (NotACalendar, RuleExplodes):
        return Seen(None, "not_a_calendar")


async def keep_look(session: AsyncSession, look: Look, seen: Seen, *, every: timedelta, now: datetime) -> None:
    """Keep what was seen, or why nothing was; the spans known before stay where the calendar could not be read."""
    await lock_calendars(session, [look.person_id])
    feed = await busy_feeds.of_person(session, look.person_id, lock=True)
    if feed is None or feed.address != look.address:
        return
    if seen.spans is not None:
        await availability.replace_busy(session, look.person_id, seen.spans, source="feed")
        feed.fetched_at = now
    feed.fault = seen.fault
    feed.failures = feed.failures + 1 if seen.fault else 0
    feed.fetch_at = next_look(now, every=every, failures=feed.failures)
