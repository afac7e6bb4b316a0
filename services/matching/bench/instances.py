"""Instances for the benches: invented people with levels, units, professions, time zones and skills."""

from uuid import UUID

import numpy as np
import numpy.typing as npt

from tandem_matching.domain.encoded import Encoded, Features, Table

LEVELS, UNITS, PROFESSIONS, ZONES, SKILLS, WANTED = 10, 40, 12, 8, 60, 3


def instance(mentees: int, mentors: int, *, seed: int = 0, scarce: bool = False) -> Encoded:
    """A pool in which about 12 % of the pairs are allowed; 1 to 5 places each, or as many places as mentees.

    Mentors are one to three levels above, in another unit, at most one of eight time zones apart. Points come from the
    gap between levels, the profession, the distance between zones, and three wanted skills of sixty.
    """
    draw = np.random.default_rng(seed)

    def codes(size: int, low: int, high: int) -> npt.NDArray[np.int32]:
        return draw.integers(low, high, size).astype(np.int32)

    gap = np.arange(LEVELS)[None, :] - np.arange(LEVELS)[:, None]
    apart = abs(np.arange(ZONES)[:, None] - np.arange(ZONES)[None, :])
    apart = np.minimum(apart, ZONES - apart)
    no_points, no_rule = np.zeros((UNITS, UNITS)), np.zeros((PROFESSIONS, PROFESSIONS), np.bool_)
    near = np.clip(1000 - 200 * abs(gap - 2), 0, None) * 150
    closer = np.clip(3 - apart, 0, None) * 33_000
    same = np.eye(UNITS, dtype=np.bool_)
    levels = codes(mentees, 0, LEVELS - 2), codes(mentors, 1, LEVELS)
    units = codes(mentees, 0, UNITS), codes(mentors, 0, UNITS)
    professions = codes(mentees, 0, PROFESSIONS), codes(mentors, 0, PROFESSIONS)
    zones = codes(mentees, 0, ZONES), codes(mentors, 0, ZONES)
    tables = (
        _table("level", *levels, near, ~((gap >= 1) & (gap <= 3))),
        _table("unit", *units, no_points, same),
        _table("profession", *professions, np.eye(PROFESSIONS) * 250_000, no_rule),
        _table("time_zone", *zones, closer, apart > 1),
    )
    wanted = np.sort(draw.permuted(np.tile(np.arange(SKILLS), (mentees, 1)), axis=1)[:, :WANTED], axis=1)
    level = np.where(draw.random((SKILLS, mentors)) < 0.08, draw.integers(1, 6, (SKILLS, mentors)), 0)
    had = [np.flatnonzero(row) for row in level]
    skills = Features(
        "skills",
        500,
        np.arange(mentees + 1, dtype=np.int64) * WANTED,
        wanted.ravel().astype(np.int32),
        np.cumsum([0, *map(len, had)], dtype=np.int64),
        np.concatenate(had).astype(np.int32),
        (np.concatenate([level[skill, who] for skill, who in enumerate(had)]) * 200).astype(np.int32),
    )
    places = draw.integers(1, 6, mentors)
    if scarce:
        while places.sum() != mentees:
            off = int(places.sum()) - mentees
            some = draw.permutation(mentors)[: abs(off)]
            places[some] = np.maximum(1, places[some] - np.sign(off))
    return Encoded(
        mentee_ids=tuple(UUID(int=index) for index in range(mentees)),
        mentor_ids=tuple(UUID(int=2**64 + index) for index in range(mentors)),
        wanted=np.ones(mentees, np.int64),
        places=places.astype(np.int64),
        first_in_line=np.zeros(mentees, np.bool_),
        tables=tables,
        features=(skills,),
        single_starts=np.zeros(mentees + 1, np.int64),
        single_mentors=np.zeros(0, np.int32),
        single_violated=np.zeros(0, np.int32),
    )


def _table(
    trait: str,
    mentees: npt.NDArray[np.int32],
    mentors: npt.NDArray[np.int32],
    points: npt.NDArray[np.generic],
    forbidden: npt.NDArray[np.bool_],
) -> Table:
    return Table(trait, mentees, mentors, {}, points.astype(np.int32), forbidden.astype(np.int32))


def rows(pool: Encoded, begin: int, end: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Points and permission of every pair of these mentees, computed anew from what people are: for checkers."""
    points = np.zeros((end - begin, len(pool.places)), np.int64)
    allowed = np.ones(points.shape, np.bool_)
    for table in pool.tables:
        points += table.points[table.mentee_codes[begin:end]][:, table.mentor_codes]
        allowed &= table.violated[table.mentee_codes[begin:end]][:, table.mentor_codes] == 0
    skills = pool.features[0]
    part = np.zeros((SKILLS, len(pool.places)), np.int64)
    for skill in range(SKILLS):
        span = slice(skills.index_starts[skill], skills.index_starts[skill + 1])
        part[skill, skills.index_mentors[span]] = skills.index_parts[span]
    for want in skills.wanted.reshape(-1, WANTED)[begin:end].T:
        points += skills.weight * part[want] // WANTED
    return points, allowed
