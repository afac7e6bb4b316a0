"""The rule on ways of meeting: who shares one, what is said where nobody does, and what nobody is told."""

from datetime import date
from itertools import product
from typing import Any
from uuid import UUID

import pytest

from tandem_matching.domain.matching import Match, match
from tandem_matching.domain.people import Answer, Mentee, Mentor, Pool, Traits
from tandem_matching.domain.refusals import SettingsMalformed
from tandem_matching.domain.relationships import relate
from tandem_matching.domain.rules import MeetingTerms, Rules
from tandem_matching.domain.settings_document import changed, rules_from
from tandem_matching.domain.ways import keeps_apart, ways_of

DAY = date(2026, 3, 2)
TERMS = {"question": "how", "in_person": ["In person", "Either"], "virtually": ["Virtually", "either", "Online, daily"]}


def asked() -> Rules:
    return rules_from({"rules": {"meeting": TERMS}})


def traits(number: int, answer: Answer | None, location: str | None, *, openly: bool = False, **more: Any) -> Traits:
    given = {} if answer is None else {"how": answer}
    open_answers, confidential = (given, {}) if openly else ({}, given)
    return Traits(UUID(int=number), location=location, open_answers=open_answers, confidential=confidential, **more)


def mentor(number: int, answer: Answer | None, location: str | None = "Lisbon", *, openly: bool = False) -> Mentor:
    return Mentor(traits(1000 + number, answer, location, level=5, unit="Love", openly=openly), 1)


def mentee(number: int, answer: Answer | None, location: str | None = "Lisbon", *, openly: bool = False) -> Mentee:
    return Mentee(traits(number, answer, location, level=3, unit="Peace", openly=openly))


def matched(mentors: list[Mentor], mentees: list[Mentee], rules: Rules, **more: Any) -> Match:
    return match(Pool(tuple(mentors), tuple(mentees)), rules, seed=0, on=DAY, **more)


def said(found: Match) -> dict[int, str]:
    return {one.person_id.int: one.words for one in found.unmatched if one.rule == "meeting"}


@pytest.mark.parametrize(
    ("ours", "theirs", "where", "allowed"),
    [
        ("virtually", "Virtually", "Porto", True),
        ("virtually", "in person", "Lisbon", False),
        ("in person", "in person", "Lisbon", True),
        ("in person", "in person", "Porto", False),
        ("in person", "in person", None, True),
        ("either", "in person", "Porto", False),
        ("either", "virtually", "Porto", True),
        (("In Person", "Virtually"), "virtually", "Porto", True),
        ("virtually, in person", "in person", "Lisbon", True),
        ("Online, daily", "in person", "Lisbon", False),
        (None, "in person", "Porto", True),
        ("by pigeon", "virtually", "Porto", True),
        (True, "virtually", "Porto", True),
    ],
)
def test_two_people_are_paired_if_they_share_a_way_of_meeting(
    ours: Answer | None, theirs: Answer | None, where: str | None, allowed: bool
) -> None:
    for first, second in ((ours, theirs), (theirs, ours)):
        for openly in (True, False):
            found = matched([mentor(1, first, where, openly=openly)], [mentee(1, second, openly=openly)], asked())
            assert bool(found.proposals) is allowed
        assert {one.rule for one in found.unmatched} == (set() if allowed else {"meeting"})


def test_the_whole_pool_is_judged_as_every_two_of_it_are() -> None:
    kinds = list(product((None, "virtually", "in person", "either"), ("Lisbon", "Porto", None)))
    mentors = [mentor(number, *kind) for number, kind in enumerate(kinds)]
    mentees = [mentee(number, *kind) for number, kind in enumerate(kinds)]
    rules = asked()
    assert rules.meeting is not None
    ways = ways_of([one.traits for one in mentees], rules.meeting)
    for row, one in enumerate(mentees):
        for column, other in enumerate(mentors):
            found = matched([other], [one], rules)
            assert bool(found.proposals) is not keeps_apart(ways[row], ways[column])
    together = matched(mentors, mentees, rules)
    assert together.summary["proven_optimal"]
    assert len(together.proposals) == len(kinds)


