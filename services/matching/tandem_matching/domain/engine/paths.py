"""Paths: from good prices and a good match over candidates to the exact optimum over them.

Shortest augmenting paths in both directions. Whoever is without a mentor and would gain by one looks for the cheapest
chain of moves: to a free place, or to somebody who can better do without. A mentor with a free place and a price looks
for the cheapest chain by which the place is filled, or lowers the price. Afterwards every pair is worth no more than
its two prices together, every matched pair exactly that, and whoever is left over has the price zero: this is the
optimum, by duality, and the prices prove it.
"""

import numpy as np
from numba import njit

from tandem_matching.domain.encoded import Codes, Numbers
from tandem_matching.domain.engine.scan import Candidates

FREE = -1
FAR = 2**62


def finish(
    candidates: Candidates, stake: Numbers, capacities: Numbers, prices: Numbers, match: Codes
) -> tuple[Codes, Numbers, Numbers]:
    """The best match over the candidates, each mentee's gain, and each mentor's price.

    `prices` and `match` are where to begin; any will do, good ones are quick. The gains and prices are the dual
    solution: whole numbers, as the points and stakes are.
    """
    places = np.minimum(capacities, max(1, len(stake)))
    place_starts = np.concatenate(([0], np.cumsum(places))).astype(np.int64)
    new_match, new_prices = match.copy(), prices.copy()
    gains = _finish(
        candidates.starts, candidates.mentors, candidates.points, stake,
        places, place_starts, new_prices, new_match,
    )  # fmt: skip
    return new_match, gains, new_prices


