"""Who may read feedback, and when."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tandem_feedback.domain.feedback import (
    ANONYMITY_GROUP,
    REMINDERS_AFTER,
    AnswersDoNotFit,
    Question,
    QuestionKind,
    Visibility,
    answers_to,
    is_editable,
    next_reminder,
    released,
    round_is_due,
)
from tandem_feedback.domain.pulses import PulseTooSoon, Trend, check_time, trend

AT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Written:
    author_id: int
    number: int


@given(some.lists(some.integers(0, 8), max_size=40))
def test_whoever_looks_before_and_after_finds_nothing_new_or_the_answers_of_five(authors: list[int]) -> None:
    answers = [Written(author, number) for number, author in enumerate(authors)]
    for end in range(1, len(answers) + 1):
        before, after = released(answers[: end - 1]), released(answers[:end])
        assert after[: len(before)] == before
        new = {answer.author_id for answer in after[len(before) :]}
        assert not new or len(new) >= ANONYMITY_GROUP


@pytest.mark.parametrize(("completed", "every", "due"), [(1, 1, True), (3, 2, False), (4, 2, True), (5, 5, True)])
def test_a_round_is_due_after_every_so_many_sessions(completed: int, every: int, due: bool) -> None:
    assert round_is_due(completed, every_sessions=every) is due


def test_reminders_come_at_last_to_an_end() -> None:
    assert [next_reminder(AT, sent=sent) for sent in range(4)] == [*(AT + after for after in REMINDERS_AFTER), None]


def test_answers_are_editable_for_a_day() -> None:
    assert is_editable(AT, AT + timedelta(hours=24))
    assert not is_editable(AT, AT + timedelta(hours=24, seconds=1))


def test_every_answer_that_does_not_fit_is_named() -> None:
    questions = [
        Question("mood", "Mood?", QuestionKind.RATING, required=True),
        Question("why", "?", QuestionKind.WORDS),
    ]
    with pytest.raises(AnswersDoNotFit) as refused:
        answers_to(
            questions, {"why": 3, "what": "x"}, visibility=Visibility.PROGRAM, visibilities={"who": Visibility.PROGRAM}
        )
    assert {fault.field for fault in refused.value.faults} == {"mood", "why", "what", "who"}


def test_pulses_have_time_between_them() -> None:
    check_time(None, AT)
    check_time(AT, AT + timedelta(days=14))
    with pytest.raises(PulseTooSoon):
        check_time(AT, AT + timedelta(days=13))


@pytest.mark.parametrize(
    ("values", "direction"),
    [
        ([], Trend.UNKNOWN),
        ([5, 5, 5], Trend.UNKNOWN),
        ([3, 3, 4, 4], Trend.RISING),
        ([5, 5, 5, 5, 4, 4, 5, 4], Trend.FALLING),
        ([4, 4, 4, 4.4], Trend.LEVEL),
    ],
)
def test_pulses_point_somewhere(values: list[float], direction: Trend) -> None:
    assert trend(values) is direction
