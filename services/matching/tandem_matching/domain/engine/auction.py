"""The auction: mentees bid for places until nobody wants to bid more; what comes out are prices close to the best ones.

Bertsekas' forward auction for mentors with several places: a place goes to the highest bid, a mentor's price is the
lowest of their places' bids once all are taken, and nothing before. Mentees know only their candidates. Whoever would
rather look outside of them stops bidding and is scanned for again, so the prices are right for all pairs, up to one
step.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from tandem_matching.domain.encoded import Codes, Numbers
from tandem_matching.domain.engine.candidates import Candidates
from tandem_matching.domain.engine.scan import Scan, outside

FREE = -1
REST = 0.003
"""When so few of the mentees still want to look again, the paths are quicker than more bids."""
LOOKS = 10
"""Nor is anybody scanned for more often than this, on average."""


@dataclass(slots=True)
class Auction:
    """Where an auction stands."""

    step: int
    """What a bid adds at least, in points."""
    stake: Numbers
    """What being matched at all is worth to each mentee: who would have to pay more stays out."""
    capacities: Numbers
    prices: Numbers
    match: Codes
    """The mentor of each mentee, or `FREE`."""
    place_starts: Numbers
    bids: Numbers
    holders: Codes
    taken: Numbers


def run(
    scan: Scan,
    capacities: Numbers,
    stake: Numbers,
    *,
    open_mentors: npt.NDArray[np.bool_],
    mentees: Numbers,
    step: int,
    width: int,
    block: int,
) -> tuple[Numbers, Codes, Candidates, Numbers]:
    """Prices and a match that are close to the best for these mentees (those of one class together), and candidates.

    And what no pair outside the candidates is worth more than to each mentee, in points less these prices.
    """
    starts = np.concatenate(([0], np.cumsum(capacities))).astype(np.int64)
    state = Auction(
        step=step,
        stake=stake,
        capacities=capacities,
        prices=np.zeros(scan.mentors, np.int64),
        match=np.full(scan.mentees, FREE, np.int32),
        place_starts=starts,
        bids=np.zeros(starts[-1], np.int64),
        holders=np.zeros(starts[-1], np.int32),
        taken=np.zeros(scan.mentors, np.int64),
    )
    counts = np.zeros(scan.mentees, np.int32)
    candidates = np.zeros((scan.mentees, width), np.int32)
    points = np.zeros((scan.mentees, width), np.int64)
    beyond = np.zeros(scan.mentees, np.int64)
    rank = np.empty(scan.mentees, np.int64)
    rank[scan.by_class] = np.arange(scan.mentees)
    waiting = mentees
    seen = 0
    while len(waiting) > len(mentees) * REST and seen < len(mentees) * LOOKS:
        # Blocks go through all classes, so that the first prices are nobody's alone.
        stride = max(1, -(-len(waiting) // block))
        now = waiting[::stride] if stride > 1 else waiting
        later = np.setdiff1d(waiting, now, assume_unique=True) if stride > 1 else waiting[:0]
        seen += len(now)
        found = scan.best(state.prices, -stake, limit=width, open_mentors=open_mentors, only=now)
        lengths = np.diff(found.starts)
        counts[now] = lengths[now]
        owners = found.owners()
        columns = np.arange(len(owners)) - found.starts[owners]
        candidates[owners, columns] = found.mentors
        points[owners, columns] = found.points
        beyond[now] = outside(found, state.prices, -stake, limit=width)[now]
        again = _bid(
            now.astype(np.int64), counts, candidates, points, beyond, state.stake, state.step,
            state.capacities, state.prices, state.match, state.place_starts, state.bids, state.holders, state.taken,
        )  # fmt: skip
        waiting = np.concatenate((later, again))
        waiting = waiting[np.argsort(rank[waiting])]
    known = np.arange(width)[None, :] < counts[:, None]
    starts = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    kept = Candidates(starts, candidates[known], points[known])
    return state.prices, state.match, kept, beyond


@njit(cache=True, nogil=True)
def _bid(  # type: ignore[no-untyped-def]  # pragma: no cover
    first, counts, candidates, points, outside, stake, step,
    capacities, prices, match, place_starts, bids, holders, taken,
):  # fmt: skip
    """Let these mentees and whoever they outbid bid; the answer is who must be scanned for again."""
    size = match.shape[0] + 1
    queue = np.empty(size, np.int64)
    again = np.empty(match.shape[0], np.int64)
    head, tail, outs = 0, 0, 0
    for mentee in first:
        queue[tail] = mentee
        tail += 1
    while head != tail:
        mentee = queue[head]
        head = head + 1 if head + 1 < size else 0
        best, second, chosen = np.int64(-(2**62)), np.int64(-(2**62)), -1
        for column in range(counts[mentee]):
            mentor = candidates[mentee, column]
            value = points[mentee, column] - prices[mentor]
            if value > best:
                second = best
                best = value
                chosen = mentor
            elif value > second:
                second = value
        if best < outside[mentee]:
            again[outs] = mentee
            outs += 1
            continue
        if chosen < 0 or best <= -stake[mentee]:
            continue
        second = max(second, outside[mentee], -stake[mentee])
        bid = prices[chosen] + best - second + step
        begin = place_starts[chosen]
        match[mentee] = chosen
        if taken[chosen] < capacities[chosen]:
            place = taken[chosen]
            taken[chosen] += 1
            while place > 0 and bids[begin + (place - 1) // 2] > bid:
                above = (place - 1) // 2
                bids[begin + place] = bids[begin + above]
                holders[begin + place] = holders[begin + above]
                place = above
            bids[begin + place] = bid
            holders[begin + place] = mentee
        else:
            outbid = holders[begin]
            match[outbid] = FREE
            queue[tail] = outbid
            tail = tail + 1 if tail + 1 < size else 0
            place, places = 0, taken[chosen]
            while True:
                child = 2 * place + 1
                if child >= places:
                    break
                if child + 1 < places and bids[begin + child + 1] < bids[begin + child]:
                    child += 1
                if bids[begin + child] >= bid:
                    break
                bids[begin + place] = bids[begin + child]
                holders[begin + place] = holders[begin + child]
                place = child
            bids[begin + place] = bid
            holders[begin + place] = mentee
        if taken[chosen] == capacities[chosen]:
            prices[chosen] = bids[begin]
    return again[:outs].copy()
