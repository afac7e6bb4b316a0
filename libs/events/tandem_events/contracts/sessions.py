"""Sessions: when a pair meets, what it prepared, what it agreed to do."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from tandem_events.contracts.contract import Code, Fact

WayOfMeeting = Literal["in_person", "phone", "video", "messaging"]
SessionKind = Literal["meeting", "shadowing", "debrief"]


class SessionScheduled(Fact, name="session.scheduled", sender="scheduling", subject="session_id", key="pairing_id"):
    """A session was booked."""

    session_id: UUID
    pairing_id: UUID
    program_id: UUID
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    attendees: tuple[UUID, ...] = Field(min_length=2)
    way_of_meeting: WayOfMeeting
    kind: SessionKind = "meeting"
    series_id: UUID | None = Field(default=None, description="The recurring series it belongs to, if any.")


class AgendaPrepared(Fact, name="agenda.prepared", sender="scheduling", subject="session_id", key="pairing_id"):
    """A member wrote down what they want to talk about."""

    session_id: UUID
    pairing_id: UUID
    program_id: UUID
    person_id: UUID
    items: int = Field(ge=1, description="How many items the agenda has now.")


class SessionCompleted(Fact, name="session.completed", sender="scheduling", subject="session_id", key="pairing_id"):
    """A session took place."""

    session_id: UUID
    pairing_id: UUID
    program_id: UUID
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    attended: tuple[UUID, ...] = Field(min_length=1)
    completed_sessions: int = Field(ge=1, description="How many sessions this pairing has completed, this one counted.")
    agenda_items: int = Field(ge=0)
    agenda_items_done: int = Field(ge=0)


class SessionCancelled(Fact, name="session.cancelled", sender="scheduling", subject="session_id", key="pairing_id"):
    """A session will not take place."""

    session_id: UUID
    pairing_id: UUID
    program_id: UUID
    reason: Code
    cancelled_by: UUID | None = Field(default=None, description="Null where the pairing's end cancelled it.")
    attendees: tuple[UUID, ...] = Field(default=(), description="Whose calendars are to hear of it.")
    late: bool = Field(default=False, description="Whether it came with less notice than the members agreed.")


class ActionItemAgreed(
    Fact, name="action_item.agreed", sender="scheduling", subject="action_item_id", key="pairing_id"
):
    """Somebody committed to do something."""

    action_item_id: UUID
    pairing_id: UUID
    program_id: UUID
    session_id: UUID
    owner_id: UUID
    due_on: date | None = None


class SessionProposed(Fact, name="session.proposed", sender="scheduling", subject="proposal_id", key="pairing_id"):
    """A member offered times to choose from; nobody's time is taken yet."""

    proposal_id: UUID
    pairing_id: UUID
    program_id: UUID
    proposed_by: UUID
    options: int = Field(ge=1)


class SessionProposalDeclined(
    Fact, name="session_proposal.declined", sender="scheduling", subject="proposal_id", key="pairing_id"
):
    """None of the times that were offered suits."""

    proposal_id: UUID
    pairing_id: UUID
    program_id: UUID
    declined_by: UUID
    reason: Code


class SessionRescheduled(Fact, name="session.rescheduled", sender="scheduling", subject="session_id", key="pairing_id"):
    """A session was moved."""

    session_id: UUID
    pairing_id: UUID
    program_id: UUID
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    previous_starts_at: AwareDatetime
    attendees: tuple[UUID, ...] = Field(min_length=2)
    way_of_meeting: WayOfMeeting
    reason: Code
    rescheduled_by: UUID
    reschedules: int = Field(ge=1, description="How often this session was moved by now.")
    late: bool = Field(default=False, description="Whether it came with less notice than the members agreed.")


class SessionMissed(Fact, name="session.missed", sender="scheduling", subject="session_id", key="pairing_id"):
    """A session did not take place, because somebody did not come."""

    session_id: UUID
    pairing_id: UUID
    program_id: UUID
    starts_at: AwareDatetime
    missed_by: tuple[UUID, ...] = Field(min_length=1)


class SessionAnswered(Fact, name="session.answered", sender="scheduling", subject="session_id", key="pairing_id"):
    """Somebody who is invited said whether they come."""

    session_id: UUID
    pairing_id: UUID
    program_id: UUID
    person_id: UUID
    answer: Literal["accepted", "tentative", "declined"]


class SessionAttendeeWithdrawn(
    Fact, name="session.attendee_withdrawn", sender="scheduling", subject="session_id", key="pairing_id"
):
    """Somebody is no longer invited to a session, which takes place without them."""

    session_id: UUID
    pairing_id: UUID
    program_id: UUID
    person_id: UUID = Field(description="Whose calendar is to hear that it is cancelled for them.")
    attendees: tuple[UUID, ...] = Field(min_length=2, description="Who is left; their calendars are to hear of it.")
    reason: Code


class ActionItemApplied(
    Fact, name="action_item.applied", sender="scheduling", subject="action_item_id", key="pairing_id"
):
    """Somebody reported what became of what they committed to."""

    action_item_id: UUID
    pairing_id: UUID
    program_id: UUID
    session_id: UUID
    owner_id: UUID
    outcome: Literal["applied", "partly", "dropped"]