def test_who_is_left_is_told_the_way_of_meeting_that_would_match_them() -> None:
    here, elsewhere = mentor(1, "in person"), mentor(2, "virtually", "Porto")
    also = mentor(3, "either", "Porto")
    found = matched([elsewhere, also], [mentee(1, "in person")], asked())
    shares = "who would otherwise fit shares a way of meeting with you"
    assert said(found)[1] == f"No mentor {shares}; if you could meet virtually, 2 mentors would fit."
    assert said(found)[1002] == f"No mentee {shares}; if they could meet virtually, one mentee would fit."
    assert said(found)[1003] == f"No mentee {shares}; if they could meet virtually, one mentee would fit."
    found = matched([here], [mentee(1, "virtually")], asked())
    assert said(found)[1] == f"No mentor {shares}; if you could meet in person, one mentor would fit."
    found = matched([mentor(1, "in person", "Porto")], [mentee(1, "in person")], asked())
    assert said(found)[1] == f"No mentor {shares}; if you and they could meet virtually, one mentor would fit."


def test_with_another_rule_in_the_way_both_are_named() -> None:
    found = matched([mentor(1, "in person", "Porto")], [Mentee(traits(1, "virtually", "Lisbon", unit="Love"))], asked())
    assert "the rule on units and the common way of meeting" in found.unmatched[0].words


def test_peers_are_told_of_peers() -> None:
    people = [
        traits(number, answer, "Lisbon", openly=True)
        for number, answer in enumerate(("virtually", "virtually", "in person"))
    ]
    pool = Pool(tuple(Mentor(one, 1) for one in people), tuple(Mentee(one) for one in people))
    found = relate(pool, asked(), program_format="peer", seed=0, on=DAY)
    (pair,) = found.relationships
    assert {person.int for person, _ in pair.members} == {0, 1}
    assert [one.words for one in pair.reasons if one.criterion == "meeting"] == ["Both can meet virtually."]
    (alone,) = found.unmatched
    assert alone.words.startswith("No peer who would otherwise fit shares a way of meeting")
    assert (alone.rule, alone.would_fit) == ("meeting", 2)


def test_nobody_is_in_a_circle_with_a_mentor_whom_they_cannot_meet() -> None:
    mentors = [mentor(number, "in person", "Porto", openly=True) for number in range(2)]
    mentees = [
        *(mentee(number, "either", "Porto", openly=True) for number in range(4)),
        mentee(9, "virtually", "Porto"),
    ]
    rules = rules_from(
        {"rules": {"meeting": TERMS}, "circle": {"least": 3, "most": 4, "mix": None}},
        program_format="circle",
    )
    found = relate(Pool(tuple(mentors), tuple(mentees)), rules, program_format="circle", seed=0, on=DAY)
    assert 9 not in {person.int for one in found.relationships for person, _ in one.members}
    assert [(one.person_id.int, one.rule) for one in found.unmatched] == [(9, "meeting")]
    told = {one.words for each in found.relationships for one in each.reasons if one.criterion == "meeting"}
    assert told == {"Mentees and mentors share a way of meeting."}


@pytest.mark.parametrize(
    ("ours", "theirs", "where", "words"),
    [
        ("virtually", "either", "Lisbon", "Both can meet virtually."),
        ("either", "either", "Porto", "Both can meet virtually."),
        ("in person", "either", "Lisbon", "Both are in Lisbon and can meet there in person."),
        ("either", "either", "Lisbon", "Both are in Lisbon and can meet there in person, or virtually."),
        ("in person", "in person", None, "Both can meet in person."),
        (None, "virtually", "Porto", None),
    ],
)
def test_a_pair_is_told_how_it_can_meet_where_both_answered_openly(
    ours: str | None, theirs: str, where: str | None, words: str | None
) -> None:
    for openly in product((True, False), repeat=2):
        people = [mentor(1, ours, where, openly=openly[0])], [mentee(1, theirs, openly=openly[1])]
        found = matched(*people, asked())
        told = [one for one in found.proposals[0].reasons if one.criterion == "meeting"]
        assert [one.words for one in told] == ([words] if words and all(openly) else [])
        assert sum(one.share for one in told) == 0
        assert found.proposals[0].score == matched(*people, Rules()).proposals[0].score


