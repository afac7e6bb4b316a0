"""Peers: nothing beats the pairs within one pool, by brute force, by other solvers, and by their own proof."""

import sys
from pathlib import Path

import numpy as np
import pytest
import rustworkx
from hypothesis import given, settings
from hypothesis import strategies as st
from ortools.sat.python import cp_model

from tandem_matching.domain.encoded import Encoded
from tandem_matching.domain.peers import PeerAssignment, assign_peers

sys.path.insert(0, str(Path(__file__).parents[1]))

from matching_pools import one_pool

ENGINES = pytest.mark.parametrize("dense_cells", [10**9, 0], ids=["matrix", "engine"])
Worth = tuple[int, int, int]


def together(pool: Encoded) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.int64]], set[tuple[int, int]]]:
    """The points of each pair to both together, and the pairs that break no rule either way."""
    points, violated = pool.dense()
    broken = (violated != 0) | (violated.T != 0)
    people = len(points)
    return points + points.T, {(one, two) for two in range(people) for one in range(two) if not broken[one, two]}


def check(pool: Encoded, found: PeerAssignment) -> None:
    points, allowed = together(pool)
    pairs = list(zip(found.first.tolist(), found.second.tolist(), strict=True))
    assert set(pairs) <= allowed
    assert len(set(pairs)) == len(pairs)
    of_each = np.bincount(np.concatenate((found.first, found.second)), minlength=len(points))
    assert (of_each <= pool.wanted).all()
    assert found.points.tolist() == [points[pair] for pair in pairs]
    for one in found.rounds:
        assert one.total == one.bound, "the proof holds"


def worth(pool: Encoded, pairs: list[tuple[int, int]]) -> Worth:
    """What a matching is judged by: pairs, people first in line, points."""
    points, _ = together(pool)
    first = sum(int(pool.first_in_line[one]) + int(pool.first_in_line[two]) for one, two in pairs)
    return len(pairs), first, int(sum(points[pair] for pair in pairs))


def found_worth(pool: Encoded, found: PeerAssignment) -> Worth:
    return worth(pool, list(zip(found.first.tolist(), found.second.tolist(), strict=True)))


def best_by_trying_all(pool: Encoded) -> Worth:
    _, allowed = together(pool)

    def best(left: tuple[int, ...], pairs: list[tuple[int, int]]) -> Worth:
        if len(left) < 2:
            return worth(pool, pairs)
        one, *others = left
        tried = [
            best(tuple(other for other in others if other != two), [*pairs, (one, two)])
            for two in others
            if (one, two) in allowed
        ]
        return max([best(tuple(others), pairs), *tried])

    return best(tuple(range(len(pool.wanted))), [])


@settings(max_examples=120, deadline=None)
@given(people=st.integers(2, 7), seed=st.integers(0, 10**9), part=st.sampled_from([0.3, 0.6, 1.0]))
def test_nothing_beats_the_pairs_of_a_small_pool(people: int, seed: int, part: float) -> None:
    pool = one_pool(people, seed=seed, allowed=part, most=9)
    found = assign_peers(pool)
    check(pool, found)
    assert found_worth(pool, found) == best_by_trying_all(pool)


@ENGINES
@pytest.mark.parametrize("seed", range(12))
def test_a_solver_for_general_graphs_finds_the_same_optimum(seed: int, dense_cells: int) -> None:
    pool = one_pool(60 + 10 * seed, seed=seed, allowed=(0.05, 0.2, 0.6)[seed % 3], most=(3, 50, 10**5)[seed // 4])
    found = assign_peers(pool, dense_cells=dense_cells)
    check(pool, found)
    points, allowed = together(pool)
    line = int(points.max()) * len(points) + 1
    each = {
        (one, two): int(points[one, two]) + line * int(pool.first_in_line[[one, two]].sum()) for one, two in allowed
    }
    graph = rustworkx.PyGraph()
    graph.add_nodes_from(range(len(points)))
    graph.add_edges_from([(one, two, value) for (one, two), value in each.items()])
    theirs = rustworkx.max_weight_matching(graph, max_cardinality=True, weight_fn=int)
    assert found_worth(pool, found) == worth(pool, [(min(pair), max(pair)) for pair in theirs])


@pytest.mark.parametrize("seed", range(3))
def test_or_tools_finds_the_same_optimum(seed: int) -> None:
    pool = one_pool(40, seed=100 + seed, allowed=0.3, most=30)
    pool.first_in_line[:] = False
    points, allowed = together(pool)
    model = cp_model.CpModel()
    chosen = {pair: model.new_bool_var(str(pair)) for pair in sorted(allowed)}
    for person in range(len(points)):
        model.add_at_most_one(one for pair, one in chosen.items() if person in pair)
    stake = int(points.max()) * len(points) + 1
    model.maximize(sum((stake + int(points[pair])) * one for pair, one in chosen.items()))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    assert solver.solve(model) == cp_model.OPTIMAL
    assert found_worth(pool, assign_peers(pool)) == worth(
        pool, [pair for pair, one in chosen.items() if solver.value(one)]
    )


def test_a_ring_of_three_leaves_nobody_of_five_alone_who_could_be_paired() -> None:
    # Two triangles joined by one edge, and somebody at the end: only through both odd rings everybody is paired.
    pool = one_pool(6, seed=1, allowed=0.0, most=1)
    for one, two in ((0, 1), (1, 2), (0, 2), (2, 3), (3, 4), (4, 5), (3, 5)):
        pool.tables[0].violated[one, two] = pool.tables[0].violated[two, one] = 0
    found = assign_peers(pool)
    check(pool, found)
    assert len(found.first) == 3


@ENGINES
def test_whoever_wants_two_peers_gets_two_different_ones_after_everybodys_first(dense_cells: int) -> None:
    pool = one_pool(8, seed=4, allowed=1.0, most=9)
    pool.wanted[:] = 2
    found = assign_peers(pool, dense_cells=dense_cells)
    check(pool, found)
    assert [one.pairs for one in found.rounds] == [4, 4]
