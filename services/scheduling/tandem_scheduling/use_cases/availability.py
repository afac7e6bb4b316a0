"""What is done about availability: keep it, take in a calendar, suggest times, hold mentees to the mentor's windows."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis.auth import Caller
from tandem_chassis.errors import Fault
from tandem_scheduling.domain import availability as rules
from tandem_scheduling.domain.agreements import terms_of
from tandem_scheduling.domain.availability import Availability
from tandem_scheduling.domain.calendars.busy import busy_spans
from tandem_scheduling.domain.sessions import NoCounterparts, require_attendees
from tandem_scheduling.domain.zones import zone_named
from tandem_scheduling.storage import agreements, availability
from tandem_scheduling.storage.availability import KeptAvailability
from tandem_scheduling.storage.pairings import Pairing
from tandem_scheduling.storage.sessions import lock_calendars
from tandem_scheduling.use_cases.rights import Booker, booked_for, seen_pairing

BUSY_WEEKS_AHEAD = 26
MOST_PEOPLE = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody sets about their time. Weekdays count from 0, Monday; spans are minutes of a day."""

    time_zone: str | None
    hours: dict[int, list[rules.Minutes]]
    windows: dict[int, list[rules.Minutes]]
    holidays: str | None
    exceptions: dict[str, list[rules.Minutes]]


async def see_availability(session: AsyncSession, caller: Caller) -> tuple[Availability, int]:
    """When the caller works, and the version of what they set; 0 where they set nothing."""
    person_id = caller.require_person()
    kept = await availability.kept(session, person_id)
    known = await availability.of_people(session, [person_id])
    return known[person_id], kept.version if kept else 0


async def set_availability(
    session: AsyncSession, caller: Caller, wish: Wish, *, now: datetime, seen: Callable[[int], None]
) -> tuple[Availability, int]:
    """Keep when the caller works, and which windows they offer to mentees.

    `seen` is told the current version and raises where the caller has not seen it.

    Raises:
        UnknownTimeZone: there is no such zone.
        UnknownRegion: its holidays are not known.
        HoursRefused: hours end before they begin, or overlap.
    """
    person_id = caller.require_person()
    if wish.time_zone is not None:
        zone_named(wish.time_zone)
    if wish.holidays is not None:
        rules.holidays_of(wish.holidays, now.year)
    kept = await availability.kept(session, person_id, lock=True)
    seen(kept.version if kept else 0)
    if kept is None:
        kept = KeptAvailability(person_id=person_id)
        session.add(kept)
    kept.time_zone, kept.holidays = wish.time_zone, wish.holidays
    kept.hours = {str(day): rules.require_sound(spans, where="hours") for day, spans in wish.hours.items()}
    kept.windows = {str(day): rules.require_sound(spans, where="windows") for day, spans in wish.windows.items()}
    kept.exceptions = {day: rules.require_sound(spans, where="exceptions") for day, spans in wish.exceptions.items()}
    await session.flush()
    return (await availability.of_people(session, [person_id]))[person_id], kept.version


async def take_busy_calendar(
    session: AsyncSession, caller: Caller, text: bytes, *, own_domain: str, now: datetime
) -> int:
    """Keep when the caller is busy in the coming half year, out of their own calendar; the answer is how many spans.

    What was kept of an earlier file is replaced. Only times are kept, never what happens at them.

    Raises:
        CalendarTooLarge: the file has more than 2 MiB.
        NotACalendar: it cannot be read.
        RuleExplodes: its rules go on for too long.
    """
    person_id = caller.require_person()
    zone = (await availability.of_people(session, [person_id]))[person_id].zone
    until = now + timedelta(weeks=BUSY_WEEKS_AHEAD)
    spans = await asyncio.to_thread(busy_spans, text, zone=zone, since=now, until=until, own_domain=own_domain)
    await lock_calendars(session, [person_id])
    await availability.replace_busy(session, person_id, spans, source="file")
    return len(spans)


async def suggest_times(
    session: AsyncSession,
    pairing_id: UUID,
    caller: Caller,
    *,
    minutes: int | None,
    weeks: int,
    most: int,
    person_ids: Collection[UUID] | None,
    now: datetime,
) -> tuple[list[datetime], timedelta]:
    """Times at which the members, or those named, are free together, the earliest first, and for how long.

    Without `minutes` it is as long as the newest version of their agreement says.

    Nobody learns whose time is taken by what: only common free time is told.

    Raises:
        NoSuchPairing: there is none, or the caller may not know of it.
        NoCounterparts: more than twelve people, or fewer than two.
    """
    pairing = await seen_pairing(session, pairing_id, caller, delegates_too=True)
    wanted = _asked(pairing, person_ids)
    since, until = now, now + timedelta(weeks=weeks)
    known = await availability.of_people(session, wanted)
    taken = await availability.taken(session, wanted, since=since, until=until)
    asks_for = await booked_for(session, pairing, caller)
    mentors = {member.person_id for member in pairing.members if member.role == "mentor"}
    people = [known[one] if one in mentors and one != asks_for else _without_windows(known[one]) for one in wanted]
    together = rules.free_together(people, [taken], since=since, until=until)
    length = timedelta(minutes=minutes or await _agreed_minutes(session, pairing_id))
    return rules.suggestions(together, length=length, most=most), length


async def _agreed_minutes(session: AsyncSession, pairing_id: UUID) -> int:
    agreement = await agreements.of_pairing(session, pairing_id)
    assert agreement is not None, "a pairing is kept together with its agreement"
    newest = await agreements.revision(session, agreement.agreement_id, agreement.agreement_version)
    return terms_of(newest.terms).meeting_minutes


def _asked(pairing: Pairing, person_ids: Collection[UUID] | None) -> Sequence[UUID]:
    wanted = pairing.member_ids if person_ids is None else tuple(sorted(set(person_ids)))
    require_attendees(wanted, attendees=pairing.member_ids, field="people")
    if not 2 <= len(wanted) <= MOST_PEOPLE:
        sentence = f"Times are suggested for 2 to {MOST_PEOPLE} people. Name them."
        raise NoCounterparts(sentence, faults=[Fault(sentence, field="people")])
    return wanted


def _without_windows(known: Availability) -> Availability:
    return Availability(zone=known.zone, hours=known.hours, holidays=known.holidays, exceptions=known.exceptions)


async def require_windows(
    session: AsyncSession, booker: Booker, times: Sequence[tuple[datetime, datetime]], attendees: Collection[UUID]
) -> None:
    """A mentee books within the windows that mentors offer; mentors book when they like.

    Raises:
        OutsideWindows: a time lies outside of them.
    """
    if booker.role != "mentee":
        return
    mentors = [
        member.person_id
        for member in booker.pairing.members
        if member.role == "mentor" and member.person_id in attendees
    ]
    for known in (await availability.of_people(session, mentors)).values():
        for starts_at, ends_at in times:
            rules.require_offered(starts_at, ends_at, known)
