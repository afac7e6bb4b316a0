"""Stable assignment: in programs where both sides rank, nobody finds a pair outside in which both are better off."""

from collections import deque
from collections.abc import Callable
from functools import partial
from heapq import heappush, heapreplace

import numpy as np

from tandem_matching.domain.assignment import FREE, Assignment, without
from tandem_matching.domain.encoded import Encoded, Numbers
from tandem_matching.domain.people import Pool

SHORTLIST = 32
"""So many mentors of a mentee's ranking are looked up at once; few mentees are refused more often."""


def assign_stable(pool: Pool, encoded: Encoded) -> Assignment:
    """The stable assignment that is best for the mentees (Gale and Shapley 1962), with mentors' places as capacities.

    Both sides rank whom the rules allow: first those they named, in their own order, then everybody else by points. An
    equal place is decided by the pool's order, which the seed decides. Somebody who wants several mentors gets the
    second one after everybody had the chance of a first.
    """
    places, wanted = encoded.places.copy(), encoded.wanted.copy()
    named = _Named(pool)
    rows: list[Numbers] = []
    columns: list[Numbers] = []
    while (wanted > 0).any() and places.any():
        match = _deferred_acceptance(encoded, named, np.flatnonzero(wanted > 0), places)
        row = np.flatnonzero(match != FREE)
        column = match[row]
        wanted[match == FREE] = 0
        if not len(row):
            break
        rows.append(row)
        columns.append(column)
        np.subtract.at(places, column, 1)
        wanted[row] -= 1
        encoded = without(encoded, row, column)
    mentees = np.concatenate(rows) if rows else np.zeros(0, np.int64)
    mentors = np.concatenate(columns) if columns else np.zeros(0, np.int64)
    return Assignment(mentees, mentors, encoded.points_of(mentees, mentors))


def blocking_pairs(pool: Pool, encoded: Encoded, mentees: Numbers, mentors: Numbers) -> int:
    """How many pairs would both rather have each other than (one of) what this assignment gives them."""
    named, found = _Named(pool), 0
    held_by_mentee: dict[int, set[int]] = {}
    held_by_mentor: dict[int, list[tuple[int, int, int]]] = {}
    points = encoded.points_of(mentees, mentors).tolist()
    for mentee, mentor, worth in zip(mentees.tolist(), mentors.tolist(), points, strict=True):
        held_by_mentee.setdefault(mentee, set()).add(mentor)
        held_by_mentor.setdefault(mentor, []).append(named.by_mentor(mentor, mentee, worth))
    worst = {
        mentor: max(held) if len(held) >= encoded.places[mentor] else None for mentor, held in held_by_mentor.items()
    }
    for mentee in range(len(encoded.mentee_ids)):
        held = held_by_mentee.get(mentee, set())
        room = len(held) < encoded.wanted[mentee]
        if not held and not room:
            continue
        ranking, row_points = _ranking(encoded, named, mentee)
        left = len(held)
        for mentor in ranking.tolist():
            if mentor in held:
                left -= 1
                if not left and not room:
                    break
                continue
            limit = worst.get(mentor)
            if encoded.places[mentor] > 0 and (
                limit is None or named.by_mentor(mentor, mentee, int(row_points[mentor])) < limit
            ):
                found += 1
    return found


class _Named:
    """Whom people named, as ranks among indices."""

    def __init__(self, pool: Pool) -> None:
        self._mentees = {one.person_id: index for index, one in enumerate(pool.mentees)}
        self._mentors = {one.person_id: index for index, one in enumerate(pool.mentors)}
        self._of_mentee = [
            {self._mentors[person]: rank for rank, person in enumerate(one.traits.preferred) if person in self._mentors}
            for one in pool.mentees
        ]
        self._of_mentor = [
            {self._mentees[person]: rank for rank, person in enumerate(one.traits.preferred) if person in self._mentees}
            for one in pool.mentors
        ]
        self._last = 2**31

    def by_mentee(self, mentee: int) -> dict[int, int]:
        """The ranks of the mentors whom this mentee named."""
        return self._of_mentee[mentee]

    def by_mentor(self, mentor: int, mentee: int, points: int) -> tuple[int, int, int]:
        """Where a mentor ranks a mentee: the smaller, the better."""
        return self._of_mentor[mentor].get(mentee, self._last), -points, mentee


