"""What is done with series: book one that recurs, look at it, cancel what is left of it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from tandem_chassis.auth import Caller
from tandem_chassis.errors import Fault
from tandem_scheduling.domain.pairings import NoSuchPairing
from tandem_scheduling.domain.recurrence import LONGEST_SERIES, Recurrence, SeriesRefused, starts
from tandem_scheduling.domain.sessions import FARTHEST_AHEAD, NoSuchSeries, SessionTimeRefused, require_bookable
from tandem_scheduling.domain.zones import zone_named
from tandem_scheduling.storage import pairings, series, sessions
from tandem_scheduling.storage.series import Series
from tandem_scheduling.storage.sessions import Session
from tandem_scheduling.use_cases.availability import require_windows
from tandem_scheduling.use_cases.bookings import Slot, book, require_signed, settle_agendas, zone_for
from tandem_scheduling.use_cases.rights import booker_among, entitled, held_to_book, seen_pairing
from tandem_scheduling.use_cases.sessions import attendees_of, note_notice, withdraw_session

NO_SERIES = "No series of yours has this id."


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPlan:
    """What a series is to be. `local_start` is what the clocks of the time zone show."""

    local_start: datetime
    minutes: int
    recurrence: Recurrence
    way_of_meeting: str
    place: str | None = None
    time_zone: str | None = None
    attendees: Collection[UUID] | None = None


async def schedule_series(
    session: AsyncSession, pairing_id: UUID, plan: SeriesPlan, caller: Caller, *, now: datetime
) -> tuple[Series, list[Session]]:
    """Book every session of a series, or none.

    Raises:
        SeriesRefused: it never ends, is too long, or some of its times do not exist; a fault names each.
        DoubleBooked: somebody has a session at one of its times; a fault names each.
    """
    booker = await held_to_book(session, pairing_id, caller)
    await require_signed(session, booker.pairing)
    time_zone = await zone_for(session, plan.time_zone, booker.member_id)
    zone, length = zone_named(time_zone), timedelta(minutes=plan.minutes)
    instants = starts(plan.recurrence, plan.local_start, zone)
    faults: list[Fault] = []
    for begins in instants:
        try:
            require_bookable(
                begins, begins + length, now=now, zone=zone, farthest_ahead=FARTHEST_AHEAD + LONGEST_SERIES
            )
        except SessionTimeRefused as refused:
            faults.append(Fault(f"{begins:%Y-%m-%d %H:%M} UTC: {refused.sentence}", field="recurrence"))
    if instants[0] > now + FARTHEST_AHEAD:
        faults.append(Fault("It begins too far ahead. Begin within two years of now.", field="starts_at"))
    if faults:
        raise SeriesRefused(faults[0].reason, faults=faults)
    attendees = attendees_of(booker.pairing, plan.attendees, booker.member_id)
    await require_windows(session, booker, [(begins, begins + length) for begins in instants], attendees)
    made = Series(
        series_id=uuid7(),
        pairing_id=pairing_id,
        program_id=booker.pairing.program_id,
        local_start=plan.local_start,
        minutes=plan.minutes,
        time_zone=time_zone,
        recurrence=plan.recurrence.as_document(),
        way_of_meeting=plan.way_of_meeting,
        place=plan.place,
        organizer_id=booker.member_id,
        created_at=now,
        changed_at=now,
        sequence=0,
    )
    session.add(made)
    await session.flush()
    booked = await book(
        session,
        booker.pairing,
        [
            Slot(starts_at=begins, ends_at=begins + length, attendees=attendees, series_id=made.series_id)
            for begins in instants
        ],
        way_of_meeting=plan.way_of_meeting,
        place=plan.place,
        organizer_id=booker.member_id,
        time_zone=time_zone,
        now=now,
    )
    return made, booked


async def see_series(session: AsyncSession, series_id: UUID, caller: Caller) -> tuple[Series, list[Session]]:
    """A series with its sessions.

    Raises:
        NoSuchSeries: there is none, or the caller may not know of it.
    """
    found = await series.find(session, series_id)
    if found is None:
        raise NoSuchSeries(NO_SERIES)
    try:
        await seen_pairing(session, found.pairing_id, caller, delegates_too=True)
    except NoSuchPairing as unknown:
        raise NoSuchSeries(NO_SERIES) from unknown
    return found, await sessions.of_series(session, series_id)


async def cancel_series(
    session: AsyncSession, series_id: UUID, caller: Caller, *, reason: str, now: datetime
) -> tuple[Series, list[Session]]:
    """Cancel what is still to come of a series.

    Raises:
        NoSuchSeries: there is none, or the caller may not know of it.
        NotInvited: others meet in it.
    """
    found, every = await see_series(session, series_id, caller)
    pairing = await pairings.lock(session, found.pairing_id)
    assert pairing is not None, "pairings are never deleted"
    locked = await series.lock(session, series_id)
    to_come = await sessions.lock_of_series(session, series_id, now=now)
    booker = await booker_among(session, pairing, caller, entitled(pairing, every, locked.organizer_id))
    for meeting in to_come:
        late = await note_notice(session, meeting, now=now)
        await withdraw_session(session, meeting, reason=reason, by=booker.caller_id, at=now, late=late)
    await settle_agendas(session, to_come, now=now)
    if locked.cancelled_at is None:
        locked.cancelled_at = now
        locked.changed_at = now
        locked.sequence += 1
    await session.flush()
    return locked, await sessions.of_series(session, series_id)
