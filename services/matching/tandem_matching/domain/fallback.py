"""The fallback: peer groups for mentees whom a run leaves without a mentor, of those who want to learn the same.

Among peers other things matter than between a mentor and a mentee. What keeps two people out of one group: that either
excludes the other, the reporting line, that one mentors the other now, pairs that a manager forbade or the advisor
vetoed, a common language, common hours and a way of meeting where the program asks for them, its rules on answers, and
on units and places of work where they ask for the same. What a mentee insists on in a mentor, how far above them a
mentor is, whom they were paired with before, and where mentors come from bind nobody here; instead a group's own
`level_gap` does.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt

from tandem_matching.domain.encoded import FULL, Encoded, Numbers, Table
from tandem_matching.domain.encoding import encode
from tandem_matching.domain.grouping import group
from tandem_matching.domain.peers import symmetric
from tandem_matching.domain.people import Mentee, Mentor, Pool, Traits
from tandem_matching.domain.reasons import Reason, listed
from tandem_matching.domain.rules import PeerGroupTerms, Rules
from tandem_matching.domain.skills import plain

WEIGHTS = {"skills": 60.0, "level_gap": 20.0, "profession": 10.0}
"""What makes mentees alike: first that they want to learn the same. Nothing confidential is among it."""
MIXED = 10.0
"""What it counts beside these that two are of different units, where people speak more freely."""


@dataclass(frozen=True, slots=True)
class PeerGroup:
    """Mentees who should learn together until they have mentors."""

    members: tuple[UUID, ...]
    score: float
    """0 to 100: how alike they are."""
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Fallback:
    """What is proposed to those who are left over."""

    groups: tuple[PeerGroup, ...]
    """The most alike first."""
    meanwhile: Mapping[UUID, str] = field(default_factory=dict)
    """What everybody who is left over is told of it."""
    proven: bool = True
    """Whether nobody more could be seated."""


def propose_peer_groups(
    pool: Pool, rules: Rules, terms: PeerGroupTerms, without_mentor: Numbers, *, at: datetime, step: Callable[[], None]
) -> Fallback:
    """Peer groups of those mentees of the pool (as indices) who have nobody, and what each of them is told.

    As many of them sit as can; then those who are most alike sit together. Repeatable as `match` is. `step` is called
    between the steps of the search, and may raise to end it.
    """
    alone = [one for one in without_mentor.tolist() if pool.mentees[one].person_id not in pool.accompanied]
    traits = [pool.mentees[one].traits for one in alone]
    if len(traits) < terms.least:
        number = "is one" if len(traits) == 1 else f"are {len(traits)}"
        words = _TOO_FEW.format(least=terms.least, number=number)
        return Fallback((), {one.person_id: words for one in traits})
    encoded = encode(_learners(pool, traits), _among_peers(rules, terms), at=at)
    found = group(_Alike(encoded), len(traits), least=terms.least, most=terms.most, step=step)
    groups = [_explained([traits[one] for one in members], encoded, np.array(members)) for members in found.groups]
    seated = {person: one for one in groups for person in one.members}
    return Fallback(
        tuple(sorted(groups, key=lambda one: (-one.score, one.members))),
        {
            one.person_id: _PROPOSED.format(number=len(seated[one.person_id].members))
            if one.person_id in seated
            else _NO_ROOM.format(number=len(traits))
            for one in traits
        },
        found.proven,
    )


_PROPOSED = "Until there is a mentor, a peer group of {number} mentees is proposed to you."
_TOO_FEW = (
    "No peer group is proposed: the program's groups need at least {least} mentees without a mentor, and there "
    "{number}."
)
_NO_ROOM = (
    "No peer group is proposed to you: there is no way to seat everybody of the {number} mentees without a mentor in "
    "groups of the program's size whose members all suit each other."
)


def _learners(pool: Pool, traits: Sequence[Traits]) -> Pool:
    """These mentees on both sides, as if each offered what they want to learn: so alike is who wants the same."""
    alike = [replace(one, skills=one.needs, wishes=(), preferred=()) for one in traits]
    return Pool(
        tuple(Mentor(one, 1) for one in alike),
        tuple(Mentee(one) for one in alike),
        current_pairs=pool.current_pairs,
        forbidden_pairs=pool.forbidden_pairs,
        opinions=pool.opinions,
    )


def _among_peers(rules: Rules, terms: PeerGroupTerms) -> Rules:
    """The program's rules as far as they make sense among peers."""
    return replace(
        rules,
        level_gap_least=None if terms.level_gap is None else -terms.level_gap,
        level_gap_most=terms.level_gap,
        level_gap_best=0,
        unit="same" if rules.unit == "same" else "any",
        location="same" if rules.location == "same" else "any",
        boundary="any",
        repeat_pairs=True,
        weights=WEIGHTS,
        stickiness=0.0,
    )