@njit(cache=True, nogil=True)
def _backwards(starts, mentors, points, stake, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    """The candidates by mentor: where each begins, and mentees with what they are worth, in the mentees' order."""
    back_starts = np.zeros(count + 1, np.int64)
    for edge in range(mentors.shape[0]):
        back_starts[mentors[edge] + 1] += 1
    for mentor in range(count):
        back_starts[mentor + 1] += back_starts[mentor]
    filled = back_starts[:-1].copy()
    back_mentees = np.empty(mentors.shape[0], np.int32)
    back_worth = np.empty(mentors.shape[0], np.int64)
    for mentee in range(starts.shape[0] - 1):
        for edge in range(starts[mentee], starts[mentee + 1]):
            place = filled[mentors[edge]]
            filled[mentors[edge]] += 1
            back_mentees[place] = mentee
            back_worth[place] = points[edge] + stake[mentee]
    return back_starts, back_mentees, back_worth


@njit(cache=True, nogil=True)
def _finish(  # type: ignore[no-untyped-def]  # pragma: no cover
    starts, mentors, points, stake, capacities, place_starts, prices, match
):
    mentees, count = starts.shape[0] - 1, capacities.shape[0]
    gains = np.zeros(mentees, np.int64)
    holders = np.empty(place_starts[count], np.int32)
    place_of = np.zeros(mentees, np.int64)
    taken = np.zeros(count, np.int64)
    for mentee in range(mentees):
        kept, held = np.int64(-FAR), match[mentee]
        best, own = np.int64(0), stake[mentee]
        for edge in range(starts[mentee], starts[mentee + 1]):
            value = points[edge] + own - prices[mentors[edge]]
            best = max(best, value)
            if mentors[edge] == held:
                kept = value
        gains[mentee] = best
        match[mentee] = FREE
        # A pair stays only where it is exactly as good as the best: the rest is found by paths.
        if held != FREE and kept == best and taken[held] < capacities[held]:
            match[mentee] = held
            place_of[mentee] = taken[held]
            holders[place_starts[held] + taken[held]] = mentee
            taken[held] += 1
    # Whoever likes a free place best takes it: no search is needed.
    for mentee in range(mentees):
        if match[mentee] == FREE and gains[mentee] > 0:
            for edge in range(starts[mentee], starts[mentee + 1]):
                mentor = mentors[edge]
                if (
                    points[edge] + stake[mentee] - prices[mentor] == gains[mentee]
                    and taken[mentor] < capacities[mentor]
                ):
                    match[mentee] = mentor
                    place_of[mentee] = taken[mentor]
                    holders[place_starts[mentor] + taken[mentor]] = mentee
                    taken[mentor] += 1
                    break
    far = np.full(count, FAR, np.int64)
    via = np.zeros(count, np.int32)
    towards = np.zeros(count, np.int32)
    settled = np.zeros(count, np.bool_)
    seen = np.empty(count, np.int32)
    capacity = 1024
    keys = np.empty(capacity, np.int64)
    nodes = np.empty(capacity, np.int32)
    # Free mentees look for a mentor.
    for source in range(mentees):
        if match[source] != FREE or gains[source] <= 0:
            continue
        size, sighted = 0, 0
        limit, leaver, end = gains[source], source, FREE
        mentee, distance = source, np.int64(0)
        holder, place, last = FREE, 0, 0
        while True:
            # Relax from `mentee`, then from the other holders of the mentor that was settled last.
            beyond = distance + gains[mentee] - stake[mentee]
            for edge in range(starts[mentee], starts[mentee + 1]):
                mentor = mentors[edge]
                if settled[mentor]:
                    continue
                reach = beyond + prices[mentor] - points[edge]
                if reach < far[mentor] and reach < limit:
                    if far[mentor] == FAR:
                        seen[sighted] = mentor
                        sighted += 1
                    far[mentor] = reach
                    via[mentor] = mentee
                    if size == capacity:
                        keys = np.concatenate((keys, np.empty(capacity, np.int64)))
                        nodes = np.concatenate((nodes, np.empty(capacity, np.int32)))
                        capacity *= 2
                    size = _push(keys, nodes, size, reach, mentor)
            if holder != FREE:
                place += 1
            if holder == FREE or place == last:
                holder = FREE
                while size > 0:
                    distance, mentor = keys[0], nodes[0]
                    size = _pop(keys, nodes, size)
                    if not settled[mentor] and distance == far[mentor]:
                        holder = mentor
                        break
                if holder == FREE or distance >= limit:
                    distance = limit
                    break
                if taken[holder] < capacities[holder]:
                    end = holder
                    break
                settled[holder] = True
                place = place_starts[holder]
                last = place + taken[holder]
            mentee = holders[place]
            if distance + gains[mentee] < limit:
                limit, leaver = distance + gains[mentee], mentee
        for position in range(sighted):
            mentor = seen[position]
            if settled[mentor]:
                less = distance - far[mentor]
                prices[mentor] += less
                for spot in range(place_starts[mentor], place_starts[mentor] + taken[mentor]):
                    gains[holders[spot]] -= less
                settled[mentor] = False
            far[mentor] = FAR
        gains[source] -= distance
        if end != FREE:
            mentor, spot = end, taken[end]
            taken[end] += 1
        elif leaver == source:
            continue
        else:
            mentor, spot = match[leaver], place_of[leaver]
            match[leaver] = FREE
        while True:
            mentee = via[mentor]
            before, hole = match[mentee], place_of[mentee]
            match[mentee] = mentor
            place_of[mentee] = spot
            holders[place_starts[mentor] + spot] = mentee
            if mentee == source:
                break
            mentor, spot = before, hole
    # Free places that have a price look for a mentee, or lose the price.
    if not (prices[taken < capacities] > 0).any():
        return gains
    back_starts, back_mentees, back_worth = _backwards(starts, mentors, points, stake, count)
    for source in range(count):
        while taken[source] < capacities[source] and prices[source] > 0:
            size, sighted = 0, 1
            seen[0] = source
            far[source] = 0
            limit, taker, end = prices[source], FREE, source
            mentor, distance = source, np.int64(0)
            while True:
                settled[mentor] = True
                for edge in range(back_starts[mentor], back_starts[mentor + 1]):
                    mentee = back_mentees[edge]
                    held = match[mentee]
                    if held != FREE and settled[held]:
                        continue
                    reach = distance + gains[mentee] + prices[mentor] - back_worth[edge]
                    if reach >= limit:
                        continue
                    if held == FREE:
                        limit, taker, end = reach, mentee, mentor
                    elif reach < far[held]:
                        if far[held] == FAR:
                            seen[sighted] = held
                            sighted += 1
                        far[held] = reach
                        via[held] = mentee
                        towards[held] = mentor
                        if size == capacity:
                            keys = np.concatenate((keys, np.empty(capacity, np.int64)))
                            nodes = np.concatenate((nodes, np.empty(capacity, np.int32)))
                            capacity *= 2
                        size = _push(keys, nodes, size, reach, held)
                        if reach + prices[held] < limit:
                            limit, taker, end = reach + prices[held], FREE, held
                mentor = FREE
                while size > 0:
                    distance, held = keys[0], nodes[0]
                    size = _pop(keys, nodes, size)
                    if not settled[held] and distance == far[held]:
                        mentor = held
                        break
                if mentor == FREE or distance >= limit:
                    break
            for position in range(sighted):
                mentor = seen[position]
                if settled[mentor]:
                    more = limit - far[mentor]
                    prices[mentor] -= more
                    for spot in range(place_starts[mentor], place_starts[mentor] + taken[mentor]):
                        gains[holders[spot]] += more
                    settled[mentor] = False
                far[mentor] = FAR
            # The chain, from its far end: `end` loses `via[end]` towards `towards[end]`, and may get `taker`.
            mentor = end
            if taker == FREE and mentor == source:
                break
            if taker == FREE:
                moving = via[mentor]
                spot = place_of[moving]
                taken[mentor] -= 1
                other = holders[place_starts[mentor] + taken[mentor]]
                holders[place_starts[mentor] + spot] = other
                place_of[other] = spot
                mentor = towards[mentor]
            else:
                moving = taker
            while True:
                if mentor == source:
                    spot = taken[mentor]
                    taken[mentor] += 1
                    following = np.int32(FREE)
                else:
                    following = via[mentor]
                    spot = place_of[following]
                match[moving] = mentor
                place_of[moving] = spot
                holders[place_starts[mentor] + spot] = moving
                if mentor == source:
                    break
                moving = following
                mentor = towards[mentor]
    return gains


@njit(cache=True, nogil=True)
def _push(keys, nodes, size, key, node):  # type: ignore[no-untyped-def]  # pragma: no cover
    place = size
    while place > 0:
        above = (place - 1) // 2
        if keys[above] <= key:
            break
        keys[place] = keys[above]
        nodes[place] = nodes[above]
        place = above
    keys[place] = key
    nodes[place] = node
    return size + 1


@njit(cache=True, nogil=True)
def _pop(keys, nodes, size):  # type: ignore[no-untyped-def]  # pragma: no cover
    size -= 1
    key, node = keys[size], nodes[size]
    place = 0
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and keys[child + 1] < keys[child]:
            child += 1
        if keys[child] >= key:
            break
        keys[place] = keys[child]
        nodes[place] = nodes[child]
        place = child
    keys[place] = key
    nodes[place] = node
    return size
