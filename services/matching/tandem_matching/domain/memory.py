"""Memory: what one match of a pool knows that makes the next one of nearly the same pool quick."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

import numpy as np

from tandem_matching.domain.assignment import FREE, Round, Warm
from tandem_matching.domain.encoded import FULL, Codes, Numbers
from tandem_matching.domain.people import Pool, Traits
from tandem_matching.domain.rules import Rules

Pair = tuple[UUID, UUID]


@dataclass(frozen=True, slots=True)
class Memory:
    """The first round of a match, by person, and what it was made from."""

    rules: Rules
    on: date
    mentees: Mapping[UUID, tuple[int, Traits, bool]]
    """Each mentee's index in the round, and what was known of them."""
    mentors: Mapping[UUID, tuple[int, Traits]]
    apart: frozenset[Pair]
    """Pairs (mentor, mentee) of people that were not to be made for a reason of their own."""
    opinions: Mapping[Pair, object]
    bonuses: Mapping[tuple[int, int], int]
    """By indices of mentee and mentor: what it was worth that a pair of the run before stays."""
    round: Round


def remember(pool: Pool, rules: Rules, first: Round, *, on: date) -> Memory:
    """The memory of a match of this pool, whose people are in the order of its arrays."""
    return Memory(
        rules,
        on,
        {one.person_id: (index, one.traits, one.first_in_line) for index, one in enumerate(pool.mentees)},
        {one.person_id: (index, one.traits) for index, one in enumerate(pool.mentors)},
        _apart(pool),
        dict(pool.opinions),
        _bonuses(pool, rules),
        first,
    )


def _bonuses(pool: Pool, rules: Rules) -> dict[tuple[int, int], int]:
    """What each pair of the run before is worth more, by indices."""
    if not rules.stickiness or not pool.earlier_pairs:
        return {}
    mentees = {one.person_id: index for index, one in enumerate(pool.mentees)}
    mentors = {one.person_id: index for index, one in enumerate(pool.mentors)}
    here = [
        (mentees[mentee], mentors[mentor])
        for mentor, mentee in pool.earlier_pairs
        if mentee in mentees and mentor in mentors
    ]
    several = Counter(mentee for mentee, _ in here)
    return {pair: round(1000 * rules.stickiness) * FULL // several[pair[0]] for pair in here}


def _apart(pool: Pool) -> frozenset[Pair]:
    return pool.current_pairs | pool.past_pairs | pool.forbidden_pairs | pool.pinned_pairs


def recall(memory: Memory, pool: Pool, rules: Rules, *, on: date) -> Warm:
    """Where to begin with this pool: the prices and pairs that people had, and who has changed since."""
    same_rules = replace(memory.rules, stickiness=rules.stickiness) == rules and memory.on == on
    mentees = np.full(len(pool.mentees), FREE, np.int64)
    mentors = np.full(len(pool.mentors), FREE, np.int64)
    changed_mentees = np.ones(len(mentees), np.bool_)
    changed_mentors = np.ones(len(mentors), np.bool_)
    told = memory.opinions.keys() | pool.opinions.keys()
    again = memory.apart - _apart(pool) | {one for one in told if memory.opinions.get(one) != pool.opinions.get(one)}
    reopened = {person for pair in again for person in pair}
    for index, mentee in enumerate(pool.mentees):
        before = memory.mentees.get(mentee.person_id)
        if before is not None:
            mentees[index] = before[0]
            known = before[1:] == (mentee.traits, mentee.first_in_line)
            changed_mentees[index] = not (same_rules and known and mentee.person_id not in reopened)
    for index, mentor in enumerate(pool.mentors):
        earlier = memory.mentors.get(mentor.person_id)
        if earlier is not None:
            mentors[index] = earlier[0]
            changed_mentors[index] = not (
                same_rules and earlier[1] == mentor.traits and mentor.person_id not in reopened
            )
    now = np.full(len(memory.mentors) + 1, FREE, np.int64)
    now[mentors[mentors != FREE]] = np.flatnonzero(mentors != FREE)
    match = now[np.append(memory.round.match, FREE)[mentees]]
    # To stay is worth something with the mentor of then, who is looked at anyway; with another one it is news.
    for mentee_index, mentor_index in _bonuses(pool, rules):
        if match[mentee_index] != mentor_index:
            changed_mentees[mentee_index] = True
    one = Round(
        int((match != FREE).sum()),
        0,
        0,
        0,
        _taken(memory.round.prices, mentors),
        match.astype(np.int32),
        _taken(memory.round.gains, mentees),
        _taken(memory.round.stake, mentees),
        _mattered(memory, mentees, now),
        None if memory.round.outer is None else _taken(memory.round.outer, mentees),
        None if memory.round.reference is None else _taken(memory.round.reference, mentors),
    )
    return Warm(one, changed_mentees, changed_mentors)


def _mattered(memory: Memory, mentees: Numbers, now: Numbers) -> tuple[Numbers, Codes, Numbers] | None:
    """The candidates of then by the indices of now, without what staying was worth then."""
    if memory.round.candidates is None:
        return None
    starts, partners, points = memory.round.candidates
    points = points.copy()
    for (mentee, mentor), bonus in memory.bonuses.items():
        span = slice(starts[mentee], starts[mentee + 1])
        points[span][partners[span] == mentor] -= bonus
    here = np.flatnonzero(mentees != FREE)
    counts = np.diff(starts)[mentees[here]]
    owners = np.repeat(here, counts)
    places = np.repeat(starts[:-1][mentees[here]] - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
    found = now[partners[places]]
    order = np.argsort(owners * np.int64(2**31) + found, kind="stable")
    order = order[found[order] != FREE]
    new_starts = np.concatenate(([0], np.cumsum(np.bincount(owners[order], minlength=len(mentees)))))
    return new_starts.astype(np.int64), found[order].astype(np.int32), points[places[order]]


def _taken(values: Numbers, places: Numbers) -> Numbers:
    return np.where(places != FREE, values[places], 0)
