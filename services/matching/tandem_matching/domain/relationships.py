"""Relationships of the other formats: peers, circles and rotations, each from a pool to people with reasons."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from statistics import fmean
from typing import Any
from uuid import UUID

import numpy as np

from tandem_matching.domain.advice import Unmatched, advise
from tandem_matching.domain.circles import make_circles
from tandem_matching.domain.encoded import Encoded
from tandem_matching.domain.encoding import encode
from tandem_matching.domain.matching import fingerprint, in_order, no_progress
from tandem_matching.domain.meetings import assign_meetings
from tandem_matching.domain.peers import assign_peers, symmetric
from tandem_matching.domain.people import Mentee, Mentor, Pool
from tandem_matching.domain.pins import pin_peers
from tandem_matching.domain.reasons import Explained, Reason, explain, explain_peers
from tandem_matching.domain.refusals import PinsContradict, PoolEmpty
from tandem_matching.domain.rules import Rules

_UNCOUNTED = "What rules cost, and who would rather have whom, is counted for mentors' pairs only."

RELATED_FORMATS = ("peer", "circle", "flash")
"""The formats whose relationships are found here; those of pairs of mentors and mentees are found by `match`."""


@dataclass(frozen=True, slots=True)
class Relationship:
    """People who should be together, and as what."""

    members: tuple[tuple[UUID, str], ...]
    """Person and role: `peer`; `facilitator`, `mentor`, `mentee`. A facilitator comes first, mentors before mentees."""
    score: float
    reasons: tuple[Reason, ...]
    turn: int | None = None
    """The round of a rotation, counted from 1."""
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What came of a pool in one of these formats."""

    relationships: tuple[Relationship, ...]
    """The best score first; those of a rotation round after round."""
    unmatched: tuple[Unmatched, ...]
    summary: dict[str, Any]
    fingerprint: str


def relate(
    pool: Pool,
    rules: Rules,
    *,
    program_format: str,
    seed: int,
    on: date,
    progress: Callable[[float], None] = no_progress,
    costs: bool = False,
) -> Arrangement:
    """The relationships of a `peer`, `circle` or `flash` program, with their reasons, and advice for everybody left.

    `costs`: say in the summary that they are not counted in these formats.

    Repeatable as `match` is. In a peer program everybody in the pool is a peer, whatever they signed up as.

    Raises:
        PoolEmpty: too few people.
        PinsContradict: pairs are pinned that cannot be had, or in a format that has no pairs.
    """
    at = datetime.combine(on, time(12), UTC)
    if program_format == "peer":
        pool = _as_peers(pool)
    elif pool.pinned_pairs:
        raise PinsContradict("Only pairs can be pinned: circles and rotations are made of everybody at once.")
    pool = in_order(pool, seed)
    if not pool.mentees or not pool.mentors or (program_format == "peer" and len(pool.mentees) < 2):
        raise PoolEmpty("There are too few people in this program now: approve enrollments first.")
    encoded = encode(pool, rules, at=at)
    progress(0.1)
    made = _Making(pool, rules, encoded, at)
    relationships, unmatched, summary = {"peer": made.peers, "circle": made.circles, "flash": made.rotations}[
        program_format
    ]()
    progress(0.9)
    scores = [one.score for one in relationships]
    summary = {
        "format": program_format,
        "people": len({*(one.person_id for one in pool.mentors), *(one.person_id for one in pool.mentees)}),
        "relationships": len(relationships),
        "unmatched": len(unmatched),
        **summary,
        "average_score": round(fmean(scores), 2) if scores else 0.0,
    }
    if costs:
        summary["costs_unknown"] = _UNCOUNTED
    told = [[one.turn, [list(member) for member in one.members]] for one in relationships]
    return Arrangement(relationships, unmatched, summary, fingerprint(pool, rules, seed, on, told))


Found = tuple[tuple[Relationship, ...], tuple[Unmatched, ...], dict[str, Any]]


def _as_peers(pool: Pool) -> Pool:
    """Everybody on both sides; who has places or wishes for several wants so many peers."""
    people = {one.person_id: one.traits for one in pool.mentors}
    people |= {one.person_id: one.traits for one in pool.mentees}
    wanted: Counter[UUID] = Counter()
    for mentor in pool.mentors:
        wanted[mentor.person_id] = max(wanted[mentor.person_id], mentor.places)
    for mentee in pool.mentees:
        wanted[mentee.person_id] = max(wanted[mentee.person_id], mentee.wanted)
    first = {one.person_id for one in pool.mentees if one.first_in_line}
    return replace(
        pool,
        mentors=tuple(Mentor(traits, wanted[person]) for person, traits in people.items()),
        mentees=tuple(Mentee(traits, wanted[person], person in first) for person, traits in people.items()),
    )


