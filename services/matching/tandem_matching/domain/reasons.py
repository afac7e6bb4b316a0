"""Reasons: why two people suit each other, criterion by criterion, in words that both may read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean
from typing import Any

import numpy as np

from tandem_matching.domain.encoded import FULL, Encoded, Numbers
from tandem_matching.domain.hours import common_minutes, offset_minutes
from tandem_matching.domain.people import Pool, Traits
from tandem_matching.domain.rules import CRITERIA, UNSAID, Rules
from tandem_matching.domain.skills import likeness, part_met, plain
from tandem_matching.domain.ways import told_ways
from tandem_matching.domain.wishes import spoken, wishes_met

ADVISOR = "advisor"
MEETING = "meeting"
_ADVISED = ("The program's advisor has nothing against this pair.", "The program's advisor recommends this pair.")

SKILL_LEVELS = {1: "aware", 2: "basic", 3: "skilled", 4: "advanced", 5: "expert"}


@dataclass(frozen=True, slots=True)
class Reason:
    """What one criterion says about a pair."""

    criterion: str
    value: float
    """How far it is met, 0 to 1."""
    weight: float
    """Its part of all weights that may be shown, 0 to 1."""
    share: float
    """Its part of this pair's score, 0 to 1."""
    words: str

    def as_document(self) -> dict[str, Any]:
        """The reason as it is stored and shown."""
        return {
            "criterion": self.criterion,
            "value": self.value,
            "weight": self.weight,
            "share": self.share,
            "words": self.words,
        }


@dataclass(frozen=True, slots=True)
class Explained:
    """A pair's score as people see it, with its reasons, those that count most first."""

    score: float
    """0 to 100. Confidential criteria have no part in it, so that nothing can be told from it."""
    reasons: tuple[Reason, ...]


def explain(
    pool: Pool, encoded: Encoded, rules: Rules, mentees: Numbers, mentors: Numbers, *, at: datetime
) -> list[Explained]:
    """The reasons of each of these pairs, in their order."""
    weights = {name: weight for name, weight in rules.weight_points().items() if name not in UNSAID}
    criteria = [name for name in CRITERIA if name in weights and name != ADVISOR]
    values = encoded.values_of(mentees, mentors)
    absent = np.zeros(len(mentees), np.int64)
    columns = [values.get(name, absent).tolist() for name in criteria]
    words = _Words(rules, at)
    explained = []
    for position, (mentee, mentor) in enumerate(zip(mentees.tolist(), mentors.tolist(), strict=True)):
        of_mentee, of_mentor = pool.mentees[mentee].traits, pool.mentors[mentor].traits
        met = [
            (name, column[position], words.of(name, of_mentee, of_mentor))
            for name, column in zip(criteria, columns, strict=True)
            # Who named no skills, or nobody they hope for, is not judged by that.
            if (name != "skills" or of_mentee.needs)
            and (name != "preferences" or of_mentee.preferred or of_mentor.preferred)
            and (name != "wishes" or of_mentee.wishes or of_mentor.wishes)
            and (name != "reciprocity" or of_mentor.needs)
        ]
        if opinion := pool.opinions.get((of_mentor.person_id, of_mentee.person_id)):
            met.append((ADVISOR, round(FULL * opinion.value), opinion.words or _ADVISED[opinion.value > 0]))
        total = sum(weights.get(name, 0) * value for name, value, _ in met)
        most = sum(weights.get(name, 0) for name, _, _ in met)
        reasons = [
            Reason(
                criterion=name,
                value=value / FULL,
                weight=round(weights.get(name, 0) / most, 4) if most else 0.0,
                share=round(weights.get(name, 0) * value / total, 4) if total else 0.0,
                words=sentence,
            )
            for name, value, sentence in met
        ]
        reasons.sort(key=lambda reason: -reason.share)
        if rules.meeting and (sentence := told_ways(of_mentee, of_mentor, rules.meeting)):
            # A rule that holds, and no criterion: it is said last, and counts nothing.
            reasons.append(Reason(MEETING, 1.0, 0.0, 0.0, sentence))
        explained.append(Explained(round(100 * total / (most * FULL), 2) if most else 0.0, tuple(reasons)))
    return explained


