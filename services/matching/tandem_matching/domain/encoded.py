"""A pool as arrays of whole numbers: what every engine reads, whatever the rules were.

Traits with few different values are codes, and each criterion over them a small table. Traits with many values (skills,
identities) are features: what a mentee wants, and an index of who offers it. What concerns single pairs only (the same
person, one's manager, an earlier pairing) is a list. No array is as large as mentees times mentors.
"""

from dataclasses import dataclass
from uuid import UUID

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]

FULL = 1000
"""A criterion that is met in full; a weight is in thousandths too, so a perfect pair has a million points."""


@dataclass(frozen=True, slots=True)
class Table:
    """Criteria and rules that look at one trait of each side: points and violated rules by the two codes."""

    trait: str
    mentee_codes: Codes
    mentor_codes: Codes
    values: dict[str, Codes]
    """By criterion: how far it is met, 0 to `FULL`, by mentee's and mentor's code."""
    points: Codes
    """The weighted sum of `values`."""
    violated: Codes
    """The rules that the two codes violate, as bits of `Rule`."""


@dataclass(frozen=True, slots=True)
class Features:
    """A criterion over traits with many values: mentees want features, mentors have them in full or in part."""

    criterion: str
    weight: int
    wanted_starts: Numbers
    """Mentee i wants `wanted[wanted_starts[i]:wanted_starts[i + 1]]`."""
    wanted: Codes
    index_starts: Numbers
    """Feature f is had by `index_mentors[index_starts[f]:index_starts[f + 1]]`, in the parts beside them."""
    index_mentors: Codes
    index_parts: Codes
    """0 to `FULL`."""
    divided: bool = True
    """Whether what a feature counts is divided by how many the mentee wants."""

    def most(self) -> int:
        """What nobody's points by these features exceed."""
        if self.divided:
            return self.weight * FULL
        highest = np.zeros(len(self.index_starts), np.int64)
        np.maximum.at(
            highest, np.repeat(np.arange(len(self.index_starts) - 1), np.diff(self.index_starts)), self.index_parts
        )
        sums = np.concatenate(([0], np.cumsum(highest[self.wanted])))
        return self.weight * int((sums[self.wanted_starts[1:]] - sums[self.wanted_starts[:-1]]).max(initial=0))

    def shares(self) -> Numbers:
        """By how much each mentee's features are divided."""
        counts = np.diff(self.wanted_starts)
        return counts if self.divided else np.ones_like(counts)


@dataclass(frozen=True, slots=True)
class Encoded:
    """A pool as arrays. Indices of mentees and mentors are positions in `mentee_ids` and `mentor_ids`."""

    mentee_ids: tuple[UUID, ...]
    mentor_ids: tuple[UUID, ...]
    wanted: Numbers
    places: Numbers
    first_in_line: npt.NDArray[np.bool_]
    tables: tuple[Table, ...]
    features: tuple[Features, ...]
    single_starts: Numbers
    """Mentee i must not be paired with `single_mentors[single_starts[i]:single_starts[i + 1]]`, whatever the tables."""
    single_mentors: Codes
    single_violated: Codes

    def violated(self, mentees: Numbers, mentors: Numbers) -> Codes:
        """The rules that each of these pairs violates by the tables, broadcast as NumPy does; 0 is an allowed pair."""
        total = np.zeros(np.broadcast_shapes(mentees.shape, mentors.shape), np.int32)
        for table in self.tables:
            total |= table.violated[table.mentee_codes[mentees], table.mentor_codes[mentors]]
        return total

    def dense(self) -> tuple[Numbers, Codes]:
        """Points and violated rules of every pair, mentees by mentors: for pools that are small enough."""
        mentees = np.arange(len(self.mentee_ids))[:, None]
        mentors = np.arange(len(self.mentor_ids))[None, :]
        points = np.zeros((len(self.mentee_ids), len(self.mentor_ids)), np.int64)
        for table in self.tables:
            points += table.points[table.mentee_codes[mentees], table.mentor_codes[mentors]]
        for feature in self.features:
            _add_features(feature, points)
        violated = self.violated(mentees, mentors)
        rows = np.repeat(np.arange(len(self.mentee_ids)), np.diff(self.single_starts))
        np.bitwise_or.at(violated, (rows, self.single_mentors), self.single_violated)
        return points, violated

    def points_of(self, mentees: Numbers, mentors: Numbers) -> Numbers:
        """The points of each of these pairs."""
        points = np.zeros(len(mentees), np.int64)
        for table in self.tables:
            points += table.points[table.mentee_codes[mentees], table.mentor_codes[mentors]]
        for feature in self.features:
            points += points_of_features(feature, mentees, mentors)
        return points

    def values_of(self, mentees: Numbers, mentors: Numbers) -> dict[str, Numbers]:
        """How far each criterion is met by each of these pairs, 0 to `FULL`."""
        values: dict[str, Numbers] = {}
        for table in self.tables:
            for criterion, cells in table.values.items():
                met = cells[table.mentee_codes[mentees], table.mentor_codes[mentors]].astype(np.int64)
                values[criterion] = values[criterion] + met if criterion in values else met
        for feature in self.features:
            values[feature.criterion] = _values_of_features(feature, mentees, mentors)
        return values


def _add_features(feature: Features, points: Numbers) -> None:
    shares = feature.shares()
    for mentee in range(points.shape[0]):
        wanted = feature.wanted[feature.wanted_starts[mentee] : feature.wanted_starts[mentee + 1]]
        for code in wanted:
            span = slice(feature.index_starts[code], feature.index_starts[code + 1])
            parts = feature.index_parts[span].astype(np.int64)
            points[mentee, feature.index_mentors[span]] += feature.weight * parts // shares[mentee]


def _parts_of_features(feature: Features, mentees: Numbers, mentors: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """For every feature that a pair's mentor has of those its mentee wants: which pair, which part, of how many."""
    counts = np.diff(feature.wanted_starts)[mentees]
    owner = np.repeat(np.arange(len(mentees)), counts)
    column = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    code = feature.wanted[feature.wanted_starts[mentees][owner] + column].astype(np.int64)
    # The index is sorted by feature and mentor: one number for both finds a pair by bisection.
    step = np.int64(2**31)
    codes = np.repeat(np.arange(len(feature.index_starts) - 1), np.diff(feature.index_starts))
    key = codes * step + feature.index_mentors
    place = np.searchsorted(key, code * step + mentors[owner])
    place = np.minimum(place, max(0, len(key) - 1))
    hit = key[place] == code * step + mentors[owner] if len(key) else np.zeros(len(owner), np.bool_)
    return owner[hit], feature.index_parts[place[hit]].astype(np.int64), feature.shares()[mentees][owner[hit]]


def _values_of_features(feature: Features, mentees: Numbers, mentors: Numbers) -> Numbers:
    owner, part, wanted = _parts_of_features(feature, mentees, mentors)
    values = np.zeros(len(mentees), np.int64)
    np.add.at(values, owner, part // wanted)
    return values


def points_of_features(feature: Features, mentees: Numbers, mentors: Numbers) -> Numbers:
    """Exactly what the engines count: each wanted feature's part is rounded by itself."""
    owner, part, wanted = _parts_of_features(feature, mentees, mentors)
    points = np.zeros(len(mentees), np.int64)
    np.add.at(points, owner, feature.weight * part // wanted)
    return points
