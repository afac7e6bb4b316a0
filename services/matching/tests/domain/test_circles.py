"""Circles: even sizes and an even mix, the most points of all such seatings, by brute force and by another solver."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ortools.sat.python import cp_model

from tandem_matching.domain.seating import Seating, seat

Matrix = np.ndarray[tuple[int, int], np.dtype[np.int64]]
Row = np.ndarray[tuple[int], np.dtype[np.int64]]
Worth = tuple[int, int, int]


def drawn(
    seed: int, people: int, circles: int, *, some: float, fewer: int = 0
) -> tuple[Matrix, np.ndarray[tuple[int, int], np.dtype[np.bool_]], Row, Row]:
    draw = np.random.default_rng(seed)
    seats = max(1, people - fewer)
    return (
        draw.integers(0, 50, (people, circles)),
        draw.random((people, circles)) < some,
        np.array([seats // circles + (place < seats % circles) for place in range(circles)]),
        np.unique(draw.integers(0, 3, people), return_inverse=True)[1],
    )


def worth(points: Matrix, kinds: Row, chosen: tuple[int, ...]) -> Worth:
    """What a seating is judged by: how many sit, how evenly each kind, points."""
    circles = points.shape[1]
    counts = np.zeros((kinds.max() + 1, circles), np.int64)
    for person, circle in enumerate(chosen):
        if circle >= 0:
            counts[kinds[person], circle] += 1
    least = np.bincount(kinds) // circles
    short = int(np.maximum(0, least[:, None] - counts).sum())
    return (
        sum(circle >= 0 for circle in chosen),
        -short,
        sum(int(points[person, circle]) for person, circle in enumerate(chosen) if circle >= 0),
    )


def check(allowed: np.ndarray[tuple[int, int], np.dtype[np.bool_]], sizes: Row, kinds: Row, found: Seating) -> None:
    here = np.flatnonzero(found.circles >= 0)
    assert allowed[here, found.circles[here]].all()
    assert (np.bincount(found.circles[here], minlength=len(sizes)) <= sizes).all()
    for kind in range(kinds.max() + 1):
        of_kind = np.bincount(found.circles[here][kinds[here] == kind], minlength=len(sizes))
        assert of_kind.max() <= -(-int((kinds == kind).sum()) // len(sizes))
    assert found.proven


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**9),
    people=st.integers(1, 6),
    circles=st.integers(1, 3),
    some=st.sampled_from([0.6, 1.0]),
    fewer=st.integers(0, 1),
)
def test_nothing_beats_the_seating_of_a_few(seed: int, people: int, circles: int, some: float, fewer: int) -> None:
    points, allowed, sizes, kinds = drawn(seed, people, circles, some=some, fewer=fewer)
    found = seat(points, allowed, sizes, kinds)
    check(allowed, sizes, kinds, found)
    most = -(-np.bincount(kinds) // circles)
    best = None
    for chosen in product(range(-1, circles), repeat=people):
        counts = np.zeros((len(most), circles), np.int64)
        for person, circle in enumerate(chosen):
            if circle >= 0:
                counts[kinds[person], circle] += 1
        barred = any(circle >= 0 and not allowed[person, circle] for person, circle in enumerate(chosen))
        if not barred and (counts.sum(axis=0) <= sizes).all() and (counts <= most[:, None]).all():
            one = worth(points, kinds, chosen)
            best = one if best is None else max(best, one)
    assert worth(points, kinds, tuple(found.circles.tolist())) == best


@pytest.mark.parametrize("seed", range(3))
def test_or_tools_finds_the_same_optimum(seed: int) -> None:
    points, allowed, sizes, kinds = drawn(seed, 60, 8, some=(1.0, 0.8, 0.5)[seed])
    found = seat(points, allowed, sizes, kinds)
    check(allowed, sizes, kinds, found)
    model = cp_model.CpModel()
    sits = {
        (person, circle): model.new_bool_var(f"{person} {circle}") for person, circle in np.argwhere(allowed).tolist()
    }
    for person in range(60):
        model.add_at_most_one(one for (other, _), one in sits.items() if other == person)
    shortages = []
    for circle, size in enumerate(sizes.tolist()):
        model.add(sum(one for (_, other), one in sits.items() if other == circle) <= size)
        for kind, many in enumerate(np.bincount(kinds).tolist()):
            here = sum(one for (person, other), one in sits.items() if other == circle and kinds[person] == kind)
            model.add(here <= -(-many // 8))
            shortages.append(model.new_int_var(0, 60, f"{circle} {kind}"))
            model.add(here + shortages[-1] >= many // 8)
    each = 50 * 60 + 1
    goal = sum((each * 1000 + int(points[place])) * one for place, one in sits.items())
    model.maximize(goal - each * sum(shortages))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    assert solver.solve(model) == cp_model.OPTIMAL
    chosen = [-1] * 60
    for (person, circle), one in sits.items():
        if solver.value(one):
            chosen[person] = circle
    assert worth(points, kinds, tuple(found.circles.tolist())) == worth(points, kinds, tuple(chosen))


def test_a_large_seating_is_proven_from_few_candidates() -> None:
    points, allowed, sizes, kinds = drawn(5, 1500, 60, some=0.9)
    found = seat(points, allowed, sizes, kinds)
    check(allowed, sizes, kinds, found)
    assert (found.circles >= 0).all()
    assert found.uneven == 0
