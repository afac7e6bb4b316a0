"""Relationships: following them from the first day to the last."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis.auth import Caller
from tandem_chassis.errors import Conflict, NotFound
from tandem_events import outbox
from tandem_events.contracts import Event
from tandem_events.envelope import Message, current_cause, to_message
from tandem_events.subscriptions import NotYet
from tandem_feedback.domain.practices import bit_of
from tandem_feedback.storage import feedback, goals, participations, programs, relationships
from tandem_feedback.storage.relationships import Relationship

PEER = "peer"
"""The format of programs whose people are paired with each other, and of peer groups wherever they are."""


class NoSuchRelationship(NotFound):
    """There is none with this id, or the caller may not know of it."""


class RelationshipEnded(Conflict):
    """What was asked for needs a relationship that goes on."""


def require_active(relationship: Relationship) -> None:
    """Raises `RelationshipEnded` where the relationship is over."""
    if relationship.status != "active":
        raise RelationshipEnded("This relationship has ended: what it left stays readable, but nothing new is begun.")


def heard_event_id() -> UUID | None:
    """The id of the event that is being handled."""
    causation = current_cause().causation_id
    return UUID(causation) if causation else None


async def follow(
    session: AsyncSession, pairing_id: UUID, *, program_id: UUID, kind: str, members: Mapping[UUID, str], at: datetime
) -> None:
    """Begin to follow a relationship.

    Raises:
        NotYet: its program was not heard of yet.
    """
    if await programs.find(session, program_id) is None:
        raise NotYet(f"the program {program_id} must be heard of first")
    mentees = sorted(person_id for person_id, role in members.items() if role == "mentee")
    relationship = Relationship(
        pairing_id=pairing_id,
        program_id=program_id,
        format=kind,
        status="active",
        began_at=at,
        mentee_id=(mentees or sorted(members))[0],
        practices=0,
        feedback_asked=0,
        feedback_answered=0,
        completed_sessions=0,
        session_minutes=0,
        all_met=False,
    )
    relationship.assess_from(at)
    await relationships.begin(session, relationship, members)
    await note(session, relationship, "pairing.created", pairing_id, at=at)
    await reach(session, relationship, "matched", members, at=at)


async def reach(
    session: AsyncSession, relationship: Relationship, step: str, person_ids: Iterable[UUID], *, at: datetime
) -> None:
    """People reached a step of their program in a relationship.

    A peer group beside a program of mentors is what people have until they are matched: nobody gets on in it.
    """
    program_id = relationship.program_id
    if relationship.format == PEER:
        program = await programs.find(session, program_id)
        if program is None or program.format != PEER:
            return
    await participations.reach(session, step, program_id=program_id, person_ids=person_ids, at=at)


async def locked(session: AsyncSession, pairing_id: UUID) -> Relationship:
    """A relationship that another service's event is about, its row held.

    Raises:
        NotYet: it was not heard of yet.
    """
    relationship = await relationships.lock(session, pairing_id)
    if relationship is None:
        raise NotYet(f"the pairing {pairing_id} must be heard of first")
    return relationship


async def close(session: AsyncSession, pairing_id: UUID, *, reason: str, at: datetime) -> None:
    """A relationship came to its end."""
    relationship = await locked(session, pairing_id)
    relationship.status, relationship.ended_at, relationship.end_reason = "ended", at, reason
    relationship.assess_from(at)
    await feedback.stop_reminding(session, pairing_id)
    await goals.stop_watching(session, pairing_id)
    if reason == "completed":
        members = await relationships.members_of(session, pairing_id)
        await reach(session, relationship, "completed", members, at=at)
    await note(session, relationship, "pairing.ended", pairing_id, at=at)


async def propose_cadence(session: AsyncSession, pairing_id: UUID, *, every_days: int) -> None:
    """An agreement waits for its signatures; until then the program's cadence counts."""
    relationship = await locked(session, pairing_id)
    relationship.proposed_every_days = every_days