def _ranking(encoded: Encoded, named: _Named, mentee: int) -> tuple[Numbers, Numbers]:
    """The mentors whom the rules allow this mentee, the best first, and the points of all mentors."""
    points, violated = _row(encoded, mentee)
    rank = np.full(len(points), 2**31, np.int64)
    for mentor, place in named.by_mentee(mentee).items():
        rank[mentor] = place
    order = np.lexsort((np.arange(len(points)), -points, rank))
    return order[violated[order] == 0], points


def _row(encoded: Encoded, mentee: int) -> tuple[Numbers, Numbers]:
    """Points and violated rules of one mentee with everybody."""
    others = np.arange(len(encoded.mentor_ids))
    alone = np.full(len(others), mentee, np.int64)
    points = np.zeros(len(others), np.int64)
    violated = encoded.violated(alone, others).astype(np.int64)
    for table in encoded.tables:
        points += table.points[table.mentee_codes[mentee], table.mentor_codes]
    for feature in encoded.features:
        wanted = feature.wanted[feature.wanted_starts[mentee] : feature.wanted_starts[mentee + 1]]
        for code in wanted.tolist():
            span = slice(feature.index_starts[code], feature.index_starts[code + 1])
            parts = feature.index_parts[span].astype(np.int64)
            points[feature.index_mentors[span]] += feature.weight * parts // (len(wanted) if feature.divided else 1)
    single = slice(encoded.single_starts[mentee], encoded.single_starts[mentee + 1])
    violated[encoded.single_mentors[single]] |= encoded.single_violated[single]
    return points, violated


def _deferred_acceptance(encoded: Encoded, named: _Named, people: Numbers, places: Numbers) -> Numbers:
    """The mentor of each of these mentees, or `FREE`."""
    match = np.full(len(encoded.mentee_ids), FREE, np.int64)
    # Per mentor a heap with the worst of those held on top: ranks are stored negative.
    held: dict[int, list[tuple[tuple[int, int, int], int]]] = {}
    asking = {mentee: _Wooer(partial(_ranking, encoded, named, mentee)) for mentee in people.tolist()}
    free = deque(people.tolist())
    while free:
        mentee = free.popleft()
        while (following := asking[mentee].next()) is not None:
            mentor, points = following
            if places[mentor] < 1:
                continue
            first, second, third = named.by_mentor(mentor, mentee, points)
            mine = (-first, -second, -third), mentee
            kept = held.setdefault(mentor, [])
            if len(kept) < places[mentor]:
                heappush(kept, mine)
                match[mentee] = mentor
                break
            if mine > kept[0]:
                _, refused = heapreplace(kept, mine)
                match[mentee], match[refused] = mentor, FREE
                free.append(refused)
                break
    return match


class _Wooer:
    """Goes down a mentee's ranking; keeps a short part of it, and looks the rest up again if it comes to that."""

    def __init__(self, ranking: Callable[[], tuple[Numbers, Numbers]]) -> None:
        self._ranking = ranking
        self._asked = 0
        self._short: list[tuple[int, int]] = []
        self._begin = 0
        self._ended = False

    def next(self) -> tuple[int, int] | None:
        """The next mentor and the pair's points, or None at the end."""
        if self._asked - self._begin >= len(self._short):
            if self._ended:
                return None
            order, points = self._ranking()
            part = order[self._asked : self._asked + SHORTLIST]
            self._begin, self._ended = self._asked, self._asked + SHORTLIST >= len(order)
            self._short = list(zip(part.tolist(), points[part].tolist(), strict=True))
            if not self._short:
                return None
        found = self._short[self._asked - self._begin]
        self._asked += 1
        return found
