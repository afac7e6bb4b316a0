"""Rotations: most meetings, evenly spread, of the most points; nobody in two places at once, and proven."""

import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ortools.graph.python import min_cost_flow

from tandem_matching.domain.encoded import Encoded, Numbers
from tandem_matching.domain.meetings import Meetings, assign_meetings

sys.path.insert(0, str(Path(__file__).parents[1]))

from matching_pools import encoded, random_pool

Worth = tuple[int, int, int]


def check(pool: Encoded, found: Meetings, rounds: int, seats: Numbers) -> None:
    points, violated = pool.dense()
    pairs = list(zip(found.mentees.tolist(), found.mentors.tolist(), strict=True))
    turns = found.rounds.tolist()
    assert not violated[found.mentees, found.mentors].any()
    assert len(set(pairs)) == len(pairs), "everybody meets somebody else each time"
    assert len({(mentee, turn) for (mentee, _), turn in zip(pairs, turns, strict=True)}) == len(pairs)
    at_once = np.bincount(found.mentors * rounds + found.rounds, minlength=len(seats) * rounds)
    assert (at_once.reshape(-1, rounds) <= seats[:, None]).all()
    assert (points[found.mentees, found.mentors] == found.points).all()
    assert set(turns) <= set(range(rounds))
    assert found.total == found.bound, "the proof holds"


def worth(pool: Encoded, pairs: list[tuple[int, int]]) -> Worth:
    """What a plan is judged by: meetings, how evenly mentees have them, points."""
    points, _ = pool.dense()
    degrees = np.bincount([mentee for mentee, _ in pairs], minlength=len(pool.wanted))
    return len(pairs), -int((degrees**2).sum()), int(sum(points[pair] for pair in pairs))


def found_worth(pool: Encoded, found: Meetings) -> Worth:
    return worth(pool, list(zip(found.mentees.tolist(), found.mentors.tolist(), strict=True)))


@settings(max_examples=120, deadline=None)
@given(seed=st.integers(0, 10**9), rounds=st.integers(1, 3), mentees=st.integers(1, 3), mentors=st.integers(1, 3))
def test_nothing_beats_the_plan_of_a_small_pool(seed: int, rounds: int, mentees: int, mentors: int) -> None:
    draw = np.random.default_rng(seed)
    pool = encoded(
        points=draw.integers(0, 9, (mentees, mentors)).tolist(),
        allowed=(draw.random((mentees, mentors)) < 0.75).tolist(),
        places=[1] * mentors,
    )
    seats = draw.integers(0, 3, mentors)
    found = assign_meetings(pool, rounds, seats=seats)
    check(pool, found, rounds, seats)
    _, violated = pool.dense()
    cells = [(one, other) for one in range(mentees) for other in range(mentors) if not violated[one, other]]
    best = (0, 0, 0)
    for size in range(len(cells) + 1):
        for pairs in combinations(cells, size):
            of_mentees = np.bincount([one for one, _ in pairs], minlength=mentees)
            of_mentors = np.bincount([other for _, other in pairs], minlength=mentors)
            if (of_mentees <= rounds).all() and (of_mentors <= seats * rounds).all():
                best = max(best, worth(pool, list(pairs)))
    assert found_worth(pool, found) == best


def by_flow(pool: Encoded, rounds: int, seats: Numbers) -> Worth:
    """The same by OR-Tools: a mentee's meetings cost more each, so that they are spread."""
    points, violated = pool.dense()
    mentees, mentors = points.shape
    rows, columns = np.nonzero(violated == 0)
    even = int(points.max()) * mentees * rounds + 1
    stake = even * 2 * rounds * mentees * rounds
    flow = min_cost_flow.SimpleMinCostFlow()
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        flow.add_arc_with_capacity_and_unit_cost(row, mentees + column, 1, -int(points[row, column]) - stake)
    source, sink = mentees + mentors, mentees + mentors + 1
    for row in range(mentees):
        for turn in range(rounds):
            flow.add_arc_with_capacity_and_unit_cost(source, row, 1, even * (2 * turn + 1))
    for column in range(mentors):
        flow.add_arc_with_capacity_and_unit_cost(mentees + column, sink, int(seats[column]) * rounds, 0)
    flow.add_arc_with_capacity_and_unit_cost(source, sink, mentees * rounds, 0)
    flow.set_node_supply(source, mentees * rounds)
    flow.set_node_supply(sink, -mentees * rounds)
    assert flow.solve() == flow.OPTIMAL
    used = [(rows[arc], columns[arc]) for arc in range(len(rows)) if flow.flow(arc)]
    return worth(pool, [(int(one), int(other)) for one, other in used])


@pytest.mark.parametrize("dense_cells", [10**9, 0], ids=["matrix", "engine"])
@pytest.mark.parametrize("seed", range(4))
def test_another_solver_finds_the_same_optimum(seed: int, dense_cells: int) -> None:
    pool = random_pool(60, 30, seed=seed)
    seats, rounds = np.random.default_rng(seed).integers(0, 3, 30), 2 + seed
    found = assign_meetings(pool, rounds, seats=seats, dense_cells=dense_cells)
    check(pool, found, rounds, seats)
    assert found_worth(pool, found) == by_flow(pool, rounds, seats)


def test_everybody_meets_everybody_where_rounds_and_people_are_as_many() -> None:
    pool = encoded(points=[[1] * 7] * 7, allowed=[[True] * 7] * 7, places=[1] * 7)
    found = assign_meetings(pool, 7)
    check(pool, found, 7, np.ones(7, np.int64))
    assert len(found.mentees) == 49
