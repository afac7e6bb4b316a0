"""Questions: what a program's sign-up form asks, and whether answers answer it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from tandem_chassis.errors import Conflict, Fault, Invalid

KINDS = ("text", "choice", "scale", "skills", "people")
CONFIDENTIAL = "matching"
"""The visibility of answers that matching uses and nobody is shown."""

_LONGEST_TEXT = 5_000
_MOST_ITEMS = 50


class FormNotAnswered(Invalid):
    """The answers do not answer the program's questions. `faults` names all of it."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("The form is not answered as the program asks; look at each fault.", faults=faults)


class QuestionAnswered(Conflict):
    """A question that people answered already was to be removed or to become another."""

    def __init__(self, question_ids: Sequence[str]) -> None:
        names = ", ".join(question_ids)
        super().__init__(
            f"People answered {names} already. Ask a new question beside it; what was answered stays.",
            questions=list(question_ids),
        )


def answers_faults(
    questions: Sequence[Mapping[str, Any]], answers: Mapping[str, Any], roles: Sequence[str]
) -> list[Fault]:
    """Everything that is wrong with these answers of somebody who applies as `roles`."""
    asked = {question["question_id"]: question for question in questions if set(question["roles"]) & set(roles)}
    faults = [Fault("is not asked of this role", field=f"answers.{name}") for name in answers if name not in asked]
    for name, question in asked.items():
        answer = answers.get(name)
        if answer in (None, "", []):
            if question["required"]:
                faults.append(Fault("must be answered", field=f"answers.{name}"))
        elif reason := _fault(question, answer):
            faults.append(Fault(reason, field=f"answers.{name}"))
    return faults


def _fault(question: Mapping[str, Any], answer: object) -> str | None:
    match question["kind"]:
        case "text":
            if not isinstance(answer, str):
                return "must be a text"
            return f"is longer than {_LONGEST_TEXT:,} characters" if len(answer) > _LONGEST_TEXT else None
        case "choice":
            given = answer if isinstance(answer, list) else [answer]
            if len(given) > 1 and not question["several"]:
                return "takes one choice only"
            options = question["options"]
            return None if all(one in options for one in given) else f"must be of {', '.join(options)}"
        case "scale":
            lowest, highest = question["lowest"], question["highest"]
            fits = isinstance(answer, int) and not isinstance(answer, bool) and lowest <= answer <= highest
            return None if fits else f"must be a whole number from {lowest} to {highest}"
        case "people":
            if not isinstance(answer, list) or not all(map(_is_id, answer)):
                return "must be a list of people's ids"
            return f"has more than {_MOST_ITEMS} entries" if len(answer) > _MOST_ITEMS else None
        case _:
            fits = isinstance(answer, list) and all(isinstance(one, str) and 0 < len(one) <= 200 for one in answer)
            if not fits or not isinstance(answer, list):
                return "must be a list of texts"
            return f"has more than {_MOST_ITEMS} entries" if len(answer) > _MOST_ITEMS else None


def _is_id(text: object) -> bool:
    try:
        return isinstance(text, str) and bool(UUID(text))
    except ValueError:
        return False


def named_people(questions: Sequence[Mapping[str, Any]], answers: Mapping[str, Any]) -> dict[str, list[UUID]]:
    """The people whom answers name, by question. The answers hold no faults."""
    asked = [question["question_id"] for question in questions if question["kind"] == "people"]
    return {name: [UUID(one) for one in answers[name]] for name in asked if answers.get(name)}


def people_as_written_once(questions: Sequence[Mapping[str, Any]], answers: Mapping[str, Any]) -> dict[str, Any]:
    """Answers in which each id of a person is written as everywhere else, and each once. They hold no faults."""
    named = named_people(questions, answers)
    return {**answers, **{name: list(dict.fromkeys(map(str, ids))) for name, ids in named.items()}}


def answers_with_person_replaced(
    questions: Sequence[Mapping[str, Any]], answers: Mapping[str, Any], person_id: UUID, *, by: UUID | None
) -> dict[str, Any]:
    """Those answers about people that change once one of them is known as another, or as nobody."""
    return {
        name: list(dict.fromkeys(str(now) for one in ids if (now := by if one == person_id else one) is not None))
        for name, ids in named_people(questions, answers).items()
        if person_id in ids
    }


def confidential_answers(
    questions: Sequence[Mapping[str, Any]], answers: Mapping[str, Any]
) -> dict[str, str | bool | list[str]]:
    """The answers that go to matching and are shown to nobody, in the words that matching reads."""
    secret = {question["question_id"] for question in questions if question["visibility"] == CONFIDENTIAL}
    return {
        name: [str(one) for one in answer] if isinstance(answer, list) else str(answer)
        for name, answer in answers.items()
        if name in secret and answer not in (None, "", [])
    }


def open_answers(questions: Sequence[Mapping[str, Any]], answers: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """The choices that go to matching and that everybody in the program may see. What people wrote stays here."""
    choices = {one["question_id"] for one in questions if one["kind"] == "choice" and one["visibility"] == "program"}
    return {name: answer for name, answer in answers.items() if name in choices and answer not in (None, "", [])}


def shown_answers(
    questions: Sequence[Mapping[str, Any]], answers: Mapping[str, Any], *, to_managers: bool
) -> dict[str, Any]:
    """The answers that may be shown to managers, or to everybody in the program."""
    seen = {"program", "managers"} if to_managers else {"program"}
    visible = {question["question_id"] for question in questions if question["visibility"] in seen}
    return {name: answer for name, answer in answers.items() if name in visible}


def changed_incompatibly(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> list[str]:
    """The ids of questions that are gone, or under whose id something else or something narrower is asked."""
    now = {question["question_id"]: question for question in after}
    lasting = ("kind", "visibility")
    return [
        question["question_id"]
        for question in before
        if (other := now.get(question["question_id"])) is None
        or any(other[name] != question[name] for name in lasting)
        or _is_narrower(other, question)
    ]


def _is_narrower(question: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Whether something that answered a question before may be no answer now."""
    return (
        not set(before["options"]) <= set(question["options"])
        or not set(before["roles"]) <= set(question["roles"])
        or (before["several"] and not question["several"])
        or question["lowest"] > before["lowest"]
        or question["highest"] < before["highest"]
    )
