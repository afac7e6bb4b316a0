"""The optimum: scan, auction and paths together, repeated until the prices prove that nothing better exists."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, reduce

import numpy as np
import numpy.typing as npt
from numba import njit

from tandem_matching.domain.assignment import unwatched
from tandem_matching.domain.encoded import Codes, Encoded, Numbers
from tandem_matching.domain.engine import auction, paths
from tandem_matching.domain.engine.candidates import Candidates
from tandem_matching.domain.engine.scan import Bound, Scan, outside
from tandem_matching.domain.engine.threads import together
from tandem_matching.domain.stakes import stakes

FREE = -1
WIDTH = 12
"""So many candidates are kept for a mentee at first."""
MORE = 16
"""So many are added at once, where pairs outside could improve the match."""

MANY = 1000
"""Who would have to look at more mentors than this one by one walks down the tree instead."""
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
    if start is None:
        begun = _from_scratch(scan, stake, most, places, people=people)
    else:
        begun = _again(scan, start, stake, mentees=mentees, open_mentors=open_mentors)
    outer, proven = begun.outer, begun.proven
    best, scans = paths.Paths(begun.candidates, stake, places, begun.prices, begun.match), 0
    best.add(begun.new)
    while True:
        step()
        best.finish()
        floors = best.gains - stake
        better, looked = _better(scan, best.prices, floors, (outer, proven), people, np.flatnonzero(open_mentors))
        scans += 1
        best.add(better)
        if not (better.points - best.prices[better.mentors] > floors[better.owners()]).any():
            break
        proven = Bound(np.where(looked, floors, UNKNOWN), best.prices.copy())
    candidates = best.candidates
    points = candidates.points_of(best.match)
    bound = _sum(best.gains) + _sum(best.prices * places)
    total = _sum((points + stake)[best.match != FREE])
    # Nothing is known of the pairs of whom nobody looked for.
    outer = Bound(np.where(mentees, outer.floors, UNKNOWN), np.where(open_mentors, outer.prices, UNKNOWN))
    return Optimum(best.match, points, best.gains, best.prices, stake, bound, total, scans, candidates, outer)


def _sum(numbers: Numbers) -> int:
    """The sum, which may be more than a number of 64 bits can be."""
    return (int((numbers >> 31).sum()) << 31) + int((numbers & (2**31 - 1)).sum())


@dataclass(frozen=True, slots=True)
class _Beginning:
    """From where the paths begin, and what is known of the pairs besides."""

    prices: Numbers
    match: Codes
    candidates: Candidates
    new: Candidates
    """More candidates, few."""
    outer: Bound
    proven: Bound
    """Every pair besides has fewer points than its floor and its price here together, not as many."""


def _from_scratch(scan: Scan, stake: Numbers, most: int, places: Numbers, *, people: Numbers) -> _Beginning:
    """Prices, a match and candidates by the auction."""
    prices, match, candidates, floors = auction.run(
        scan,
        places,
        np.minimum(stake, 3 * (most + 1)),
        open_mentors=places > 0,
        mentees=people,
        step=max(1, most // STEPS),
        width=WIDTH,
        block=max(1024, len(people) // 8),
    )
    nothing = Bound(np.full(scan.mentees, UNKNOWN), np.full(scan.mentors, UNKNOWN))
    return _Beginning(prices, match, candidates, Candidates.none(scan.mentees), Bound(floors, prices.copy()), nothing)


def _again(
    scan: Scan, start: Start, stake: Numbers, *, mentees: npt.NDArray[np.bool_], open_mentors: npt.NDArray[np.bool_]
) -> _Beginning:
    """The prices and match of before. Who has changed looks anew and is looked for; others keep their candidates."""
    before, outer = start.candidates, start.outer
    if before is None or outer is None:
        before = Candidates.none(scan.mentees)
        outer = Bound(np.full(scan.mentees, UNKNOWN), start.prices.copy())
        new_mentees, new_mentors = mentees, np.zeros(scan.mentors, np.bool_)
    else:
        new_mentees = mentees & (start.changed_mentees | (outer.floors >= UNKNOWN))
        new_mentors = open_mentors & (start.changed_mentors | (outer.prices >= UNKNOWN))
    same_mentees, same_mentors = mentees & ~new_mentees, open_mentors & ~new_mentors
    # One bound holds for all, so who is new looks at the prices at which the others looked.
    then = np.where(outer.prices < UNKNOWN, outer.prices, start.prices)
    own, sought = start.gains - start.stake, np.flatnonzero(new_mentors)

    def look_anew() -> tuple[Codes, Candidates, Candidates]:
        match = np.where(mentees & (start.match != FREE) & open_mentors[start.match], start.match, FREE)
        match = match.astype(np.int32)
        points = scan.points_of(match)
        match[points < 0] = FREE
        kept = before.kept(same_mentees, same_mentors, (scan.single_starts, scan.single_mentors), match, points)
        people = scan.by_class[new_mentees[scan.by_class]]
        return match, kept, scan.best(then, -stake, limit=WIDTH, open_mentors=open_mentors, only=people)

    def are_looked_for() -> tuple[Candidates, Numbers]:
        return scan.keenest(own, limit=WIDTH, mentors=sought, taking=same_mentees)

    (match, kept, found), (wanted, most) = together(look_anew, are_looked_for)
    floors = np.where(new_mentees, outside(found, then, -stake, limit=WIDTH), outer.floors)
    # Between people who have not changed nothing was worth as much as the two prices.
    proven = Bound(np.where(new_mentees, UNKNOWN, own), start.prices.copy())
    proven.prices[sought] = most + 1
    outer = Bound(floors, np.where(new_mentors, UNKNOWN, outer.prices))
    return _Beginning(start.prices, match, kept, found.joined(wanted), outer, proven)


def _better(
    scan: Scan, prices: Numbers, floors: Numbers, bounds: tuple[Bound, Bound], people: Numbers, mentors: Numbers
) -> tuple[Candidates, npt.NDArray[np.bool_]]:
    """Pairs besides the candidates worth a mentee's floor and a mentor's price or more, and who saw all better ones.

    Whoever did not see them all has the best of them. Those that are worth exactly that improve nothing, but fairness
    chooses among them; of very many, some are enough.
    """
    outer, proven = bounds
    # What the bounds leave above a mentee's floor and a mentor's price, whose sum is a pair's.
    rooms = Bound(outer.floors - floors + 1, outer.prices - prices)
    falls = Bound(proven.floors - floors, proven.prices - prices)
    # Where both only rose since, a pair is still worth less: who fell looks at everybody, the others at who fell.
    known = outer.prices[mentors] < UNKNOWN
    fell = falls.prices[mentors] > 0
    parts = []
    for lower, others in (
        (True, mentors[known]),
        (True, mentors[~known]),
        (False, mentors[fell & known]),
        (False, mentors[fell & ~known]),
    ):
        if len(others):
            parts.append(_possible(people, others, rooms, falls, lower=lower))
    # Who would have to look at many one by one walks.
    walking = np.zeros(scan.mentees, np.bool_)
    for these, others in parts:
        if len(others) > MANY:
            walking[these[rooms.floors[these] + rooms.prices[others[MANY]] > 0]] = True
    tasks = []
    if walking.any():
        opened = np.isin(np.arange(scan.mentors), mentors)
        walkers = people[walking[people]]
        tasks.append(partial(scan.best, prices, floors - 1, limit=MORE, open_mentors=opened, only=walkers))
    for these, others in parts:
        stay = these[~walking[these]]
        if len(stay):
            tasks.append(partial(scan.beyond, prices, floors, (rooms, falls), others[:MANY], only=stay))
    found: list[Candidates] = together(*tasks)
    looked = np.ones(scan.mentees, np.bool_)
    if walking.any():
        looked = outside(found[0], prices, floors - 1, limit=MORE) <= floors
    return reduce(Candidates.joined, found, Candidates.none(scan.mentees)), looked


def _possible(people: Numbers, mentors: Numbers, rooms: Bound, falls: Bound, *, lower: bool) -> tuple[Numbers, Numbers]:
    """Of these people, who fell or did not, and mentors those of whom a pair is possible by each bound by itself.

    Mentors of whom the first bound leaves most come first.
    """
    room, fall = rooms.prices[mentors], falls.prices[mentors]
    these = _with_room(people, rooms.floors, falls.floors, -room.max(), -fall.max(), lower)
    if not len(these):
        return these, mentors[:0]
    some = (room > -rooms.floors[these].max()) & (fall > -falls.floors[these].max())
    return these, mentors[some][np.argsort(-room[some], kind="stable")]


@njit(cache=True, nogil=True)
def _with_room(people, rooms, falls, least_room, least_fall, lower):  # type: ignore[no-untyped-def]  # pragma: no cover
    found = np.empty(people.shape[0], np.int64)
    number = 0
    for mentee in people:
        fall = falls[mentee]
        if (fall > 0) == lower and fall > least_fall and rooms[mentee] > least_room:
            found[number] = mentee
            number += 1
    return found[:number]
