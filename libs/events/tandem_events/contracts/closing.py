"""Closing: how relationships end well, and what stays of them."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from tandem_events.contracts.contract import Code, Fact


class ReflectionSubmitted(
    Fact, name="reflection.submitted", sender="feedback", subject="reflection_id", key="pairing_id"
):
    """A member wrote their closing reflection."""

    reflection_id: UUID
    pairing_id: UUID
    program_id: UUID
    author_id: UUID
    stays_in_touch: bool = Field(description="Whether the author keeps an alumni link to the others.")


class AlumniLinkChanged(Fact, name="alumni_link.changed", sender="feedback", subject="reflection_id", key="pairing_id"):
    """A member took back the alumni link that they had given with their reflection, or gave it after all."""

    reflection_id: UUID
    pairing_id: UUID
    program_id: UUID
    author_id: UUID
    stays_in_touch: bool = Field(description="Whether the author keeps an alumni link to the others now.")


class RecognitionAwarded(Fact, name="recognition.awarded", sender="feedback", subject="award_id", key="person_id"):
    """A mentor reached a milestone or earned a badge."""

    award_id: UUID
    person_id: UUID
    kind: Literal["milestone", "badge"]
    award: Code


class OutcomeRecorded(Fact, name="outcome.recorded", sender="feedback", subject="outcome_id", key="person_id"):
    """The organisation's HR system told of a participant's promotion or move. An HR fact is personal, so it is told by
    ids and a code alone: no title, department, amount or day; `occurred_at` is when the platform learned of it."""

    outcome_id: UUID
    person_id: UUID
    kind: Literal["promotion", "salary_grade_change", "retention", "move"] = Field(
        description="Only `promotion` and `move` are sent: what concerns pay or leaving is told of groups alone."
    )
