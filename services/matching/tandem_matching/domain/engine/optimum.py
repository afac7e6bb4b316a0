"""The optimum: scan, auction and paths together, repeated until the prices prove that nothing better exists."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from tandem_matching.domain.assignment import unwatched
from tandem_matching.domain.encoded import Codes, Encoded, Numbers
from tandem_matching.domain.engine import auction, paths
from tandem_matching.domain.engine.scan import Candidates, Scan
from tandem_matching.domain.stakes import stakes

FREE = -1
WIDTH = 12
"""So many candidates are kept for a mentee at first."""
MORE = 8
"""So many are added at once, where pairs outside could improve the match."""

FEW = 16
"""One in so many mentors are few: then it is quicker to look at all of their pairs than to walk down the tree."""
STEPS = 200
"""A bid in the auction raises a price by at least the points of a perfect pair divided by this."""
LOOSE = 256
"""One in so many mentors may have become much cheaper without everybody looking everywhere again."""
NEVER = np.int64(2**62)
UNKNOWN = np.int64(2**60)
_STEP = np.int64(2**31)


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
    outer: Numbers
    """What no pair outside the candidates is worth more than to each mentee, in points less `reference` prices."""
    reference: Numbers


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
    outer: Numbers | None = None
    reference: Numbers | None = None
    """See `Optimum`; as they were."""


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
    checked_gains, checked_prices = np.full(scan.mentees, NEVER), np.full(scan.mentors, NEVER)
    if start is None:
        prices, match, candidates, outer = auction.run(
            scan,
            places,
            bounded,
            open_mentors=open_mentors,
            mentees=people,
            step=max(1, most // STEPS),
            width=WIDTH,
            block=max(1024, len(people) // 8),
        )
        reference = prices.copy()
    else:
        prices = start.prices
        match = np.where(mentees & (start.match != FREE) & open_mentors[start.match], start.match, FREE)
        points = scan.points_of(match.astype(np.int32))
        match = np.where(points >= 0, match, FREE).astype(np.int32)
        floors = np.where(mentees, -stake, 2**62)
        # Who has changed looks anew; the others have the candidates they had.
        anew = mentees & start.changed_mentees if start.candidates is not None else mentees
        candidates = scan.best(prices, floors, limit=WIDTH, open_mentors=open_mentors, only=people[anew[people]])
        candidates = joined(_still_right(scan, start, mentees & ~anew, open_mentors, match, points), candidates)
        # Between people who have not changed nothing was worth more than the two prices, and nothing is.
        held = ~start.changed_mentees & (start.stake == stake)
        checked_gains = np.where(held, start.gains, NEVER)
        checked_prices = np.where(start.changed_mentors, NEVER, start.prices)
        outer, reference = np.full(scan.mentees, UNKNOWN), np.full(scan.mentors, UNKNOWN)
        if start.candidates is not None and start.outer is not None and start.reference is not None:
            outer = np.where(start.changed_mentees, UNKNOWN, start.outer)
            reference = np.where(start.changed_mentors, UNKNOWN, start.reference)
    content_gains, looked_at = np.full(scan.mentees, NEVER), np.zeros(scan.mentors, np.bool_)
    scans = 0
    while True:
        step()
        match, gains, prices = paths.finish(candidates, stake, places, prices, match)
        floors = gains - stake
        # Outside the candidates nothing is worth more than `outer` and what a mentor has become cheaper by: whoever
        # has more than that needs to look only at the few mentors who have become much cheaper.
        loose, most_drop = _loose(np.where(open_mentors, reference - prices, 0))
        safe = floors >= outer + most_drop
        content, look = people[safe[people]], people[~safe[people]]
        # What was checked and only rose since holds still: look from who fell, and at who fell.
        fallen = look[gains[look] < checked_gains[look]]
        cheaper = open_mentors & (prices < checked_prices)
        better = scan.best(prices, floors, limit=MORE, open_mentors=open_mentors, only=fallen)
        scans += 1
        # Of these few, too, what was looked at and only rose holds still.
        less = content[gains[content] < content_gains[content]]
        again = loose[~looked_at[loose] | (prices[loose] < checked_prices[loose])]
        for few, only in ((loose, less), (again, content[gains[content] >= content_gains[content]])):
            if len(few) and len(only):
                better = joined(better, scan.of_few(prices, floors, few, only=only))
        if cheaper.any() and len(fallen) < len(look):
            others = look[gains[look] >= checked_gains[look]]
            few = np.flatnonzero(cheaper)
            if len(few) <= scan.mentors // FEW:
                found = scan.of_few(prices, floors, few, only=others)
            else:
                found = scan.best(prices, floors, limit=MORE, open_mentors=cheaper, only=others)
            better = joined(better, found)
        if not len(better.mentors):
            break
        candidates = joined(candidates, better)
        # Whoever found something better will gain more than now: that is no fall, but it was not checked either.
        found_more = np.diff(better.starts) > 0
        checked_gains = np.where(safe | found_more, NEVER, gains)
        content_gains = np.where(safe & ~found_more, gains, NEVER)
        looked_at = np.zeros(scan.mentors, np.bool_)
        looked_at[loose] = True
        checked_prices = prices
    matched = match != FREE
    points = np.where(matched, scan.points_of(match), 0)
    bound = sum(gains.tolist()) + sum((prices * places).tolist())
    total = sum((points + stake)[matched].tolist())
    return Optimum(match, points, gains, prices, stake, bound, total, scans, candidates, outer, reference)


def _loose(drops: Numbers) -> tuple[Numbers, int]:
    """The few mentors who have become cheaper by most, those of whom nothing is known among them, and what the others
    have become cheaper by at most.
    """
    known = np.sort(drops[drops < UNKNOWN // 2])
    most = max(0, int(known[len(known) - 1 - len(known) // LOOSE])) if len(known) else 0
    return np.flatnonzero(drops > most), most


def joined(first: Candidates, second: Candidates) -> Candidates:
    """The candidates of both, each pair once, with the points of the second where both have it."""
    if not len(second.mentors):
        return first
    owners, more = first.owners(), second.owners()
    # Both are in order: the smaller one is sorted into the other, without sorting anything anew.
    keys, added = owners * _STEP + first.mentors, more * _STEP + second.mentors
    places = np.searchsorted(keys, added)
    known = places < len(keys)
    known[known] = keys[places[known]] == added[known]
    points = first.points.copy()
    points[places[known]] = second.points[known]
    new = ~known
    counts = np.diff(first.starts) + np.bincount(more[new], minlength=len(first.starts) - 1)
    return Candidates(
        np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        np.insert(first.mentors, places[new], second.mentors[new]),
        np.insert(points, places[new], second.points[new]),
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
