"""Bookings: sessions are written, everybody's time is taken, and it is said; whoever asked for them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from tandem_chassis.errors import Fault
from tandem_events import outbox
from tandem_events.contracts import SessionScheduled
from tandem_scheduling.domain.agreements import AgreementNotSigned, Terms, terms_of
from tandem_scheduling.domain.sessions import DoubleBooked
from tandem_scheduling.domain.zones import zone_named
from tandem_scheduling.storage import agendas, agreements, people, sessions
from tandem_scheduling.storage.pairings import Pairing
from tandem_scheduling.storage.sessions import Session
from tandem_scheduling.use_cases.reminders import plan_for_sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A session to be booked, whose time was checked."""

    starts_at: datetime
    ends_at: datetime
    attendees: tuple[UUID, ...]
    kind: str = "meeting"
    series_id: UUID | None = None
    debrief_of: UUID | None = None
    session_id: UUID = field(default_factory=uuid7)


async def require_signed(session: AsyncSession, pairing: Pairing) -> None:
    """Sessions are booked under an agreement.

    Raises:
        AgreementNotSigned: no version of it was signed by everybody.
    """
    agreement = await agreements.of_pairing(session, pairing.pairing_id)
    if agreement is None or agreement.signed_version is None:
        raise AgreementNotSigned("Sessions are booked once every member has signed the agreement. Sign it first.")


async def terms_in_force(session: AsyncSession, pairing_id: UUID) -> Terms | None:
    """What the members of a pairing agreed: the newest terms that everybody signed, if any."""
    agreement = await agreements.of_pairing(session, pairing_id)
    if agreement is None or agreement.signed_version is None:
        return None
    return terms_of((await agreements.revision(session, agreement.agreement_id, agreement.signed_version)).terms)


async def zone_for(session: AsyncSession, given: str | None, person_id: UUID) -> str:
    """The time zone whose days count: the one that was given, else the person's own.

    Raises:
        UnknownTimeZone: there is no such zone.
    """
    name = given or (await people.zone_names(session, [person_id])).get(person_id, "UTC")
    zone_named(name)
    return name


async def require_free(session: AsyncSession, slots: Sequence[Slot]) -> None:
    """Hold the calendars of everybody invited, and see that they are free.

    Raises:
        DoubleBooked: somebody has a session at one of these times; a fault names each time.
    """
    await sessions.lock_calendars(session, {person_id for slot in slots for person_id in slot.attendees})
    times = [(person_id, slot.starts_at, slot.ends_at) for slot in slots for person_id in slot.attendees]
    taken = await sessions.taken(session, times)
    if taken:
        raise DoubleBooked(
            "Somebody who is invited already has a session at that time. Choose another time.",
            faults=[Fault(f"Taken: {begins:%Y-%m-%dT%H:%M}Z", field="starts_at") for begins in taken[:20]],
        )


async def book(
    session: AsyncSession,
    pairing: Pairing,
    slots: Sequence[Slot],
    *,
    way_of_meeting: str,
    place: str | None,
    organizer_id: UUID,
    time_zone: str,
    now: datetime,
) -> list[Session]:
    """Write sessions, take the time of everybody invited, and say so. All of them, or none.

    Raises:
        DoubleBooked: somebody has a session at one of these times.
    """
    await require_free(session, slots)
    booked = [
        _written(slot, pairing, way_of_meeting, place, organizer_id=organizer_id, time_zone=time_zone, now=now)
        for slot in slots
    ]
    session.add_all(booked)
    await sessions.store(session)
    await outbox.add_many(session, [(_scheduled(meeting, now), meeting.version) for meeting in booked])
    await carry_over(session, pairing.pairing_id, now=now)
    await plan_for_sessions(session, booked, now=now)
    return booked


def _written(
    slot: Slot,
    pairing: Pairing,
    way_of_meeting: str,
    place: str | None,
    *,
    organizer_id: UUID,
    time_zone: str,
    now: datetime,
) -> Session:
    meeting = Session(
        session_id=slot.session_id,
        pairing_id=pairing.pairing_id,
        program_id=pairing.program_id,
        kind=slot.kind,
        state="scheduled",
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        time_zone=time_zone,
        way_of_meeting=way_of_meeting,
        place=place,
        organizer_id=organizer_id,
        agenda_items=0,
        agenda_items_done=0,
        sequence=0,
        reschedules=0,
        late_changes=0,
        series_id=slot.series_id,
        original_starts_at=slot.starts_at if slot.series_id else None,
        debrief_of=slot.debrief_of,
        created_at=now,
        changed_at=now,
    )
    sessions.invite(meeting, slot.attendees)
    return meeting


def _scheduled(meeting: Session, now: datetime) -> SessionScheduled:
    return SessionScheduled(
        session_id=meeting.session_id,
        pairing_id=meeting.pairing_id,
        program_id=meeting.program_id,
        starts_at=meeting.starts_at,
        ends_at=meeting.ends_at,
        attendees=meeting.attendee_ids,
        way_of_meeting=meeting.way_of_meeting,
        kind=meeting.kind,
        series_id=meeting.series_id,
        occurred_at=now,
    )


async def carry_over(session: AsyncSession, pairing_id: UUID, *, now: datetime) -> None:
    """Put what was not got to on the agenda of the next session, once there is one, of its author with those alone
    before whom it was to be said: what two of a group want to talk about is no business of the others."""
    waiting = await agendas.waiting(session, pairing_id)
    to_come = await sessions.to_come(session, pairing_id, now=now) if waiting else []
    if not to_come:
        return
    circles = await sessions.invited(session, {item.session_id for item in waiting})
    for item in waiting:
        following = next(
            (
                meeting
                for meeting in to_come
                if item.author_id in meeting.attendee_ids and circles[item.session_id].issuperset(meeting.attendee_ids)
            ),
            None,
        )
        if following is None:
            continue
        item.carried = True
        following.agenda_items += 1
        agendas.add(
            session,
            uuid7(),
            session_id=following.session_id,
            pairing_id=pairing_id,
            author_id=item.author_id,
            words=item.words,
            written_at=item.written_at,
            carried_from=item.agenda_item_id,
        )


async def settle_agendas(
    session: AsyncSession, meetings: Sequence[Session], done: Collection[UUID] = (), *, now: datetime
) -> None:
    """What was done of the agendas of a pairing's sessions is done; the rest waits for the next one."""
    for item in await agendas.of_sessions(session, [meeting.session_id for meeting in meetings]):
        item.state = "done" if item.agenda_item_id in done else "carried_over"
    await session.flush()
    for pairing_id in {meeting.pairing_id for meeting in meetings}:
        await carry_over(session, pairing_id, now=now)
