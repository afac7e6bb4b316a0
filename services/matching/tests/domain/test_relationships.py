"""Peers, circles and rotations from people to reasons: repeatable, within the rules, in fitting words."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from random import Random
from typing import Any
from uuid import UUID

import pytest

from tandem_matching.domain.people import Mentee, Mentor, Pool, Traits
from tandem_matching.domain.refusals import PinsContradict, PoolEmpty
from tandem_matching.domain.relationships import Arrangement, relate
from tandem_matching.domain.settings_document import rules_from

DAY = date(2026, 3, 2)
ANY_UNIT = {"unit": "any"}


def people(number: int, *, first: int, levels: Sequence[int], seed: int = 1) -> list[Traits]:
    draw = Random(seed + first)
    return [
        Traits(
            UUID(int=first + one),
            level=draw.choice(levels),
            unit=draw.choice(["Love", "Peace", "Joy"]),
            profession=draw.choice(["Policy", "Law"]),
            skills={draw.choice("ABC"): draw.randint(1, 5)},
            needs={draw.choice("ABC"): draw.randint(1, 5)},
        )
        for one in range(number)
    ]


def pool(mentors: int, mentees: int, **more: Any) -> Pool:
    return Pool(
        tuple(Mentor(one, 1) for one in people(mentors, first=1000, levels=(4, 5, 6))),
        tuple(Mentee(one) for one in people(mentees, first=1, levels=(1, 2, 3))),
        **more,
    )


def related(found: Pool, program_format: str, **settings: Any) -> Arrangement:
    rules = rules_from({"rules": ANY_UNIT, **settings}, program_format=program_format)
    return relate(found, rules, program_format=program_format, seed=0, on=DAY)


def test_peers_are_pairs_of_one_pool_and_no_words_speak_of_mentors() -> None:
    found = related(pool(7, 14), "peer", weights={"skills": 2, "unit": 1, "level_gap": 1, "reciprocity": 1})
    assert {role for one in found.relationships for _, role in one.members} == {"peer"}
    assert max(Counter(person for one in found.relationships for person, _ in one.members).values()) == 1
    words = " ".join(reason.words for one in found.relationships for reason in one.reasons)
    assert "mentor" not in words
    assert "mentee" not in words
    assert "One offers what the other wants" in words
    assert found.summary["proven_optimal"]
    assert len(found.relationships) == 10
    assert all("mentor" not in one.words for one in found.unmatched)


def test_peers_of_different_levels_are_kept_apart_and_told_so() -> None:
    far = Pool(
        (Mentor(Traits(UUID(int=1), level=1), 1),),
        (Mentee(Traits(UUID(int=2), level=5)),),
    )
    found = related(far, "peer")
    assert found.relationships == ()
    assert {one.rule for one in found.unmatched} == {"level_gap"}
    assert "with a difference of 4, one peer would fit" in found.unmatched[0].words


def test_pinned_peers_are_together_whatever_the_rules_say() -> None:
    pinned = frozenset({(UUID(int=1000), UUID(int=1))})
    found = related(pool(3, 5, pinned_pairs=pinned), "peer")
    (together,) = [one for one in found.relationships if one.pinned]
    assert {person for person, _ in together.members} == {UUID(int=1000), UUID(int=1)}
    with pytest.raises(PinsContradict):
        related(pool(3, 5, pinned_pairs=pinned | {(UUID(int=1001), UUID(int=1))}), "peer")


def test_circles_share_a_trait_are_of_even_sizes_and_have_a_facilitator_and_both_sides() -> None:
    everybody = pool(9, 40)
    found = related(everybody, "circle", circle={"least": 4, "most": 8, "shared": "profession", "mix": "unit"})
    known = {one.person_id: one.traits for one in everybody.mentors} | {
        one.person_id: one.traits for one in everybody.mentees
    }
    assert not found.unmatched
    by_profession: dict[str | None, list[tuple[int, int]]] = {}
    for circle in found.relationships:
        roles = Counter(role for _, role in circle.members)
        assert roles["facilitator"] == 1
        assert roles["mentee"] >= 1
        (profession,) = {known[person].profession for person, _ in circle.members}
        by_profession.setdefault(profession, []).append((len(circle.members), roles["mentee"]))
        highest = max(known[person].level or 0 for person, role in circle.members if role != "mentee")
        assert known[circle.members[0][0]].level == highest
        assert circle.reasons[0].words == f"All share the profession {profession}."
    for sizes in by_profession.values():
        assert all(4 <= size <= 8 for size, _ in sizes)
        for part in zip(*sizes, strict=True):
            assert max(part) - min(part) <= 1
    for unit in ("Love", "Peace", "Joy"):
        for profession, sizes in by_profession.items():
            counts = [
                sum(known[person].unit == unit for person, role in circle.members if role == "mentee")
                for circle in found.relationships
                if known[circle.members[0][0]].profession == profession
            ]
            assert max(counts) - min(counts) <= 1, "each unit is spread evenly"
            assert len(sizes) == len(counts)


def test_nobody_is_in_a_circle_with_their_own_manager() -> None:
    everybody = pool(4, 12)
    manager = everybody.mentors[0].person_id
    reports = tuple(
        Mentee(replace(one.traits, manager_id=manager)) if place < 6 else one
        for place, one in enumerate(everybody.mentees)
    )
    found = related(replace(everybody, mentees=reports), "circle", circle={"most": 5, "mix": None})
    for circle in found.relationships:
        members = {person for person, _ in circle.members}
        assert manager not in members or not members & {UUID(int=1 + one) for one in range(6)}


def test_too_few_who_share_a_trait_are_told_what_would_help() -> None:
    found = related(pool(1, 2), "circle", circle={"least": 4, "shared": "unit"})
    assert found.relationships == ()
    assert {one.rule for one in found.unmatched} == {"shared_trait"}
    assert "circles that share nothing" in found.unmatched[0].words


def test_in_rotations_everybody_meets_somebody_else_each_time_and_mentors_have_their_seats() -> None:
    found = related(pool(6, 17), "flash", flash={"rounds": 4, "seats": 2})
    pairs = [tuple(person for person, _ in one.members) for one in found.relationships]
    assert len(set(pairs)) == len(pairs)
    at_once = Counter(
        (one.turn, person) for one in found.relationships for person, role in one.members if role == "mentor"
    )
    assert max(at_once.values()) <= 2
    assert max(Counter((one.turn, one.members[1][0]) for one in found.relationships).values()) == 1
    assert {one.turn for one in found.relationships} <= {1, 2, 3, 4}
    # 6 mentors with 2 seats in 4 rounds are 48 places for 17 mentees.
    assert len(found.relationships) == 48
    assert (found.summary["fewest_meetings"], found.summary["most_meetings"]) == (2, 3)
    assert found.summary["proven_optimal"]


@pytest.mark.parametrize("program_format", ["peer", "circle", "flash"])
def test_the_order_of_the_pool_changes_nothing(program_format: str) -> None:
    everybody = pool(6, 18)
    turned = replace(everybody, mentors=everybody.mentors[::-1], mentees=everybody.mentees[::-1])
    first, second = related(everybody, program_format), related(turned, program_format)
    assert first.fingerprint == second.fingerprint
    assert first == second


@pytest.mark.parametrize("program_format", ["peer", "circle", "flash"])
def test_an_empty_pool_is_refused_in_words(program_format: str) -> None:
    with pytest.raises(PoolEmpty, match="too few people"):
        related(Pool((), ()), program_format)


@pytest.mark.parametrize("program_format", ["circle", "flash"])
def test_pairs_cannot_be_pinned_where_there_are_none(program_format: str) -> None:
    with pytest.raises(PinsContradict, match="Only pairs can be pinned"):
        related(pool(2, 2, pinned_pairs=frozenset({(UUID(int=1000), UUID(int=1))})), program_format)
