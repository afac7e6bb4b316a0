"""Suggestions: how the others look to one mentee or one mentor, the best first, with reasons."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import numpy as np

from tandem_matching.domain.encoding import encode, hidden_points
from tandem_matching.domain.people import Pool
from tandem_matching.domain.reasons import Explained, explain
from tandem_matching.domain.rules import Rules


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Somebody of the other side, and why the two suit."""

    person_id: UUID
    explained: Explained


def suggest(pool: Pool, rules: Rules, *, to: Literal["mentor", "mentee"], limit: int, at: datetime) -> list[Suggestion]:
    """Those whom the rules allow the one mentee, or the one mentor, of this pool: the best first, with reasons.

    The order is that of the points that may be shown: by one's own wishes nobody can find out what others answered in
    confidence. Equally good people are in the order of their ids.
    """
    if not pool.mentees or not pool.mentors:
        return []
    encoded = encode(pool, rules, at=at)
    ids = encoded.mentor_ids if to == "mentee" else encoded.mentee_ids
    everybody, alone = np.arange(len(ids)), np.zeros(len(ids), np.int64)
    mentees, mentors = (alone, everybody) if to == "mentee" else (everybody, alone)
    points, violated = encoded.dense()
    shown = points[mentees, mentors] - hidden_points(encoded, mentees, mentors)
    allowed = np.flatnonzero(violated[mentees, mentors] == 0).tolist()
    best = np.array(sorted(allowed, key=lambda one: (-int(shown[one]), ids[one]))[:limit], np.int64)
    explained = explain(pool, encoded, rules, mentees[best], mentors[best], at=at)
    return [Suggestion(ids[one], why) for one, why in zip(best.tolist(), explained, strict=True)]