def explain_peers(
    pool: Pool, encoded: Encoded, rules: Rules, first: Numbers, second: Numbers, *, at: datetime
) -> list[Explained]:
    """The reasons of each of these pairs of peers: what each has of the other, in words that name no mentor.

    A criterion's value is the mean of the two directions, of those that say anything.
    """
    both = zip(
        explain(pool, encoded, rules, first, second, at=at),
        explain(pool, encoded, rules, second, first, at=at),
        first.tolist(),
        second.tolist(),
        strict=True,
    )
    explained = []
    for one, other, ours, theirs in both:
        named: dict[str, list[Reason]] = {}
        for reason in (*one.reasons, *other.reasons):
            named.setdefault(reason.criterion, []).append(reason)
        total = sum(one.value * one.weight for reasons in named.values() for one in reasons)
        most = sum(one.weight for reasons in named.values() for one in reasons)
        people = pool.mentees[ours].traits, pool.mentees[theirs].traits
        reasons = [
            Reason(
                criterion=criterion,
                value=round(fmean(one.value for one in several), 4),
                weight=round(sum(one.weight for one in several) / most, 4) if most else 0.0,
                share=round(sum(one.value * one.weight for one in several) / total, 4) if total else 0.0,
                words=_peer_words(criterion, several, *people),
            )
            for criterion, several in named.items()
        ]
        reasons.sort(key=lambda reason: -reason.share)
        explained.append(Explained(round(100 * total / most, 2) if most else 0.0, tuple(reasons)))
    return explained


def _peer_words(criterion: str, reasons: Sequence[Reason], one: Traits, other: Traits) -> str:
    if criterion == "level_gap":
        if one.level is None or other.level is None:
            return "The level of one of the two is not known."
        gap = abs(one.level - other.level)
        return "Both are at the same level." if not gap else f"They are {gap} level{'s' if gap > 1 else ''} apart."
    if criterion == "unit" and one.unit and other.unit and one.unit != other.unit:
        return f"They are in {' and '.join(sorted((one.unit, other.unit)))}."
    if criterion == "profession" and one.profession and other.profession and one.profession != other.profession:
        return f"Their professions are {' and '.join(sorted((one.profession, other.profession)))}."
    sentences = dict.fromkeys(reason.words for reason in reasons)
    if criterion in ("skills", "reciprocity"):
        roles = (("The mentor offers what the mentee wants", "One offers what the other wants"),
                 ("The mentee can give what the mentor wants to learn", "One offers what the other wants"),
                 ("The mentee wants", "One wants"), ("The mentor would like to learn", "One wants"),
                 ("and the mentor offers none", "and the other offers none"),
                 ("the mentee offers none", "the other offers none"))  # fmt: skip
        for ours, theirs in roles:
            sentences = dict.fromkeys(sentence.replace(ours, theirs) for sentence in sentences)
    return " ".join(sentences)


class _Words:
    """Sentences about a mentee and a mentor. None of them tells a confidential answer."""

    def __init__(self, rules: Rules, at: datetime) -> None:
        self._at = at
        self._offsets: dict[str, int | None] = {}
        self._rules = rules
        self._sentences: Mapping[str, Callable[[Traits, Traits], str]] = {
            "preferences": _preferences,
            "skills": self._skills,
            "profession": _profession,
            "level_gap": _level_gap,
            "unit": _unit,
            "location": _location,
            "languages": _languages,
            "hours": self._hours,
            "wishes": _wishes,
            "reciprocity": self._reciprocity,
        }

    def of(self, criterion: str, mentee: Traits, mentor: Traits) -> str:
        return self._sentences[criterion](mentee, mentor)

    def _offset(self, zone: str) -> int | None:
        if zone not in self._offsets:
            self._offsets[zone] = offset_minutes(zone, at=self._at)
        return self._offsets[zone]

    def _hours(self, mentee: Traits, mentor: Traits) -> str:
        shared = common_minutes(self._offset(mentee.time_zone), self._offset(mentor.time_zone))
        if shared is None:
            return "One of the two time zones is not known."
        hours = shared / 60
        return f"{hours:g} common working {'hour' if hours == 1 else 'hours'} a day."

    def _skills(self, mentee: Traits, mentor: Traits) -> str:
        found, missing = _offered(mentee, mentor, alike=self._rules.skills_alike)
        if not found:
            return f"The mentee wants {listed(missing)}, and the mentor offers none of it."
        sentence = f"The mentor offers what the mentee wants: {listed(found)}"
        return f"{sentence}; not {listed(missing)}." if missing else f"{sentence}."

    def _reciprocity(self, mentee: Traits, mentor: Traits) -> str:
        found, missing = _offered(mentor, mentee, alike=None)
        if not found:
            return f"The mentor would like to learn {listed(missing)}; the mentee offers none of it."
        sentence = f"The mentee can give what the mentor wants to learn: {listed(found)}"
        return f"{sentence}; not {listed(missing)}." if missing else f"{sentence}."


