"""Groups of a few: nobody twice, nobody with whom they may not be, as many as can be, by brute force."""

from functools import cache
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_matching.domain.encoded import Numbers
from tandem_matching.domain.grouping import Group, Grouping, group

Matrix = np.ndarray[tuple[int, int], np.dtype[np.int64]]
Allowed = np.ndarray[tuple[int, int], np.dtype[np.bool_]]


class Drawn:
    """Points and permissions as a matrix has them."""

    def __init__(self, seed: int, people: int, *, apart: float) -> None:
        draw = np.random.default_rng(seed)
        upper = np.triu(draw.random((people, people)) >= apart, 1)
        points = np.triu(draw.integers(0, 1000, (people, people)), 1)
        self.allowed: Allowed = upper | upper.T
        self.points: Matrix = np.where(self.allowed, points + points.T, 0)

    def between(self, rows: Numbers, columns: Numbers) -> tuple[Numbers, Allowed]:
        place = np.ix_(rows, columns)
        return self.points[place], self.allowed[place]

    def suits(self, members: Group) -> bool:
        return all(self.allowed[pair] for pair in combinations(members, 2))

    def worth(self, groups: tuple[Group, ...]) -> tuple[int, int]:
        """What groups are judged by: how many sit, and their points."""
        return (
            sum(map(len, groups)),
            sum(int(self.points[np.ix_(one, one)].sum()) // (len(one) - 1) for one in groups),
        )


def check(drawn: Drawn, found: Grouping, *, least: int, most: int) -> None:
    people = [person for one in found.groups for person in one]
    assert len(set(people)) == len(people), "nobody sits twice"
    assert all(least <= len(one) <= most for one in found.groups)
    assert all(drawn.suits(one) for one in found.groups)


def best_by_trying_all(drawn: Drawn, people: int, least: int, most: int) -> tuple[int, int]:
    @cache
    def best(left: Group) -> tuple[int, int]:
        if len(left) < least:
            return 0, 0
        one, *others = left
        tried = [best(tuple(others))]
        for size in range(least, most + 1):
            for more in combinations(others, size - 1):
                members = (one, *more)
                if drawn.suits(members):
                    sits, points = best(tuple(other for other in others if other not in more))
                    own = drawn.worth((members,))
                    tried.append((sits + own[0], points + own[1]))
        return max(tried)

    return best(tuple(range(people)))


@settings(max_examples=80, deadline=None)
@given(
    people=st.integers(0, 9),
    seed=st.integers(0, 10**9),
    apart=st.sampled_from([0.0, 0.2, 0.6]),
    sizes=st.sampled_from([(2, 3), (3, 5), (4, 4)]),
)
def test_nothing_beats_the_groups_of_a_few(people: int, seed: int, apart: float, sizes: tuple[int, int]) -> None:
    least, most = sizes
    drawn = Drawn(seed, people, apart=apart)
    found = group(drawn, people, least=least, most=most)
    check(drawn, found, least=least, most=most)
    assert drawn.worth(found.groups) == best_by_trying_all(drawn, people, least, most)
    assert found.proven


@settings(max_examples=15, deadline=None)
@given(
    people=st.integers(16, 70),
    seed=st.integers(0, 10**9),
    apart=st.sampled_from([0.0, 0.05, 0.5, 0.9]),
    sizes=st.sampled_from([(2, 2), (3, 5), (5, 5), (8, 8)]),
)
def test_many_sit_once_and_with_whom_they_may_and_the_same_way_each_time(
    people: int, seed: int, apart: float, sizes: tuple[int, int]
) -> None:
    least, most = sizes
    drawn = Drawn(seed, people, apart=apart)
    found = group(drawn, people, least=least, most=most)
    check(drawn, found, least=least, most=most)
    assert found == group(drawn, people, least=least, most=most)
    if not apart:
        assert found.proven
        assert sum(map(len, found.groups)) == min(people, people // least * most)


@pytest.mark.parametrize("people", range(16, 60, 4))
def test_of_many_of_whom_few_are_kept_apart_everybody_sits(people: int) -> None:
    drawn = Drawn(people, people, apart=0.1)
    found = group(drawn, people, least=3, most=5)
    check(drawn, found, least=3, most=5)
    assert sum(map(len, found.groups)) == people
    assert found.proven


def test_of_many_those_who_are_alike_sit_together() -> None:
    drawn = Drawn(3, 60, apart=0.0)
    kinds = np.arange(60) % 12
    drawn.points = np.where((kinds[:, None] == kinds[None, :]) & drawn.allowed, 1000, 0)
    found = group(drawn, 60, least=3, most=5)
    sit, points = drawn.worth(found.groups)
    assert (sit, found.proven) == (60, True)
    assert points >= 0.95 * 60_000, "where everybody sits with their kind only"


def test_it_can_be_given_up_between_steps() -> None:
    def give_up() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        group(Drawn(1, 40, apart=0.1), 40, least=3, most=5, step=give_up)
