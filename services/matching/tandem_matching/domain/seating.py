"""Seating: people into circles of given sizes, each kind of people spread evenly, for the most points; with its proof.

A linear program whose corners are whole: everybody sits once, and a circle's people of one kind lie within the circle
(two families of nested sets, so the matrix is totally unimodular; J. Edmonds, "Submodular functions, matroids and
certain polyhedra", 1970). Only candidates are solved for; prices of people, kinds and circles then tell whether a seat
outside could be better, and it is added.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog
from scipy.sparse import coo_array

from tandem_matching.domain.encoded import Numbers

ALONE = -1
ALL = 40_000
"""Up to so many possible seats are all solved for at once."""
NEAR, MORE = 16, 8


@dataclass(frozen=True, slots=True)
class Seating:
    """Where everybody sits."""

    circles: Numbers
    """The circle of each person, or -1 for somebody who may sit nowhere that is free."""
    total: int
    """Points."""
    uneven: int
    """By how many people circles fall short of the even number of each kind."""
    proven: bool
    """Whether nothing can be better: fewer left alone, then more even, then more points."""


def seat(points: Numbers, allowed: npt.NDArray[np.bool_], sizes: Numbers, kinds: Numbers) -> Seating:
    """The best seating of people (rows) in circles (columns) with so many seats each.

    As many sit as possible; then each kind is spread as evenly as possible, so that of n people of a kind every one of
    k circles has n / k, rounded down or up; then for the most points.
    """
    people, circles = points.shape
    if not people or not circles:
        return Seating(np.full(people, ALONE, np.int64), 0, 0, True)
    many = np.bincount(kinds)
    least, most = many // circles, -(-many // circles)
    everybody = people <= int(sizes.sum()) and bool(allowed.any(axis=1).all())
    if everybody:
        found = _solve(points, allowed, sizes, kinds, least, most, sits=people, short=0)
        if found is not None:
            return found
    # Somebody cannot sit, or not evenly: first how many sit, then how evenly, then the points.
    zero = np.zeros_like(points)
    first = _solve(zero + 1, allowed, sizes, kinds, least, most, sits=None, short=None)
    assert first is not None
    sits = int((first.circles != ALONE).sum())
    if not sits:
        return Seating(first.circles, 0, int(least.sum() * circles), True)
    second = _solve(zero, allowed, sizes, kinds, least, most, sits=sits, short=None, even=True)
    assert second is not None
    third = _solve(points, allowed, sizes, kinds, least, most, sits=sits, short=second.uneven)
    assert third is not None
    return third


def _solve(
    points: Numbers,
    allowed: npt.NDArray[np.bool_],
    sizes: Numbers,
    kinds: Numbers,
    least: Numbers,
    most: Numbers,
    *,
    sits: int | None,
    short: int | None,
    even: bool = False,
) -> Seating | None:
    """The seating of most points where exactly `sits` people sit and kinds fall short by `short` in all, or None.

    Without `sits` or `short` these do not matter. `even`: instead of points, as little short as possible.
    """
    people, circles = points.shape
    rows, columns = _candidates(points, allowed, sizes, kinds)
    cells = len(least) * circles
    floors = np.repeat(least, circles).astype(float)
    while True:
        seats = len(rows)
        cell = kinds[rows] * circles + columns
        at = np.arange(seats)
        # Below: a person once, a kind's most and a circle's seats; a kind's least less what it may fall short.
        slack = seats + np.arange(cells)
        parts = (
            (rows, at, 1.0),
            (people + cell, at, 1.0),
            (people + cells + columns, at, 1.0),
            (people + cells + circles + cell, at, -1.0),
            (people + cells + circles + np.arange(cells), slack, -1.0),
        )
        height = people + 2 * cells + circles
        limits = np.concatenate((np.ones(people), np.repeat(most, circles), sizes, -floors))
        below = _matrix(parts, (height, seats + cells))
        exact_rows, exact = [], []
        if sits is not None:
            exact_rows.append((np.zeros(seats, np.int64), at, 1.0))
            exact.append(float(sits))
        if short is not None:
            exact_rows.append((np.full(cells, len(exact)), slack, 1.0))
            exact.append(float(short))
        gain = np.concatenate((points[rows, columns].astype(float), np.zeros(cells)))
        if even:
            gain = np.concatenate((np.zeros(seats), np.full(cells, -1.0)))
        answer = linprog(
            -gain,
            A_ub=below,
            b_ub=limits,
            A_eq=_matrix(tuple(exact_rows), (len(exact), seats + cells)) if exact else None,
            b_eq=np.array(exact) if exact else None,
            bounds=(0, None),
            method="highs-ds",
        )
        if answer.status != 0:
            if seats == int(allowed.sum()):
                return None
            rows, columns = np.nonzero(allowed)  # with candidates alone nothing was possible
            continue
        taken = answer.x[:seats] > 0.5
        price = -answer.ineqlin.marginals
        of_people, of_cells = price[:people], price[people : people + cells] - price[-cells:]
        of_circles = price[people + cells : people + cells + circles]
        all_sit = -answer.eqlin.marginals[0] if sits is not None else 0.0
        worth = np.zeros_like(points) if even else points
        beyond = worth - of_people[:, None] - of_cells.reshape(-1, circles)[kinds] - of_circles[None, :] - all_sit
        beyond[~allowed] = -np.inf
        beyond[rows, columns] = -np.inf
        tolerance = 1e-6 * max(1.0, float(np.abs(points).max()))
        better = np.argwhere(beyond > tolerance)
        if not len(better):
            break
        best = np.argsort(-beyond, axis=1)[:, :MORE]
        more = np.repeat(np.arange(people), best.shape[1]), best.ravel()
        kept = beyond[more] > tolerance
        rows = np.concatenate((rows, more[0][kept]))
        columns = np.concatenate((columns, more[1][kept]))
    found = np.full(people, ALONE, np.int64)
    found[rows[taken]] = columns[taken]
    here = found != ALONE
    total = int(points[here, found[here]].sum()) if not even else 0
    counts = np.bincount(kinds[here] * circles + found[here], minlength=cells)
    uneven = int(np.maximum(0, floors - counts).sum())
    bound = -float(answer.fun)
    value = -uneven if even else total
    return Seating(found, total, uneven, abs(bound - value) < 0.5)


def _candidates(
    points: Numbers, allowed: npt.NDArray[np.bool_], sizes: Numbers, kinds: Numbers
) -> tuple[Numbers, Numbers]:
    """All seats that are allowed, or where they are many, each person's best and one even way for all to sit."""
    people, circles = points.shape
    if int(allowed.sum()) <= ALL:
        rows, columns = np.nonzero(allowed)
        return rows, columns
    chosen = np.zeros(allowed.shape, np.bool_)
    best = np.argpartition(np.where(allowed, -points, 1), min(NEAR, circles) - 1, axis=1)[:, :NEAR]
    chosen[np.arange(people)[:, None], best] = True
    # Kind after kind, round and round: that is even.
    order = np.argsort(kinds, kind="stable")
    dealt = np.flatnonzero(np.arange(int(sizes.max()))[:, None] < sizes[None, :]) % circles
    chosen[order[: len(dealt)], dealt[: len(order)]] = True
    rows, columns = np.nonzero(chosen & allowed)
    return rows, columns


def _matrix(parts: tuple[tuple[Numbers, Numbers, float], ...], shape: tuple[int, int]) -> coo_array:
    rows = np.concatenate([row for row, _, _ in parts])
    columns = np.concatenate([column for _, column, _ in parts])
    values = np.concatenate([np.full(len(row), value) for row, _, value in parts])
    return coo_array((values, (rows, columns)), shape=shape).tocsr()
