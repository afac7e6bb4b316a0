"""The door of health: how a relationship goes, and why."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from tandem_chassis import idempotency, preconditions
from tandem_chassis.app import Now
from tandem_chassis.auth import CurrentCaller
from tandem_chassis.database import Transaction
from tandem_chassis.preconditions import IfMatch
from tandem_feedback.api.documented import IF_MATCH
from tandem_feedback.domain.health import Band, Factor, Health
from tandem_feedback.use_cases import health

router = APIRouter(tags=["health of relationships"], route_class=idempotency.Route)


class EvidenceView(BaseModel):
    """An event that a reason rests on."""

    event: str = Field(description="The event's name, such as session.completed.")
    subject_id: UUID = Field(description="What the event is about: the session, the request, the goal.")
    event_id: UUID | None = Field(description="The id of the event itself, as every reader of its topic knows it.")
    occurred_at: datetime


class ReasonView(BaseModel):
    """What one factor contributes: `points` out of `weight`; the weights of all reasons add up to 100."""

    code: Factor
    words: str
    points: float
    weight: float
    evidence: list[EvidenceView]


class StepView(BaseModel):
    """What would help most."""

    code: str
    words: str


class HealthView(BaseModel):
    """How a relationship goes: a number from 0 to 100 with its reasons, the one that costs most first."""

    pairing_id: UUID
    score: int = Field(ge=0, le=100)
    band: Band
    capped_by_silence: bool = Field(description="The score is better than the band: no session for too long.")
    reasons: list[ReasonView]
    suggested_step: StepView | None


@router.get("/pairings/{pairing_id}/health")
async def show_health(pairing_id: UUID, caller: CurrentCaller, now: Now, session: Transaction) -> HealthView:
    """How a relationship goes now: for its members, and for the managers of its program."""
    return _view(pairing_id, await health.health_of(session, caller, pairing_id, now=now))


Weight = Annotated[int, Field(ge=0, le=100)]


class Weights(BaseModel):
    """How much each factor counts for health in a program, in relation to the others; 0 leaves it out."""

    cadence_kept: Weight
    goals_moving: Weight
    agendas_prepared: Weight
    agenda_followed: Weight
    actions_applied: Weight
    feedback_both_ways: Weight
    sessions_kept: Weight
    reciprocity: Weight


@router.get("/programs/{program_id}/health-weights")
async def show_weights(program_id: UUID, caller: CurrentCaller, session: Transaction, response: Response) -> Weights:
    """How much each factor counts in a program, for its managers."""
    weights, version = await health.weights_of(session, caller, program_id)
    preconditions.tag(response, version)
    return Weights(**{factor.value: weight for factor, weight in weights.items()})


@router.put("/programs/{program_id}/health-weights", responses=IF_MATCH)
async def change_weights(
    program_id: UUID,
    body: Weights,
    caller: CurrentCaller,
    now: Now,
    session: Transaction,
    response: Response,
    if_match: IfMatch = None,
) -> Weights:
    """Give a program weights of its own. The health of all its relationships is computed anew."""
    weights = {Factor(name): weight for name, weight in body.model_dump().items()}
    version = await health.change_weights(session, caller, program_id, weights=weights, if_match=if_match, now=now)
    preconditions.tag(response, version)
    return body


def _view(pairing_id: UUID, assessed: Health) -> HealthView:
    step = assessed.suggested_step
    return HealthView(
        pairing_id=pairing_id,
        score=assessed.score,
        band=assessed.band,
        capped_by_silence=assessed.capped_by_silence,
        reasons=[
            ReasonView(
                code=reason.code,
                words=reason.words,
                points=round(reason.points, 1),
                weight=round(reason.weight, 1),
                evidence=[EvidenceView.model_validate(one, from_attributes=True) for one in reason.evidence],
            )
            for reason in assessed.reasons
        ],
        suggested_step=StepView(code=step[0], words=step[1]) if step else None,
    )
