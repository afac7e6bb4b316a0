"""Encoded pools for tests: drawn by Hypothesis, or random of any size."""

from uuid import UUID

import numpy as np
from hypothesis import strategies as st

from tandem_matching.domain.encoded import Encoded, Features, Table


def encoded(
    *,
    points: list[list[int]],
    allowed: list[list[bool]],
    places: list[int],
    wanted: list[int] | None = None,
    first: list[int] | None = None,
) -> Encoded:
    """A pool in which every mentee and every mentor is of a kind of their own, with exactly these points."""
    mentees, mentors = len(points), len(places)
    table = Table(
        "pair",
        np.arange(mentees, dtype=np.int32),
        np.arange(mentors, dtype=np.int32),
        {},
        np.array(points, np.int32).reshape(mentees, mentors),
        np.where(np.array(allowed, np.bool_).reshape(mentees, mentors), 0, 1).astype(np.int32),
    )
    in_line = np.zeros(mentees, np.bool_)
    in_line[first or []] = True
    return Encoded(
        mentee_ids=tuple(UUID(int=index) for index in range(mentees)),
        mentor_ids=tuple(UUID(int=10**6 + index) for index in range(mentors)),
        wanted=np.array(wanted or [1] * mentees, np.int64),
        places=np.array(places, np.int64),
        first_in_line=in_line,
        tables=(table,),
        features=(),
        single_starts=np.zeros(mentees + 1, np.int64),
        single_mentors=np.zeros(0, np.int32),
        single_violated=np.zeros(0, np.int32),
    )


@st.composite
def small_pools(draw: st.DrawFn, largest: int = 5) -> Encoded:
    """Pools that brute force can solve."""
    mentees, mentors = draw(st.integers(1, largest)), draw(st.integers(1, largest - 1))
    cells = st.lists(
        st.lists(st.integers(0, 9), min_size=mentors, max_size=mentors), min_size=mentees, max_size=mentees
    )
    gates = st.lists(st.lists(st.booleans(), min_size=mentors, max_size=mentors), min_size=mentees, max_size=mentees)
    return encoded(
        points=draw(cells),
        allowed=draw(gates),
        places=draw(st.lists(st.integers(0, 3), min_size=mentors, max_size=mentors)),
        first=draw(st.lists(st.integers(0, mentees - 1), unique=True, max_size=2)),
    )


def random_pool(mentees: int, mentors: int, *, seed: int, places: tuple[int, int] = (1, 5), kinds: int = 6) -> Encoded:
    """A pool of people with levels, units, professions and skills, and some pairs that are forbidden singly."""
    draw = np.random.default_rng(seed)

    def codes(size: int, number: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        return draw.integers(0, number, size).astype(np.int32)

    gap = np.arange(8)[None, :] - np.arange(8)[:, None]
    levels = Table(
        "level",
        codes(mentees, 7),
        codes(mentors, 8),
        {},
        (np.clip(5 - abs(gap - 2), 0, 5) * 20_000).astype(np.int32),
        np.where((gap >= 1) & (gap <= 4), 0, 1).astype(np.int32),
    )
    units = Table(
        "unit",
        codes(mentees, kinds),
        codes(mentors, kinds),
        {},
        np.zeros((kinds, kinds), np.int32),
        np.eye(kinds, dtype=np.int32) * 2,
    )
    professions = Table(
        "profession",
        codes(mentees, 5),
        codes(mentors, 5),
        {},
        np.eye(5, dtype=np.int32) * 250_000,
        np.zeros((5, 5), np.int32),
    )
    wanted = np.sort(np.stack([draw.permutation(20)[:2] for _ in range(mentees)]), axis=1).astype(np.int32)
    offers = draw.random((20, mentors)) < 0.2
    had = [np.flatnonzero(row) for row in offers]
    skills = Features(
        "skills",
        400,
        np.arange(mentees + 1, dtype=np.int64) * 2,
        wanted.ravel(),
        np.cumsum([0, *map(len, had)], dtype=np.int64),
        np.concatenate(had).astype(np.int32),
        (draw.integers(1, 6, sum(map(len, had))) * 200).astype(np.int32),
    )
    single = draw.integers(0, mentors, mentees).astype(np.int32)
    return Encoded(
        mentee_ids=tuple(UUID(int=index) for index in range(mentees)),
        mentor_ids=tuple(UUID(int=10**6 + index) for index in range(mentors)),
        wanted=np.ones(mentees, np.int64),
        places=draw.integers(places[0], places[1] + 1, mentors).astype(np.int64),
        first_in_line=draw.random(mentees) < 0.02,
        tables=(levels, units, professions),
        features=(skills,),
        single_starts=np.arange(mentees + 1, dtype=np.int64),
        single_mentors=single,
        single_violated=np.full(mentees, 64, np.int32),
    )


def one_pool(people: int, *, seed: int, allowed: float, most: int) -> Encoded:
    """A pool of which everybody is on both sides: points by pair, skills wanted and had, some first in line."""
    draw = np.random.default_rng(seed)
    codes = np.arange(people, dtype=np.int32)
    table = Table(
        "pair",
        codes,
        codes,
        {},
        draw.integers(0, most + 1, (people, people)).astype(np.int32),
        np.where(draw.random((people, people)) < allowed, 0, 1).astype(np.int32),
    )
    wanted = [np.sort(draw.choice(4, draw.integers(0, 3), replace=False)) for _ in range(people)]
    had = [np.flatnonzero(draw.random(people) < 0.5) for _ in range(4)]
    skills = Features(
        "skills",
        3,
        np.cumsum([0, *map(len, wanted)], dtype=np.int64),
        np.concatenate(wanted).astype(np.int32),
        np.cumsum([0, *map(len, had)], dtype=np.int64),
        np.concatenate(had).astype(np.int32),
        (draw.integers(1, 6, sum(map(len, had))) * 200).astype(np.int32),
    )
    ids = tuple(UUID(int=index) for index in range(people))
    return Encoded(
        mentee_ids=ids,
        mentor_ids=ids,
        wanted=np.ones(people, np.int64),
        places=np.ones(people, np.int64),
        first_in_line=draw.random(people) < 0.2,
        tables=(table,),
        features=(skills,),
        single_starts=np.zeros(people + 1, np.int64),
        single_mentors=np.zeros(0, np.int32),
        single_violated=np.zeros(0, np.int32),
    )
