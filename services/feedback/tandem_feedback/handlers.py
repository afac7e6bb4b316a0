"""The Kafka door: what this service hears, and what it does about it."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events.contracts import (
    ActionItemAgreed,
    ActionItemApplied,
    AgendaPrepared,
    AgreementProposed,
    AgreementSigned,
    EnrollmentApproved,
    EnrollmentSubmitted,
    Event,
    PairingCreated,
    PairingEnded,
    PersonErased,
    PersonState,
    ProgramState,
    SessionCancelled,
    SessionCompleted,
    SessionMissed,
    SessionRescheduled,
    SessionScheduled,
)
from tandem_events.subscriptions import Subscription
from tandem_feedback.read_models import keep_last_known, keep_person, keep_program
from tandem_feedback.use_cases import batches, people, relationships, reports, sessions


async def on_person_gone(person_id: UUID, session: AsyncSession) -> None:
    await people.erase(session, person_id)


async def on_person_erased(event: PersonErased, session: AsyncSession) -> None:
    await people.erase_and_confirm(session, event.person_id, at=event.occurred_at)


async def on_enrollment_submitted(event: EnrollmentSubmitted, session: AsyncSession) -> None:
    await reports.enroll(
        session, "applied", program_id=event.program_id, person_ids=[event.person_id], at=event.occurred_at
    )


async def on_enrollment_approved(event: EnrollmentApproved, session: AsyncSession) -> None:
    await reports.enroll(
        session, "enrolled", program_id=event.program_id, person_ids=[event.person_id], at=event.occurred_at
    )


async def on_pairing_created(event: PairingCreated, session: AsyncSession) -> None:
    await relationships.follow(
        session,
        event.pairing_id,
        program_id=event.program_id,
        kind=event.format,
        members={member.person_id: member.role for member in event.members},
        at=event.occurred_at,
    )


async def on_pairing_ended(event: PairingEnded, session: AsyncSession) -> None:
    await relationships.close(session, event.pairing_id, reason=event.reason, at=event.occurred_at)


async def on_agreement_proposed(event: AgreementProposed, session: AsyncSession) -> None:
    await relationships.propose_cadence(session, event.pairing_id, every_days=event.meeting_every_days)


async def on_agreement_signed(event: AgreementSigned, session: AsyncSession) -> None:
    await relationships.agree_cadence(
        session,
        event.pairing_id,
        agreement_id=event.agreement_id,
        person_id=event.person_id,
        complete=event.complete,
        at=event.occurred_at,
    )


async def on_session_scheduled(event: SessionScheduled, session: AsyncSession) -> None:
    await sessions.expect(
        session,
        event.session_id,
        pairing_id=event.pairing_id,
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        at=event.occurred_at,
    )


async def on_agenda_prepared(event: AgendaPrepared, session: AsyncSession) -> None:
    await sessions.hear_of_agenda(
        session,
        event.session_id,
        pairing_id=event.pairing_id,
        person_id=event.person_id,
        items=event.items,
        at=event.occurred_at,
    )


async def on_session_completed(event: SessionCompleted, session: AsyncSession) -> None:
    await sessions.complete(
        session,
        event.session_id,
        pairing_id=event.pairing_id,
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        attended=event.attended,
        completed_sessions=event.completed_sessions,
        agenda_items=event.agenda_items,
        agenda_items_done=event.agenda_items_done,
        at=event.occurred_at,
    )


async def on_session_cancelled(event: SessionCancelled, session: AsyncSession) -> None:
    await sessions.cancel(
        session,
        event.session_id,
        pairing_id=event.pairing_id,
        cancelled_by=event.cancelled_by,
        at=event.occurred_at,
    )


async def on_session_rescheduled(event: SessionRescheduled, session: AsyncSession) -> None:
    await sessions.move(
        session,
        event.session_id,
        pairing_id=event.pairing_id,
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        at=event.occurred_at,
    )


async def on_session_missed(event: SessionMissed, session: AsyncSession) -> None:
    await sessions.miss(session, event.session_id, pairing_id=event.pairing_id, at=event.occurred_at)


async def on_action_item_applied(event: ActionItemApplied, session: AsyncSession) -> None:
    await sessions.hear_of_applied_action(
        session,
        event.action_item_id,
        pairing_id=event.pairing_id,
        owner_id=event.owner_id,
        outcome=event.outcome,
        at=event.occurred_at,
    )


async def on_action_item_agreed(event: ActionItemAgreed, session: AsyncSession) -> None:
    await sessions.hear_of_action(
        session,
        event.action_item_id,
        pairing_id=event.pairing_id,
        owner_id=event.owner_id,
        due_on=event.due_on,
        at=event.occurred_at,
    )


def around_batch(session: AsyncSession, events: Sequence[Event]) -> AbstractAsyncContextManager[None]:
    """The relationships and programs that these events are about are read once for all of them."""
    return batches.taken_together(
        session,
        pairing_ids=[event.pairing_id for event in events if isinstance(event, ABOUT_RELATIONSHIPS)],
        program_ids=[event.program_id for event in events if isinstance(event, PairingCreated)],
    )


ABOUT_RELATIONSHIPS = (
    PairingEnded,
    AgreementProposed,
    AgreementSigned,
    SessionScheduled,
    AgendaPrepared,
    SessionCompleted,
    SessionCancelled,
    SessionRescheduled,
    SessionMissed,
    ActionItemAgreed,
    ActionItemApplied,
)
"""Events whose handlers hold the relationship that they are about."""

SUBSCRIPTIONS = (
    Subscription(PersonState, keep_person, on_gone=on_person_gone),
    Subscription(PersonErased, on_person_erased),
    Subscription(ProgramState, keep_program, on_gone=keep_last_known),
    Subscription(EnrollmentSubmitted, on_enrollment_submitted),
    Subscription(EnrollmentApproved, on_enrollment_approved),
    Subscription(PairingCreated, on_pairing_created),
    Subscription(PairingEnded, on_pairing_ended),
    Subscription(AgreementProposed, on_agreement_proposed),
    Subscription(AgreementSigned, on_agreement_signed),
    Subscription(SessionScheduled, on_session_scheduled),
    Subscription(AgendaPrepared, on_agenda_prepared),
    Subscription(SessionCompleted, on_session_completed),
    Subscription(SessionCancelled, on_session_cancelled),
    Subscription(SessionRescheduled, on_session_rescheduled),
    Subscription(SessionMissed, on_session_missed),
    Subscription(ActionItemAgreed, on_action_item_agreed),
    Subscription(ActionItemApplied, on_action_item_applied),
)
