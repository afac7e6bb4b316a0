"""Assignments are feasible and nothing beats them: by brute force, by another solver, and by their own proof."""

import sys
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ortools.graph.python import min_cost_flow

from tandem_matching.domain.assignment import Assignment, Warm, assign
from tandem_matching.domain.encoded import Encoded
from tandem_matching.domain.load import assign_spread
from tandem_matching.domain.swapping import swap_fairly

sys.path.insert(0, str(Path(__file__).parents[1]))

from matching_pools import encoded, random_pool, small_pools

ENGINES = pytest.mark.parametrize("dense_cells", [10**9, 0], ids=["matrix", "engine"])


def check(pool: Encoded, found: Assignment, *, by_place: bool = False) -> None:
    """Nobody has more than they asked for or offer, no pair breaks a rule or comes twice, points are right.

    `by_place`: the prices are those of single places, so that they are no prices of mentors.
    """
    points, violated = pool.dense()
    pairs = list(zip(found.mentees.tolist(), found.mentors.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)
    assert (np.bincount(found.mentees, minlength=len(pool.wanted)) <= pool.wanted).all()
    assert (np.bincount(found.mentors, minlength=len(pool.places)) <= pool.places).all()
    assert not violated[found.mentees, found.mentors].any()
    assert (points[found.mentees, found.mentors] == found.points).all()
    for one in found.rounds:
        assert one.total == one.bound, "the proof holds"
    if len(found.rounds) == 1 and not by_place:
        (one,) = found.rounds
        here = (violated == 0) & (pool.wanted > 0)[:, None] & (pool.places > 0)[None, :]
        beyond = points + one.stake[:, None] - one.gains[:, None] - one.prices[None, :]
        assert not (here & (beyond > 0)).any(), "no pair is worth more than its two prices"


def worth(pool: Encoded, found: Assignment) -> tuple[int, int, int]:
    """What an assignment is judged by: pairs, pairs of those first in line, points."""
    return len(found.mentees), int(pool.first_in_line[found.mentees].sum()), int(found.points.sum())


def best_by_trying_all(pool: Encoded) -> tuple[int, int, int]:
    points, violated = pool.dense()
    mentees, mentors = points.shape
    best = (0, 0, 0)
    for choice in product(range(-1, mentors), repeat=mentees):
        pairs = [(mentee, mentor) for mentee, mentor in enumerate(choice) if mentor >= 0]
        if any(violated[pair] for pair in pairs):
            continue
        if (np.bincount([mentor for _, mentor in pairs], minlength=mentors) > pool.places).any():
            continue
        first = sum(bool(pool.first_in_line[mentee]) for mentee, _ in pairs)
        best = max(best, (len(pairs), first, int(sum(points[pair] for pair in pairs))))
    return best


@ENGINES
@settings(max_examples=150, deadline=None)
@given(pool=small_pools())
def test_nothing_beats_the_assignment_of_a_small_pool(pool: Encoded, dense_cells: int) -> None:
    found = assign(pool, dense_cells=dense_cells)
    check(pool, found)
    assert worth(pool, found) == best_by_trying_all(pool)


def by_flow(pool: Encoded) -> tuple[int, int]:
    """Most pairs, then most points, by OR-Tools."""
    points, violated = pool.dense()
    mentees, mentors = points.shape
    rows, columns = np.nonzero(violated == 0)
    flow = min_cost_flow.SimpleMinCostFlow()
    stake = int(points.max()) * (mentees + 1) + 1
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        flow.add_arc_with_capacity_and_unit_cost(row, mentees + column, 1, -int(points[row, column]) - stake)
    source, sink = mentees + mentors, mentees + mentors + 1
    for row in range(mentees):
        flow.add_arc_with_capacity_and_unit_cost(source, row, 1, 0)
    for column in range(mentors):
        flow.add_arc_with_capacity_and_unit_cost(mentees + column, sink, int(pool.places[column]), 0)
    flow.add_arc_with_capacity_and_unit_cost(source, sink, mentees, 0)
    flow.set_node_supply(source, mentees)
    flow.set_node_supply(sink, -mentees)
    assert flow.solve() == flow.OPTIMAL
    used = [arc for arc in range(len(rows)) if flow.flow(arc)]
    return len(used), int(points[rows[used], columns[used]].sum())


@pytest.mark.parametrize(
    ("mentees", "mentors", "places"), [(60, 40, (0, 2)), (300, 120, (1, 5)), (300, 200, (1, 1)), (150, 300, (0, 3))]
)
@pytest.mark.parametrize("seed", range(4))
def test_another_solver_finds_the_same_optimum(mentees: int, mentors: int, places: tuple[int, int], seed: int) -> None:
    pool = random_pool(mentees, mentors, seed=seed, places=places)
    pool.first_in_line[:] = False
    flow = by_flow(pool)
    for dense_cells in (10**9, 0):
        found = assign(pool, dense_cells=dense_cells)
        check(pool, found)
        assert (len(found.mentees), int(found.points.sum())) == flow


@ENGINES
def test_a_second_mentor_comes_after_everybodys_first(dense_cells: int) -> None:
    pool = encoded(points=[[9, 9], [1, 1]], allowed=[[True, True], [True, True]], places=[1, 1], wanted=[2, 1])
    found = assign(pool, dense_cells=dense_cells)
    assert sorted(found.mentees.tolist()) == [0, 1]


@ENGINES
def test_whoever_wants_two_mentors_gets_two_different_ones(dense_cells: int) -> None:
    pool = encoded(points=[[9, 1]], allowed=[[True, True]], places=[5, 5], wanted=[3])
    found = assign(pool, dense_cells=dense_cells)
    check(pool, found)
    assert sorted(found.mentors.tolist()) == [0, 1]


def test_ten_thousand_identical_people_and_a_mentor_with_a_thousand_places() -> None:
    pool = encoded(points=[[5]], allowed=[[True]], places=[1])
    table = pool.tables[0]
    alike = Encoded(
        mentee_ids=tuple(range(10_000)),  # type: ignore[arg-type]
        mentor_ids=tuple(range(4_001)),  # type: ignore[arg-type]
        wanted=np.ones(10_000, np.int64),
        places=np.array([1000] + [2] * 4000, np.int64),
        first_in_line=np.zeros(10_000, np.bool_),
        tables=(
            type(table)("pair", np.zeros(10_000, np.int32), np.zeros(4001, np.int32), {}, table.points, table.violated),
        ),
        features=(),
        single_starts=np.zeros(10_001, np.int64),
        single_mentors=np.zeros(0, np.int32),
        single_violated=np.zeros(0, np.int32),
    )
    found = assign(alike)
    assert (len(found.mentees), int(found.points.sum())) == (9000, 45_000)
    assert (np.bincount(found.mentors, minlength=4001) <= alike.places).all()
    assert found.rounds[0].total == found.rounds[0].bound


@pytest.mark.parametrize("seed", range(6))
def test_after_a_few_people_changed_a_warm_start_finds_the_same_total(seed: int) -> None:
    before = random_pool(900, 300, seed=seed, places=(1, 4))
    first = assign(before, dense_cells=0)
    changed, draw = random_pool(900, 300, seed=seed, places=(1, 4)), np.random.default_rng(seed)
    of_mentees, of_mentors = draw.random(900) < 0.02, draw.random(300) < 0.02
    changed.tables[0].mentee_codes[of_mentees] = draw.integers(0, 7, int(of_mentees.sum()))
    changed.tables[0].mentor_codes[of_mentors] = draw.integers(0, 8, int(of_mentors.sum()))
    changed.places[of_mentors] = draw.integers(0, 5, int(of_mentors.sum()))
    cold = assign(changed, dense_cells=0)
    for warm in (first.rounds[0], Warm(first.rounds[0], of_mentees, of_mentors)):
        again = assign(changed, warm=warm, dense_cells=0)
        check(changed, again)
        assert worth(changed, again) == worth(changed, cold)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), part=st.sampled_from([0.0, 0.02, 0.3]))
