"""Candidates: the pairs that matter, by mentee; and the compiled code that makes, joins and thins out such lists."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from tandem_matching.domain.encoded import Codes, Numbers

FREE = -1
SMALL = 16
"""So few are sorted by putting one after the other into its place."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Pairs that matter: for mentee i, `mentors[starts[i]:starts[i + 1]]` with their points, in the mentors' order."""

    starts: Numbers
    mentors: Codes
    points: Numbers

    @classmethod
    def none(cls, mentees: int) -> "Candidates":
        """No pair of anybody."""
        return cls(np.zeros(mentees + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int64))

    @classmethod
    def of(cls, mentees: int, owners: Numbers, mentors: Numbers, points: Numbers) -> "Candidates":
        """These pairs, each of which is there once."""
        order = np.argsort(owners * np.int64(2**31) + mentors)
        starts = np.concatenate(([0], np.cumsum(np.bincount(owners, minlength=mentees)))).astype(np.int64)
        return cls(starts, mentors[order].astype(np.int32), points[order])

    def owners(self) -> Numbers:
        """The mentee of each pair."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def joined(self, others: "Candidates") -> "Candidates":
        """The pairs of both, each once, with the points of the others where both have it."""
        if not len(others.mentors):
            return self
        if not len(self.mentors):
            return others
        return Candidates(
            *_merged(self.starts, self.mentors, self.points, others.starts, others.mentors, others.points)
        )

    def kept(
        self,
        mentees: npt.NDArray[np.bool_],
        mentors: npt.NDArray[np.bool_],
        single: tuple[Numbers, Codes],
        match: Codes,
        match_points: Numbers,
    ) -> "Candidates":
        """The pairs of these people, except the single ones that are barred, and those of a match with their points."""
        return Candidates(
            *_kept(self.starts, self.mentors, self.points, mentees, mentors, *single, match, match_points)
        )

    def points_of(self, match: Codes) -> Numbers:
        """The points of each mentee's pair in a match of these pairs; 0 where there is none."""
        points: Numbers = _points_of(self.starts, self.mentors, self.points, match)
        return points

    def tight(self, gains: Numbers, prices: Numbers, stake: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        """The pairs that are worth exactly their gain and price together: mentees, mentors and points."""
        found: tuple[Numbers, Numbers, Numbers] = _tight(self.starts, self.mentors, self.points, gains - stake, prices)
        return found


@njit(cache=True, nogil=True)
def gathered(people, counts, found, worth):  # type: ignore[no-untyped-def]  # pragma: no cover
    """What was found, as one list: where each mentee's begins, and mentors in order with their points."""
    starts = np.zeros(counts.shape[0] + 1, np.int64)
    for mentee in range(counts.shape[0]):
        starts[mentee + 1] = starts[mentee] + counts[mentee]
    mentors = np.empty(starts[-1], np.int32)
    points = np.empty(starts[-1], np.int64)
    for row in range(people.shape[0]):
        begin = starts[people[row]]
        for column in range(counts[people[row]]):
            place = begin + column
            while place > begin and mentors[place - 1] > found[row, column]:
                mentors[place], points[place] = mentors[place - 1], points[place - 1]
                place -= 1
            mentors[place], points[place] = found[row, column], worth[row, column]
    return starts, mentors, points


@njit(cache=True, nogil=True)
def _merged(  # type: ignore[no-untyped-def]  # pragma: no cover
    starts, mentors, points, more_starts, more_mentors, more_points
):
    """Two lists in the mentors' order as one, each pair once, with the points of the second where both have it."""
    all_starts = np.zeros(starts.shape[0], np.int64)
    all_mentors = np.empty(mentors.shape[0] + more_mentors.shape[0], np.int32)
    all_points = np.empty(mentors.shape[0] + more_mentors.shape[0], np.int64)
    number = 0
    for mentee in range(starts.shape[0] - 1):
        other, end = more_starts[mentee], more_starts[mentee + 1]
        for one in range(starts[mentee], starts[mentee + 1]):
            while other < end and more_mentors[other] < mentors[one]:
                all_mentors[number], all_points[number] = more_mentors[other], more_points[other]
                number += 1
                other += 1
            all_mentors[number], all_points[number] = mentors[one], points[one]
            if other < end and more_mentors[other] == mentors[one]:
                all_points[number] = more_points[other]
                other += 1
            number += 1
        while other < end:
            all_mentors[number], all_points[number] = more_mentors[other], more_points[other]
            number += 1
            other += 1
        all_starts[mentee + 1] = number
    return all_starts, all_mentors[:number], all_points[:number]


@njit(cache=True, nogil=True)
def _kept(  # type: ignore[no-untyped-def]  # pragma: no cover
    starts, mentors, points, same, unchanged, single_starts, single_mentors, match, match_points
):
    kept_starts = np.zeros(starts.shape[0], np.int64)
    kept_mentors = np.empty(mentors.shape[0] + match.shape[0], np.int32)
    kept_points = np.empty(mentors.shape[0] + match.shape[0], np.int64)
    number = 0
    for mentee in range(match.shape[0]):
        held = match[mentee]
        for edge in range(starts[mentee], starts[mentee + 1] if same[mentee] else starts[mentee]):
            mentor = mentors[edge]
            if 0 <= held <= mentor:
                kept_mentors[number], kept_points[number] = held, match_points[mentee]
                number += 1
                held = np.int32(FREE)
            if mentor == match[mentee] or not unchanged[mentor]:
                continue
            barred = False
            for position in range(single_starts[mentee], single_starts[mentee + 1]):
                barred = barred or single_mentors[position] == mentor
            if not barred:
                kept_mentors[number], kept_points[number] = mentor, points[edge]
                number += 1
        if held >= 0:
            kept_mentors[number], kept_points[number] = held, match_points[mentee]
            number += 1
        kept_starts[mentee + 1] = number
    return kept_starts, kept_mentors[:number], kept_points[:number]


@njit(cache=True, nogil=True)
def _points_of(starts, mentors, points, match):  # type: ignore[no-untyped-def]  # pragma: no cover
    worth = np.zeros(match.shape[0], np.int64)
    for mentee in range(match.shape[0]):
        if match[mentee] != FREE:
            for edge in range(starts[mentee], starts[mentee + 1]):
                if mentors[edge] == match[mentee]:
                    worth[mentee] = points[edge]
    return worth


@njit(cache=True, nogil=True)
def _tight(starts, mentors, points, floors, prices):  # type: ignore[no-untyped-def]  # pragma: no cover
    owners = np.empty(mentors.shape[0], np.int64)
    others = np.empty(mentors.shape[0], np.int64)
    worth = np.empty(mentors.shape[0], np.int64)
    number = 0
    for mentee in range(floors.shape[0]):
        for edge in range(starts[mentee], starts[mentee + 1]):
            if points[edge] - prices[mentors[edge]] == floors[mentee]:
                owners[number], others[number], worth[number] = mentee, mentors[edge], points[edge]
                number += 1
    return owners[:number].copy(), others[:number].copy(), worth[:number].copy()


@njit(cache=True, nogil=True)
def grouped(codes, number):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Where each code's positions begin, and the positions, those of one code together and in their order."""
    starts = np.zeros(number + 1, np.int64)
    for code in codes:
        starts[code + 1] += 1
    for code in range(number):
        starts[code + 1] += starts[code]
    filled = starts[:-1].copy()
    order = np.empty(codes.shape[0], np.int64)
    for position in range(codes.shape[0]):
        order[filled[codes[position]]] = position
        filled[codes[position]] += 1
    return starts, order


@njit(cache=True, nogil=True)
def ranked(members, classes, number, prices):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Where each class's members begin, and the members by class and price; of the same price in their order."""
    starts = np.zeros(number + 1, np.int64)
    for member in members:
        starts[classes[member] + 1] += 1
    for one in range(number):
        starts[one + 1] += starts[one]
    filled = starts[:-1].copy()
    order = np.empty(members.shape[0], np.int32)
    for member in members:
        begin, place = starts[classes[member]], filled[classes[member]]
        filled[classes[member]] += 1
        if place - begin < SMALL:
            while place > begin and prices[order[place - 1]] > prices[member]:
                order[place] = order[place - 1]
                place -= 1
        order[place] = member
    for one in range(number):
        if starts[one + 1] - starts[one] > SMALL:
            these = np.sort(order[starts[one] : starts[one + 1]])
            order[starts[one] : starts[one + 1]] = these[np.argsort(prices[these], kind="mergesort")]
    return starts, order


@njit(cache=True, nogil=True)
def keep(mentor, points, value, floor, number, limit, net, found, worth):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Insert into the best so far, sorted from the best; the answer is how many there are and what beats the last."""
    if number == limit:
        if value <= net[limit - 1]:
            return number, floor
        place = limit - 1
    else:
        place = number
        number += 1
    while place > 0 and net[place - 1] < value:
        net[place] = net[place - 1]
        found[place] = found[place - 1]
        worth[place] = worth[place - 1]
        place -= 1
    net[place] = value
    found[place] = mentor
    worth[place] = points
    if number == limit:
        floor = net[limit - 1]
    return number, floor
