"""The fallback: mentees without a mentor in peer groups that the rules allow, and what they are told."""

from dataclasses import replace
from datetime import date
from itertools import combinations
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_matching.domain.matching import Match, match
from tandem_matching.domain.people import Mentee, Mentor, Opinion, Pool, Traits, Wish
from tandem_matching.domain.refusals import PoolEmpty, SettingsMalformed
from tandem_matching.domain.rules import PeerGroupTerms, Rules
from tandem_matching.domain.settings_document import rules_from
from tandem_matching.domain.vanished import people_of, without_vanished

DAY = date(2026, 3, 2)
FALLBACK: dict[str, Any] = {"fallback": {"peer_group": {"least": 3, "most": 5}}}


def somebody(number: int, **traits: Any) -> Traits:
    return Traits(UUID(int=number), **{"level": 3, "unit": "Peace", "profession": "Policy", **traits})


def mentor(number: int, places: int = 1, **traits: Any) -> Mentor:
    return Mentor(somebody(1000 + number, **{"level": 5, "unit": "Love", **traits}), places)


def mentee(number: int, **traits: Any) -> Mentee:
    return Mentee(somebody(number, **traits))


def matched(mentors: list[Mentor], mentees: list[Mentee], document: dict[str, Any] | None = None, **pool: Any) -> Match:
    rules = rules_from(FALLBACK if document is None else {**FALLBACK, **document})
    return match(Pool(tuple(mentors), tuple(mentees), **pool), rules, seed=0, on=DAY)


def groups(found: Match) -> list[set[int]]:
    return [{person.int for person in one.members} for one in found.peer_groups]


def meanwhile(found: Match) -> dict[int, str | None]:
    return {one.person_id.int: one.meanwhile for one in found.unmatched}


def test_mentees_without_a_mentor_are_proposed_a_peer_group_and_still_told_why() -> None:
    found = matched([mentor(1)], [mentee(one) for one in range(1, 6)])
    (pair,) = found.proposals
    (group,) = groups(found)
    assert group == {1, 2, 3, 4, 5} - {pair.mentee_id.int}
    alone = [one for one in found.unmatched if one.role == "mentee"]
    assert {one.rule for one in alone} == {"places"}
    assert {one.meanwhile for one in alone} == {
        "Until there is a mentor, a peer group of 4 mentees is proposed to you."
    }
    assert (found.summary["unmatched_mentees"], found.summary["in_peer_groups"]) == (4, 4)
    assert found.summary["peer_groups_seat_all_they_can"]


def test_fewer_than_a_group_needs_are_told_so() -> None:
    found = matched([mentor(1)], [mentee(one) for one in range(1, 4)])
    assert found.peer_groups == ()
    assert set(meanwhile(found).values()) == {
        "No peer group is proposed: the program's groups need at least 3 mentees without a mentor, and there are 2."
    }


def test_those_who_want_to_learn_the_same_sit_together_and_read_so() -> None:
    wanted = {"negotiation": (1, 3, 5), "Budgets": (2, 4, 6)}
    people = [mentee(one, needs={skill: 3}) for skill, numbers in wanted.items() for one in numbers]
    found = matched([], people)
    assert sorted(map(sorted, groups(found))) == [[1, 3, 5], [2, 4, 6]]
    words = {group.reasons[0].words for group in found.peer_groups}
    assert words == {"All 3 want to learn negotiation.", "All 3 want to learn Budgets."}
    assert {group.reasons[0].criterion for group in found.peer_groups} == {"skills"}
    assert all("mentor" not in reason.words for group in found.peer_groups for reason in group.reasons)


def test_what_only_some_want_is_counted_in_the_words() -> None:
    needs = ({"negotiation": 3, "French": 1}, {"Negotiation": 2, "budgets": 3}, {"french": 2, "budgets": 1})
    found = matched([], [mentee(one, needs=each) for one, each in enumerate(needs, start=1)])
    words = {reason.criterion: reason.words for reason in found.peer_groups[0].reasons}
    assert words["skills"].startswith("2 of 3 want to learn budgets, ")
    assert words["level_gap"] == "All are at the same level."
    assert words["mix"] == "All are from Peace."


