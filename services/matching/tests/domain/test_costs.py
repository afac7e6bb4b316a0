"""What a rule costs, and who would rather have each other: found the same from the matrix and by the engine."""

import sys
from pathlib import Path

import numpy as np
import pytest

from tandem_matching.domain.assignment import assign
from tandem_matching.domain.costs import find_blocking, price_rules

sys.path.insert(0, str(Path(__file__).parents[1]))

from matching_pools import encoded, random_pool

ENGINES = pytest.mark.parametrize("dense_cells", [10**9, 0], ids=["matrix", "engine"])


@ENGINES
@pytest.mark.parametrize("seed", range(3))
def test_blocking_pairs_are_those_in_which_both_have_fewer_points_now(seed: int, dense_cells: int) -> None:
    pool = random_pool(80, 30, seed=seed, places=(0, 3))
    found = assign(pool)
    points, violated = pool.dense()
    mentor_of = dict(zip(found.mentees.tolist(), found.mentors.tolist(), strict=True))
    held: dict[int, list[int]] = {}
    for mentee, mentor in mentor_of.items():
        held.setdefault(mentor, []).append(int(points[mentee, mentor]))
    blocking = set()
    for mentee in range(80):
        for mentor in range(30):
            better = mentee not in mentor_of or points[mentee, mentor] > points[mentee, mentor_of[mentee]]
            kept = held.get(mentor, [])
            room = len(kept) < pool.places[mentor]
            wanted = pool.places[mentor] > 0 and (room or points[mentee, mentor] > min(kept))
            if not violated[mentee, mentor] and better and wanted and mentor_of.get(mentee) != mentor:
                blocking.add((mentee, mentor))
    told = find_blocking(pool, found.mentees, found.mentors, dense_cells=dense_cells, shown=10**6)
    assert told.number == len(blocking) > 0
    assert set(zip(told.mentees.tolist(), told.mentors.tolist(), strict=True)) == blocking
    assert len(find_blocking(pool, found.mentees, found.mentors, dense_cells=dense_cells, shown=1).mentees) == 1


@ENGINES
def test_the_price_of_a_rule_is_what_the_best_match_without_it_has_more(dense_cells: int) -> None:
    pool = random_pool(60, 40, seed=3, places=(0, 2))
    found = assign(pool, dense_cells=dense_cells)
    prices = {one.rule: (one.pairs, one.points) for one in price_rules(pool, found, dense_cells=dense_cells)}
    assert set(prices) == {"level_gap", "unit", "reporting_line"}
    for bit, name in ((1, "level_gap"), (2, "unit")):
        relaxed = random_pool(60, 40, seed=3, places=(0, 2))
        for table in relaxed.tables:
            table.violated[:] &= ~bit
        without = assign(relaxed)
        gained = len(without.mentees) - len(found.mentees), int(without.points.sum() - found.points.sum())
        assert prices[name] == gained
    assert any(value > (0, 0) for value in prices.values())


def test_a_rule_that_keeps_nobody_apart_has_no_price() -> None:
    pool = encoded(points=[[1]], allowed=[[True]], places=[1])
    assert price_rules(pool, assign(pool)) == ()
    assert find_blocking(pool, np.array([0]), np.array([0])).number == 0


@ENGINES
def test_each_rule_that_is_priced_and_each_look_at_everybody_is_a_step_that_can_end_it(dense_cells: int) -> None:
    pool = random_pool(80, 30, seed=1)
    steps: list[int] = []
    found = assign(pool, dense_cells=dense_cells, step=lambda: steps.append(0))
    assert steps
    steps.clear()
    priced = price_rules(pool, found, dense_cells=dense_cells, step=lambda: steps.append(0))
    assert len(steps) >= len(priced) > 1

    class GivenUp(Exception):
        pass

    def give_up() -> None:
        steps.append(0)
        raise GivenUp

    for search in (
        lambda: assign(pool, dense_cells=dense_cells, step=give_up),
        lambda: price_rules(pool, found, dense_cells=dense_cells, step=give_up),
    ):
        steps.clear()
        with pytest.raises(GivenUp):
            search()
        assert len(steps) == 1