class _Alike:
    """How alike the mentees of a pool are to each other, and who may be with whom."""

    def __init__(self, encoded: Encoded) -> None:
        mixed = replace(encoded, tables=(*encoded.tables, _mixed(encoded)))
        self._pool = symmetric(mixed, line=False)
        owners = np.repeat(np.arange(len(encoded.mentee_ids)), np.diff(self._pool.single_starts))
        self._apart = owners * len(encoded.mentee_ids) + self._pool.single_mentors

    def between(self, rows: Numbers, columns: Numbers) -> tuple[Numbers, npt.NDArray[np.bool_]]:
        """Thousandths of being alike in full (0 where they may not be together) and permission."""
        allowed = self._pool.violated(rows[:, None], columns[None, :]) == 0
        keys = (rows[:, None] * len(self._pool.mentee_ids) + columns[None, :]).ravel()
        allowed &= ~np.isin(keys, self._apart).reshape(allowed.shape)
        points = self._pool.points_of(np.repeat(rows, len(columns)), np.tile(columns, len(rows)))
        return np.where(allowed, points.reshape(allowed.shape) // (2 * FULL), 0), allowed


def _mixed(encoded: Encoded) -> Table:
    """Points for being of different units, as whole numbers of the same measure as the other criteria's."""
    units = next(one for one in encoded.tables if one.trait == "unit")
    known = np.arange(len(units.violated)) > 0  # the first code is that of an unknown unit
    different = known[:, None] & known[None, :] & ~np.eye(len(known), dtype=np.bool_)
    points = np.where(different, round(1000 * MIXED / sum(WEIGHTS.values())) * FULL, 0).astype(np.int32)
    return Table("mixed units", units.mentee_codes, units.mentor_codes, {}, points, np.zeros_like(units.violated))


def _explained(people: Sequence[Traits], encoded: Encoded, members: Numbers) -> PeerGroup:
    """A group with what its members have in common, in words that all of them may read."""
    ours, theirs = np.meshgrid(members, members, indexing="ij")
    pairs = ours != theirs
    values = encoded.values_of(ours[pairs], theirs[pairs])
    wanting = np.array([bool(one.needs) for one in people])
    said: dict[str, tuple[float, float, str]] = {}
    if words := _wanted_words(people):
        judged = np.repeat(wanting, len(people) - 1)
        said["skills"] = WEIGHTS["skills"], _mean(values["skills"][judged]), words
    if words := _level_words(people):
        said["level_gap"] = WEIGHTS["level_gap"], _mean(values["level_gap"]), words
    if words := _mix_words(people, "profession", "in the profession {value}", "professions"):
        said["profession"] = WEIGHTS["profession"], _mean(values["profession"]), words
    if words := _mix_words(people, "unit", "from {value}", "units"):
        different = [one.unit != other.unit for one in people for other in people if one is not other]
        said["mix"] = MIXED, sum(different) / len(different), words
    total = sum(weight * value for weight, value, _ in said.values())
    most = sum(weight for weight, _, _ in said.values())
    reasons = [
        Reason(
            criterion=name,
            value=round(value, 4),
            weight=round(weight / most, 4),
            share=round(weight * value / total, 4) if total else 0.0,
            words=words,
        )
        for name, (weight, value, words) in said.items()
    ]
    reasons.sort(key=lambda reason: -reason.share)
    return PeerGroup(
        tuple(sorted(one.person_id for one in people)), round(100 * total / most, 2) if most else 0.0, tuple(reasons)
    )


def _mean(values: npt.NDArray[Any]) -> float:
    return float(values.mean()) / FULL if len(values) else 0.0


def _wanted_words(people: Sequence[Traits]) -> str:
    """What several of them want to learn, what most want first; empty where no two said what they want."""
    spelling: dict[str, str] = {}
    often: Counter[str] = Counter()
    for one in people:
        for skill in sorted(one.needs):
            spelling.setdefault(plain(skill), skill)
        often.update({plain(skill) for skill in one.needs})
    if sum(bool(one.needs) for one in people) < 2:
        return ""
    by_number: dict[int, list[str]] = {}
    for skill, number in sorted(often.items()):
        by_number.setdefault(number, []).append(spelling[skill])
    told = [
        f"{_how_many(number, len(people))} want to learn {listed(by_number[number])}"
        for number in sorted(by_number, reverse=True)
        if number > 1
    ]
    return f"{'; '.join(told)}." if told else "Each of them wants to learn something else."


def _level_words(people: Sequence[Traits]) -> str:
    levels = [one.level for one in people if one.level is not None]
    if len(levels) < len(people):
        return ""
    apart = max(levels) - min(levels)
    return f"Their levels are at most {apart} apart." if apart else "All are at the same level."


def _mix_words(people: Sequence[Traits], trait: str, same: str, plural: str) -> str:
    values = {getattr(one, trait) for one in people}
    if None in values or "" in values:
        return ""
    if len(values) == 1:
        return f"All are {same.format(value=values.pop())}."
    return f"{len(people)} people from {len(values)} different {plural}."


def _how_many(number: int, people: int) -> str:
    if number < people:
        return f"{number} of {people}"
    return "Both" if people == 2 else f"All {people}"