def test_people_of_different_units_sit_together_where_nothing_else_decides() -> None:
    people = [mentee(one, unit=("Peace", "Love", "Joy")[one % 3]) for one in range(1, 7)]
    found = matched([], people, {"fallback": {"peer_group": {"least": 3, "most": 3}}})
    units = {one.person_id.int: one.traits.unit for one in people}
    assert [len({units[one] for one in group}) for group in groups(found)] == [3, 3]


APART: dict[str, Any] = {
    "one excludes the other": ({"excluded": (UUID(int=2),)}, {}, {}),
    "the other excludes the one": ({}, {"excluded": (UUID(int=1),)}, {}),
    "one manages the other": ({}, {"manager_id": UUID(int=1)}, {}),
    "they share no language": ({"languages": ("fr",)}, {"languages": ("pt",)}, {"rules": {"common_language": True}}),
    "they share no hours": (
        {"time_zone": "Asia/Tokyo"},
        {"time_zone": "America/New_York"},
        {"rules": {"common_hours": 2}},
    ),
    "they share no way of meeting": (
        {"open_answers": {"how": "On site"}},
        {"open_answers": {"how": "Online"}},
        {"rules": {"meeting": {"question": "how", "in_person": ["On site"], "virtually": ["Online"]}}},
    ),
    "they are far apart in level": ({"level": 2}, {"level": 4}, {}),
    "their answers must agree": (
        {"confidential": {"shift": "day"}},
        {"confidential": {"shift": "night"}},
        {"rules": {"answers": [{"question": "shift", "wish": "same"}]}},
    ),
    "the program keeps to units": ({"unit": "Joy"}, {"unit": "Hope"}, {"rules": {"unit": "same"}}),
}


@pytest.mark.parametrize("why", APART)
def test_who_may_not_be_together_is_not(why: str) -> None:
    one, other, document = APART[why]
    third = {"unit": None, "languages": (), "time_zone": "nowhere"}
    people = [mentee(1, **one), mentee(2, **other), *(mentee(number, **third) for number in range(3, 7))]
    found = matched([], people, document)
    assert sorted(person for group in groups(found) for person in group) == [1, 2, 3, 4, 5, 6]
    assert not any({1, 2} <= group for group in groups(found))
    alone = matched([], people[:3], document)
    assert alone.peer_groups == ()
    (words,) = set(meanwhile(alone).values())
    assert words == (
        "No peer group is proposed to you: there is no way to seat everybody of the 3 mentees without a mentor in "
        "groups of the program's size whose members all suit each other."
    )


@pytest.mark.parametrize(
    "pool",
    [
        {"forbidden_pairs": frozenset({(UUID(int=1), UUID(int=2))})},
        {"forbidden_pairs": frozenset({(UUID(int=2), UUID(int=1))})},
        {"current_pairs": frozenset({(UUID(int=1), UUID(int=2))})},
        {"opinions": {(UUID(int=1), UUID(int=2)): Opinion(veto=True)}},
    ],
    ids=["forbidden", "forbidden, turned", "mentor and mentee of each other", "vetoed"],
)
def test_whom_others_keep_apart_is_not_together(pool: dict[str, Any]) -> None:
    found = matched([], [mentee(one) for one in range(1, 7)], **pool)
    assert len(groups(found)) == 2
    assert not any({1, 2} <= group for group in groups(found))


def test_what_is_asked_of_mentors_keeps_no_peers_apart() -> None:
    insists = (Wish("level", "higher", must=True), Wish("unit", "different", must=True))
    people = [mentee(one, wishes=insists, preferred=(UUID(int=1),)) for one in range(1, 4)]
    rules = {"rules": {"unit": "other", "location": "other", "boundary": "outside", "level_gap": {"least": 2}}}
    assert groups(matched([], people, rules, past_pairs=frozenset({(UUID(int=1), UUID(int=2))}))) == [{1, 2, 3}]


