"""Rules of enrollments and of the questions that a program asks."""

from typing import Any

import pytest

from tandem_chassis.errors import Conflict
from tandem_profiles.domain.enrollments import (
    NEXT_STEPS,
    Decision,
    NotInAudience,
    Status,
    StepNotPossible,
    require_decision,
    require_in_audience,
    require_step,
)
from tandem_profiles.domain.programs import NEXT_STEPS as PROGRAM_STEPS
from tandem_profiles.domain.programs import Status as ProgramStatus
from tandem_profiles.domain.questions import (
    answers_faults,
    changed_incompatibly,
    confidential_answers,
    open_answers,
    shown_answers,
)

ADA: dict[str, Any] = {"unit": "Harbour", "location": "Lisbon", "level": 3}


def question(name: str, kind: str = "text", **more: Any) -> dict[str, Any]:
    usual = {"required": False, "roles": ["mentor", "mentee"], "visibility": "managers", "several": False}
    return {"question_id": name, "kind": kind, **usual, "options": [], "lowest": 1, "highest": 5, **more}


@pytest.mark.parametrize("wanted", Status)
@pytest.mark.parametrize("status", Status)
def test_an_enrollment_goes_from_step_to_step_and_nowhere_else(status: Status, wanted: Status) -> None:
    if wanted in NEXT_STEPS[status]:
        require_step(status, wanted)
    else:
        with pytest.raises(StepNotPossible, match=f"is {status}"):
            require_step(status, wanted)


@pytest.mark.parametrize("decision", Decision)
@pytest.mark.parametrize("status", Status)
def test_only_who_is_paused_resumes_and_only_who_applied_is_approved(status: Status, decision: Decision) -> None:
    possible = decision.leads_to in NEXT_STEPS[status]
    if decision is Decision.RESUME:
        possible = status is Status.PAUSED
    elif decision is Decision.APPROVE:
        possible = status in (Status.SUBMITTED, Status.WAITLISTED)
    if possible:
        require_decision(status, decision)
    else:
        with pytest.raises(Conflict):
            require_decision(status, decision)


def test_every_step_of_a_program_leads_to_the_end() -> None:
    for begin in ProgramStatus:
        reached, ahead = {begin}, [begin]
        while ahead:
            for step in PROGRAM_STEPS[ahead.pop()]:
                if step not in reached:
                    reached.add(step)
                    ahead.append(step)
        assert ProgramStatus.ARCHIVED in reached


@pytest.mark.parametrize(
    ("audience", "fits"),
    [
        ({}, True),
        ({"units": ["Harbour", "Docks"]}, True),
        ({"units": ["Docks"]}, False),
        ({"locations": ["Lisbon"], "lowest_level": 3, "highest_level": 3}, True),
        ({"lowest_level": 4}, False),
        ({"highest_level": 2}, False),
    ],
)
def test_a_program_is_for_its_audience(audience: dict[str, Any], fits: bool) -> None:
    if fits:
        require_in_audience(ADA, audience)
    else:
        with pytest.raises(NotInAudience):
            require_in_audience(ADA, audience)


@pytest.mark.parametrize(
    ("asked", "answer", "holds"),
    [
        (question("q"), "anything", True),
        (question("q"), 5, False),
        (question("q", required=True), "", False),
        (question("q", "choice", options=["a", "b"]), "a", True),
        (question("q", "choice", options=["a", "b"]), ["a", "b"], False),
        (question("q", "choice", options=["a", "b"], several=True), ["a", "b"], True),
        (question("q", "scale"), 5, True),
        (question("q", "scale"), True, False),
        (question("q", "scale"), 6, False),
        (question("q", "skills"), ["Negotiation"], True),
        (question("q", "people"), "Ada", False),
        (question("q", "people"), ["Ada"], False),
        (question("q", "people"), ["01900000-0000-7000-8000-000000000001"], True),
    ],
)
def test_an_answer_answers_its_question(asked: dict[str, Any], answer: object, holds: bool) -> None:
    assert (answers_faults([asked], {"q": answer}, ["mentee"]) == []) is holds


def test_a_question_for_mentors_is_not_asked_of_mentees() -> None:
    asked = question("q", roles=["mentor"], required=True)
    assert answers_faults([asked], {}, ["mentee"]) == []
    assert answers_faults([asked], {"q": "x"}, ["mentee"])[0].reason == "is not asked of this role"


def test_answers_are_shown_to_those_they_are_for() -> None:
    asked = [question("a", visibility="program"), question("b"), question("c", visibility="matching")]
    answers = {"a": "1", "b": "2", "c": ["3"]}
    assert shown_answers(asked, answers, to_managers=False) == {"a": "1"}
    assert shown_answers(asked, answers, to_managers=True) == {"a": "1", "b": "2"}
    assert confidential_answers(asked, answers) == {"c": ["3"]}
    assert open_answers(asked, answers) == {}


def test_choices_that_everybody_in_the_program_may_see_go_to_matching_openly() -> None:
    seen = [question(name, "choice", visibility="program") for name in ("one", "several", "left_blank")]
    hidden = [question(name, "choice", visibility=name) for name in ("managers", "matching")]
    answers = {"one": "a", "several": ["a", "b"], "left_blank": "", "managers": "a", "matching": "b"}
    assert open_answers([*seen, *hidden], answers) == {"one": "a", "several": ["a", "b"]}


@pytest.mark.parametrize(
    ("narrower", "wider"),
    [
        (question("q", "scale", highest=5), question("q", "scale", highest=7)),
        (question("q", "scale", lowest=1), question("q", "scale", lowest=0)),
        (question("q", roles=["mentor"]), question("q")),
        (question("q", "choice", options=["x"], several=False), question("q", "choice", options=["x"], several=True)),
    ],
)
def test_a_question_becomes_wider_and_never_narrower(narrower: dict[str, Any], wider: dict[str, Any]) -> None:
    assert changed_incompatibly([narrower], [wider]) == []
    assert changed_incompatibly([wider], [narrower]) == ["q"]


def test_a_question_stays_what_it_was() -> None:
    before = [question("a"), question("b", "choice", options=["x", "y"])]
    assert changed_incompatibly(before, [*before, question("c")]) == []
    assert changed_incompatibly(before, [question("a"), question("b", "choice", options=["x", "y", "z"])]) == []
    assert changed_incompatibly(
        before, [question("a", visibility="program"), question("b", "choice", options=["x"])]
    ) == [
        "a",
        "b",
    ]