async def agree_cadence(
    session: AsyncSession, pairing_id: UUID, *, agreement_id: UUID, person_id: UUID, complete: bool, at: datetime
) -> None:
    """A member signed. Once all have, what they agreed on is the cadence that counts."""
    relationship = await locked(session, pairing_id)
    if complete and relationship.proposed_every_days is not None:
        relationship.agreed_every_days = relationship.proposed_every_days
    await note(session, relationship, "agreement.signed", agreement_id, at=at, person_id=person_id)


async def note(
    session: AsyncSession,
    relationship: Relationship,
    event: str,
    subject_id: UUID,
    *,
    at: datetime,
    person_id: UUID | None = None,
    amount: int = 0,
    amount_done: int = 0,
    due_at: datetime | None = None,
) -> None:
    """Remember the event that is being handled, and have the relationship's health computed again."""
    row = happening(
        relationship,
        event,
        subject_id,
        heard_event_id(),
        at=at,
        person_id=person_id,
        amount=amount,
        amount_done=amount_done,
        due_at=due_at,
    )
    await relationships.add_happenings(session, [row])


async def say(
    session: AsyncSession,
    relationship: Relationship,
    event: Event,
    *,
    version: int,
    person_id: UUID,
    amount: int = 0,
) -> None:
    """Say a fact of this service's own, and remember it under the id that others know it by.

    The aggregate is written before, and its row held; `version` is its version after the change.
    """
    message = to_message(event, version=version)
    noted = happening_said(relationship, event, message, person_id=person_id, amount=amount)
    await relationships.add_happenings(session, [noted])
    await outbox.add_messages(session, [message])


def happening_said(
    relationship: Relationship,
    event: Event,
    message: Message,
    *,
    person_id: UUID,
    amount: int = 0,
    due_at: datetime | None = None,
) -> dict[str, Any]:
    """What is stored of a fact of this service's own that counts for health; the relationship takes note of it."""
    return happening(
        relationship,
        event.contract.name,
        event.subject_id(),
        message.event_id,
        at=event.occurred_at,
        person_id=person_id,
        amount=amount,
        due_at=due_at,
    )


def happening(
    relationship: Relationship,
    event: str,
    subject_id: UUID,
    event_id: UUID | None,
    *,
    at: datetime,
    person_id: UUID | None = None,
    amount: int = 0,
    amount_done: int = 0,
    due_at: datetime | None = None,
) -> dict[str, Any]:
    """What is stored of an event that counts for health; the relationship takes note of it."""
    relationship.assess_from(at)
    relationship.practices |= bit_of(event)
    relationship.feedback_asked += event == "feedback.requested"
    relationship.feedback_answered += event == "feedback.submitted"
    return {
        "pairing_id": relationship.pairing_id,
        "event": event,
        "subject_id": subject_id,
        "event_id": event_id,
        "occurred_at": at,
        "person_id": person_id,
        "amount": amount,
        "amount_done": amount_done,
        "due_at": due_at,
    }


async def visible_to(session: AsyncSession, caller: Caller, pairing_id: UUID) -> Relationship:
    """A relationship that this caller may know of: as a member, or as a manager of its program.

    Raises:
        NoSuchRelationship: there is none, or it is none of the caller's business.
    """
    relationship = await relationships.find(session, pairing_id)
    if relationship is not None:
        if caller.manages(relationship.program_id):
            return relationship
        if caller.person_id in await relationships.members_of(session, pairing_id):
            return relationship
    raise NoSuchRelationship("There is no such relationship among yours: look at your pairings for the right id.")


async def member_of(session: AsyncSession, person_id: UUID, pairing_id: UUID) -> dict[UUID, str]:
    """The members and roles of a relationship that this person is in.

    Raises:
        NoSuchRelationship: there is none, or this person is not in it.
    """
    members = await relationships.members_of(session, pairing_id)
    if person_id not in members:
        raise NoSuchRelationship("There is no such relationship among yours: look at your pairings for the right id.")
    return members


async def locked_for_member(session: AsyncSession, person_id: UUID, pairing_id: UUID) -> Relationship:
    """A relationship that this person is in, its row held.

    Raises:
        NoSuchRelationship: there is none, or this person is not in it.
    """
    await member_of(session, person_id, pairing_id)
    relationship = await relationships.lock(session, pairing_id)
    assert relationship is not None
    return relationship