class _Making:
    """A pool in its order and its arrays, from which each format is made."""

    def __init__(self, pool: Pool, rules: Rules, encoded: Encoded, at: datetime) -> None:
        self._pool, self._rules, self._encoded, self._at = pool, rules, encoded, at

    def peers(self) -> Found:
        """Pairs within one pool."""
        first, second, rest = pin_peers(self._pool, self._encoded)
        found = assign_peers(rest)
        ours, theirs = np.concatenate((first, found.first)), np.concatenate((second, found.second))
        explained = explain_peers(self._pool, self._encoded, self._rules, ours, theirs, at=self._at)
        relationships = [
            Relationship(
                ((self._encoded.mentee_ids[one], "peer"), (self._encoded.mentee_ids[other], "peer")),
                why.score,
                why.reasons,
                pinned=position < len(first),
            )
            for position, (one, other, why) in enumerate(zip(ours.tolist(), theirs.tolist(), explained, strict=True))
        ]
        alone = np.setdiff1d(np.arange(len(self._pool.mentees)), np.concatenate((ours, theirs)))
        told = advise(self._pool, symmetric(self._encoded), self._rules, alone, side="peer", at=self._at)
        summary = {
            "pinned": len(first),
            "proven_optimal": all(one.total == one.bound for one in found.rounds),
        }
        return _best_first(relationships), _by_person(told), summary

    def circles(self) -> Found:
        """Circles of many of both sides, each with a facilitator."""
        found = make_circles(self._pool, self._encoded, self._rules)
        ids = self._encoded
        relationships = []
        for circle in found.circles:
            mentees = np.repeat(circle.mentees, len(circle.mentors))
            mentors = np.tile(circle.mentors, len(circle.mentees))
            why = explain(self._pool, self._encoded, self._rules, mentees, mentors, at=self._at)
            members = [
                (ids.mentor_ids[one], "facilitator" if one == circle.facilitator else "mentor")
                for one in sorted(circle.mentors.tolist(), key=lambda one: one != circle.facilitator)
            ]
            members += [(ids.mentee_ids[one], "mentee") for one in circle.mentees.tolist()]
            relationships.append(
                Relationship(tuple(members), round(fmean(one.score for one in why), 2), _together(circle.words, why))
            )
        told = [*found.unmatched, *advise(self._pool, ids, self._rules, found.apart, side="mentee", at=self._at)]
        sizes = [len(one.members) for one in relationships]
        summary = {
            "circles": len(relationships),
            "smallest": min(sizes, default=0),
            "largest": max(sizes, default=0),
            "proven_optimal": found.proven,
        }
        return _best_first(relationships), _by_person(told), summary

    def rotations(self) -> Found:
        """Meetings of everybody with many, round after round."""
        terms = self._rules.flash
        seats = np.full(len(self._pool.mentors), terms.seats, np.int64)
        found = assign_meetings(self._encoded, terms.rounds, seats=seats)
        explained = explain(self._pool, self._encoded, self._rules, found.mentees, found.mentors, at=self._at)
        relationships = sorted(
            (
                Relationship(
                    ((self._encoded.mentor_ids[mentor], "mentor"), (self._encoded.mentee_ids[mentee], "mentee")),
                    why.score,
                    why.reasons,
                    turn=turn + 1,
                )
                for mentee, mentor, turn, why in zip(
                    found.mentees.tolist(), found.mentors.tolist(), found.rounds.tolist(), explained, strict=True
                )
            ),
            key=lambda one: (one.turn, -one.score, one.members),
        )
        alone = np.setdiff1d(np.arange(len(self._pool.mentees)), found.mentees)
        unasked = np.setdiff1d(np.arange(len(self._pool.mentors)), found.mentors)
        told = [
            *advise(self._pool, self._encoded, self._rules, alone, side="mentee", at=self._at),
            *advise(self._pool, self._encoded, self._rules, unasked, side="mentor", at=self._at),
        ]
        degrees = np.bincount(found.mentees, minlength=len(self._pool.mentees))
        summary = {
            "rounds": terms.rounds,
            "fewest_meetings": int(degrees.min()),
            "most_meetings": int(degrees.max()),
            "proven_optimal": found.total == found.bound,
        }
        return tuple(relationships), _by_person(told), summary


def _best_first(relationships: Sequence[Relationship]) -> tuple[Relationship, ...]:
    return tuple(sorted(relationships, key=lambda one: (-one.score, one.members)))


def _by_person(told: Sequence[Unmatched]) -> tuple[Unmatched, ...]:
    """Everybody once, those of one role together; who signed up twice hears of it as a mentee."""
    once = {one.person_id: one for one in sorted(told, key=lambda one: one.role == "mentee")}
    return tuple(sorted(once.values(), key=lambda one: (one.role == "mentor", one.person_id)))


_CRITERIA_WORDS = {
    "skills": "The mentors offer {part} of what the mentees want.",
    "preferences": "People's wishes for each other are met to {part}.",
    "profession": "{part} of mentees and mentors work in the same profession.",
    "level_gap": "The levels of mentees and mentors are as far apart as they should be to {part}.",
    "unit": "{part} of mentees and mentors are in the same unit.",
    "location": "{part} of mentees and mentors work at the same place.",
    "languages": "The mentors speak {part} of the mentees' languages.",
    "hours": "Mentees and mentors share {part} of a working day.",
    "wishes": "What people wish of the other side is met to {part}.",
    "reciprocity": "The mentees can give {part} of what the mentors want to learn.",
    "meeting": "Mentees and mentors share a way of meeting.",
    "advisor": "The program's advisor recommends these people to {part}.",
}


def _together(words: Sequence[tuple[str, str]], explained: Sequence[Explained]) -> tuple[Reason, ...]:
    """A circle's reasons: what holds for all of it, then what its mentees and mentors have of each other on average."""
    reasons = [Reason(name, 1.0, 0.0, 0.0, sentence) for name, sentence in words]
    found: dict[str, list[Reason]] = {}
    for one in explained:
        for reason in one.reasons:
            found.setdefault(reason.criterion, []).append(reason)
    averages = []
    for name, several in found.items():
        value = fmean(one.value for one in several)
        sentence = _CRITERIA_WORDS[name].format(part=f"{round(100 * value)} %")
        weight, share = (sum(getattr(one, part) for one in several) / len(explained) for part in ("weight", "share"))
        averages.append(Reason(name, round(value, 4), round(weight, 4), round(share, 4), sentence))
    return (*reasons, *sorted(averages, key=lambda one: (-one.share, one.criterion)))
