"""Rotations: the short meetings of a flash program, every mentee with every mentor, booked in one go."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis.auth import Caller
from tandem_scheduling.domain.rotations import rotate
from tandem_scheduling.domain.sessions import require_bookable
from tandem_scheduling.domain.zones import zone_named
from tandem_scheduling.storage import sessions
from tandem_scheduling.storage.sessions import Session
from tandem_scheduling.use_cases.bookings import Slot, book, require_signed, zone_for
from tandem_scheduling.use_cases.rights import held_to_book


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationPlan:
    """When a rotation begins and how it moves on."""

    starts_at: datetime
    slot_minutes: int
    change_minutes: int
    rounds_before_break: int
    break_minutes: int
    way_of_meeting: str
    place: str | None = None
    time_zone: str | None = None


async def schedule_rotation(
    session: AsyncSession, pairing_id: UUID, plan: RotationPlan, caller: Caller, *, now: datetime
) -> list[Session]:
    """Book every meeting of a rotation, or none. Those who met in this relationship, or are booked to, do not again.

    Raises:
        RotationRefused: one side is empty, or there are too many meetings.
        EverybodyMet: nobody is left who has not met.
        SessionTimeRefused: the time does not fit.
        DoubleBooked: somebody has a session at one of the times.
    """
    booker = await held_to_book(session, pairing_id, caller)
    await require_signed(session, booker.pairing)
    time_zone = await zone_for(session, plan.time_zone, booker.member_id)
    by_role: dict[str, list[UUID]] = {"mentor": [], "mentee": []}
    for member in booker.pairing.members:
        by_role.setdefault(member.role, []).append(member.person_id)
    meetings = rotate(
        by_role["mentor"],
        by_role["mentee"],
        starts_at=plan.starts_at,
        slot=timedelta(minutes=plan.slot_minutes),
        change=timedelta(minutes=plan.change_minutes),
        rounds_before_break=plan.rounds_before_break,
        rest=timedelta(minutes=plan.break_minutes),
        met=await sessions.met_in_pairs(session, pairing_id),
    )
    for meeting in meetings:
        require_bookable(meeting.starts_at, meeting.ends_at, now=now, zone=zone_named(time_zone))
    return await book(
        session,
        booker.pairing,
        [
            Slot(
                starts_at=meeting.starts_at,
                ends_at=meeting.ends_at,
                attendees=tuple(sorted((meeting.mentor_id, meeting.mentee_id))),
            )
            for meeting in meetings
        ],
        way_of_meeting=plan.way_of_meeting,
        place=plan.place,
        organizer_id=booker.member_id,
        time_zone=time_zone,
        now=now,
    )
