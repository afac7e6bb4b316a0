"""Assignment: most people matched, then those first in line, then the most points, then fairness; with its proof."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from tandem_matching.domain.encoded import Codes, Encoded, Numbers
from tandem_matching.domain.fairness import fairest
from tandem_matching.domain.rules import Rule
from tandem_matching.domain.stakes import stakes

FREE = -1
DENSE_CELLS = 600_000
"""Up to so many pairs a matrix of all of them is quicker than anything that avoids it, and waits for no compiler."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who was assigned to whom, as indices into the encoded pool."""

    mentees: Numbers
    mentors: Numbers
    points: Numbers
    rounds: tuple["Round", ...] = ()
    """What each round found. There is one, unless people want several mentors."""


@dataclass(frozen=True, slots=True)
class Round:
    """At most one mentor for each mentee who still wanted one, and the proof that no other way is better."""

    pairs: int
    total: int
    """The worth of the round's pairs: points, and what being matched at all counts."""
    bound: int
    """What no other way can exceed, by the prices of places and the gains of mentees. The same as the total."""
    scans: int
    prices: Numbers
    match: Codes
    gains: Numbers
    """What each mentee has beyond the price of their place, stake included."""
    stake: Numbers
    candidates: tuple[Numbers, Codes, Numbers] | None = None
    """The pairs that mattered: mentee i's are the second array's from the first one's i to i + 1; their points."""
    outer: Numbers | None = None
    reference: Numbers | None = None
    """Every pair besides has at most a mentee's `outer` points more than a mentor's `reference`."""


@dataclass(frozen=True, slots=True)
class Warm:
    """The first round of a similar pool with the same indices, and who has changed since."""

    round: Round
    mentees: npt.NDArray[np.bool_]
    """Of whom any pair may be worth more than then."""
    mentors: npt.NDArray[np.bool_]


def unwatched() -> None:
    """Nobody wants to know that a step was made."""


def assign(
    encoded: Encoded,
    *,
    warm: Round | Warm | None = None,
    dense_cells: int = DENSE_CELLS,
    owners: Numbers | None = None,
    step: Callable[[], None] = unwatched,
) -> Assignment:
    """The best assignment there is: most pairs first, first-in-line mentees before others, then most points.

    Of equally good ones it is the one in which the worst-off have the most (see `fairness` for how far that is looked).

    Somebody who wants several mentors gets the second one when everybody had the chance of a first: each round is the
    best one can do after the rounds before. `warm`, the first round of a similar pool with the same indices, makes it
    quicker and does not change what is best. Up to `dense_cells` pairs are looked at as one matrix. `owners`: where
    several mentors of the pool are one person's places, who that is: nobody gets the same person twice. `step` is
    called between the steps of the search, and may raise to end it.
    """
    places, wanted = encoded.places.copy(), encoded.wanted.copy()
    found: list[tuple[Numbers, Numbers]] = []
    rounds: list[Round] = []
    while True:
        mentees = wanted > 0
        if not mentees.any() or not places.any():
            break
        one = best_round(
            encoded, mentees, places, warm=warm if not rounds else None, dense_cells=dense_cells, step=step
        )
        row = np.flatnonzero(one.match != FREE)
        if not len(row):
            rounds.append(one)
            break
        column = one.match[row].astype(np.int64)
        found.append((row, column))
        rounds.append(one)
        np.subtract.at(places, column, 1)
        wanted[row] -= 1
        wanted[mentees & (one.match == FREE)] = 0
        if wanted.any():
            if owners is not None:
                row, column = _with_alike(row, column, owners)
            encoded = without(encoded, row, column)
    row = np.concatenate([rows for rows, _ in found]) if found else np.zeros(0, np.int64)
    column = np.concatenate([columns for _, columns in found]) if found else np.zeros(0, np.int64)
    return Assignment(row, column, encoded.points_of(row, column), tuple(rounds))


def _with_alike(mentees: Numbers, mentors: Numbers, owners: Numbers) -> tuple[Numbers, Numbers]:
    """Each of these pairs with all places of the mentor. Places of one owner are next to each other."""
    begin, end = np.searchsorted(owners, owners[mentors]), np.searchsorted(owners, owners[mentors], side="right")
    counts = end - begin
    return np.repeat(mentees, counts), np.arange(counts.sum()) + np.repeat(begin - np.cumsum(counts) + counts, counts)