def _offered(wanting: Traits, offering: Traits, *, alike: float | None) -> tuple[list[str], list[str]]:
    """What of the skills wanted is offered, in words with its level, and what is not."""
    same = {plain(name): (name, level) for name, level in offering.skills.items()}
    found, missing = [], []
    for skill, level in sorted(wanting.needs.items()):
        serves = same.get(plain(skill)) if alike is None else _best_for(skill, level, offering.skills, alike=alike)
        if serves is None:
            missing.append(skill)
            continue
        name, has = serves
        other = plain(name) != plain(skill)
        notes = [f"for {skill}"] * other + [f"{SKILL_LEVELS.get(level, level)} wanted"] * (has < level)
        shown = f"{name if other else skill} at {SKILL_LEVELS.get(has, has)} level"
        found.append(f"{shown} ({', '.join(notes)})" if notes else shown)
    return found, missing


def _best_for(skill: str, level: int, offered: Mapping[str, int], *, alike: float) -> tuple[str, int] | None:
    """The offered skill that meets most of a wanted one, with its level."""
    parts = []
    for name, has in offered.items():
        found = FULL if plain(name) == plain(skill) else likeness(skill, name)
        if found >= round(FULL * alike):
            parts.append((part_met(level, has, found), found, name, has))
    return max(parts)[2:] if parts else None


def _preferences(mentee: Traits, mentor: Traits) -> str:
    wishes = (mentor.person_id in mentee.preferred) + (mentee.person_id in mentor.preferred)
    return ("Neither named the other among their wishes.", "One hoped for the other.", "Both hoped for each other.")[
        wishes
    ]


def _wishes(mentee: Traits, mentor: Traits) -> str:
    """Of the two together, so that nobody's single wishes are told."""
    (ours, of_ours), (theirs, of_theirs) = wishes_met(mentee, mentor), wishes_met(mentor, mentee)
    met, told = ours + theirs, of_ours + of_theirs
    if not told:
        return "Whether their wishes for the other side are met is not known."
    return f"{met} of {told} {'wish' if told == 1 else 'wishes'} for the other side {'is' if told == 1 else 'are'} met."


def _profession(mentee: Traits, mentor: Traits) -> str:
    if not mentee.profession or not mentor.profession:
        return "The profession of one of the two is not known."
    if mentee.profession == mentor.profession:
        return f"Both work in the profession {mentee.profession}."
    return f"The mentee's profession is {mentee.profession}, the mentor's is {mentor.profession}."


def _level_gap(mentee: Traits, mentor: Traits) -> str:
    if mentee.level is None or mentor.level is None:
        return "The level of one of the two is not known."
    gap = mentor.level - mentee.level
    names = f" ({mentor.level_name} and {mentee.level_name})" if mentor.level_name and mentee.level_name else ""
    if gap == 0:
        return f"Both are at the same level{names}."
    levels = "one level" if abs(gap) == 1 else f"{abs(gap)} levels"
    return f"The mentor is {levels} {'above' if gap > 0 else 'below'} the mentee{names}."


def _unit(mentee: Traits, mentor: Traits) -> str:
    if not mentee.unit or not mentor.unit:
        return "The unit of one of the two is not known."
    if mentee.unit == mentor.unit:
        return f"Both are in {mentee.unit}."
    return f"The mentee is in {mentee.unit}, the mentor in {mentor.unit}."


def _location(mentee: Traits, mentor: Traits) -> str:
    if not mentee.location or not mentor.location:
        return "The place of one of the two is not known."
    return "Both work at the same place." if mentee.location == mentor.location else "They work at different places."


def _languages(mentee: Traits, mentor: Traits) -> str:
    shared = sorted(spoken(mentee) & spoken(mentor))
    return f"Both speak {listed(shared)}." if shared else "They share no language."


def listed(words: Sequence[str]) -> str:
    """Words one after the other, as a sentence has them."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
