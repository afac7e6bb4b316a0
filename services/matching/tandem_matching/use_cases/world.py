"""What happens in the world of others: people come, change and leave, programs change, enrollments begin and end."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis import idempotency
from tandem_events import dead_letters, outbox
from tandem_events.contracts import MatchingErased, PersonState
from tandem_events.subscriptions import NotYet
from tandem_matching.storage import ledger, merges, pairings, world
from tandem_matching.use_cases.pairings import end_for_leaver, say_capacity


async def see_person_leave(session: AsyncSession, person_id: UUID, *, left_on: date, at: datetime) -> None:
    """End the pairings of somebody who left the company, free the places, put their mentees first in line."""
    await ledger.open_line(session, person_id)
    await world.enrollments_of(session, person_id)
    await world.keep_departure(session, person_id, left_on=left_on, said_at=at)
    for pairing_id in await pairings.active_pairings_of(session, person_id):
        await end_for_leaver(session, pairing_id, leaver=person_id, at=at)


async def forget_person(session: AsyncSession, person_id: UUID, *, at: datetime) -> None:
    """Erase what is known of a person; their pairings end as if they had left.

    A run that is being stored at this moment is waited for, so that what it says of the person is erased as well.
    """
    await world.begin_erasure(session)
    await ledger.open_line(session, person_id)
    for enrollment in await world.enrollments_of(session, person_id):
        await world.withdraw_enrollment(session, enrollment.enrollment_id)
    await _count_places(session, person_id, at=at)
    await world.forget_person(session, person_id)
    await idempotency.forget_answers_naming(session, person_id)
    for pairing_id in await pairings.active_pairings_of(session, person_id):
        await end_for_leaver(session, pairing_id, leaver=person_id, at=at)


async def erase_person(session: AsyncSession, person_id: UUID, *, at: datetime) -> None:
    """Erase what is known of a person, and confirm it."""
    await forget_person(session, person_id, at=at)
    await dead_letters.forget(session, (PersonState.contract.topic, str(person_id)))
    await outbox.add(session, MatchingErased(occurred_at=at, person_id=person_id), version=1)


async def merge_people(session: AsyncSession, *, kept: UUID, duplicate: UUID, at: datetime) -> None:
    """Two records were one person: history, wishes and exclusions of the duplicate become those of the one that stays.

    A relationship of the duplicate that still goes on ends, as it does when its record goes.
    """
    for person_id in sorted((kept, duplicate)):
        await ledger.open_line(session, person_id)
    for pairing_id in await pairings.active_pairings_of(session, duplicate):
        await end_for_leaver(session, pairing_id, leaver=duplicate, at=at)
    await world.merge_people(session, kept=kept, duplicate=duplicate)
    await merges.rename(session, kept=kept, duplicate=duplicate)


async def pause_enrollment(session: AsyncSession, enrollment_id: UUID, *, paused: bool) -> None:
    """Give somebody nobody new for a while, or again. What they have goes on.

    Raises:
        NotYet: the enrollment itself is still on its way.
    """
    if not await world.pause_enrollment(session, enrollment_id, paused=paused):
        raise NotYet("the enrollment is not known yet")


async def admit_enrollment(
    session: AsyncSession,
    *,
    enrollment_id: UUID,
    program_id: UUID,
    person_id: UUID,
    roles: Sequence[str],
    mentor_places: int,
    wanted_mentors: int,
    needs: Mapping[str, int],
    preferences: Sequence[Mapping[str, Any]],
    preferred: Sequence[UUID],
    excluded: Sequence[UUID],
    at: datetime,
) -> None:
    """Let somebody be paired in a program, and count their places in the ledger."""
    await ledger.open_line(session, person_id)
    await world.keep_enrollment(
        session,
        enrollment_id=enrollment_id,
        program_id=program_id,
        person_id=person_id,
        is_mentor="mentor" in roles,
        is_mentee="mentee" in roles,
        mentor_places=mentor_places,
        wanted_mentors=wanted_mentors,
        needs=dict(needs),
        paused=False,
        preferences=[dict(one) for one in preferences],
        preferred=list(preferred),
        excluded=list(excluded),
        said_at=at,
    )
    await _count_places(session, person_id, at=at)


async def withdraw_enrollment(
    session: AsyncSession, *, enrollment_id: UUID, program_id: UUID, person_id: UUID, at: datetime
) -> None:
    """Somebody no longer takes part: they are not paired any more, and their pairings in this program end."""
    await ledger.open_line(session, person_id)
    await world.withdraw_enrollment(session, enrollment_id)
    await _count_places(session, person_id, at=at)
    for pairing_id in await pairings.active_pairings_of(session, person_id, program_id=program_id):
        await end_for_leaver(session, pairing_id, leaver=person_id, at=at)


async def _count_places(session: AsyncSession, person_id: UUID, *, at: datetime) -> None:
    line = await ledger.count_places(session, person_id)
    if line is not None:
        await say_capacity(session, [line], at=at)