def test_a_pinned_pair_that_shares_no_way_is_not_told_that_it_does() -> None:
    one, other = mentor(1, "virtually", openly=True), mentee(1, "in person", openly=True)
    pool = Pool((one,), (other,), pinned_pairs=frozenset({(one.person_id, other.person_id)}))
    found = match(pool, asked(), seed=0, on=DAY)
    assert all(reason.criterion != "meeting" for reason in found.proposals[0].reasons)


def test_the_rule_has_a_price() -> None:
    mentors, mentees = (
        [mentor(1, "in person", "Porto"), mentor(2, "virtually")],
        [mentee(1, "virtually"), mentee(2, "in person")],
    )
    found = matched(mentors, mentees, asked(), costs=True)
    assert len(found.proposals) == 1
    assert [(one["rule"], one["pairs"]) for one in found.summary["rule_prices"] if one["pairs"]] == [("meeting", 1)]


def test_a_program_that_says_nothing_of_meeting_has_no_such_rule_and_no_trace_of_it_in_its_settings() -> None:
    rules = rules_from({"rules": {"meeting": None}})
    assert rules == Rules()
    assert "meeting" not in str(rules.as_document())  # it would change the fingerprints of all programs
    people = [mentor(1, "virtually")], [mentee(1, "in person")]
    found = matched(*people, rules)
    assert len(found.proposals) == 1
    assert found.fingerprint == matched(*people, Rules()).fingerprint != matched(*people, asked()).fingerprint


def test_an_open_answer_is_part_of_the_fingerprint_where_the_rule_asks_for_it_and_nowhere_else() -> None:
    def fingerprints(rules: Rules) -> set[str]:
        answers = "virtually", "either"
        return {matched([mentor(1, "either")], [mentee(1, one, openly=True)], rules).fingerprint for one in answers}

    assert len(fingerprints(Rules())) == 1
    assert len(fingerprints(asked())) == 2


def test_the_setting_is_read_back_as_it_was_said_and_can_be_switched_off_in_a_run() -> None:
    rules = asked()
    assert rules_from(rules.as_document()) == rules
    assert rules_from(changed(rules.as_document(), {"rules": {"meeting": None}})).meeting is None
    in_run = changed(rules.as_document(), {"rules": {"meeting": {"virtually": ["Online"]}}})
    assert rules_from(in_run).meeting == MeetingTerms("how", ("In person", "Either"), ("Online",))


@pytest.mark.parametrize(
    ("meeting", "field"),
    [
        (True, "rules.meeting"),
        ([], "rules.meeting"),
        ({**TERMS, "by": "phone"}, "rules.meeting.by"),
        ({**TERMS, "question": ""}, "rules.meeting.question"),
        ({**TERMS, "in_person": []}, "rules.meeting.in_person"),
        ({**TERMS, "in_person": "In person"}, "rules.meeting.in_person"),
        ({**TERMS, "virtually": ["Online", 7]}, "rules.meeting.virtually[1]"),
        ({**TERMS, "virtually": ["  "]}, "rules.meeting.virtually[0]"),
        ({**TERMS, "virtually": ["EITHER", "in person"]}, "rules.meeting"),
    ],
)
def test_what_cannot_be_used_is_named(meeting: Any, field: str) -> None:
    with pytest.raises(SettingsMalformed) as refused:
        rules_from({"rules": {"meeting": meeting}})
    assert [fault.field for fault in refused.value.faults] == [field]


def test_all_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(SettingsMalformed) as refused:
        rules_from({"rules": {"meeting": {}}})
    assert [fault.field for fault in refused.value.faults] == [
        "rules.meeting.question",
        "rules.meeting.in_person",
        "rules.meeting.virtually",
    ]
