"""Meetings: rotations in which everybody meets as many different and suitable people as possible.

Who meets whom is found for all rounds at once: a flow in which everybody meets each other person at most once and
nobody has more meetings than rounds. Any such plan fits into the rounds, because a bipartite graph can be coloured with
as many colours as its busiest person has edges (D. König, 1916), so nothing is lost by deciding on rounds afterwards.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tandem_matching.domain.encoded import Codes, Encoded, Numbers
from tandem_matching.domain.meeting_paths import plan_meetings

NEAR = 12
"""So many mentors are kept for a mentee at first, beyond those that they can meet."""
MORE = 12
DENSE_CELLS = 300_000
SMALL = 6_000
"""Up to so many possible meetings are planned without a compiler."""

Edges = tuple[Numbers, Codes, Numbers]


@dataclass(frozen=True, slots=True)
class Meetings:
    """Who meets whom in which round, as indices into the pool; rounds count from 0."""

    mentees: Numbers
    mentors: Numbers
    rounds: Numbers
    points: Numbers
    total: int
    """What the meetings are worth: their number first, then that nobody has few of them, then points."""
    bound: int
    """What no other plan can exceed, by the prices of mentors. The same as the total."""


def assign_meetings(
    encoded: Encoded, rounds: int, *, seats: Numbers | None = None, dense_cells: int = DENSE_CELLS
) -> Meetings:
    """The best plan for so many rounds: most meetings, spread as evenly over mentees as can be, then most points.

    `seats`: how many mentees each mentor meets in a round; without it, one.
    """
    seats = np.ones(len(encoded.mentor_ids), np.int64) if seats is None else seats
    seats = np.where(encoded.places > 0, seats, 0)
    most = sum(int(table.points.max(initial=0)) for table in encoded.tables)
    most += sum(feature.most() for feature in encoded.features)
    here = encoded.wanted > 0
    stakes = _stakes(rounds, most, int(min(here.sum() * rounds, seats.sum() * rounds)))
    look = _Dense(encoded, here, seats) if here.sum() * len(seats) <= dense_cells else _Scanned(encoded, here, seats)
    edges: Edges | None = look.candidates(rounds)
    while edges is not None:
        starts, mentors, points = edges
        chosen, gains, prices = plan_meetings(*edges, seats * rounds, stakes, small=len(mentors) <= SMALL)
        edges = look.better(edges, gains, prices, rounds)
    owners = np.repeat(np.arange(len(here)), np.diff(starts))[chosen]
    partners, worth = mentors[chosen].astype(np.int64), points[chosen]
    degrees = np.bincount(owners, minlength=len(here))
    staked = np.concatenate(([0], np.cumsum(stakes)))
    total = sum(worth.tolist()) + sum(staked[degrees].tolist())
    # Each mentee gains the stakes above their own price, each mentor's places cost theirs, and each meeting what it is
    # worth beyond both.
    bound = sum(int(np.maximum(0, stakes + gain).sum()) for gain in gains[here].tolist())
    bound += sum((prices * seats * rounds).tolist())
    bound += sum(np.maximum(0, worth - gains[owners] - prices[partners]).tolist())
    turns = _rounds_of(owners, partners, seats, rounds)
    return Meetings(owners, partners, turns, worth, total, bound)


def _stakes(rounds: int, most: int, meetings: int) -> Numbers:
    """What a mentee's first, second, third meeting is worth besides its points.

    Each is worth more than all points together, and an earlier one more than a later one: so the plan that is worth
    most is the most even one, and of the plans that flows allow, the most even ones have the most meetings (their
    degrees are the bases of a polymatroid; N. Megiddo, "Optimal flows in networks with multiple sources and sinks",
    1974).
    """
    step = (most + 1) * (meetings + 1)
    return step * np.arange(rounds, 0, -1, dtype=np.int64)


class _Dense:
    """All pairs at once."""

    def __init__(self, encoded: Encoded, here: Any, seats: Numbers) -> None:
        points, violated = encoded.dense()
        allowed = (violated == 0) & here[:, None] & (seats > 0)[None, :]
        self._starts = np.concatenate(([0], np.cumsum(allowed.sum(axis=1)))).astype(np.int64)
        self._mentors = np.nonzero(allowed)[1].astype(np.int32)
        self._points = points[allowed]

    def candidates(self, rounds: int) -> Edges:
        return self._starts, self._mentors, self._points

    def better(self, edges: Edges, gains: Numbers, prices: Numbers, rounds: int) -> Edges | None:
        """Nothing is outside."""
        return None


class _Scanned:
    """The pairs that matter, by the engine's scan."""

    def __init__(self, encoded: Encoded, here: Any, seats: Numbers) -> None:
        from tandem_matching.domain.engine.arranging import arrange

        self._scan = arrange(encoded)
        self._people = self._scan.by_class[here[self._scan.by_class]]
        self._open = seats > 0

    def candidates(self, rounds: int) -> Edges:
        floors = np.full(self._scan.mentees, -(2**60), np.int64)
        prices = np.zeros(self._scan.mentors, np.int64)
        found = self._scan.best(prices, floors, limit=rounds + NEAR, open_mentors=self._open, only=self._people)
        return found.starts, found.mentors, found.points

    def better(self, edges: Edges, gains: Numbers, prices: Numbers, rounds: int) -> Edges | None:
        """The candidates with pairs that are worth more than their two prices; None where there is none outside."""
        from tandem_matching.domain.engine.candidates import Candidates

        found = self._scan.best(prices, gains, limit=rounds + MORE, open_mentors=self._open, only=self._people)
        both = Candidates(*edges).joined(found)
        return None if len(both.mentors) == len(edges[1]) else (both.starts, both.mentors, both.points)


