"""The optimum: scan, auction and paths together, repeated until the prices prove that nothing better exists."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from tandem_matching.domain.assignment import unwatched
from tandem_matching.domain.encoded import Codes, Encoded, Numbers
from tandem_matching.domain.engine import auction, looking, paths
from tandem_matching.domain.engine.scan import Bound, Candidates, Scan, outside
from tandem_matching.domain.stakes import stakes

FREE = -1
WIDTH = 12
"""So many candidates are kept for a mentee at first."""
MORE = 8
"""So many are added at once, where pairs outside could improve the match."""

MANY = 1500
"""Who would have to look at so many mentors one by one walks down the tree instead."""
STEPS = 200
"""A bid in the auction raises a price by at least the points of a perfect pair divided by this."""
UNKNOWN = np.int64(2**60)


@dataclass(frozen=True, slots=True)
class Optimum:
    """A match that nothing beats, and the dual solution that proves it."""

    match: Codes
    """The mentor of each mentee, or -1."""
    points: Numbers
    """The points of each mentee's pair, 0 without one."""
    gains: Numbers
    prices: Numbers
    stake: Numbers
    bound: int
    """No match is worth more than this: the sum of gains, and of prices times places."""
    total: int
    """What this match is worth, stakes included. It equals the bound."""
    scans: int
    candidates: Candidates
    outer: Bound
    """What is known of the pairs outside the candidates besides the prices and gains themselves."""


@dataclass(frozen=True, slots=True)
class Start:
    """The solution of a similar problem with the same indices, from where to begin."""

    prices: Numbers
    match: Codes
    gains: Numbers
    """What each mentee had beyond the price of their place, stake included."""
    stake: Numbers
    changed_mentees: npt.NDArray[np.bool_]
    """Mentees of whom any pair may be worth more than it was."""
    changed_mentors: npt.NDArray[np.bool_]
    candidates: Candidates | None = None
    """Pairs that mattered, with their points, which are right wherever neither of the two has changed."""
    outer: Bound | None = None
    """See `Optimum`; as it was."""


