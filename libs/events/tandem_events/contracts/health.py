"""Health: how a relationship goes, computed from what happened in it."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from tandem_events.contracts.contract import Code, Fact

Band = Literal["thriving", "steady", "at_risk", "stalled"]


class RelationshipHealthChanged(Fact, name="relationship.health_changed", sender="feedback", subject="pairing_id"):
    """A relationship moved from one band of health to another."""

    pairing_id: UUID
    program_id: UUID
    band: Band
    previous_band: Band | None = None
    score: int = Field(ge=0, le=100)
    reasons: tuple[Code, ...] = Field(description="Codes of what weighs most, the heaviest first.")


class RelationshipAtRisk(Fact, name="relationship.at_risk", sender="feedback", subject="pairing_id"):
    """A relationship needs somebody's attention: why, and what would help most."""

    pairing_id: UUID
    program_id: UUID
    band: Band
    score: int = Field(ge=0, le=100)
    reason: Code
    suggested_step: Code
