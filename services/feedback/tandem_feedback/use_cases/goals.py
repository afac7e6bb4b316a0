"""Goals: setting them, moving towards them, changing them in writing, and noticing when they fall behind."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from tandem_chassis import preconditions
from tandem_events.contracts import (
    Event,
    GoalAcknowledged,
    GoalAtRisk,
    GoalLetGo,
    GoalReached,
    GoalRecalibrated,
    GoalRevised,
    GoalSet,
    ProgressPosted,
)
from tandem_feedback.domain import goals as rules
from tandem_feedback.domain.goals import (
    Change,
    GoalIsOver,
    GoalState,
    Horizon,
    NoSuchGoal,
    NotTheGoalsOwner,
    OwnRevision,
    Terms,
)
from tandem_feedback.storage import goals, recognition, relationships
from tandem_feedback.storage.goals import Goal, GoalAcknowledgement, GoalProgress, GoalRevision
from tandem_feedback.storage.relationships import Relationship
from tandem_feedback.use_cases.relationships import locked_for_member, member_of, reach, require_active, say


async def set_goal(
    session: AsyncSession, pairing_id: UUID, *, owner_id: UUID, horizon: Horizon, terms: Terms, at: datetime
) -> Goal:
    """A member sets a goal. The others of the relationship see it from now on.

    Raises:
        NoSuchRelationship: the person is in no such relationship.
        RelationshipEnded: it is over.
        Invalid: the goal cannot be reached, or cannot be missed.
    """
    rules.check_new(terms, today=at.astimezone(UTC).date())
    relationship = await locked_for_member(session, owner_id, pairing_id)
    require_active(relationship)
    goal = Goal(
        goal_id=uuid7(),
        pairing_id=pairing_id,
        program_id=relationship.program_id,
        owner_id=owner_id,
        horizon=horizon.value,
        state=GoalState.ACTIVE.value,
        revision=1,
        current_value=terms.start_value,
        set_at=at,
        moved_at=at,
        behind_from=terms.behind_from(terms.start_value),
        **_columns(terms),
    )
    session.add(goal)
    await session.flush()
    session.add(_revision(goal, Change.SET, reason="", at=at))
    await session.flush()
    await reach(session, relationship, "goal_set", [owner_id], at=at)
    event = GoalSet(**_about(goal, at), horizon=goal.horizon, due_on=goal.due_on)
    await say(session, relationship, event, version=goal.version, person_id=owner_id)
    return goal


async def post_progress(
    session: AsyncSession, goal_id: UUID, *, author_id: UUID, value: float, words: str, at: datetime
) -> Goal:
    """The owner says how far they are. A value at the target, or past it, reaches the goal; it is kept as it was said.

    Raises:
        NoSuchGoal: the person may not know of it.
        NotTheGoalsOwner: somebody else's goal.
        GoalIsOver: it was reached or let go.
    """
    goal, relationship = await _held_by_owner(session, goal_id, author_id)
    terms = goal.terms
    goal.current_value, goal.moved_at = value, at
    goal.behind_from = terms.behind_from(value)
    if goal.behind_from is None or goal.behind_from > at:
        goal.at_risk_since = None
    session.add(
        GoalProgress(progress_id=uuid7(), goal_id=goal_id, author_id=author_id, value=value, words=words, posted_at=at)
    )
    percent = int(100 * terms.share_done(value))
    reached = terms.is_reached(value)
    if reached:
        goal.state, goal.at_risk_since = GoalState.REACHED.value, None
    await session.flush()
    event = ProgressPosted(**_about(goal, at), percent_done=percent)
    await say(session, relationship, event, version=goal.version, person_id=author_id, amount=percent)
    if reached:
        await _say_reached(session, relationship, goal, at=at)
    return goal


async def _say_reached(session: AsyncSession, relationship: Relationship, goal: Goal, *, at: datetime) -> None:
    """A goal was reached. A mentee's goal counts for the mentors, too."""
    event = GoalReached(**_about(goal, at))
    await say(session, relationship, event, version=goal.version, person_id=goal.owner_id)
    members = await relationships.members_of(session, goal.pairing_id)
    if members[goal.owner_id] != "mentee":
        return
    await recognition.enter(
        session,
        [person_id for person_id, role in members.items() if role == "mentor"],
        pairing_id=goal.pairing_id,
        program_id=goal.program_id,
        kind="goal_reached",
        subject_id=goal.goal_id,
        at=at,
    )


async def revise_goal(
    session: AsyncSession,
    goal_id: UUID,
    *,
    author_id: UUID,
    change: Change,
    reason: str,
    if_match: str | None,
    at: datetime,
    **changed: Any,
) -> Goal:
    """The owner changes a goal in writing: its words, its strategy, its target or time, or gives it up.

    A target that the owner has reached, or passed, by what they posted last reaches the goal.

    Raises:
        NoSuchGoal, NotTheGoalsOwner, GoalIsOver: as with progress.
        PreconditionRequired, PreconditionFailed: it was changed since the owner saw it.
        Invalid: nothing would change, or the goal could not be reached.
    """
    goal, relationship = await _held_by_owner(session, goal_id, author_id)
    preconditions.require_match(if_match, goal.version)
    terms = rules.revise(goal.terms, change, today=at.astimezone(UTC).date(), **changed)
    for name, value in _columns(terms).items():
        setattr(goal, name, value)
    goal.revision += 1
    goal.behind_from = terms.behind_from(goal.current_value)
    reached = change is not Change.LET_GO and terms.is_reached(goal.current_value)
    if change is Change.LET_GO:
        goal.state, goal.at_risk_since = GoalState.LET_GO.value, None
    elif reached:
        goal.state, goal.at_risk_since = GoalState.REACHED.value, None
    elif goal.behind_from is None or goal.behind_from > at:
        goal.at_risk_since = None
    session.add(_revision(goal, change, reason=reason, at=at))
    await session.flush()
    await say(session, relationship, _said(goal, change, at), version=goal.version, person_id=author_id)
    if reached:
        await _say_reached(session, relationship, goal, at=at)
    return goal


