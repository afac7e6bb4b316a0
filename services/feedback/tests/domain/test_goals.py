"""Goals that can be reached and missed."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from tandem_feedback.domain.goals import (
    Change,
    GoalAlreadyPast,
    GoalDueBeforeItStarts,
    NothingChanged,
    NothingRecalibrated,
    NothingToReach,
    Terms,
    check_new,
    revise,
)

TODAY = date(2026, 1, 10)
GOAL = Terms(
    specific="Lead design reviews",
    measure="Reviews led",
    unit="reviews",
    why="I want to become an architect",
    strategy="One each month",
    start_value=0,
    target_value=10,
    starts_on=date(2026, 1, 1),
    due_on=date(2026, 4, 10),  # a hundred days
)


def test_a_goal_is_due_after_its_first_day() -> None:
    for due_on in (GOAL.starts_on, date(2025, 12, 31)):
        with pytest.raises(GoalDueBeforeItStarts):
            replace(GOAL, due_on=due_on).check()


def test_a_target_differs_from_its_start() -> None:
    with pytest.raises(NothingToReach):
        replace(GOAL, target_value=0).check()


def test_a_new_goal_is_not_past() -> None:
    check_new(GOAL, today=date(2026, 4, 10))
    with pytest.raises(GoalAlreadyPast):
        check_new(GOAL, today=date(2026, 4, 11))


@pytest.mark.parametrize(("value", "share"), [(0, 0), (5, 0.5), (10, 1), (12, 1), (-3, 0)])
def test_progress_is_a_share_of_the_way_and_past_the_target_is_all_of_it(value: float, share: float) -> None:
    assert GOAL.share_done(value) == share


def test_goals_that_fall_are_reached_from_above() -> None:
    falling = replace(GOAL, start_value=40, target_value=20)
    assert falling.share_done(30) == 0.5
    assert falling.is_reached(19)
    assert not falling.is_reached(21)


def test_a_goal_is_behind_once_time_is_a_quarter_ahead_of_progress() -> None:
    assert GOAL.behind_from(0) == datetime(2026, 1, 26, tzinfo=UTC)
    assert GOAL.behind_from(5) == datetime(2026, 3, 17, tzinfo=UTC)
    assert GOAL.behind_from(8) is None
    assert GOAL.share_of_time(datetime(2026, 1, 26, tzinfo=UTC)) == 0.25
    assert GOAL.share_of_time(datetime(2030, 1, 1, tzinfo=UTC)) == 1


def test_a_recalibration_sets_another_target_or_time() -> None:
    assert revise(GOAL, Change.RECALIBRATED, today=TODAY, target_value=6).target_value == 6
    with pytest.raises(NothingRecalibrated):
        revise(GOAL, Change.RECALIBRATED, today=TODAY, why="Because")


def test_a_revision_changes_something() -> None:
    with pytest.raises(NothingChanged):
        revise(GOAL, Change.REVISED, today=TODAY, specific=GOAL.specific)
    with pytest.raises(NothingChanged):
        revise(GOAL, Change.STRATEGY_CHANGED, today=TODAY, why="Because")


def test_a_revision_cannot_make_a_goal_unreachable() -> None:
    with pytest.raises(NothingToReach):
        revise(GOAL, Change.RECALIBRATED, today=TODAY, target_value=0)
    with pytest.raises(GoalAlreadyPast):
        revise(GOAL, Change.RECALIBRATED, today=TODAY, due_on=date(2026, 1, 9))


def test_letting_go_changes_no_terms() -> None:
    assert revise(GOAL, Change.LET_GO, today=TODAY, target_value=5) == GOAL
