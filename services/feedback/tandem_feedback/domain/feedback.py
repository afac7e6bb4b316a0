"""Feedback: when it is asked for, what is asked, who may give it, and who may read it."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypeVar

from tandem_chassis.errors import Conflict, Fault, Invalid, NotFound

TIME_TO_ANSWER = timedelta(days=7)
TIME_TO_EDIT = timedelta(hours=24)
REMINDERS_AFTER = (timedelta(days=3), timedelta(days=7), timedelta(days=14))
ANONYMITY_GROUP = 5
"""Anonymous answers are shown in groups of at least so many authors."""


class Visibility(StrEnum):
    """Who may read an answer: the other members, the program's managers by name, or the same without a name."""

    COUNTERPART = "counterpart"
    PROGRAM = "program"
    ANONYMOUS = "anonymous"


class QuestionKind(StrEnum):
    """How a question is answered."""

    WORDS = "words"
    RATING = "rating"


class NoSuchFeedbackRequest(NotFound):
    """Nobody asked this person for this feedback."""


class NoAnswersForYou(NotFound):
    """There are none that this person may read."""


class FeedbackAlreadyGiven(Conflict):
    """A request is answered once."""


class FeedbackNotGivenYet(Conflict):
    """Only what was answered can be revised."""


class AnswersDoNotFit(Invalid):
    """The answers do not fit the questions."""


class QuestionsDoNotFit(Invalid):
    """A program's questions cannot be told apart, or use the name of a standard one."""


class SessionNotHeld(Conflict):
    """Feedback is about what took place."""


class NoSuchSession(NotFound):
    """This relationship had no such session."""


class WasNotThere(Conflict):
    """Whoever is asked about a session must have been at it."""


class AskingOneself(Invalid):
    """Feedback is asked of others."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked."""

    code: str
    words: str
    kind: QuestionKind
    required: bool = False


STANDARD_QUESTIONS = (
    Question("praise", "What went well?", QuestionKind.WORDS),
    Question("to_change", "What should change?", QuestionKind.WORDS),
    Question("helpfulness", "How much did it help, from 1 (not at all) to 5 (very much)?", QuestionKind.RATING, True),
)
"""What every round asks; a program may add its own."""


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """The answer to one question: words or a rating, and who may read it."""

    question: str
    visibility: Visibility
    words: str | None = None
    rating: int | None = None


def check_questions(questions: Sequence[Question]) -> None:
    """Raises `QuestionsDoNotFit` where two questions share a code, or one uses a standard question's."""
    codes = [question.code for question in questions]
    taken = {question.code for question in STANDARD_QUESTIONS}
    faults = [
        Fault(f"the code {code} is a standard question's" if code in taken else f"the code {code} is used twice", code)
        for position, code in enumerate(codes)
        if code in taken or code in codes[:position]
    ]
    if faults:
        raise QuestionsDoNotFit("Give each question a code of its own.", faults=faults)


def answers_to(
    questions: Sequence[Question],
    given: Mapping[str, str | int],
    *,
    visibility: Visibility,
    visibilities: Mapping[str, Visibility],
) -> list[GivenAnswer]:
    """One answer for each question that was answered, in the questions' order. Empty words are no answer.

    Raises:
        AnswersDoNotFit: a question is unknown, required and not answered, or answered in the wrong way.
    """
    by_code = {question.code: question for question in questions}
    faults = [Fault("nobody asked this", code) for code in (*given, *visibilities) if code not in by_code]
    answers: list[GivenAnswer] = []
    for question in questions:
        value = given.get(question.code, "")
        shown_to = visibilities.get(question.code, visibility)
        if value == "":
            if question.required:
                faults.append(Fault("this question must be answered", question.code))
        elif question.kind is QuestionKind.RATING and isinstance(value, int) and 1 <= value <= 5:
            answers.append(GivenAnswer(question.code, shown_to, rating=value))
        elif question.kind is QuestionKind.WORDS and isinstance(value, str):
            answers.append(GivenAnswer(question.code, shown_to, words=value))
        else:
            faults.append(Fault(f"this question is answered with {_way(question.kind)}", question.code))
    if faults:
        raise AnswersDoNotFit("The answers do not fit the questions.", faults=faults)
    return answers


def _way(kind: QuestionKind) -> str:
    return "words" if kind is QuestionKind.WORDS else "a whole number from 1 to 5"


def round_is_due(completed_sessions: int, *, every_sessions: int) -> bool:
    """Whether the session that was just completed is one after which both sides are asked."""
    return completed_sessions % every_sessions == 0


def due_at(requested_at: datetime) -> datetime:
    """Until when an answer is hoped for. Later answers are taken too."""
    return requested_at + TIME_TO_ANSWER


def next_reminder(requested_at: datetime, *, sent: int) -> datetime | None:
    """When to remind of a request that is still open, or nothing after the last reminder."""
    return requested_at + REMINDERS_AFTER[sent] if sent < len(REMINDERS_AFTER) else None


def is_editable(submitted_at: datetime, now: datetime) -> bool:
    """Whether an answer may still be replaced; afterwards each change is a revision beside the old one."""
    return now - submitted_at <= TIME_TO_EDIT


class Authored(Protocol):
    """Something that somebody wrote."""

    @property
    def author_id(self) -> Hashable:
        """Who wrote it."""


Written = TypeVar("Written", bound=Authored)


class Releasing:
    """Cuts answers, given in the order in which they came, into groups of so many authors."""

    def __init__(self, group: int = ANONYMITY_GROUP) -> None:
        self._group = group
        self._authors: set[Hashable] = set()

    def fills(self, author_id: Hashable) -> bool:
        """Whether an answer by this author is the last one of a group."""
        self._authors.add(author_id)
        if len(self._authors) < self._group:
            return False
        self._authors.clear()
        return True


def released(answers: Sequence[Written], *, group: int = ANONYMITY_GROUP) -> list[Written]:
    """Which of these answers, given in the order in which they came, may be shown without their authors' names.

    They are shown group by group, each with at least `group` authors, and the last group only once it is full: whoever
    looks before and after somebody has answered finds nothing new, or the answers of so many people.
    """
    shown: list[Written] = []
    waiting: list[Written] = []
    groups = Releasing(group)
    for answer in answers:
        waiting.append(answer)
        if groups.fills(answer.author_id):
            shown.extend(waiting)
            waiting = []
    return shown
