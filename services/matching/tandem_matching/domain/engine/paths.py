"""Paths: from good prices and a good match over candidates to the exact optimum over them.

Shortest augmenting paths in both directions. Whoever is without a mentor and would gain by one looks for the cheapest
chain of moves: to a free place, or to somebody who can better do without. A mentor with a free place and a price looks
for the cheapest chain by which the place is filled, or lowers the price. Afterwards every pair is worth no more than
its two prices together, every matched pair exactly that, and whoever is left over has the price zero: this is the
optimum, by duality, and the prices prove it.
"""

from typing import Any

import numpy as np
from numba import njit

from tandem_matching.domain.encoded import Codes, Numbers
from tandem_matching.domain.engine import holding
from tandem_matching.domain.engine.candidates import Candidates
from tandem_matching.domain.engine.heap import grown, pop, push
from tandem_matching.domain.engine.holding import FAR, FREE

NEAR = 50
"""Who would pay more than a pair is worth by the best pair's points divided by this is looked at last."""


class Paths:
    """A match over candidates, which `finish` makes the best one: once, and again whenever candidates were added."""

    def __init__(
        self, candidates: Candidates, stake: Numbers, capacities: Numbers, prices: Numbers, match: Codes
    ) -> None:
        """`prices` and `match` are where to begin; any will do, good ones are quick."""
        self._candidates, self._added = candidates, Candidates.none(len(stake))
        self._stake, self._places = stake, np.minimum(capacities, max(1, len(stake)))
        self._place_starts = np.concatenate(([0], np.cumsum(self._places))).astype(np.int64)
        self.match, self.prices = match.copy(), prices.copy()
        self.gains, self._holders, self._place_of, self._taken = holding.begin(
            candidates.starts, candidates.mentors, candidates.points, stake,
            self._places, self._place_starts, self.prices, self.match,
        )  # fmt: skip
        self._near = int(np.abs(candidates.points).max(initial=0)) // NEAR
        self._back: tuple[Any, Numbers, Numbers] | None = None

    @property
    def candidates(self) -> Candidates:
        """All candidates."""
        return self._candidates.joined(self._added)

    def add(self, more: Candidates) -> None:
        """Let people choose among these candidates too."""
        holding.add(more.starts, more.mentors, more.points, self._stake, *self._state())
        self._added = self._added.joined(more)

    def finish(self) -> None:
        """Find the best match; gains and prices are the dual solution: whole numbers, as the points and stakes are."""
        # Places first: whoever is free may take one, and then need not displace anybody.
        first, then = self._candidates, self._added
        if (self.prices[self._taken < self._places] > 0).any():
            if self._back is None:
                self._back = self._backwards(first), self.gains.copy(), self.prices.copy()
            (starts, far_starts, mentees, worth), gains, prices = self._back
            # Since then a pair has come nearer by no more than its gain and its price fell.
            least_far = self._near - (gains - self.gains).max(initial=0) - (prices - self.prices)
            more_starts, _, *more = self._backwards(then)
            _find_mentees(starts, far_starts, mentees, worth, least_far, more_starts, *more, *self._state())
        _find_mentors(
            first.starts, first.mentors, first.points, then.starts, then.mentors, then.points,
            self._stake, *self._state(),
        )  # fmt: skip

    def _state(self) -> tuple[Numbers | Codes, ...]:
        """What the compiled code changes, after the places that there are."""
        return (
            self._places, self._place_starts, self.prices, self.match, self.gains,
            self._holders, self._place_of, self._taken,
        )  # fmt: skip

    def _backwards(self, candidates: Candidates) -> Any:
        return holding.backwards(
            candidates.starts, candidates.mentors, candidates.points, self._stake, self.gains, self.prices, self._near
        )


