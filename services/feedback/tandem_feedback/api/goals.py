"""The door of goals."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from tandem_chassis import idempotency, paging, preconditions
from tandem_chassis.app import Now
from tandem_chassis.auth import CurrentCaller
from tandem_chassis.database import Transaction
from tandem_chassis.paging import Cursor, Limit, Page
from tandem_chassis.preconditions import IfMatch
from tandem_feedback.api.documented import IF_MATCH
from tandem_feedback.api.words import Day, Line, OptionalWords, Words
from tandem_feedback.domain.goals import Change, GoalState, Horizon, Terms
from tandem_feedback.storage.goals import Goal
from tandem_feedback.use_cases import goals

router = APIRouter(tags=["goals"], route_class=idempotency.Route)

Value = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]


class NewGoal(BaseModel):
    """A SMART goal: specific, measured from a start to a target, relevant, and due."""

    specific: Words = Field(description="What exactly is to be reached.")
    measure: Line = Field(description="How it is measured.")
    unit: Line
    start_value: Value
    target_value: Value
    starts_on: Day | None = Field(default=None, description="Today (UTC), where it is not given.")
    due_on: Day
    why: Words = Field(description="Why it matters.")
    strategy: OptionalWords = ""
    horizon: Horizon = Horizon.SHORT


class NewRevision(BaseModel):
    """A change of a goal, in writing. Fields that are left out stay as they are."""

    change: Literal["revised", "strategy_changed", "recalibrated", "let_go"]
    reason: Words
    specific: Words | None = None
    measure: Line | None = None
    unit: Line | None = None
    start_value: Value | None = None
    target_value: Value | None = None
    due_on: Day | None = None
    why: Words | None = None
    strategy: Words | None = None


class NewProgress(BaseModel):
    """How far the owner is now."""

    value: Value = Field(description="In the goal's unit. At the target or past it, the goal is reached.")
    words: OptionalWords = ""


class NewAcknowledgement(BaseModel):
    """Which revision was read."""

    revision: int = Field(ge=1, le=1_000_000)


class GoalView(BaseModel):
    """A goal as it is now."""

    goal_id: UUID
    pairing_id: UUID
    owner_id: UUID
    horizon: Horizon
    state: GoalState
    revision: int
    specific: str
    measure: str
    unit: str
    why: str
    strategy: str
    start_value: float
    target_value: float
    current_value: float
    starts_on: date
    due_on: date
    set_at: datetime
    percent_done: int
    percent_of_time_gone: int
    at_risk_since: datetime | None
    choices: list[str] = Field(description="What can be done about a goal at risk, as `change` of a revision.")


class RevisionView(BaseModel):
    """What a goal said from a moment on."""

    revision: int
    change: Change
    reason: str
    author_id: UUID
    written_at: datetime
    specific: str
    measure: str
    unit: str
    why: str
    strategy: str
    start_value: float
    target_value: float
    due_on: date
    acknowledged_by: list[UUID]


class ProgressView(BaseModel):
    """A value that the owner posted."""

    value: float
    words: str
    posted_at: datetime


class GoalStory(GoalView):
    """A goal with all its revisions, and its latest progress."""

    revisions: list[RevisionView]
    progress: list[ProgressView]


@router.post("/pairings/{pairing_id}/goals", status_code=201)
async def set_goal(
    pairing_id: UUID, body: NewGoal, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> GoalView:
    """Set a goal that the other members of the relationship see. The other services hear of it as `goal.set`."""
    written = body.model_dump(exclude={"horizon"})
    terms = Terms(**{**written, "starts_on": body.starts_on or now.date()})
    goal = await goals.set_goal(
        session, pairing_id, owner_id=caller.require_person(), horizon=body.horizon, terms=terms, at=now
    )
    response.headers["Location"] = f"/goals/{goal.goal_id}"
    preconditions.tag(response, goal.version)
    return _view(goal, now)


@router.get("/pairings/{pairing_id}/goals")
async def list_goals(
    pairing_id: UUID,
    caller: CurrentCaller,
    now: Now,
    session: Transaction,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[GoalView]:
    """The goals of a relationship, the newest first, for its members."""
    rows = await goals.goals_of(
        session,
        pairing_id,
        person_id=caller.require_person(),
        after=paging.after(cursor, UUID),
        limit=limit + 1,
    )
    return paging.page(rows, limit, lambda row: _view(row, now), by=lambda row: row.goal_id)


@router.get("/goals/{goal_id}")
async def show_goal(
    goal_id: UUID, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> GoalStory:
    """A goal with its revisions, who acknowledged them, and its progress, for the members of its relationship."""
    goal, revisions, acknowledgements, progress = await goals.goal_with_story(
        session, goal_id, person_id=caller.require_person()
    )
    preconditions.tag(response, goal.version)
    return GoalStory(
        **_view(goal, now).model_dump(),
        revisions=[
            RevisionView(
                **{name: getattr(one, name) for name in RevisionView.model_fields if name != "acknowledged_by"},
                acknowledged_by=[read.person_id for read in acknowledgements if read.revision == one.revision],
            )
            for one in revisions
        ],
        progress=[ProgressView.model_validate(one, from_attributes=True) for one in progress],
    )


@router.post("/goals/{goal_id}/progress", status_code=201)
async def post_progress(
    goal_id: UUID, body: NewProgress, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> GoalView:
    """Say how far I am. The other services hear of it as `progress.posted`, and of `goal.reached`."""
    goal = await goals.post_progress(
        session, goal_id, author_id=caller.require_person(), value=body.value, words=body.words, at=now
    )
    preconditions.tag(response, goal.version)
    return _view(goal, now)


@router.post("/goals/{goal_id}/revisions", status_code=201, responses=IF_MATCH)
async def revise_goal(
    goal_id: UUID,
    body: NewRevision,
    caller: CurrentCaller,
    now: Now,
    session: Transaction,
    response: Response,
    if_match: IfMatch = None,
) -> GoalView:
    """Change my goal in writing: its words, its strategy, its target or time (recalibrate), or let it go."""
    goal = await goals.revise_goal(
        session,
        goal_id,
        author_id=caller.require_person(),
        change=Change(body.change),
        reason=body.reason,
        if_match=if_match,
        at=now,
        **body.model_dump(exclude={"change", "reason"}),
    )
    preconditions.tag(response, goal.version)
    return _view(goal, now)


@router.post("/goals/{goal_id}/acknowledgements", status_code=204)
async def acknowledge_revision(
    goal_id: UUID, body: NewAcknowledgement, caller: CurrentCaller, now: Now, session: Transaction
) -> None:
    """Say that I have read a revision of another member's goal. Saying it again changes nothing."""
    await goals.acknowledge_revision(
        session, goal_id, person_id=caller.require_person(), revision=body.revision, at=now
    )


def _view(goal: Goal, now: datetime) -> GoalView:
    terms = goal.terms
    derived = {"percent_done", "percent_of_time_gone", "choices"}
    return GoalView(
        **{name: getattr(goal, name) for name in GoalView.model_fields if name not in derived},
        percent_done=int(100 * terms.share_done(goal.current_value)),
        percent_of_time_gone=int(100 * terms.share_of_time(now)),
        choices=["strategy_changed", "recalibrated", "let_go"] if goal.at_risk_since else [],
    )
