"""Formats of pairs (one to one, group, reverse): from people to the optimum, every rule looked at anew."""

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from itertools import product
from random import Random
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ortools.graph.python import min_cost_flow

from tandem_matching.domain import matching
from tandem_matching.domain.assignment import assign
from tandem_matching.domain.encoded import FULL
from tandem_matching.domain.encoding import encode
from tandem_matching.domain.matching import match
from tandem_matching.domain.people import Mentee, Mentor, Pool, Traits
from tandem_matching.domain.rules import Rules
from tandem_matching.domain.settings_document import defaults_of

FORMATS = pytest.mark.parametrize("program_format", ["one_to_one", "group", "reverse"])
DAY = date(2026, 3, 2)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def people(seed: int, mentors: int, mentees: int, *, most_places: int) -> Pool:
    draw = Random(seed)

    def somebody(number: int) -> Traits:
        return Traits(
            UUID(int=number),
            level=draw.randint(1, 6),
            unit=draw.choice(["Love", "Peace", "Joy"]),
            profession=draw.choice(["Policy", "Law"]),
            manager_id=UUID(int=draw.randint(0, 60)) if draw.random() < 0.3 else None,
            skills={draw.choice("ABC"): draw.randint(1, 5)},
            needs={draw.choice("ABC"): draw.randint(1, 5)},
            excluded=(UUID(int=draw.randint(0, 60)),),
        )

    return Pool(
        tuple(Mentor(somebody(one), draw.randint(1, most_places)) for one in range(mentors)),
        tuple(Mentee(somebody(50 + one)) for one in range(mentees)),
    )


def broken(mentor: Traits, mentee: Traits, program_format: str) -> bool:
    """Whether a pair breaks a default rule, by what the two are."""
    assert mentor.level is not None and mentee.level is not None  # noqa: PT018 - all of them have one
    gap = mentor.level - mentee.level
    wrong_gap = gap > -1 if program_format == "reverse" else gap < 1
    manages = mentor.person_id == mentee.manager_id or mentee.person_id == mentor.manager_id
    excludes = mentor.person_id in mentee.excluded or mentee.person_id in mentor.excluded
    return wrong_gap or mentor.unit == mentee.unit or manages or excludes


def found_pairs(pool: Pool, program_format: str) -> tuple[Rules, list[tuple[int, int]]]:
    rules = defaults_of(program_format)
    found = match(pool, rules, seed=0, on=DAY)
    mentees = {one.person_id: place for place, one in enumerate(pool.mentees)}
    mentors = {one.person_id: place for place, one in enumerate(pool.mentors)}
    pairs = [(mentees[one.mentee_id], mentors[one.mentor_id]) for one in found.proposals]
    for mentee, mentor in pairs:
        assert not broken(pool.mentors[mentor].traits, pool.mentees[mentee].traits, program_format)
    assert len({mentee for mentee, _ in pairs}) == len(pairs)
    for place, one in enumerate(pool.mentors):
        assert sum(mentor == place for _, mentor in pairs) <= one.places
    assert found.summary["proven_optimal"]
    assert {one.person_id for one in found.unmatched if one.role == "mentee"} == {
        one.person_id for place, one in enumerate(pool.mentees) if place not in {mentee for mentee, _ in pairs}
    }
    return rules, pairs


@FORMATS
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_nothing_beats_the_pairs_of_a_few_people(program_format: str, seed: int) -> None:
    pool = people(seed, 3, 5, most_places=3)
    rules, pairs = found_pairs(pool, program_format)
    points, _ = encode(pool, rules, at=NOON).dense()
    best = (0, 0)
    for choice in product(range(-1, 3), repeat=5):
        tried = [(mentee, mentor) for mentee, mentor in enumerate(choice) if mentor >= 0]
        full = any(sum(other == mentor for _, other in tried) > pool.mentors[mentor].places for _, mentor in tried)
        barred = any(
            broken(pool.mentors[mentor].traits, pool.mentees[mentee].traits, program_format) for mentee, mentor in tried
        )
        if not full and not barred:
            best = max(best, (len(tried), int(sum(points[pair] for pair in tried))))
    assert (len(pairs), int(sum(points[pair] for pair in pairs))) == best


@FORMATS
@pytest.mark.parametrize("seed", range(2))
def test_or_tools_finds_the_same_optimum(program_format: str, seed: int) -> None:
    pool = people(seed, 20, 45, most_places=3)
    rules, pairs = found_pairs(pool, program_format)
    points, _ = encode(pool, rules, at=NOON).dense()
    flow, source, sink = min_cost_flow.SimpleMinCostFlow(), 65, 66
    arcs = {}
    for mentee, junior in enumerate(pool.mentees):
        flow.add_arc_with_capacity_and_unit_cost(source, mentee, 1, 0)
        for mentor, senior in enumerate(pool.mentors):
            if not broken(senior.traits, junior.traits, program_format):
                cost = -int(points[mentee, mentor]) - 10**8
                arcs[flow.add_arc_with_capacity_and_unit_cost(mentee, 45 + mentor, 1, cost)] = mentee, mentor
    for mentor, senior in enumerate(pool.mentors):
        flow.add_arc_with_capacity_and_unit_cost(45 + mentor, sink, senior.places, 0)
    flow.add_arc_with_capacity_and_unit_cost(source, sink, 45, 0)
    flow.set_node_supply(source, 45)
    flow.set_node_supply(sink, -45)
    assert flow.solve() == flow.OPTIMAL
    theirs = [pair for arc, pair in arcs.items() if flow.flow(arc)]
    assert (len(pairs), sum(int(points[pair]) for pair in pairs)) == (
        len(theirs),
        sum(int(points[pair]) for pair in theirs),
    )


@pytest.mark.parametrize("seed", range(4))
def test_match_after_match_from_memory_is_as_good_as_from_scratch(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "assign", partial(assign, dense_cells=0))
    draw = Random(seed)
    rules = replace(Rules(), stickiness=(0.0, 0.1, 0.5, 1.0)[seed])
    pool = people(seed, 30, 80, most_places=3)
    before = match(pool, rules, seed=0, on=DAY, keep_memory=True)
    for step in range(3):
        new = people(1000 * seed + step, 30, 80, most_places=3)
        pool = Pool(
            tuple(new.mentors[one.person_id.int] if draw.random() < 0.05 else one for one in pool.mentors[step:]),
            tuple(new.mentees[one.person_id.int - 50] if draw.random() < 0.05 else one for one in pool.mentees[step:]),
            earlier_pairs=frozenset((one.mentor_id, one.mentee_id) for one in before.proposals),
        )
        scratch = match(pool, rules, seed=0, on=DAY)
        again = match(pool, rules, seed=0, on=DAY, memory=before.memory, keep_memory=True)
        assert again.summary["proven_optimal"]
        assert again.summary["proposals"] == scratch.summary["proposals"]
        staying = round(1000 * rules.stickiness) * FULL
        worth = [one.summary["total_points"] + staying * one.summary["kept_from_earlier"] for one in (again, scratch)]
        assert worth[0] == worth[1]
        before = again
