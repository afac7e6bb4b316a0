"""What a user would pick instead: other solvers on the same instances, scores given, each as its users use it."""

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tandem_matching.domain.encoded import Encoded

from .instances import rows

Matrix = npt.NDArray[np.int64]

DEEP = 1_000_000
DEEP_BYTES = 2**29


@dataclass(frozen=True)
class Problem:
    """An instance as a matrix: every place is a column."""

    points: Matrix
    allowed: npt.NDArray[np.bool_]
    places: npt.NDArray[np.int64]
    stake: int

    @property
    def worth(self) -> Matrix:
        """Points and stake where a pair is allowed, else 0."""
        return np.where(self.allowed, self.points + self.stake, 0)


def problem(pool: Encoded) -> Problem:
    """The instance as a matrix of mentees by mentors."""
    points, allowed = rows(pool, 0, len(pool.wanted))
    stake = (int(points.max()) + 1) * (len(pool.wanted) + 1)
    return Problem(points, allowed, pool.places, stake)


def scipy_dense(given: Problem) -> Matrix:
    """SciPy's dense assignment over places."""
    from scipy.optimize import linear_sum_assignment

    slots = np.repeat(np.arange(len(given.places)), given.places)
    row, slot = linear_sum_assignment(given.worth[:, slots], maximize=True)
    return _match(given, row, slots[slot])


def scipy_sparse(given: Problem) -> Matrix:
    """SciPy's sparse matching over places; a dummy place for everybody makes a full matching exist."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    slots = np.repeat(np.arange(len(given.places)), given.places)
    row, column = np.nonzero(given.allowed[:, slots])
    mentees = len(given.points)
    weights = np.concatenate((given.worth[row, slots[column]].astype(float), np.full(mentees, 0.5)))
    dummy = np.arange(mentees)
    places = np.concatenate((row, dummy)), np.concatenate((column, len(slots) + dummy))
    table = coo_array((weights, places), shape=(mentees, len(slots) + mentees)).tocsr()
    found, where = min_weight_full_bipartite_matching(table, maximize=True)
    real = where < len(slots)
    return _match(given, found[real], slots[where[real]])


def ortools_flow(given: Problem) -> Matrix:
    """OR-Tools' min-cost flow."""
    from ortools.graph.python import min_cost_flow

    mentees, mentors = given.points.shape
    row, column = np.nonzero(given.allowed)
    flow = min_cost_flow.SimpleMinCostFlow()
    arcs = flow.add_arcs_with_capacity_and_unit_cost(
        row, mentees + column, np.ones(len(row), int), -given.worth[row, column]
    )
    source, sink = mentees + mentors, mentees + mentors + 1
    flow.add_arcs_with_capacity_and_unit_cost(
        np.full(mentees, source), np.arange(mentees), np.ones(mentees, int), np.zeros(mentees, int)
    )
    flow.add_arcs_with_capacity_and_unit_cost(
        mentees + np.arange(mentors), np.full(mentors, sink), given.places, np.zeros(mentors, int)
    )
    flow.add_arc_with_capacity_and_unit_cost(source, sink, mentees, 0)
    flow.set_node_supply(source, mentees)
    flow.set_node_supply(sink, -mentees)
    if flow.solve() != flow.OPTIMAL:
        raise RuntimeError("OR-Tools found no optimum")
    used = np.array(flow.flows(arcs)) > 0
    return _match(given, row[used], column[used])


def rustworkx_matching(given: Problem) -> Matrix:
    """rustworkx' maximum-weight matching over places."""
    import rustworkx

    slots = np.repeat(np.arange(len(given.places)), given.places)
    row, column = np.nonzero(given.allowed[:, slots])
    mentees = len(given.points)
    graph = rustworkx.PyGraph()
    graph.add_nodes_from(range(mentees + len(slots)))
    weights = given.worth[row, slots[column]].tolist()
    graph.add_edges_from(list(zip(row.tolist(), (mentees + column).tolist(), weights, strict=True)))
    pairs = rustworkx.max_weight_matching(graph, max_cardinality=True, weight_fn=int)
    match = np.array([(min(pair), max(pair) - mentees) for pair in pairs], np.int64)
    return _match(given, match[:, 0], slots[match[:, 1]])