async def acknowledge_revision(
    session: AsyncSession, goal_id: UUID, *, person_id: UUID, revision: int, at: datetime
) -> None:
    """Another member has read a revision. Doing it again changes nothing.

    Raises:
        NoSuchGoal: the person may not know of it, or there is no such revision.
        OwnRevision: it is the person's own.
    """
    goal = await _visible(session, goal_id, person_id)
    if goal.owner_id == person_id:
        raise OwnRevision("This goal is yours: the others acknowledge it.")
    relationship = await relationships.lock(session, goal.pairing_id)
    assert relationship is not None
    goal = await _locked(session, goal_id)
    if not 1 <= revision <= goal.revision:
        raise NoSuchGoal(f"This goal has no revision {revision}; its latest is {goal.revision}.")
    if await goals.acknowledge(session, goal_id, revision, person_id, at=at):
        event = GoalAcknowledged(
            goal_id=goal_id,
            pairing_id=goal.pairing_id,
            program_id=goal.program_id,
            person_id=person_id,
            revision=revision,
            occurred_at=at,
        )
        await say(session, relationship, event, version=goal.version, person_id=person_id)


async def goals_of(
    session: AsyncSession, pairing_id: UUID, *, person_id: UUID, after: UUID | None, limit: int
) -> list[Goal]:
    """The goals of a relationship, for its members.

    Raises:
        NoSuchRelationship: the person is in no such relationship.
    """
    await member_of(session, person_id, pairing_id)
    return await goals.list_of(session, pairing_id, after=after, limit=limit)


async def goal_with_story(
    session: AsyncSession, goal_id: UUID, *, person_id: UUID
) -> tuple[Goal, Sequence[GoalRevision], Sequence[GoalAcknowledgement], Sequence[GoalProgress]]:
    """A goal with every revision, who acknowledged it, and its progress.

    Raises:
        NoSuchGoal: the person may not know of it.
    """
    goal = await _visible(session, goal_id, person_id)
    return (
        goal,
        await goals.revisions_of(session, goal_id),
        await goals.acknowledgements_of(session, goal_id),
        await goals.progress_of(session, goal_id),
    )


async def notice_fallen_behind(session: AsyncSession, *, now: datetime, limit: int) -> int:
    """Say which goals fell behind time; how many there were. Safe to call from several replicas at once."""
    noticed = 0
    for goal_id, pairing_id in await goals.fallen_behind(session, now=now, limit=limit):
        relationship = await relationships.lock(session, pairing_id)
        goal = await _locked(session, goal_id)
        due = goal.behind_from is not None and goal.behind_from <= now
        if relationship is None or goal.state != "active" or goal.at_risk_since is not None or not due:
            continue
        if relationship.status != "active":
            goal.behind_from = None
            continue
        goal.at_risk_since = now
        terms = goal.terms
        event = GoalAtRisk(
            **_about(goal, now),
            percent_done=int(100 * terms.share_done(goal.current_value)),
            percent_of_time_gone=int(100 * terms.share_of_time(now)),
        )
        await session.flush()
        await say(session, relationship, event, version=goal.version, person_id=goal.owner_id)
        noticed += 1
    return noticed


async def _visible(session: AsyncSession, goal_id: UUID, person_id: UUID) -> Goal:
    goal = await goals.find(session, goal_id)
    if goal is None or person_id not in await relationships.members_of(session, goal.pairing_id):
        raise NoSuchGoal("There is no such goal in your relationships: look at their goals for the right id.")
    return goal


async def _held_by_owner(session: AsyncSession, goal_id: UUID, person_id: UUID) -> tuple[Goal, Relationship]:
    goal = await _visible(session, goal_id, person_id)
    if goal.owner_id != person_id:
        raise NotTheGoalsOwner("Only its owner changes a goal. You can acknowledge it, or talk about it next time.")
    relationship = await relationships.lock(session, goal.pairing_id)
    assert relationship is not None
    require_active(relationship)
    goal = await _locked(session, goal_id)
    if goal.state != GoalState.ACTIVE:
        raise GoalIsOver("This goal was reached or let go already: set a new one.")
    return goal, relationship


async def _locked(session: AsyncSession, goal_id: UUID) -> Goal:
    goal = await goals.lock(session, goal_id)
    assert goal is not None, "goals are never deleted"
    return goal


def _columns(terms: Terms) -> dict[str, Any]:
    return {name: getattr(terms, name) for name in Terms.__dataclass_fields__}


def _revision(goal: Goal, change: Change, *, reason: str, at: datetime) -> GoalRevision:
    return GoalRevision(
        goal_id=goal.goal_id,
        revision=goal.revision,
        change=change.value,
        reason=reason,
        author_id=goal.owner_id,
        written_at=at,
        **_columns(goal.terms),
    )


def _about(goal: Goal, at: datetime) -> dict[str, Any]:
    return {
        "goal_id": goal.goal_id,
        "pairing_id": goal.pairing_id,
        "program_id": goal.program_id,
        "owner_id": goal.owner_id,
        "occurred_at": at,
    }


def _said(goal: Goal, change: Change, at: datetime) -> Event:
    if change is Change.LET_GO:
        return GoalLetGo(**_about(goal, at))
    if change is Change.RECALIBRATED:
        return GoalRecalibrated(**_about(goal, at), revision=goal.revision, due_on=goal.due_on)
    return GoalRevised(**_about(goal, at), revision=goal.revision, change=change.value, due_on=goal.due_on)
