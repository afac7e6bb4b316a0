"""Advised matches: which pairs an advisor is asked about, and how often a match is made anew with its opinions."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from uuid import UUID

import numpy as np

from tandem_matching.domain.assignment import DENSE_CELLS
from tandem_matching.domain.encoded import Encoded, Numbers
from tandem_matching.domain.encoding import encode
from tandem_matching.domain.matching import Match, in_order
from tandem_matching.domain.people import Opinion, Pool
from tandem_matching.domain.relationships import Arrangement
from tandem_matching.domain.rules import PEER, Rules

Pair = tuple[UUID, UUID]
Found = Match | Arrangement
"""What came of a run, by the program's format."""

CANDIDATES_EACH = 8
"""So many mentors of a mentee the advisor is asked about before there is a match."""


MOST_EACH = 512
"""And never about more; each time that a mentee's pair was not asked about, it is four times as many as before."""

ALL_AT_ONCE = 20_000
"""Up to so many pairs the advisor is asked about all that the rules allow."""


def candidates(
    pool: Pool,
    rules: Rules,
    *,
    seed: int,
    on: date,
    each: int = CANDIDATES_EACH,
    only: Collection[UUID] | None = None,
) -> list[Pair]:
    """The best pairs (mentor, mentee) of every mentee (or of only these) that the rules and the advisor so far allow.

    Their order is one that only the seed decides. Of a small pool these are all pairs.
    """
    pool = in_order(pool, seed)
    if only is not None:
        pool = replace(pool, mentees=tuple(one for one in pool.mentees if one.person_id in only))
    if not pool.mentees or not pool.mentors:
        return []
    encoded = encode(pool, rules, at=datetime.combine(on, time(12), UTC))
    small = len(pool.mentees) * len(pool.mentors) <= ALL_AT_ONCE
    mentees, mentors = _best(encoded, len(pool.mentors) if small else min(each, len(pool.mentors)))
    return [
        (encoded.mentor_ids[mentor], encoded.mentee_ids[mentee])
        for mentee, mentor in zip(mentees.tolist(), mentors.tolist(), strict=True)
    ]


def _best(encoded: Encoded, each: int) -> tuple[Numbers, Numbers]:
    number, others = len(encoded.mentee_ids), len(encoded.mentor_ids)
    if number * others > DENSE_CELLS:
        # Importing the engine loads the compiler: small pools do without it.
        from tandem_matching.domain.engine.arranging import arrange

        found = arrange(encoded).best(
            np.zeros(others, np.int64),
            np.full(number, -1, np.int64),
            limit=each,
            open_mentors=np.ones(others, np.bool_),
        )
        return found.owners(), found.mentors.astype(np.int64)
    points, violated = encoded.dense()
    ranked = np.argsort(np.where(violated == 0, -points, np.iinfo(np.int64).max), axis=1, kind="stable")[:, :each]
    rows = np.repeat(np.arange(number), ranked.shape[1])
    columns = ranked.ravel()
    allowed = violated[rows, columns] == 0
    return rows[allowed], columns[allowed]


def _pairs_within(members: Sequence[tuple[UUID, str]]) -> list[Pair]:
    """Everybody who would offer something with everybody who would want it; two peers once."""
    if all(role == PEER for _, role in members):
        return [(members[0][0], members[1][0])]
    mentees = [person for person, role in members if role == "mentee"]
    return [(person, mentee) for person, role in members if role != "mentee" for mentee in mentees]


@dataclass(slots=True)
class Hearing:
    """What an advisor was asked and said so far in a run."""

    asked: set[Pair] = field(default_factory=set)
    opinions: dict[Pair, Opinion] = field(default_factory=dict)
    state: str = "heard"
    """`heard`; or why it was not: `not_configured`, `late`, `unreachable`, `refused`, `nonsense`."""

    def unasked(self, found: Found) -> list[Pair]:
        """The pairs that are proposed, and not pinned, about which the advisor was not asked in either order."""
        if isinstance(found, Match):
            proposed = [(one.mentor_id, one.mentee_id) for one in found.proposals if not one.pinned]
        else:
            proposed = [pair for one in found.relationships if not one.pinned for pair in _pairs_within(one.members)]
        return [pair for pair in proposed if pair not in self.asked and pair[::-1] not in self.asked]

    def following(
        self, pool: Pool, rules: Rules, found: Found, *, seed: int, on: date, asked_before: int
    ) -> list[Pair]:
        """What to ask next: pairs that were proposed unasked, and what their mentees could get instead."""
        unasked = self.unasked(found)
        if not unasked:
            return []
        mentees = {person for pair in unasked for person in pair}
        each = min(CANDIDATES_EACH << 2 * asked_before, MOST_EACH)
        wider = candidates(pool, rules, seed=seed, on=on, each=each, only=mentees)
        return [pair for pair in dict.fromkeys((*unasked, *wider)) if pair not in self.asked]

    def as_document(self) -> dict[str, object]:
        """As a run's summary shows it."""
        return {
            "state": self.state,
            "asked": len(self.asked),
            "vetoed": sum(one.veto for one in self.opinions.values()),
            "recommended": sum(one.value > 0 for one in self.opinions.values()),
        }
