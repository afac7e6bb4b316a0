"""Holding: who holds which place, and the candidates as mentors see them, compiled."""

import numpy as np
from numba import njit

FREE = -1
FAR = 2**62


@njit(cache=True, nogil=True)
def backwards(starts, mentors, points, stake, gains, prices, near):  # type: ignore[no-untyped-def]  # pragma: no cover
    """The candidates by mentor: where each begins, the mentees and what they are worth; and where the far ones begin.

    Those come last whose gain and price exceed what they are worth by `near` or more.
    """
    count = prices.shape[0]
    back_starts = np.zeros(count + 1, np.int64)
    for edge in range(mentors.shape[0]):
        back_starts[mentors[edge] + 1] += 1
    for mentor in range(count):
        back_starts[mentor + 1] += back_starts[mentor]
    far_starts, filled = back_starts[:-1].copy(), back_starts[1:].copy()
    back_mentees = np.empty(mentors.shape[0], np.int32)
    back_worth = np.empty(mentors.shape[0], np.int64)
    for mentee in range(starts.shape[0] - 1):
        for edge in range(starts[mentee], starts[mentee + 1]):
            mentor, worth = mentors[edge], points[edge] + stake[mentee]
            # Without a branch, which would be guessed wrong every other time.
            is_near = np.int64(gains[mentee] + prices[mentor] - worth < near)
            filled[mentor] -= 1 - is_near
            place = is_near * far_starts[mentor] + (1 - is_near) * filled[mentor]
            far_starts[mentor] += is_near
            back_mentees[place] = mentee
            back_worth[place] = worth
    return back_starts, far_starts, back_mentees, back_worth


@njit(cache=True, nogil=True)
def begin(  # type: ignore[no-untyped-def]  # pragma: no cover
    starts, mentors, points, stake, capacities, place_starts, prices, match
):
    """Each mentee's gain at these prices, and who holds which place: only pairs stay that are exactly the best."""
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
            _hold(mentee, held, place_starts, match, holders, place_of, taken)
    _take(starts, mentors, points, stake, capacities, place_starts, prices, match, gains, holders, place_of, taken)
    return gains, holders, place_of, taken


@njit(cache=True, nogil=True)
def add(  # type: ignore[no-untyped-def]  # pragma: no cover
    starts, mentors, points, stake, capacities, place_starts, prices, match, gains, holders, place_of, taken
):
    """Raise gains to what these candidates are worth; who gains more gives back the place they had."""
    for mentee in range(starts.shape[0] - 1):
        gain = gains[mentee]
        for edge in range(starts[mentee], starts[mentee + 1]):
            gain = max(gain, points[edge] + stake[mentee] - prices[mentors[edge]])
        held = match[mentee]
        if held != FREE and gain > gains[mentee]:
            give_back(mentee, held, place_starts, holders, place_of, taken)
            match[mentee] = FREE
        gains[mentee] = gain
    _take(starts, mentors, points, stake, capacities, place_starts, prices, match, gains, holders, place_of, taken)


@njit(cache=True, nogil=True)
def _take(  # type: ignore[no-untyped-def]  # pragma: no cover
    starts, mentors, points, stake, capacities, place_starts, prices, match, gains, holders, place_of, taken
):
    """Whoever likes a free place best takes it: no search is needed."""
    for mentee in range(starts.shape[0] - 1):
        if match[mentee] == FREE and gains[mentee] > 0:
            for edge in range(starts[mentee], starts[mentee + 1]):
                mentor = mentors[edge]
                if (
                    points[edge] + stake[mentee] - prices[mentor] == gains[mentee]
                    and taken[mentor] < capacities[mentor]
                ):
                    _hold(mentee, mentor, place_starts, match, holders, place_of, taken)
                    break


@njit(cache=True, nogil=True)
def _hold(mentee, mentor, place_starts, match, holders, place_of, taken):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Take the mentor's next place, which must be free."""
    match[mentee] = mentor
    place_of[mentee] = taken[mentor]
    holders[place_starts[mentor] + taken[mentor]] = mentee
    taken[mentor] += 1


@njit(cache=True, nogil=True)
def give_back(mentee, mentor, place_starts, holders, place_of, taken):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Leave the mentor's place to whoever has the last one."""
    taken[mentor] -= 1
    last = holders[place_starts[mentor] + taken[mentor]]
    holders[place_starts[mentor] + place_of[mentee]] = last
    place_of[last] = place_of[mentee]
