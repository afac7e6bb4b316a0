"""Feedback: asked of both sides, and given. The words themselves never leave the feedback service."""

from uuid import UUID

from pydantic import AwareDatetime, Field

from tandem_events.contracts.contract import Fact


class FeedbackRequested(
    Fact, name="feedback.requested", sender="feedback", subject="feedback_request_id", key="pairing_id"
):
    """Somebody was asked for feedback."""

    feedback_request_id: UUID
    pairing_id: UUID
    program_id: UUID
    session_id: UUID | None = Field(default=None, description="Null where it is about something else than a session.")
    author_id: UUID
    due_at: AwareDatetime


class FeedbackSubmitted(
    Fact, name="feedback.submitted", sender="feedback", subject="feedback_request_id", key="pairing_id"
):
    """Somebody gave the feedback they were asked for."""

    feedback_request_id: UUID
    pairing_id: UUID
    program_id: UUID
    session_id: UUID | None = Field(default=None, description="Null where it is about something else than a session.")
    author_id: UUID


class FeedbackReminded(
    Fact, name="feedback.reminded", sender="feedback", subject="feedback_request_id", key="pairing_id"
):
    """Somebody who was asked for feedback has not answered in time, and is asked again.

    It is for services that reach people by mail or chat. None of the four does; a reader of one's own subscribes to it.
    """

    feedback_request_id: UUID
    pairing_id: UUID
    program_id: UUID
    author_id: UUID
    reminder: int = Field(ge=1, description="The how-manieth reminder this is.")


class FeedbackRevised(
    Fact, name="feedback.revised", sender="feedback", subject="feedback_request_id", key="pairing_id"
):
    """Somebody changed what they had answered."""

    feedback_request_id: UUID
    pairing_id: UUID
    program_id: UUID
    author_id: UUID
    revision: int = Field(ge=1)


class PulseSubmitted(Fact, name="pulse.submitted", sender="feedback", subject="pulse_id", key="pairing_id"):
    """Somebody answered the two questions of a pulse check."""

    pulse_id: UUID
    pairing_id: UUID
    program_id: UUID
    author_id: UUID
