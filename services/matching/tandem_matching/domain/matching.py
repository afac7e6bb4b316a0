"""A match: from a snapshot of the pool, the rules and a seed to pairs with reasons and to advice for the others."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

import numpy as np

from tandem_matching.domain.advice import Unmatched, advise
from tandem_matching.domain.assignment import assign
from tandem_matching.domain.costs import find_blocking, price_rules
from tandem_matching.domain.encoding import encode, hidden_points
from tandem_matching.domain.fallback import PeerGroup, propose_peer_groups
from tandem_matching.domain.load import assign_spread
from tandem_matching.domain.memory import Memory, recall, remember
from tandem_matching.domain.people import Pool, Traits
from tandem_matching.domain.pins import pin
from tandem_matching.domain.reasons import Reason, explain
from tandem_matching.domain.refusals import PoolEmpty
from tandem_matching.domain.rules import LOAD, PEER, Rules
from tandem_matching.domain.stable_assignment import assign_stable, blocking_pairs


@dataclass(frozen=True, slots=True)
class Proposal:
    """Two people who should be paired."""

    mentor_id: UUID
    mentee_id: UUID
    score: float
    reasons: tuple[Reason, ...]
    pinned: bool = False
    """Whether a manager wanted it so."""


@dataclass(frozen=True, slots=True)
class Match:
    """What came of matching a pool."""

    proposals: tuple[Proposal, ...]
    """The best score first."""
    unmatched: tuple[Unmatched, ...]
    """Mentees, then mentors, without any pair."""
    summary: dict[str, Any]
    fingerprint: str
    """SHA-256 of snapshot, rules, seed and result."""
    memory: Memory | None = field(default=None, compare=False, repr=False)
    """What makes a match of nearly the same pool quick; None where it was not asked for."""
    peer_groups: tuple[PeerGroup, ...] = ()
    """What is proposed to mentees without a mentor, where the program wants that; the most alike first."""


def no_progress(_: float) -> None:
    """Nobody wants to know how far it is."""


def match(
    pool: Pool,
    rules: Rules,
    *,
    seed: int,
    on: date,
    progress: Callable[[float], None] = no_progress,
    memory: Memory | None = None,
    keep_memory: bool = False,
    costs: bool = False,
) -> Match:
    """The best pairs there are in this pool, each with its reasons, and advice for everybody left.

    The same pool, rules, seed and day give the same match on any machine, in whatever order the pool comes. Where
    several matches are equally good, the seed decides. `progress` is told the part done, 0 to 1, and may raise to end
    the match. `memory`, of a match of nearly the same pool, makes this one quick; of equally good matches it may find
    another one then. `keep_memory`: give back what makes the next one quick. `costs`: report in the summary what each
    rule costs (`rule_prices`) and who would rather have each other (`blocking`), which takes a match for each rule.

    Where the program wants peer groups as a fallback, they are proposed to mentees without a mentor, also where there
    is no mentor at all; nothing else changes by them.

    Raises:
        PoolEmpty: one side has nobody.
        PinsContradict: the pinned pairs cannot be had.
    """
    at = datetime.combine(on, time(12), UTC)  # where clocks change that night, they have
    pool = in_order(pool, seed)
    terms = rules.peer_group
    if not pool.mentees or (not pool.mentors and terms is None):
        side = "mentees who want a mentor" if not pool.mentees else "mentors with a free place"
        raise PoolEmpty(f"There are no {side} in this program now: approve enrollments first.")
    encoded = encode(pool, rules, at=at)
    progress(0.1)
    pinned = pin(pool, encoded)
    stable = rules.objective == "stable"
    if stable:
        assignment = assign_stable(pool, pinned.rest)
    elif load := rules.weight_points().get(LOAD, 0):
        assignment = assign_spread(pinned.rest, weight=load)
    else:
        assignment = assign(
            pinned.rest, warm=recall(memory, pool, rules, on=on) if memory else None, step=lambda: progress(0.1)
        )
    mentees = np.concatenate((pinned.mentees, assignment.mentees))
    mentors = np.concatenate((pinned.mentors, assignment.mentors))
    progress(0.6)
    explained = explain(pool, encoded, rules, mentees, mentors, at=at)
    shown = encoded.points_of(mentees, mentors) - hidden_points(encoded, mentees, mentors)
    progress(0.8)
    without_mentor = np.setdiff1d(np.arange(len(pool.mentees)), mentees)
    without_mentee = np.setdiff1d(np.arange(len(pool.mentors)), mentors)
    proposals = sorted(
        (
            Proposal(
                encoded.mentor_ids[mentor],
                encoded.mentee_ids[mentee],
                one.score,
                one.reasons,
                pinned=position < len(pinned.mentees),
            )
            for position, (mentee, mentor, one) in enumerate(
                zip(mentees.tolist(), mentors.tolist(), explained, strict=True)
            )
        ),
        key=lambda proposal: (-proposal.score, proposal.mentee_id, proposal.mentor_id),
    )
    unmatched = [
        *sorted(advise(pool, encoded, rules, without_mentor, side="mentee", at=at), key=lambda one: one.person_id),
        *sorted(advise(pool, encoded, rules, without_mentee, side="mentor", at=at), key=lambda one: one.person_id),
    ]
    summary: dict[str, Any] = {
        "mentors": len(pool.mentors),
        "mentees": len(pool.mentees),
        "places": int(encoded.places.sum()),
        "wanted": int(encoded.wanted.sum()),
        "proposals": len(proposals),
        "unmatched_mentees": len(without_mentor),
        "unmatched_mentors": len(without_mentee),
        "pinned": len(pinned.mentees),
        "kept_from_earlier": sum((one.mentor_id, one.mentee_id) in pool.earlier_pairs for one in proposals),
        "total_points": int(shown.sum()),
        "objective": rules.objective,
        "proven_optimal": not stable and all(one.total == one.bound for one in assignment.rounds),
        "average_score": round(sum(one.score for one in proposals) / len(proposals), 2) if proposals else 0.0,
    }
    if stable:
        summary["blocking_pairs"] = blocking_pairs(pool, pinned.rest, assignment.mentees, assignment.mentors)
    fallback = None
    if terms is not None:
        fallback = propose_peer_groups(pool, rules, terms, without_mentor, at=at, step=lambda: progress(0.9))
        unmatched = [replace(one, meanwhile=fallback.meanwhile.get(one.person_id)) for one in unmatched]
        summary["peer_groups"] = len(fallback.groups)
        summary["in_peer_groups"] = sum(len(one.members) for one in fallback.groups)
        summary["peer_groups_seat_all_they_can"] = fallback.proven
    if costs:
        blocking = find_blocking(pinned.rest, assignment.mentees, assignment.mentors)
        summary["blocking"] = {
            "pairs": blocking.number,
            "first": [
                {"mentor_id": str(encoded.mentor_ids[mentor]), "mentee_id": str(encoded.mentee_ids[mentee])}
                for mentee, mentor in zip(blocking.mentees.tolist(), blocking.mentors.tolist(), strict=True)
            ],
        }
        spread = LOAD in rules.weight_points()
        priced = () if stable or spread else price_rules(pinned.rest, assignment, step=lambda: progress(0.9))
        summary["rule_prices"] = [one.as_document() for one in priced]
        if stable or spread:
            summary["rule_prices_unknown"] = _UNPRICED_STABLE if stable else _UNPRICED_SPREAD
    kept = keep_memory and not stable and bool(assignment.rounds) and LOAD not in rules.weight_points()
    peer_groups = fallback.groups if fallback else ()
    told: list[list[Any]] = [[one.mentor_id, one.mentee_id] for one in proposals]
    return Match(
        tuple(proposals),
        tuple(unmatched),
        summary,
        fingerprint(pool, rules, seed, on, [*told, *([PEER, *one.members] for one in peer_groups)]),
        remember(pool, rules, assignment.rounds[0], on=on) if kept else None,
        peer_groups,
    )


_UNPRICED_STABLE = "What rules cost is counted where the most pairs and points are looked for, not in a stable match."
_UNPRICED_SPREAD = "What rules cost cannot be told apart from what it costs to spread mentees over mentors."


def in_order(pool: Pool, seed: int) -> Pool:
    """The same pool in an order that only the seed decides."""

    def place(person_id: UUID) -> bytes:
        return hashlib.blake2b(person_id.bytes, digest_size=16, key=seed.to_bytes(8, "big")).digest()

    return replace(
        pool,
        mentors=tuple(sorted((one for one in pool.mentors if one.places > 0), key=lambda one: place(one.person_id))),
        mentees=tuple(sorted((one for one in pool.mentees if one.wanted > 0), key=lambda one: place(one.person_id))),
    )


def fingerprint(pool: Pool, rules: Rules, seed: int, on: date, found: list[list[Any]]) -> str:
    """SHA-256 of a snapshot, rules, a seed, and what was found."""
    digest = hashlib.sha256()

    def add(part: Any) -> None:
        digest.update(json.dumps(part, sort_keys=True, default=str, separators=(",", ":")).encode() + b"\n")

    for mentor in sorted(pool.mentors, key=lambda one: one.person_id):
        add([mentor.places, _facts(mentor.traits)])
    for mentee in sorted(pool.mentees, key=lambda one: one.person_id):
        add([mentee.wanted, mentee.first_in_line, _facts(mentee.traits)])
    add(sorted(map(str, pool.current_pairs)))
    add(sorted(map(str, pool.past_pairs)))
    add([sorted(map(str, pairs)) for pairs in (pool.forbidden_pairs, pool.pinned_pairs, pool.earlier_pairs)])
    add(sorted([str(pair), one.veto, one.value, one.words] for pair, one in pool.opinions.items()))
    if rules.meeting:
        people = [*(one.traits for one in pool.mentors), *(one.traits for one in pool.mentees)]
        add(sorted([str(one.person_id), str(one.open_answers.get(rules.meeting.question))] for one in people))
    if rules.peer_group is not None:
        add(sorted(map(str, pool.accompanied)))
    add([rules.as_document(), seed, on.isoformat()])
    add(found)
    return digest.hexdigest()


_TRAITS = tuple(one.name for one in fields(Traits) if one.name != "open_answers")
"""What is used of a person whatever the rules. Open answers are used where a rule asks for one."""


def _facts(traits: Traits) -> list[Any]:
    return [getattr(traits, name) for name in _TRAITS]