def test_a_warm_start_knows_nothing_of_people_and_places_that_were_not_there(seed: int, part: float) -> None:
    draw = np.random.default_rng(seed)
    pool = random_pool(120, 60, seed=seed, places=(0, 3))
    absent, closed = draw.random(120) < 0.2, draw.random(60) < 0.2
    before = replace(pool, wanted=np.where(absent, 0, 1), places=np.where(closed, 0, pool.places))
    first = assign(before, dense_cells=0)
    of_mentees, of_mentors = draw.random(120) < part, draw.random(60) < part
    pool.tables[0].mentee_codes[of_mentees] = draw.integers(0, 7, int(of_mentees.sum()))
    pool.tables[0].mentor_codes[of_mentors] = draw.integers(0, 8, int(of_mentors.sum()))
    again = assign(pool, warm=Warm(first.rounds[0], of_mentees, of_mentors), dense_cells=0)
    check(pool, again)
    matrix = assign(pool)
    assert worth(pool, again) == worth(pool, matrix)
    assert points_in_order(pool, again) == points_in_order(pool, matrix), "and it is as fair"


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_mentees_are_spread_where_load_counts(seed: int) -> None:
    pool, weight = random_pool(5, 3, seed=seed, places=(0, 3)), 300
    found = assign_spread(pool, weight=weight)
    points, violated = pool.dense()
    most = max(1, int(pool.places.max()))

    def worth_of(pairs: list[tuple[int, int]]) -> tuple[int, int, int]:
        load = np.bincount([mentor for _, mentor in pairs], minlength=3).tolist()
        spread = sum(weight * 1000 * (most - turn) // most for number in load for turn in range(number))
        first = sum(bool(pool.first_in_line[mentee]) for mentee, _ in pairs)
        return len(pairs), first, int(sum(points[pair] for pair in pairs)) + spread

    best = (0, 0, 0)
    for choice in product(range(-1, 3), repeat=5):
        pairs = [(mentee, mentor) for mentee, mentor in enumerate(choice) if mentor >= 0]
        load = np.bincount([mentor for _, mentor in pairs], minlength=3)
        if not any(violated[pair] for pair in pairs) and (load <= pool.places).all():
            best = max(best, worth_of(pairs))
    check(pool, found, by_place=True)
    assert worth_of(list(zip(found.mentees.tolist(), found.mentors.tolist(), strict=True))) == best


def test_two_wanted_mentors_are_two_people_also_where_load_counts() -> None:
    pool = encoded(points=[[9, 1]], allowed=[[True, True]], places=[5, 5], wanted=[3])
    found = assign_spread(pool, weight=100)
    assert sorted(found.mentors.tolist()) == [0, 1]


def points_in_order(pool: Encoded, found: Assignment) -> list[int]:
    """Everybody's points, the worst-off first."""
    points, _ = pool.dense()
    return sorted(points[found.mentees, found.mentors].tolist())


@ENGINES
@settings(max_examples=100, deadline=None)
@given(pool=small_pools(), most=st.integers(1, 4))
def test_of_equally_good_assignments_the_worst_off_have_the_most(pool: Encoded, most: int, dense_cells: int) -> None:
    pool.first_in_line[:] = False
    pool.tables[0].points[:] %= most + 1
    found = assign(pool, dense_cells=dense_cells)
    check(pool, found)
    points, violated = pool.dense()
    best: tuple[int, int, list[int]] = (0, 0, [])
    for choice in product(range(-1, points.shape[1]), repeat=points.shape[0]):
        pairs = [(mentee, mentor) for mentee, mentor in enumerate(choice) if mentor >= 0]
        load = np.bincount([mentor for _, mentor in pairs], minlength=points.shape[1])
        if not any(violated[pair] for pair in pairs) and (load <= pool.places).all():
            each = sorted(int(points[pair]) for pair in pairs)
            best = max(best, (len(each), sum(each), each))
    assert (len(found.mentees), int(found.points.sum()), points_in_order(pool, found)) == best


@ENGINES
def test_ten_and_ten_are_fairer_than_five_and_fifteen(dense_cells: int) -> None:
    pool = encoded(points=[[10, 15], [5, 10]], allowed=[[True, True], [True, True]], places=[1, 1])
    assert points_in_order(pool, assign(pool, dense_cells=dense_cells)) == [10, 10]


@pytest.mark.parametrize("seed", [1, 5, 8, 10, 12])
def test_the_engine_is_as_fair_as_the_matrix_where_many_pairs_are_worth_the_same(seed: int) -> None:
    pool = random_pool(300, 300, seed=seed, places=(1, 1))
    pool.features[0].index_parts[:] = 333
    pool.tables[0].points[:] = pool.tables[0].points // 50_000 * 50_000
    engine, matrix = assign(pool, dense_cells=0), assign(pool)
    check(pool, engine)
    assert points_in_order(pool, engine) == points_in_order(pool, matrix)


@pytest.mark.parametrize("small", [True, False], ids=["plain", "compiled"])
@settings(max_examples=100, deadline=None)
@given(data=st.data(), people=st.integers(2, 5), mentors=st.integers(1, 3))
def test_a_few_who_could_change_places_take_the_fairest_way(
    data: st.DataObject, people: int, mentors: int, small: bool
) -> None:
    match = np.array(data.draw(st.lists(st.integers(0, mentors - 1), min_size=people, max_size=people)), np.int32)
    others = data.draw(st.lists(st.booleans(), min_size=people * mentors, max_size=people * mentors))
    worth_of = data.draw(st.lists(st.integers(0, 4), min_size=people * mentors, max_size=people * mentors))
    points = np.array(worth_of).reshape(people, mentors)
    here = np.array(others).reshape(people, mentors)
    here[np.arange(people), match] = True
    owners, partners = np.nonzero(here)
    fair = match.copy()
    tried = swap_fairly(fair, owners, partners, points[owners, partners], np.array([0, len(owners)]), small=small)
    ways = [
        sorted(points[np.arange(people), way].tolist())
        for way in product(range(mentors), repeat=people)
        if here[np.arange(people), way].all() and sorted(way) == sorted(match.tolist())
    ]
    assert tried.all()
    assert sorted(fair.tolist()) == sorted(match.tolist()), "no place is left, none taken twice"
    assert sorted(points[np.arange(people), fair].tolist()) == max(ways)


@pytest.mark.parametrize("small", [True, False], ids=["plain", "compiled"])
def test_too_many_ways_to_change_places_are_not_tried(small: bool) -> None:
    owners, partners = (one.ravel() for one in np.indices((12, 4)))
    match = np.repeat(np.arange(4), 3).astype(np.int32)
    fair = match.copy()
    tried = swap_fairly(fair, owners, partners, owners * partners, np.array([0, 48]), small=small)
    assert not tried.any()
    assert (fair == match).all()