def munkres_matrix(given: Problem) -> Matrix:
    """munkres on a square cost matrix, as mentor-match uses it."""
    from munkres import Munkres

    slots = np.repeat(np.arange(len(given.places)), given.places)
    worth = given.worth[:, slots]
    cost: Any = (int(worth.max()) - worth).tolist()
    pairs = [pair for pair in Munkres().compute(cost) if given.allowed[pair[0], slots[pair[1]]]]
    found = np.array(pairs, np.int64)
    return _match(given, found[:, 0], slots[found[:, 1]])


def _match(given: Problem, mentees: Matrix, mentors: Matrix) -> Matrix:
    match = np.full(len(given.points), -1, np.int64)
    real = given.allowed[mentees, mentors]
    match[mentees[real]] = mentors[real]
    return match


def munkres_rounds(given: Problem) -> Matrix:
    """munkres as mentor-match uses it: one mentee for each mentor at a time, again until all places are taken."""
    from munkres import Munkres

    match = np.full(len(given.points), -1, np.int64)
    places = given.places.copy()
    while (match < 0).any() and places.any():
        rows, columns = np.flatnonzero(match < 0), np.flatnonzero(places > 0)
        worth = given.worth[np.ix_(rows, columns)]
        cost: Any = (int(worth.max()) - worth).tolist()
        found = [(rows[one], columns[other]) for one, other in Munkres().compute(cost) if worth[one, other] > 0]
        if not found:
            break
        for mentee, mentor in found:
            match[mentee] = mentor
            places[mentor] -= 1
    return match


def hospital_resident(given: Problem) -> Matrix:
    """The package `matching`: a stable match by points, the best one for mentees."""
    import warnings

    from matching.games import HospitalResident

    def ranked(points: Matrix, allowed: npt.NDArray[np.bool_]) -> dict[int, list[int]]:
        order = np.argsort(-points, axis=1, kind="stable")
        chosen = ((one, [other for other in row.tolist() if allowed[one, other]]) for one, row in enumerate(order))
        return {one: others for one, others in chosen if others}

    mentees, mentors = ranked(given.points, given.allowed), ranked(given.points.T, given.allowed.T)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        places = {one: int(given.places[one]) for one in mentors}
        solved = _with_a_deep_stack(
            lambda: HospitalResident.create_from_dictionaries(mentees, mentors, places).solve(optimal="resident")
        )
    match = np.full(len(given.points), -1, np.int64)
    for mentor, held in solved.items():
        for mentee in held:
            match[mentee.name] = mentor.name
    return match


def _with_a_deep_stack(solve: Callable[[], Any]) -> Any:
    """The answer of a solver that copies its people recursively: from 300 on, more deeply than Python lets it."""
    deep, size = sys.getrecursionlimit(), threading.stack_size(DEEP_BYTES)
    sys.setrecursionlimit(DEEP)
    try:
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(solve).result()
    finally:
        sys.setrecursionlimit(deep)
        threading.stack_size(size)


@dataclass(frozen=True)
class Peer:
    """Another solver, and as far as a run of the bench waits for it."""

    solve: Callable[[Problem], Matrix]
    most: int
    """So many mentees at most: beyond, it takes longer than a minute or more memory than there is."""
    most_scarce: int
    same_aim: bool = True
    """Whether it looks for the best total, so that its total is the engine's."""


PEERS: dict[str, Peer] = {
    "SciPy dense": Peer(scipy_dense, 20_000, 5_000),
    "SciPy sparse": Peer(scipy_sparse, 20_000, 20_000),
    "OR-Tools flow": Peer(ortools_flow, 20_000, 20_000),
    "rustworkx": Peer(rustworkx_matching, 1_000, 1_000),
    "munkres": Peer(munkres_matrix, 100, 100),
    "munkres, rounds": Peer(munkres_rounds, 300, 300, same_aim=False),
    "matching": Peer(hospital_resident, 1_000, 1_000, same_aim=False),
}


def timed(name: str, given: Problem) -> tuple[Matrix, float, float]:
    """A peer's match, its seconds, and its seconds of processor time."""
    small = Problem(np.ones((2, 2), np.int64), np.ones((2, 2), np.bool_), np.ones(2, np.int64), 10)
    PEERS[name].solve(small)  # what it imports is not what is measured
    began, used = time.perf_counter(), time.process_time()
    match = PEERS[name].solve(given)
    return match, time.perf_counter() - began, time.process_time() - used
