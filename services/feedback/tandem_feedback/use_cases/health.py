"""Health: computing how relationships go, and saying when that changes."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis import preconditions
from tandem_chassis.auth import Caller
from tandem_events import outbox
from tandem_events.contracts import Event, RelationshipAtRisk, RelationshipHealthChanged
from tandem_feedback.domain import health
from tandem_feedback.domain.health import (
    DEFAULT_WEIGHTS,
    Band,
    Evidence,
    Factor,
    GoalStanding,
    Health,
    History,
    is_worrying,
)
from tandem_feedback.storage import goals, programs, relationships
from tandem_feedback.storage import health as policies
from tandem_feedback.storage.goals import Goal
from tandem_feedback.storage.health import HealthPolicy
from tandem_feedback.storage.programs import Program
from tandem_feedback.storage.relationships import Relationship
from tandem_feedback.use_cases.programs import managed
from tandem_feedback.use_cases.relationships import visible_to

REASONS_SAID = 3
LOOKED_AT_AGAIN_AFTER = timedelta(days=1)
"""Health changes with time alone: silence grows, things fall due."""


async def health_of(session: AsyncSession, caller: Caller, pairing_id: UUID, *, now: datetime) -> Health:
    """How a relationship goes now, for its members and its program's managers.

    Raises:
        NoSuchRelationship: there is none, or it is none of the caller's business.
    """
    relationship = await visible_to(session, caller, pairing_id)
    return (await _assess(session, [relationship], now=now))[pairing_id]


async def assess_due(session: AsyncSession, *, now: datetime, limit: int) -> int:
    """Compute the health of relationships in which something happened, or which were not looked at for a day.

    The answer is how many there were. Safe to call from several replicas at once.
    """
    due = await relationships.lock_due(session, now=now, limit=limit)
    if not due:
        return 0
    assessed = await _assess(session, due, now=now)
    said: list[tuple[Event, int]] = []
    for relationship in due:
        result = assessed[relationship.pairing_id]
        before = relationship.health_band
        relationship.health_score = result.score
        relationship.health_band = result.band.value
        relationship.health_assessed_at = now
        relationship.health_due_at = now + LOOKED_AT_AGAIN_AFTER if relationship.status == "active" else None
        if before != result.band.value:
            said.append((_changed(relationship, result, before=before, now=now), relationship.version + 1))
            # What is said late, or written afterwards, of a relationship that has ended needs nobody's step.
            newly = is_worrying(result.band) and not is_worrying(Band(before) if before else None)
            if newly and relationship.status == "active":
                said.append((_at_risk(relationship, result, now=now), relationship.version + 1))
    await relationships.keep_health(session, due)
    await outbox.add_many(session, said)
    return len(due)


def _changed(relationship: Relationship, result: Health, *, before: Any, now: datetime) -> RelationshipHealthChanged:
    return RelationshipHealthChanged(
        pairing_id=relationship.pairing_id,
        program_id=relationship.program_id,
        band=result.band.value,
        previous_band=before,
        score=result.score,
        reasons=tuple(code.value for code in result.weighing_most)[:REASONS_SAID],
        occurred_at=now,
    )


def _at_risk(relationship: Relationship, result: Health, *, now: datetime) -> RelationshipAtRisk:
    reason = result.weighing_most[0] if result.weighing_most else Factor.CADENCE
    return RelationshipAtRisk(
        pairing_id=relationship.pairing_id,
        program_id=relationship.program_id,
        band=result.band.value,
        score=result.score,
        reason=reason.value,
        suggested_step=health.SUGGESTED_STEPS[reason][0],
        occurred_at=now,
    )


async def weights_of(session: AsyncSession, caller: Caller, program_id: UUID) -> tuple[Mapping[Factor, int], int]:
    """A program's weights and their version, 0 where it uses the usual ones.

    Raises:
        NoSuchProgram: it was never heard of.
    """
    await managed(session, caller, program_id)
    policy = await policies.find_policy(session, program_id)
    return (_weights(policy.weights), policy.version) if policy else (DEFAULT_WEIGHTS, 0)


async def change_weights(
    session: AsyncSession,
    caller: Caller,
    program_id: UUID,
    *,
    weights: Mapping[Factor, int],
    if_match: str | None,
    now: datetime,
) -> int:
    """Give a program weights of its own, and compute all its relationships' health anew; the new version.

    Raises:
        NoSuchProgram: it was never heard of.
        NothingWeighs: every weight is 0.
        PreconditionRequired, PreconditionFailed: they were changed since the caller saw them.
    """
    await managed(session, caller, program_id, lock=True)
    health.check_weights(weights)
    policy = await policies.find_policy(session, program_id, lock=True)
    preconditions.require_match(if_match, policy.version if policy else 0)
    if policy is None:
        policy = HealthPolicy(program_id=program_id, weights={})
        session.add(policy)
    policy.weights = {factor.value: weight for factor, weight in weights.items()}
    await session.flush()
    await policies.assess_program_from(session, program_id, now)
    return policy.version


def _weights(stored: Mapping[str, int]) -> Mapping[Factor, int]:
    return {factor: stored.get(factor.value, 0) for factor in Factor}


async def _assess(session: AsyncSession, chosen: Sequence[Relationship], *, now: datetime) -> Mapping[UUID, Health]:
    ids = [relationship.pairing_id for relationship in chosen]
    members = await relationships.members_of_all(session, ids)
    happened = await relationships.evidence_of(session, ids)
    program_ids = {relationship.program_id for relationship in chosen}
    heard = await programs.find_all(session, program_ids)
    weights = await policies.find_policies(session, program_ids)
    active = await goals.active_of(session, ids)
    return {
        relationship.pairing_id: health.assess(
            _history(
                relationship,
                heard[relationship.program_id],
                members[relationship.pairing_id],
                happened.get(relationship.pairing_id, []),
                active.get(relationship.pairing_id, []),
                now,
            ),
            now=now,
            weights=_weights(weights[relationship.program_id])
            if relationship.program_id in weights
            else DEFAULT_WEIGHTS,
        )
        for relationship in chosen
    }


def _history(
    relationship: Relationship,
    program: Program,
    members: tuple[UUID, ...],
    happened: Sequence[Evidence],
    active: Sequence[Goal],
    now: datetime,
) -> History:
    at = now if relationship.ended_at is None else min(now, relationship.ended_at)
    return History(
        began_at=relationship.began_at,
        ended_at=relationship.ended_at,
        members=members,
        meeting_every=timedelta(days=relationship.agreed_every_days or program.meeting_every_days),
        evidence=happened,
        goals=[
            GoalStanding(
                goal.goal_id,
                progress=goal.terms.share_done(goal.current_value),
                time_gone=goal.terms.share_of_time(at),
                moved_at=goal.moved_at,
            )
            for goal in active
        ],
    )
