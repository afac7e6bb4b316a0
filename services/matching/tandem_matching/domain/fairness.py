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
from tandem_matching.domain.swapping import swap_fairly

FREE = -1
CELLS = 250_000
"""Groups of people who could change places among each other are looked at up to so many pairs; larger ones stay."""
DIGITS = 50
"""So many bits are counted with at once, so that sums of floating-point numbers stay whole."""


def fairest(
    match: Codes,
    owners: Numbers,
    mentors: Numbers,
    points: Numbers,
    gains: Numbers,
    prices: Numbers,
    places: Numbers,
    *,
    small: bool,
) -> Codes:
    """The match among equally good ones that is fairest; `owners`, `mentors`, `points` are pairs that cost nothing.

    These must be worth exactly their gain and price, and be in the mentees' order. The pairs of `match` are among them.
    `small`: too little to wait for a compiler.
    """
    mentees, count = len(match), len(places)
    # Who gains and has nowhere else to go stays.
    could = ((np.bincount(owners, minlength=mentees) > 1) | (gains == 0))[owners]
    owners, mentors, points = owners[could], mentors[could], points[could]
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
    inside = np.flatnonzero(group[owners] == group[mentees + mentors])
    inside = inside[np.argsort(group[owners[inside]], kind="stable")]
    owners, mentors, points = owners[inside], mentors[inside], points[inside]
    fair = match.copy()
    if not len(inside):
        return fair
    starts = np.flatnonzero(np.concatenate(([True], np.diff(group[owners]) != 0)))
    differ = np.minimum.reduceat(points, starts) < np.maximum.reduceat(points, starts)
    # Where everybody gains and every place has a price, all stay matched and every place taken.
    stay = np.logical_and.reduceat((gains[owners] > 0) & (prices[mentors] > 0), starts)
    sizes = np.diff(np.append(starts, len(owners)))
    triable = differ & stay
    pairs, group_starts = np.repeat(triable, sizes), np.concatenate(([0], np.cumsum(sizes[triable])))
    left = differ.copy()
    left[triable] = ~swap_fairly(fair, owners[pairs], mentors[pairs], points[pairs], group_starts, small=small)
    for start, size in zip(starts[left].tolist(), sizes[left].tolist(), strict=True):
        here = slice(start, start + size)
        _rearrange(fair, owners[here], mentors[here], points[here], gains, prices, places - load)
    return fair


def _rearrange(
    match: Codes, owners: Numbers, mentors: Numbers, points: Numbers, gains: Numbers, prices: Numbers, free: Numbers
) -> None:
    """Change places among these people, in `match` itself, so that the worst-off have the most.

    `free` are the mentors' free places.
    """
    rows, row_of = np.unique(owners, return_inverse=True)
    columns, column_of = np.unique(mentors, return_inverse=True)
    # Pairs of these mentors that cannot change keep their places.
    held = np.bincount(column_of[match[owners] == mentors], minlength=len(columns))
    room = np.minimum(free[columns] + held, np.bincount(column_of))
    slots = np.repeat(np.arange(len(columns)), room)
    stay, idle = np.flatnonzero(gains[rows] == 0), np.flatnonzero(prices[columns[slots]] == 0)
    size = max(len(rows) + len(idle), len(slots) + len(stay))
    if size**2 > CELLS:
        return
    levels, rank = np.unique(points, return_inverse=True)
    cells = np.full((len(rows), len(columns)), -1, np.int64)
    cells[row_of, column_of] = rank
    level = np.full((size, size), -1, np.int64)
    level[: len(rows), : len(slots)] = cells[:, slots]
    allowed = level >= 0
    # Who may stay without, places that may stay free, and as much of nobody and nowhere as makes them equally many.
    allowed[stay, len(slots) + np.arange(len(stay))] = True
    allowed[len(rows) + np.arange(len(idle)), idle] = True
    allowed[len(rows) :, len(slots) :] = True
    some = max(1, DIGITS // (len(rows) + 1).bit_length())
    chosen = None
    for begin in range(0, len(levels) - 1, some):
        count = min(some, len(levels) - begin)
        # One more of a level costs more than everybody at the levels above it; the last digit is that of no level.
        digits = np.zeros(len(levels) + 1)
        digits[begin : begin + count] = float(len(rows) + 1) ** np.arange(count - 1, -1, -1)
        cost = np.where(allowed, digits[level], np.inf)
        chosen = linear_sum_assignment(cost)
        if begin + some < len(levels) - 1:
            # Where only one way is left, the other levels decide nothing.
            if (allowed.sum(axis=1) == 1).all():
                break
            allowed &= _as_good(cost, allowed, *chosen)
    if chosen is None:
        return
    match[rows] = FREE
    row, slot = chosen
    real = (row < len(rows)) & (slot < len(slots))
    match[rows[row[real]]] = columns[slots[slot[real]]]


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
