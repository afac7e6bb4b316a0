"""Goals: what somebody wants to reach, how far they are, and every change of it."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import Field

from tandem_events.contracts.contract import Code, Fact


class GoalSet(Fact, name="goal.set", sender="feedback", subject="goal_id", key="pairing_id"):
    """A member set a goal. Mentors set goals too: what they want to learn."""

    goal_id: UUID
    pairing_id: UUID
    program_id: UUID
    owner_id: UUID
    horizon: Literal["short", "long"]
    due_on: date


class GoalRevised(Fact, name="goal.revised", sender="feedback", subject="goal_id", key="pairing_id"):
    """The owner changed a goal, or the strategy for it, in writing; the others are to acknowledge it."""

    goal_id: UUID
    pairing_id: UUID
    program_id: UUID
    owner_id: UUID
    revision: int = Field(ge=2)
    change: Code = Field(description="What kind of change: `revised` or `strategy_changed`.")
    due_on: date


class GoalRecalibrated(Fact, name="goal.recalibrated", sender="feedback", subject="goal_id", key="pairing_id"):
    """The owner set the target or its time anew, because the old one could not be kept."""

    goal_id: UUID
    pairing_id: UUID
    program_id: UUID
    owner_id: UUID
    revision: int = Field(ge=2)
    due_on: date


class GoalAcknowledged(Fact, name="goal.acknowledged", sender="feedback", subject="goal_id", key="pairing_id"):
    """Another member has read a revision of a goal."""

    goal_id: UUID
    pairing_id: UUID
    program_id: UUID
    person_id: UUID
    revision: int = Field(ge=1)


class GoalAtRisk(Fact, name="goal.at_risk", sender="feedback", subject="goal_id", key="pairing_id"):
    """Progress fell behind time by more than a quarter of the way."""

    goal_id: UUID
    pairing_id: UUID
    program_id: UUID
    owner_id: UUID
    percent_done: int = Field(ge=0, le=100)
    percent_of_time_gone: int = Field(ge=0, le=100)


class GoalReached(Fact, name="goal.reached", sender="feedback", subject="goal_id", key="pairing_id"):
    """The target was reached."""

    goal_id: UUID
    pairing_id: UUID
    program_id: UUID
    owner_id: UUID


class GoalLetGo(Fact, name="goal.let_go", sender="feedback", subject="goal_id", key="pairing_id"):
    """The owner gave a goal up, with a reason in writing."""

    goal_id: UUID
    pairing_id: UUID
    program_id: UUID
    owner_id: UUID


class ProgressPosted(Fact, name="progress.posted", sender="feedback", subject="goal_id", key="pairing_id"):
    """The owner told the others how far they are."""

    goal_id: UUID
    pairing_id: UUID
    program_id: UUID
    owner_id: UUID
    percent_done: int = Field(ge=0, le=100)