def best_round(
    encoded: Encoded,
    mentees: npt.NDArray[np.bool_],
    places: Numbers,
    *,
    warm: Round | Warm | None = None,
    dense_cells: int = DENSE_CELLS,
    step: Callable[[], None] = unwatched,
) -> Round:
    """At most one mentor for each of these mentees, in the best way there is."""
    step()
    slots = int(np.minimum(places, int(mentees.sum())).sum())
    if int(mentees.sum()) * slots <= dense_cells:
        return _dense(encoded, mentees, places)
    # Importing the engine compiles nothing, but loads the compiler: small pools do without it.
    from tandem_matching.domain.engine.arranging import arrange
    from tandem_matching.domain.engine.candidates import Candidates
    from tandem_matching.domain.engine.optimum import Start, solve
    from tandem_matching.domain.engine.scan import Bound

    start = None
    if warm is not None:
        before = warm.round if isinstance(warm, Warm) else warm
        changed_mentees = warm.mentees if isinstance(warm, Warm) else np.ones(len(mentees), np.bool_)
        changed_mentors = warm.mentors if isinstance(warm, Warm) else np.ones(len(places), np.bool_)
        start = Start(
            before.prices,
            before.match,
            before.gains,
            before.stake,
            changed_mentees,
            changed_mentors,
            Candidates(*before.candidates) if isinstance(warm, Warm) and before.candidates else None,
            Bound(before.outer, before.reference)
            if before.outer is not None and before.reference is not None
            else None,
        )
    best = solve(
        encoded,
        arrange(encoded),
        mentees=mentees,
        places=places,
        start=start,
        step=step,
    )
    match = fairest(
        best.match,
        *best.candidates.tight(best.gains, best.prices, best.stake),
        best.gains,
        best.prices,
        places,
        small=False,
    )
    pairs = int((match != FREE).sum())
    return Round(
        pairs,
        best.total,
        best.bound,
        best.scans,
        best.prices,
        match,
        best.gains,
        best.stake,
        (best.candidates.starts, best.candidates.mentors, best.candidates.points),
        best.outer.floors,
        best.outer.prices,
    )


def _dense(encoded: Encoded, mentees: npt.NDArray[np.bool_], places: Numbers) -> Round:
    """By the matrix of all pairs, with a column for every place."""
    points, violated = encoded.dense()
    rows, columns = np.flatnonzero(mentees), np.flatnonzero(places > 0)
    # Nobody can take more mentees than there are, so a thousand places are no thousand columns.
    slots = np.repeat(columns, np.minimum(places[columns], len(rows)))
    here = violated[np.ix_(rows, slots)] == 0
    stake = stakes(encoded.first_in_line & mentees, int(points.max(initial=0)), places)
    worth = np.where(here, points[np.ix_(rows, slots)] + stake[rows][:, None], 0)
    row, slot = linear_sum_assignment(worth, maximize=True)
    real = here[row, slot]
    match = np.full(len(encoded.mentee_ids), FREE, np.int32)
    match[rows[row[real]]] = slots[slot[real]]
    total = sum(worth[row, slot].tolist())
    prices, gains, bound = _prices(worth, here, row, slot, real)
    of_mentor = np.zeros(len(encoded.mentor_ids), np.int64)
    of_mentor[slots] = prices
    of_mentee = np.zeros(len(encoded.mentee_ids), np.int64)
    of_mentee[rows] = gains
    row, slot = np.nonzero(here & (worth == gains[:, None] + prices[None, :]))
    owners, mentors = rows[row], slots[slot]
    # Slots of a mentor are alike, so their prices are, and each pair is looked at once.
    _, once = np.unique(owners * len(places) + mentors, return_index=True)
    owners, mentors = owners[once], mentors[once]
    match = fairest(match, owners, mentors, points[owners, mentors], of_mentee, of_mentor, places, small=True)
    return Round(int(real.sum()), total, bound, 1, of_mentor, match, of_mentee, stake)


def _prices(
    worth: Numbers, here: npt.NDArray[np.bool_], row: Numbers, slot: Numbers, real: npt.NDArray[np.bool_]
) -> tuple[Numbers, Numbers, int]:
    """The lowest prices of the places that support this assignment, the gains beyond them, and the bound of both.

    Prices rise from zero until every mentee likes the own place best: the longest chains of envy, by Bellman and Ford.
    """
    prices = np.zeros(worth.shape[1], np.int64)
    held = np.full(worth.shape[0], FREE, np.int64)
    held[row[real]] = slot[real]
    matched = np.flatnonzero(held != FREE)
    envied = np.where(here, worth, -1)
    for _ in range(worth.shape[1] + 1):
        gains = np.zeros(worth.shape[0], np.int64)
        gains[matched] = worth[matched, held[matched]] - prices[held[matched]]
        # Envy of a place, beyond what its price is: it must rise by that.
        risen = np.maximum(prices, np.where(envied >= 0, worth - gains[:, None], 0).max(axis=0, initial=0))
        if (risen == prices).all():
            break
        prices = risen
    gains = np.maximum(0, np.where(envied >= 0, worth - prices[None, :], 0).max(axis=1, initial=0))
    return prices, gains, sum(gains.tolist()) + sum(prices.tolist())


def without(encoded: Encoded, mentees: Numbers, mentors: Numbers) -> Encoded:
    """The pool in which these pairs are not allowed again."""
    owners = np.concatenate((np.repeat(np.arange(len(encoded.mentee_ids)), np.diff(encoded.single_starts)), mentees))
    others = np.concatenate((encoded.single_mentors, mentors.astype(np.int32)))
    broken = np.concatenate((encoded.single_violated, np.full(len(mentees), int(Rule.CURRENT_PAIR), np.int32)))
    order = np.lexsort((others, owners))
    counts = np.bincount(owners, minlength=len(encoded.mentee_ids))
    return replace(
        encoded,
        single_starts=np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        single_mentors=others[order],
        single_violated=broken[order],
    )