@njit(cache=True, nogil=True)
def _find_mentees(  # type: ignore[no-untyped-def]  # pragma: no cover
    starts, far_starts, mentees, worth, least_far, more_starts, more_mentees, more_worth,
    capacities, place_starts, prices, match, gains, holders, place_of, taken,
):  # fmt: skip
    """Free places that have a price look for a mentee, or lose the price."""
    count = capacities.shape[0]
    far = np.full(count, FAR, np.int64)
    via = np.zeros(count, np.int32)
    towards = np.zeros(count, np.int32)
    seen = np.empty(count, np.int32)
    keys, nodes = np.empty(1024, np.int64), np.empty(1024, np.int32)
    for source in range(count):
        while taken[source] < capacities[source] and prices[source] > 0:
            size, sighted = 0, 1
            seen[0] = source
            far[source] = 0
            limit, taker, end = prices[source], FREE, source
            mentor, distance = source, np.int64(0)
            while True:
                beyond = distance + prices[mentor]
                for part in range(3):
                    if part == 0:
                        begin, end_of = starts[mentor], far_starts[mentor]
                    elif part == 1:
                        begin, end_of = more_starts[mentor], more_starts[mentor + 1]
                    elif distance + least_far[mentor] >= limit:
                        break
                    else:
                        begin, end_of = far_starts[mentor], starts[mentor + 1]
                    for edge in range(begin, end_of):
                        mentee = more_mentees[edge] if part == 1 else mentees[edge]
                        value = more_worth[edge] if part == 1 else worth[edge]
                        reach = beyond + gains[mentee] - value
                        if reach >= limit:
                            continue
                        held = match[mentee]
                        if held == FREE:
                            limit, taker, end = reach, mentee, mentor
                        elif reach < far[held]:
                            if far[held] == FAR:
                                seen[sighted] = held
                                sighted += 1
                            far[held] = reach
                            via[held] = mentee
                            towards[held] = mentor
                            if size == keys.shape[0]:
                                keys, nodes = grown(keys, nodes)
                            size = push(keys, nodes, size, reach, held)
                            if reach + prices[held] < limit:
                                limit, taker, end = reach + prices[held], FREE, held
                mentor = FREE
                while size > 0:
                    distance, held = keys[0], nodes[0]
                    size = pop(keys, nodes, size)
                    if distance == far[held]:
                        mentor = held
                        break
                if mentor == FREE or distance >= limit:
                    break
            for position in range(sighted):
                mentor = seen[position]
                more = limit - far[mentor]
                if more > 0:
                    prices[mentor] -= more
                    least_far[mentor] -= more
                    for spot in range(place_starts[mentor], place_starts[mentor] + taken[mentor]):
                        gains[holders[spot]] += more
                far[mentor] = FAR
            # The chain, from its far end: `end` loses `via[end]` towards `towards[end]`, and may get `taker`.
            mentor = end
            if taker == FREE and mentor == source:
                break
            if taker == FREE:
                moving = via[mentor]
                holding.give_back(moving, mentor, place_starts, holders, place_of, taken)
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


@njit(cache=True, nogil=True)
def _find_mentors(  # type: ignore[no-untyped-def]  # pragma: no cover
    starts, mentors, points, more_starts, more_mentors, more_points, stake,
    capacities, place_starts, prices, match, gains, holders, place_of, taken,
):  # fmt: skip
    """Free mentees who would gain by a mentor look for one."""
    count = capacities.shape[0]
    far = np.full(count, FAR, np.int64)
    via = np.zeros(count, np.int32)
    seen = np.empty(count, np.int32)
    keys, nodes = np.empty(1024, np.int64), np.empty(1024, np.int32)
    for source in range(gains.shape[0]):
        if match[source] != FREE or gains[source] <= 0:
            continue
        size, sighted = 0, 0
        limit, leaver, end = gains[source], source, FREE
        mentee, distance = source, np.int64(0)
        holder, place, last = FREE, 0, 0
        while True:
            # Relax from `mentee`, then from the other holders of the mentor that was settled last.
            beyond = distance + gains[mentee] - stake[mentee]
            for part in range(2):
                begins = starts if part == 0 else more_starts
                for edge in range(begins[mentee], begins[mentee + 1]):
                    mentor = mentors[edge] if part == 0 else more_mentors[edge]
                    worth = points[edge] if part == 0 else more_points[edge]
                    reach = beyond + prices[mentor] - worth
                    if reach >= limit or reach >= far[mentor]:
                        continue
                    if taken[mentor] < capacities[mentor]:
                        # Nothing beyond is cheaper than a free place, so nothing that is dearer needs a look.
                        limit, end = reach, mentor
                        via[mentor] = mentee
                        continue
                    if far[mentor] == FAR:
                        seen[sighted] = mentor
                        sighted += 1
                    far[mentor] = reach
                    via[mentor] = mentee
                    if size == keys.shape[0]:
                        keys, nodes = grown(keys, nodes)
                    size = push(keys, nodes, size, reach, mentor)
            if holder != FREE:
                place += 1
            if holder == FREE or place == last:
                holder = FREE
                while size > 0:
                    distance, mentor = keys[0], nodes[0]
                    size = pop(keys, nodes, size)
                    if distance == far[mentor]:
                        holder = mentor
                        break
                if holder == FREE or distance >= limit:
                    distance = limit
                    break
                place = place_starts[holder]
                last = place + taken[holder]
            mentee = holders[place]
            if distance + gains[mentee] < limit:
                limit, leaver, end = distance + gains[mentee], mentee, FREE
        for position in range(sighted):
            mentor = seen[position]
            less = distance - far[mentor]
            if less > 0:
                prices[mentor] += less
                for spot in range(place_starts[mentor], place_starts[mentor] + taken[mentor]):
                    gains[holders[spot]] -= less
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
