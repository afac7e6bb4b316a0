"""The scan: over all pairs, the mentors that are worth most to each mentee at given prices.

Mentors that are alike in every table form a class, and classes a tree: one floor for each table, the strictest rules
first. A mentee looks at the mentors who have something they want, one by one, and then walks down the tree, the most
promising branch first, until no branch can beat what was found. A rule cuts off whole branches, and so does a bound on
what is below; inside a class mentors are ordered by price. So most pairs are never looked at, and none that matters is
left out.
"""

from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from tandem_matching.domain.encoded import Codes, Numbers
from tandem_matching.domain.engine import looking, pairs, threads
from tandem_matching.domain.engine.candidates import Candidates, gathered, ranked
from tandem_matching.domain.engine.threads import together

FEW_PAIRS, FEW_MENTEES = 1_000_000, 150
"""So many are looked at before a second thread is worth its start."""
TIES = 16
"""So many pairs that are worth exactly a floor are found for a mentee at a time."""
NOBODY = 2**61
"""The price where there is no mentor."""


@dataclass(frozen=True, slots=True)
class Bound:
    """No pair besides the candidates has more points than its mentee's floor and its mentor's price together."""

    floors: Numbers
    prices: Numbers


@dataclass(frozen=True, slots=True)
class Scan:
    """A pool, arranged for scanning."""

    mentees: int
    mentors: int
    mentee_class: Codes
    by_class: Numbers
    """The mentees, those of one class together."""
    mentee_codes: Codes
    mentor_class: Codes
    mentor_rows: Codes
    """The codes of each mentor, floor by floor."""
    node_floors: Numbers
    """The nodes of floor f are `node_floors[f]` to `node_floors[f + 1]`; those of the last floor are the classes."""
    node_codes: Codes
    node_children: Codes
    """The first child of each node; the last one is before the first of the next node."""
    node_classes: Numbers
    """The first class below each node."""
    table_starts: Numbers
    table_widths: Numbers
    table_points: Numbers
    """All tables one after the other; a cell that breaks a rule is `FORBIDDEN`."""
    most_below: Numbers
    """By mentee's class and floor: the most points that the floors below can add."""
    wanted_starts: Numbers
    wanted: Codes
    wanted_weights: Codes
    wanted_shares: Codes
    branch_codes: Codes
    """The codes that lead to each branch: a node of a floor with few nodes."""
    index_rows: Numbers
    """Feature f begins at `index_starts[index_rows[f]]`; it has one start, or one for each branch."""
    index_starts: Numbers
    """Where the mentors begin who have a feature, or have it below one branch; those before the next start are all."""
    index_mentors: Codes
    index_parts: Codes
    had_starts: Numbers
    """Mentor i has the features `had[had_starts[i]:had_starts[i + 1]]`, in the parts beside them."""
    had: Codes
    had_parts: Codes
    single_starts: Numbers
    single_mentors: Codes

    def best(
        self,
        prices: Numbers,
        floors: Numbers,
        *,
        limit: int,
        open_mentors: npt.NDArray[np.bool_],
        only: Numbers | None = None,
    ) -> Candidates:
        """For each mentee the best open mentors, at most `limit`, whose points less price exceed the mentee's floor.

        Which of several equally good mentors are taken differs from mentee to mentee, so that not all want the same.
        `only`: these mentees, those of a class together; the others get nothing. Uses threads; the result
        does not depend on them.
        """
        people = self.by_class if only is None else only
        counts = np.zeros(self.mentees, np.int64)
        found = np.zeros((len(people), limit), np.int32)
        worth = np.zeros((len(people), limit), np.int64)
        members = np.flatnonzero(open_mentors)
        index_starts, index_mentors, index_parts = self.index_starts, self.index_mentors, self.index_parts
        if len(members) < self.mentors:
            kept = open_mentors[index_mentors]
            before = np.concatenate(([0], np.cumsum(kept)))
            index_starts, index_mentors, index_parts = before[index_starts], index_mentors[kept], index_parts[kept]
        classes = int(self.node_floors[-1] - self.node_floors[-2])
        class_starts, order = ranked(members, self.mentor_class, classes, prices)
        cheapest = self._cheapest(prices, order, class_starts)
        parts = _cuts(self.mentee_class[people], threads.THREADS if len(people) > FEW_MENTEES else 1)

        def work(part: tuple[int, int]) -> None:
            begin, end = part
            looking.best(
                people[begin:end], self.mentee_class, self.mentee_codes, self.mentor_rows,
                self.node_floors, self.node_codes, self.node_children,
                self.table_starts, self.table_widths, self.table_points, self.most_below,
                self.wanted_starts, self.wanted, self.wanted_weights, self.wanted_shares,
                self.branch_codes, self.index_rows, index_starts, index_mentors, index_parts,
                self.single_starts, self.single_mentors,
                order, class_starts, cheapest, prices, floors,
                counts, found[begin:end], worth[begin:end],
            )  # fmt: skip

        together(*(partial(work, part) for part in parts))
        return Candidates(*gathered(people, counts, found, worth))

    def beyond(
        self, prices: Numbers, floors: Numbers, rooms: tuple[Bound, Bound], mentors: Numbers, *, only: Numbers
    ) -> Candidates:
        """Of these mentors all whose points less price exceed a mentee's floor, and up to `TIES` of those that are it.

        Only where both rooms leave that possible: a room is what a pair's points may be above its floor and price, the
        sum of what each of the two leaves. Mentors are in the order of the first room, from the largest. Looks at pairs
        one by one.
        """
        first, second = rooms

        def work(part: Numbers) -> tuple[Numbers, Numbers, Numbers]:
            found: tuple[Numbers, Numbers, Numbers] = pairs.beyond(
                part, mentors, self.mentee_class, self.mentee_codes, self.mentor_rows,
                self.table_starts, self.table_widths, self.table_points,
                self.wanted_starts, self.wanted, self.wanted_weights, self.wanted_shares,
                self.had_starts, self.had, self.had_parts, len(self.index_rows) - 1, prices, floors, TIES,
                first.floors, first.prices, second.floors, second.prices,
            )  # fmt: skip
            return found

        many = (
            len(only) * len(mentors) > FEW_PAIRS
            and np.searchsorted(-first.prices[mentors], first.floors[only]).sum() > FEW_PAIRS
        )
        parts = [only[part :: threads.THREADS] for part in range(threads.THREADS)] if many else [only]
        found = together(*(partial(work, part) for part in parts))
        owners, partners, points = (np.concatenate([one[place] for one in found]) for place in range(3))
        if len(self.single_mentors):
            single = np.repeat(np.arange(self.mentees), np.diff(self.single_starts)) * np.int64(2**31)
            open_pairs = ~np.isin(owners * np.int64(2**31) + partners, single + self.single_mentors)
            owners, partners, points = owners[open_pairs], partners[open_pairs], points[open_pairs]
        return Candidates.of(self.mentees, owners, partners, points)

    def keenest(
        self, floors: Numbers, *, limit: int, mentors: Numbers, taking: npt.NDArray[np.bool_]
    ) -> tuple[Candidates, Numbers]:
        """For each of these mentors the mentees, of those `taking` part, who have most points beyond their floors.

        At most `limit` of them, as candidates; and for each mentor the points that none besides has more beyond theirs.
        """
        found = np.zeros((len(mentors), limit), np.int32)
        worth = np.zeros((len(mentors), limit), np.int64)
        counts, most = pairs.keenest(
            mentors, self.mentee_class, self.mentee_codes, self.by_class, self.mentor_rows,
            self.table_starts, self.table_widths, self.table_points,
            self.wanted_starts, self.wanted, self.wanted_weights, self.wanted_shares,
            self.had_starts, self.had, self.had_parts, len(self.index_rows) - 1,
            self.single_starts, self.single_mentors, taking, floors, found, worth,
        )  # fmt: skip
        known = np.arange(limit)[None, :] < counts[:, None]
        partners = np.broadcast_to(mentors[:, None], known.shape)[known]
        return Candidates.of(self.mentees, found[known].astype(np.int64), partners, worth[known]), most

    def points_of(self, match: Codes) -> Numbers:
        """The points of each mentee's pair in a match; below zero where there is none, or a rule forbids it."""
        points: Numbers = pairs.worth_of(
            match, self.mentee_class, self.mentee_codes, self.mentor_rows,
            self.table_starts, self.table_widths, self.table_points,
            self.wanted_starts, self.wanted, self.wanted_weights, self.wanted_shares,
            self.had_starts, self.had, self.had_parts, self.single_starts, self.single_mentors,
        )  # fmt: skip
        return points

    def _cheapest(self, prices: Numbers, order: Codes, class_starts: Numbers) -> Numbers:
        """The lowest price below each node; beyond everything where nobody is."""
        of_class = np.full(len(class_starts) - 1, NOBODY, np.int64)
        peopled = class_starts[1:] > class_starts[:-1]
        of_class[peopled] = prices[order[class_starts[:-1][peopled]]]
        return np.concatenate(
            [np.minimum.reduceat(of_class, self.node_classes[begin:end]) for begin, end in pairwise(self.node_floors)]
        )


def outside(found: Candidates, prices: Numbers, floors: Numbers, *, limit: int) -> Numbers:
    """What no pair besides those that `best` found is worth more than to each mentee, in points less these prices."""
    value = np.full(len(floors), np.iinfo(np.int64).max)
    np.minimum.at(value, found.owners(), found.points - prices[found.mentors])
    # With fewer than were asked for, there is nothing outside.
    return np.where(np.diff(found.starts) == limit, value, floors)


def _cuts(classes: Codes, number: int) -> list[tuple[int, int]]:
    """Parts of about equal size that do not cut through a class, where classes are small."""
    edges = [0]
    for part in range(1, number):
        at = len(classes) * part // number
        later = int(np.searchsorted(classes[at:] != classes[at], True)) if at < len(classes) else 0
        edges.append(at + (later if later < 64 else 0))
    edges.append(len(classes))
    return [(begin, end) for begin, end in pairwise(edges) if end > begin]
