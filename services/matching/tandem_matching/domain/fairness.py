"""Fairness: of all assignments with the most pairs and the most points, the one in which the worst-off have the most.

All of these use only pairs that are worth exactly their two prices, fill every place that has a price, and match every
mentee who gains (complementary slackness). Within that, the fewest pairs have the lowest points, then the fewest the
next lowest, and so on: nobody can be better off without somebody who is as badly off or worse paying for it.
"""

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tandem_matching.domain.encoded import Codes, Numbers

FREE = -1
CELLS = 40_000
"""Groups of people who could change places among each other are looked at up to so many pairs; larger ones stay."""
DIGITS = 50
"""So many bits are counted with at once, so that sums of floating-point numbers stay whole."""


def fairest(
    match: Codes, owners: Numbers, mentors: Numbers, points: Numbers, gains: Numbers, prices: Numbers, places: Numbers
) -> Codes:
    """The match among equally good ones that is fairest; `owners`, `mentors`, `points` are pairs that cost nothing.

    These must be worth exactly their gain and price. The pairs of `match` are among them.
    """
    mentees, count = len(match), len(places)
    held = match[owners] == mentors
    # Who could change places: along a pair that is not made to its mentor, and back along one that is; free places and
    # mentees who may stay without are joined through one more node.
    outside = mentees + count
    load = np.bincount(match[match != FREE], minlength=count)
    begins = [owners[~held], mentees + mentors[held]]
    ends = [mentees + mentors[~held], owners[held]]
    free, unmatched = np.flatnonzero((prices == 0) & (load < places)), np.flatnonzero((gains == 0) & (match == FREE))
    idle, content = np.flatnonzero((prices == 0) & (load > 0)), np.flatnonzero((gains == 0) & (match != FREE))
    for begin, end in (
        (mentees + free, np.full(len(free), outside)),
        (np.full(len(idle), outside), mentees + idle),
        (np.full(len(unmatched), outside), unmatched),
        (content, np.full(len(content), outside)),
    ):
        begins.append(begin)
        ends.append(end)
    begin, end = np.concatenate(begins), np.concatenate(ends)
    graph = coo_array((np.ones(len(begin), np.int8), (begin, end)), shape=(outside + 1, outside + 1))
    _, group = connected_components(graph, connection="strong")
    inside = group[owners] == group[mentees + mentors]
    fair = match.copy()
    order = np.flatnonzero(inside)[np.argsort(group[owners[inside]], kind="stable")]
    cuts = np.flatnonzero(np.diff(group[owners[order]])) + 1
    for edges in np.split(order, cuts):
        if not len(edges) or points[edges].min() == points[edges].max():
            continue
        if not _swapped(fair, owners[edges], mentors[edges], points[edges], gains, prices):
            _rearrange(fair, owners[edges], mentors[edges], points[edges], gains, prices, places)
    return fair


def _swapped(match: Codes, owners: Numbers, mentors: Numbers, points: Numbers, gains: Numbers, prices: Numbers) -> bool:
    """Whether these are two people who can only stay or swap, which is most of them; they do what is fairer."""
    if len(owners) != 4 or (gains[owners] == 0).any() or (prices[mentors] == 0).any():
        return False
    each = dict(zip(zip(owners.tolist(), mentors.tolist(), strict=True), points.tolist(), strict=True))
    people = sorted({mentee for mentee, _ in each})
    if len(people) != 2 or len({mentor for _, mentor in each}) != 2:
        return False
    one, other = people
    ours, theirs = int(match[one]), int(match[other])
    if ours == theirs:
        return False
    if min(each[one, theirs], each[other, ours]) > min(each[one, ours], each[other, theirs]):
        match[one], match[other] = theirs, ours
    return True


def _rearrange(
    match: Codes, owners: Numbers, mentors: Numbers, points: Numbers, gains: Numbers, prices: Numbers, places: Numbers
) -> None:
    """Change places among these people, in `match` itself, so that the worst-off have the most."""
    rows, row_of = np.unique(owners, return_inverse=True)
    columns, column_of = np.unique(mentors, return_inverse=True)
    elsewhere = match.copy()
    elsewhere[rows] = FREE
    load = np.bincount(elsewhere[elsewhere != FREE], minlength=len(places))[columns]
    # Pairs of these mentors that cannot change keep their places.
    room = np.minimum(places[columns] - load, len(rows))
    slots = np.repeat(np.arange(len(columns)), room)
    stay, idle = np.flatnonzero(gains[rows] == 0), np.flatnonzero(prices[columns[slots]] == 0)
    size = max(len(rows) + len(idle), len(slots) + len(stay))
    if size**2 > CELLS:
        return
    cells = np.full((len(rows), len(columns)), -1, np.int64)
    cells[row_of, column_of] = points
    level = np.full((size, size), -1, np.int64)
    level[: len(rows), : len(slots)] = cells[:, slots]
    allowed = level >= 0
    # Who may stay without, places that may stay free, and as much of nobody and nowhere as makes them equally many.
    allowed[stay, len(slots) + np.arange(len(stay))] = True
    allowed[len(rows) + np.arange(len(idle)), idle] = True
    allowed[len(rows) :, len(slots) :] = True
    level[~allowed] = -1
    levels = np.unique(level[level >= 0])
    some = max(1, DIGITS // (len(rows) + 1).bit_length())
    chosen = None
    for begin in range(0, len(levels) - 1, some):
        here = levels[begin : begin + some]
        cost = np.zeros(level.shape)
        for place, one in enumerate(here.tolist()):
            cost[level == one] = float((len(rows) + 1) ** (len(here) - 1 - place))
        cost[~allowed] = np.inf
        chosen = linear_sum_assignment(cost)
        if begin + some < len(levels) - 1:
            # Where only one way is left, the other levels decide nothing.
            if (allowed.sum(axis=1) == 1).all():
                break
            allowed &= _as_good(cost, allowed, *chosen)
            level[~allowed] = -1
    if chosen is None:
        return
    match[rows] = FREE
    for row, slot in zip(*chosen, strict=True):
        if row < len(rows) and slot < len(slots):
            match[rows[row]] = columns[slots[slot]]


def _as_good(
    cost: npt.NDArray[np.float64], allowed: npt.NDArray[np.bool_], row: Numbers, column: Numbers
) -> npt.NDArray[np.bool_]:
    """The cells of which assignments of the same cost can be made: those that cost exactly their two prices."""
    held = np.empty(len(row), np.int64)
    held[row] = column
    own = cost[np.arange(len(row)), held]
    prices = np.zeros(cost.shape[1])
    for _ in range(cost.shape[1] + 1):
        # What somebody would save elsewhere, the place there must cost more.
        gains = own + prices[held]
        risen = np.maximum(prices, np.where(allowed, gains[:, None] - cost, -np.inf).max(axis=0))
        if (risen == prices).all():
            break
        prices = risen
    as_good: npt.NDArray[np.bool_] = allowed & (cost + prices[None, :] == (own + prices[held])[:, None])
    return as_good
