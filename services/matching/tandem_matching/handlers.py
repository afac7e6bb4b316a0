"""What matching does with the facts of others."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis.app import utc_now
from tandem_events.contracts import (
    EnrollmentApproved,
    EnrollmentPaused,
    EnrollmentResumed,
    EnrollmentWithdrawn,
    PersonDeparted,
    PersonErased,
    PersonMerged,
    PersonState,
    ProgramState,
)
from tandem_events.subscriptions import Subscription
from tandem_matching.read_models import forget_program, keep_person, keep_program
from tandem_matching.use_cases import world


async def on_person_gone(person_id: UUID, session: AsyncSession) -> None:
    """Erase what is known of a person."""
    await world.forget_person(session, person_id, at=utc_now())


async def on_person_departed(event: PersonDeparted, session: AsyncSession) -> None:
    """End the pairings of somebody who left."""
    await world.see_person_leave(session, event.person_id, left_on=event.left_on, at=event.occurred_at)


async def on_person_erased(event: PersonErased, session: AsyncSession) -> None:
    """Erase what is kept here, and confirm it."""
    await world.erase_person(session, event.person_id, at=event.occurred_at)


async def on_person_merged(event: PersonMerged, session: AsyncSession) -> None:
    """Let everything that names the duplicate name the record that stays."""
    await world.merge_people(session, kept=event.person_id, duplicate=event.duplicate_id, at=event.occurred_at)


async def on_enrollment_approved(event: EnrollmentApproved, session: AsyncSession) -> None:
    """Let somebody be paired."""
    await world.admit_enrollment(
        session,
        enrollment_id=event.enrollment_id,
        program_id=event.program_id,
        person_id=event.person_id,
        roles=event.roles,
        mentor_places=event.mentor_places,
        wanted_mentors=event.wanted_mentors,
        needs={one.skill: one.level for one in event.needs},
        preferences=[one.model_dump(mode="json") for one in event.preferences],
        preferred=event.preferred_ids,
        excluded=event.excluded_ids,
        at=event.occurred_at,
    )


async def on_enrollment_withdrawn(event: EnrollmentWithdrawn, session: AsyncSession) -> None:
    """Pair somebody no more, and end what they had in this program."""
    await world.withdraw_enrollment(
        session,
        enrollment_id=event.enrollment_id,
        program_id=event.program_id,
        person_id=event.person_id,
        at=event.occurred_at,
    )


async def on_enrollment_paused(event: EnrollmentPaused, session: AsyncSession) -> None:
    """Give somebody nobody new."""
    await world.pause_enrollment(session, event.enrollment_id, paused=True)


async def on_enrollment_resumed(event: EnrollmentResumed, session: AsyncSession) -> None:
    """Let somebody be paired again."""
    await world.pause_enrollment(session, event.enrollment_id, paused=False)


SUBSCRIPTIONS = (
    Subscription(PersonState, keep_person, on_gone=on_person_gone),
    Subscription(PersonDeparted, on_person_departed),
    Subscription(PersonErased, on_person_erased),
    Subscription(PersonMerged, on_person_merged),
    Subscription(ProgramState, keep_program, on_gone=forget_program),
    Subscription(EnrollmentApproved, on_enrollment_approved),
    Subscription(EnrollmentPaused, on_enrollment_paused),
    Subscription(EnrollmentResumed, on_enrollment_resumed),
    Subscription(EnrollmentWithdrawn, on_enrollment_withdrawn),
)