def solve(
    encoded: Encoded,
    scan: Scan,
    *,
    mentees: npt.NDArray[np.bool_],
    places: Numbers,
    start: Start | None = None,
    step: Callable[[], None] = unwatched,
) -> Optimum:
    """At most one mentor for each of these mentees: most pairs, then whoever is first in line, then most points.

    `start` makes it quicker, and does not change what is optimal. `step` is called before each look at everybody.
    """
    most = sum(int(table.points.max(initial=0)) for table in encoded.tables)
    most += sum(feature.most() for feature in encoded.features)
    stake = stakes(encoded.first_in_line & mentees, most, places)
    stake[~mentees] = 0
    open_mentors = places > 0
    people = scan.by_class[mentees[scan.by_class]]
    bounded = np.where(mentees, np.minimum(stake, 3 * (most + 1)), 0)
    proven = Bound(np.full(scan.mentees, UNKNOWN), np.full(scan.mentors, UNKNOWN))
    if start is None:
        prices, match, candidates, floors = auction.run(
            scan,
            places,
            bounded,
            open_mentors=open_mentors,
            mentees=people,
            step=max(1, most // STEPS),
            width=WIDTH,
            block=max(1024, len(people) // 8),
        )
        outer = Bound(floors, prices.copy())
    else:
        prices = start.prices
        match = np.where(mentees & (start.match != FREE) & open_mentors[start.match], start.match, FREE)
        points = scan.points_of(match.astype(np.int32))
        match = np.where(points >= 0, match, FREE).astype(np.int32)
        if start.candidates is None or start.outer is None:
            anew, outer = mentees, Bound(np.full(scan.mentees, UNKNOWN), prices.copy())
        else:
            anew = mentees & start.changed_mentees
            outer = Bound(start.outer.floors.copy(), np.where(start.changed_mentors, UNKNOWN, start.outer.prices))
            # Between people who have not changed nothing was worth more than the two prices.
            proven = Bound(
                np.where(start.changed_mentees, UNKNOWN, start.gains - start.stake),
                np.where(start.changed_mentors, UNKNOWN, start.prices),
            )
        # Who has changed looks anew; the others have the candidates they had.
        then = np.where(outer.prices < UNKNOWN, outer.prices, prices)
        new = scan.best(then, -stake, limit=WIDTH, open_mentors=open_mentors, only=people[anew[people]])
        outer.floors[anew] = outside(new, then, -stake, limit=WIDTH)[anew]
        candidates = joined(_still_right(scan, start, mentees & ~anew, open_mentors, match, points), new)
    scans = 0
    while True:
        step()
        match, gains, prices = paths.finish(candidates, stake, places, prices, match)
        floors = gains - stake
        better, looked = _better(scan, prices, floors, (outer, proven), people, np.flatnonzero(open_mentors))
        scans += 1
        if not len(better.mentors):
            break
        candidates = joined(candidates, better)
        proven = Bound(np.where(looked, floors, UNKNOWN), prices)
    matched = match != FREE
    points = np.where(matched, scan.points_of(match), 0)
    bound = sum(gains.tolist()) + sum((prices * places).tolist())
    total = sum((points + stake)[matched].tolist())
    return Optimum(match, points, gains, prices, stake, bound, total, scans, candidates, outer)


def _better(
    scan: Scan, prices: Numbers, floors: Numbers, bounds: tuple[Bound, Bound], people: Numbers, mentors: Numbers
) -> tuple[Candidates, npt.NDArray[np.bool_]]:
    """Pairs besides the candidates worth more than a mentee's floor and a mentor's price, and who saw all of theirs.

    Whoever did not see them all has the best of them.
    """
    outer, proven = bounds
    looked = np.ones(scan.mentees, np.bool_)
    # What was proven and only rose since holds still: who fell looks at everybody, the others at mentors who fell.
    fell = mentors[prices[mentors] < proven.prices[mentors]]
    lower = floors[people] < proven.floors[people]
    better = Candidates(np.zeros(scan.mentees + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int64))
    walking = []
    for these, others in ((people[lower], mentors), (people[~lower], fell)):
        drops = np.sort(prices[others] - outer.prices[others])
        many = np.searchsorted(drops, outer.floors[these] - floors[these]) > MANY
        walking.append(these[many])
        one_by_one = these[~many]
        if len(one_by_one) and len(others):
            better = joined(better, scan.beyond(prices, floors, bounds, others, only=one_by_one))
    walk = np.concatenate(walking)
    if len(walk):
        walk = people[np.isin(people, walk)]
        opened = np.zeros(scan.mentors, np.bool_)
        opened[mentors] = True
        found = scan.best(prices, floors, limit=MORE, open_mentors=opened, only=walk)
        looked[np.diff(found.starts) == MORE] = False
        better = joined(better, found)
    return better, looked


def joined(first: Candidates, second: Candidates) -> Candidates:
    """The candidates of both, each pair once, with the points of the second where both have it."""
    if not len(second.mentors):
        return first
    return Candidates(
        *looking.merged(first.starts, first.mentors, first.points, second.starts, second.mentors, second.points)
    )


def _still_right(
    scan: Scan,
    start: Start,
    same: npt.NDArray[np.bool_],
    open_mentors: npt.NDArray[np.bool_],
    match: Codes,
    points: Numbers,
) -> Candidates:
    """Of these mentees the candidates of before that are allowed and worth what they were, and the pairs of a match."""
    none = Candidates(np.zeros(scan.mentees + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int64))
    before = start.candidates or none
    kept = _kept(
        before.starts, before.mentors, before.points, same, open_mentors & ~start.changed_mentors,
        match, points, scan.single_starts, scan.single_mentors,
    )  # fmt: skip
    return Candidates(*kept)


@njit(cache=True, nogil=True)
def _kept(  # type: ignore[no-untyped-def]  # pragma: no cover
    starts, mentors, points, same, unchanged, match, match_points, single_starts, single_mentors
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
    return kept_starts, kept_mentors[:number].copy(), kept_points[:number].copy()