def test_who_has_a_mentor_or_a_peer_group_is_proposed_none() -> None:
    people = [mentee(one) for one in range(1, 6)]
    found = matched([], people, accompanied=frozenset({UUID(int=1)}))
    assert groups(found) == [{2, 3, 4, 5}]
    assert meanwhile(found)[1] is None


def test_levels_do_not_matter_where_the_program_says_so() -> None:
    people = [mentee(one, level=one) for one in range(1, 4)]
    found = matched([], people, {"fallback": {"peer_group": {"level_gap": None}}})
    assert groups(found) == [{1, 2, 3}]
    assert "Their levels are at most 2 apart." in {reason.words for reason in found.peer_groups[0].reasons}


@settings(max_examples=40, deadline=None)
@given(
    people=st.integers(1, 40),
    seed=st.integers(0, 10**9),
    sizes=st.sampled_from([(2, 2), (3, 5), (4, 8)]),
    mentors=st.integers(0, 6),
)
def test_nobody_sits_twice_or_with_whom_they_exclude_and_it_is_repeatable(
    people: int, seed: int, sizes: tuple[int, int], mentors: int
) -> None:
    draw = Random(seed)
    everybody = [
        mentee(
            one,
            level=draw.choice([1, 2, 3, None]),
            unit=draw.choice(["Peace", "Joy", None]),
            languages=draw.choice([(), ("en",), ("fr", "en"), ("fr",)]),
            needs={skill: draw.randint(1, 5) for skill in draw.sample("ABCD", draw.randint(0, 2))},
            excluded=tuple(UUID(int=draw.randint(1, people)) for _ in range(draw.randint(0, 2))),
            manager_id=draw.choice([None, UUID(int=draw.randint(1, people))]),
        )
        for one in range(1, people + 1)
    ]
    least, most = sizes
    terms = {
        "fallback": {"peer_group": {"least": least, "most": most, "level_gap": draw.choice([0, 1, None])}},
        "rules": {"common_language": True},
    }
    seniors = [mentor(one, level=6) for one in range(mentors)]
    found = matched(seniors, everybody, terms)
    seated = [person for group in groups(found) for person in group]
    matched_to_mentors = {one.mentee_id.int for one in found.proposals}
    assert len(set(seated)) == len(seated)
    assert not set(seated) & matched_to_mentors
    assert all(least <= len(group) <= most for group in groups(found))
    traits = {one.person_id.int: one.traits for one in everybody}
    for group in groups(found):
        for one, other in combinations((traits[person] for person in group), 2):
            assert other.person_id not in one.excluded
            assert one.person_id not in other.excluded
            assert other.person_id != one.manager_id
            assert one.person_id != other.manager_id
            assert not one.languages or not other.languages or set(one.languages) & set(other.languages)
    again = matched(seniors[::-1], everybody[::-1], terms)
    assert (again.fingerprint, again.peer_groups) == (found.fingerprint, found.peer_groups)
    without = matched(seniors, everybody, {**terms, "fallback": None}) if seniors else None
    if without is not None:
        assert without.proposals == found.proposals
        assert [replace(one, meanwhile=None) for one in found.unmatched] == list(without.unmatched)


def test_without_the_setting_nothing_is_proposed_and_fingerprints_are_what_they_always_were() -> None:
    pool = Pool(tuple(mentor(one) for one in range(2)), tuple(mentee(one) for one in range(6)))
    found = match(pool, Rules(), seed=0, on=DAY)
    assert found.fingerprint == "1502d32c4e516d647c6b7d35ceff1e1d3b5e045b8426689be31dda8a38296266"
    rules = rules_from({"weights": {"skills": 1, "unit": 2}}, program_format="group")
    of_group = match(pool, rules, seed=7, on=DAY).fingerprint
    assert of_group == "1544255bf4bfc8992cd44269eab0c4d591d46f64061040a202fe0be3b277a6f7"
    assert found.peer_groups == ()
    assert "peer_groups" not in found.summary
    assert {one.meanwhile for one in found.unmatched} == {None}
    assert "fallback" not in rules.as_document()
    with pytest.raises(PoolEmpty):
        match(Pool((), pool.mentees), Rules(), seed=0, on=DAY)


