"""Costs: what each rule costs a match, and how many pairs would rather have each other than what they were given."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tandem_matching.domain.advice import CODES, UNCHANGEABLE
from tandem_matching.domain.assignment import DENSE_CELLS, Assignment, assign, unwatched
from tandem_matching.domain.encoded import Encoded, Numbers
from tandem_matching.domain.encoding import hidden_points
from tandem_matching.domain.rules import Rule

SHOWN = 20


@dataclass(frozen=True, slots=True)
class RulePrice:
    """What a match would gain without a rule: pairs first, then points (fewer are possible where pairs are gained)."""

    rule: str
    pairs: int
    points: int

    def as_document(self) -> dict[str, Any]:
        """As it is stored and shown."""
        return {"rule": self.rule, "pairs": self.pairs, "points": self.points}


def price_rules(
    encoded: Encoded,
    assignment: Assignment,
    *,
    dense_cells: int = DENSE_CELLS,
    step: Callable[[], None] = unwatched,
) -> tuple[RulePrice, ...]:
    """What each rule that keeps anybody apart costs this best assignment, the dearest first.

    Rules that no setting changes, and people whom others exclude, are not among them. Where load counts, nothing is
    priced: what a rule costs and what spreading costs could not be told apart. `step` is called between the steps.
    """
    before = len(assignment.mentees), _shown_points(encoded, assignment)
    first = assignment.rounds[0] if assignment.rounds else None
    if first is not None and len(first.prices) != len(encoded.places):
        return ()
    prices = []
    for rule in Rule:
        if rule & UNCHANGEABLE or not _binds(encoded, rule):
            continue
        relaxed = _without_rule(encoded, rule)
        found = assign(relaxed, warm=first, dense_cells=dense_cells, step=step)
        pairs, points = len(found.mentees) - before[0], _shown_points(relaxed, found) - before[1]
        prices.append(RulePrice(CODES[rule], pairs, points))
    return tuple(sorted(prices, key=lambda one: (-one.pairs, -one.points, one.rule)))


def _shown_points(encoded: Encoded, found: Assignment) -> int:
    return int((found.points - hidden_points(encoded, found.mentees, found.mentors)).sum())


def _binds(encoded: Encoded, rule: Rule) -> bool:
    bit = int(rule)
    return any((one.violated & bit).any() for one in encoded.tables) or bool((encoded.single_violated & bit).any())


def _without_rule(encoded: Encoded, rule: Rule) -> Encoded:
    left = ~int(rule)
    single = encoded.single_violated & left
    kept = single != 0
    before = np.concatenate(([0], np.cumsum(kept)))
    return replace(
        encoded,
        tables=tuple(
            replace(one, violated=one.violated & left) if (one.violated & ~left).any() else one
            for one in encoded.tables
        ),
        single_starts=before[encoded.single_starts].astype(np.int64),
        single_mentors=encoded.single_mentors[kept],
        single_violated=single[kept],
    )


@dataclass(frozen=True, slots=True)
class Blocking:
    """Pairs in which both would have more points than with whom they were given."""

    number: int
    mentees: Numbers
    """The first of them, as indices."""
    mentors: Numbers


def find_blocking(
    encoded: Encoded, mentees: Numbers, mentors: Numbers, *, dense_cells: int = DENSE_CELLS, shown: int = SHOWN
) -> Blocking:
    """The allowed pairs that block this assignment: the mentee wants another mentor or has one of fewer points, and
    the mentor has a free place or a mentee of fewer points.

    The best total has such pairs wherever two people stand back for others; a stable match has none.
    """
    points = encoded.points_of(mentees, mentors)
    own, worst = np.full(len(encoded.mentee_ids), 2**61, np.int64), np.full(len(encoded.mentor_ids), 2**61, np.int64)
    np.minimum.at(own, mentees, points)
    np.minimum.at(worst, mentors, points)
    own[np.bincount(mentees, minlength=len(own)) < encoded.wanted] = -1
    worst[np.bincount(mentors, minlength=len(worst)) < encoded.places] = -1
    own[encoded.wanted < 1], worst[encoded.places < 1] = 2**61, 2**61
    if len(own) * len(worst) <= dense_cells:
        worth, violated = encoded.dense()
        both = (violated == 0) & (worth > own[:, None]) & (worth > worst[None, :])
        both[mentees, mentors] = False
        rows, columns = np.nonzero(both)
        return Blocking(len(rows), rows[:shown], columns[:shown])
    from tandem_matching.domain.engine.arranging import arrange
    from tandem_matching.domain.engine.blocking import count_blocking

    return Blocking(*count_blocking(arrange(encoded), own, worst, (mentees, mentors), shown))