def _rounds_of(mentees: Numbers, mentors: Numbers, seats: Numbers, rounds: int) -> Numbers:
    """A round for each meeting, so that nobody is in two places at once.

    A mentor's meetings are dealt to their seats; then each meeting takes a round that is free at both ends, after
    changing two rounds along the chain of meetings that hold them, where no round is (König's proof, followed).
    """
    first_seat = np.concatenate(([0], np.cumsum(seats)))
    dealt = np.zeros(len(seats), np.int64)
    at_mentee: dict[tuple[int, int], int] = {}
    at_seat: dict[tuple[int, int], int] = {}
    ends: list[tuple[int, int]] = []
    turns: list[int] = []
    for meeting, (mentee, mentor) in enumerate(zip(mentees.tolist(), mentors.tolist(), strict=True)):
        seat = int(first_seat[mentor] + dealt[mentor] // rounds)
        dealt[mentor] += 1
        ends.append((mentee, seat))
        ours = next(turn for turn in range(rounds) if (mentee, turn) not in at_mentee)
        theirs = next(turn for turn in range(rounds) if (seat, turn) not in at_seat)
        if ours != theirs:
            # From the seat on, meetings in `ours` and `theirs` change places; the chain never comes to the mentee.
            chain, side, here, turn = [], at_seat, seat, ours
            while (here, turn) in side:
                one = side[here, turn]
                chain.append(one)
                here = ends[one][0] if side is at_seat else ends[one][1]
                side = at_mentee if side is at_seat else at_seat
                turn = theirs if turn == ours else ours
            for one in chain:
                del at_mentee[ends[one][0], turns[one]], at_seat[ends[one][1], turns[one]]
            for one in chain:
                turns[one] = theirs if turns[one] == ours else ours
                at_mentee[ends[one][0], turns[one]] = at_seat[ends[one][1], turns[one]] = one
        turns.append(ours)
        at_mentee[mentee, ours] = at_seat[seat, ours] = meeting
    return np.array(turns, np.int64)