def test_who_sits_in_a_group_is_part_of_the_fingerprint() -> None:
    people = [mentee(one) for one in range(1, 7)]
    apart = frozenset({(UUID(int=1), UUID(int=2))})
    prints = {
        matched([], people).fingerprint,
        matched([], people, {"fallback": {"peer_group": {"least": 2}}}).fingerprint,
        matched([], people, forbidden_pairs=apart).fingerprint,
        matched([], people, accompanied=frozenset({UUID(int=1)})).fingerprint,
    }
    assert len(prints) == 4


@pytest.mark.parametrize("document", [{"objective": "stable"}, {"weights": {"load": 1, "skills": 1}}, {}])
def test_where_no_mentor_is_left_every_kind_of_match_proposes_groups(document: dict[str, Any]) -> None:
    rules = rules_from({**FALLBACK, **document})
    found = match(Pool((), tuple(mentee(one) for one in range(4))), rules, seed=0, on=DAY, costs=True)
    assert (found.proposals, len(found.peer_groups)) == ((), 1)
    assert {one.rule for one in found.unmatched} == {"nobody"}


def test_a_group_with_somebody_erased_meanwhile_is_promised_to_nobody() -> None:
    found = matched([], [mentee(one) for one in range(1, 5)])
    assert people_of(found) == {UUID(int=one) for one in range(1, 5)}
    left = without_vanished(found, {UUID(int=4)})
    assert isinstance(left, Match)
    assert left.peer_groups == ()
    assert meanwhile(left) == {1: None, 2: None, 3: None}


@pytest.mark.parametrize(
    ("fallback", "fields"),
    [
        ([], ["fallback"]),
        (False, ["fallback"]),
        ({"circle": {}}, ["fallback.circle"]),
        ({"peer_group": 3}, ["fallback.peer_group"]),
        ({"peer_group": {"size": 3}}, ["fallback.peer_group.size"]),
        ({"peer_group": {"least": 5, "most": 3}}, ["fallback.peer_group"]),
        ({"peer_group": {"least": 1, "most": 9}}, ["fallback.peer_group.least", "fallback.peer_group.most"]),
        ({"peer_group": {"least": True, "most": 4.5}}, ["fallback.peer_group.least", "fallback.peer_group.most"]),
        ({"peer_group": {"level_gap": -1}}, ["fallback.peer_group.level_gap"]),
        ({"peer_group": {"level_gap": "one"}}, ["fallback.peer_group.level_gap"]),
    ],
)
def test_a_fallback_that_cannot_be_used_is_refused_field_by_field(fallback: Any, fields: list[str]) -> None:
    with pytest.raises(SettingsMalformed) as refused:
        rules_from({"fallback": fallback})
    assert [fault.field for fault in refused.value.faults] == fields


@pytest.mark.parametrize("program_format", ["peer", "circle", "flash"])
def test_only_programs_of_mentors_and_their_mentees_have_it(program_format: str) -> None:
    with pytest.raises(SettingsMalformed) as refused:
        rules_from(FALLBACK, program_format=program_format)
    assert [fault.field for fault in refused.value.faults] == ["fallback.peer_group"]
    assert rules_from({"fallback": {"peer_group": None}}, program_format=program_format).peer_group is None


@pytest.mark.parametrize("program_format", ["one_to_one", "group", "reverse"])
def test_a_fallback_is_read_back_as_it_was_said(program_format: str) -> None:
    said = rules_from({"fallback": {"peer_group": {"least": 6}}}, program_format=program_format)
    assert said.peer_group == PeerGroupTerms(6, 6, 1)
    assert rules_from(said.as_document(), program_format=program_format) == said
    assert rules_from({"fallback": {"peer_group": {}}}).peer_group == PeerGroupTerms()
    assert rules_from({"fallback": None}) == rules_from({}) == rules_from({"fallback": {}})
