"""Goals: specific, measured, relevant and due, and how far they are against how far their time is."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from tandem_chassis.errors import Conflict, Forbidden, Invalid, NotFound

FALLEN_BEHIND_BY = 0.25
"""A goal is at risk when the share of its time that is gone exceeds the share that is done by more than this."""


class GoalState(StrEnum):
    """Where a goal stands."""

    ACTIVE = "active"
    REACHED = "reached"
    LET_GO = "let_go"


class Horizon(StrEnum):
    """How far a goal looks ahead."""

    SHORT = "short"
    LONG = "long"


class Change(StrEnum):
    """What a revision does. When a goal is at risk, the last three are the choices."""

    SET = "set"
    REVISED = "revised"
    STRATEGY_CHANGED = "strategy_changed"
    RECALIBRATED = "recalibrated"
    LET_GO = "let_go"


class NoSuchGoal(NotFound):
    """There is none with this id, or it is none of the caller's business."""


class GoalDueBeforeItStarts(Invalid):
    """A goal needs time."""


class GoalAlreadyPast(Invalid):
    """A goal is about the future."""


class NothingToReach(Invalid):
    """The target equals the start."""


class NothingRecalibrated(Invalid):
    """A recalibration changes the target or the time."""


class NothingChanged(Invalid):
    """A revision changes something."""


class GoalIsOver(Conflict):
    """The goal was reached, or let go."""


class NotTheGoalsOwner(Forbidden):
    """Whoever set a goal changes it; the others acknowledge."""


class OwnRevision(Conflict):
    """Nobody acknowledges their own words."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a goal says: what exactly, measured how, in which unit, from where to where, from when to when, and why."""

    specific: str
    measure: str
    unit: str
    why: str
    strategy: str
    start_value: float
    target_value: float
    starts_on: date
    due_on: date

    def check(self) -> None:
        """Let only a goal pass that can be reached and missed.

        Raises:
            GoalDueBeforeItStarts: it is not due after its first day.
            NothingToReach: its target equals its start.
        """
        if self.due_on <= self.starts_on:
            raise GoalDueBeforeItStarts("A goal is due after the day on which it starts: choose a later due date.")
        if self.target_value == self.start_value:
            raise NothingToReach("The target equals the start: say from which value to which value you want to get.")

    def share_done(self, value: float) -> float:
        """How much of the way is done, from 0 to 1. Falling back behind the start is 0; past the target is 1."""
        return min(1.0, max(0.0, (value - self.start_value) / (self.target_value - self.start_value)))

    def is_reached(self, value: float) -> bool:
        """Whether this value is the target, or past it. Targets below the start are reached by falling."""
        return self.share_done(value) >= 1.0

    def share_of_time(self, now: datetime) -> float:
        """How much of the time is gone, from 0 to 1. Days begin at midnight UTC; the due day belongs to the time."""
        return min(1.0, max(0.0, (now - self._begins) / (self._ends - self._begins)))

    def behind_from(self, value: float) -> datetime | None:
        """From when the goal is at risk if nothing more is done; nothing where it is so far that it never will be."""
        allowed = self.share_done(value) + FALLEN_BEHIND_BY
        return None if allowed >= 1.0 else self._begins + allowed * (self._ends - self._begins)

    @property
    def _begins(self) -> datetime:
        return datetime.combine(self.starts_on, time(), UTC)

    @property
    def _ends(self) -> datetime:
        return datetime.combine(self.due_on + timedelta(days=1), time(), UTC)


def check_new(terms: Terms, *, today: date) -> None:
    """Let only a goal pass that can still be reached.

    Raises:
        GoalAlreadyPast: it was due before today.
        GoalDueBeforeItStarts, NothingToReach: see `Terms.check`.
    """
    terms.check()
    if terms.due_on < today:
        raise GoalAlreadyPast("The due date is past: choose one that is still to come.")


def revise(terms: Terms, change: Change, *, today: date, **changed: object) -> Terms:
    """What a goal says after a change.

    Raises:
        NothingChanged: it would say the same.
        NothingRecalibrated: a recalibration leaves target and time as they are.
        GoalAlreadyPast, GoalDueBeforeItStarts, NothingToReach: the goal could not be reached.
    """
    given = {name: value for name, value in changed.items() if value is not None}
    revised = replace(terms, **given)  # type: ignore[arg-type]
    if change is Change.LET_GO:
        return terms
    if revised == terms:
        raise NothingChanged("This changes nothing: say what the goal, its strategy, target or due date is to be.")
    if change is Change.STRATEGY_CHANGED and revised.strategy == terms.strategy:
        raise NothingChanged("Say the new strategy.")
    if change is Change.RECALIBRATED and (revised.target_value, revised.due_on) == (terms.target_value, terms.due_on):
        raise NothingRecalibrated("A recalibration sets another target or another due date.")
    check_new(revised, today=today)
    return revised
