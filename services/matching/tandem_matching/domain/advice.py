"""Advice: why somebody was not matched, and the smallest change that would match them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import numpy as np

from tandem_matching.domain.encoded import Codes, Encoded, Numbers
from tandem_matching.domain.hours import common_minutes, offset_minutes
from tandem_matching.domain.people import Pool, Traits
from tandem_matching.domain.rules import MeetingTerms, Rule, Rules
from tandem_matching.domain.ways import Ways, share_place, ways_of
from tandem_matching.domain.wishes import spoken

Side = Literal["mentor", "mentee", "peer"]

_OTHERS = {"mentee": "mentor", "mentor": "mentee", "peer": "peer"}

BLOCK = 256
"""So many unmatched people are looked at together, so that memory stays small whatever the pool."""

CODES = {
    Rule.LEVEL_GAP: "level_gap",
    Rule.UNIT: "unit",
    Rule.LANGUAGE: "common_language",
    Rule.HOURS: "common_hours",
    Rule.LOCATION: "location",
    Rule.SAME_PERSON: "same_person",
    Rule.REPORTING_LINE: "reporting_line",
    Rule.CURRENT_PAIR: "current_pair",
    Rule.PAST_PAIR: "past_pair",
    Rule.FORBIDDEN: "forbidden_pair",
    Rule.ADVISOR: "advisor",
    Rule.ANSWERS: "answers",
    Rule.BOUNDARY: "boundary",
    Rule.WISHES: "wishes",
    Rule.MEETING: "meeting",
}

UNCHANGEABLE = Rule.SAME_PERSON | Rule.CURRENT_PAIR | Rule.EXCLUDED
"""Rules that no setting changes, or of which nobody is told."""


@dataclass(frozen=True, slots=True)
class Unmatched:
    """Somebody without a partner, and why."""

    person_id: UUID
    role: Side
    rule: str
    """What bound: a rule's code, or `places`, `demand`, `several`, `nobody`."""
    words: str
    would_fit: int
    """How many would fit after the change that the words name."""
    meanwhile: str | None = None
    """What the program's fallback offers until then, or why it offers nothing; None where it has none."""

    def as_document(self) -> dict[str, Any]:
        """As it is stored and shown."""
        return {
            "person_id": str(self.person_id),
            "role": self.role,
            "rule": self.rule,
            "words": self.words,
            "would_fit": self.would_fit,
            "meanwhile": self.meanwhile,
        }


def advise(
    pool: Pool, encoded: Encoded, rules: Rules, unmatched: Numbers, *, side: Side, at: datetime
) -> list[Unmatched]:
    """The reason and the smallest change for each of these unmatched people of one side, in their order.

    `at` says which clock time zones are at.
    """
    zones = {one.traits.time_zone for one in pool.mentees} | {one.traits.time_zone for one in pool.mentors}
    offsets = {zone: offset_minutes(zone, at=at) for zone in zones}
    advice: list[Unmatched] = []
    for begin in range(0, len(unmatched), BLOCK):
        block = unmatched[begin : begin + BLOCK]
        violated = _violated_by(encoded, block, side)
        for row, index in enumerate(block.tolist()):
            advice.append(_advise_one(pool, rules, offsets, index, violated[row], side))
    return advice


def _violated_by(encoded: Encoded, block: Numbers, side: Side) -> Codes:
    """The rules that stand between each of these people and everybody of the other side."""
    if side != "mentor":
        violated = encoded.violated(block[:, None], np.arange(len(encoded.mentor_ids))[None, :])
        for row, mentee in enumerate(block.tolist()):
            span = slice(encoded.single_starts[mentee], encoded.single_starts[mentee + 1])
            violated[row, encoded.single_mentors[span]] |= encoded.single_violated[span]
        return violated
    violated = encoded.violated(np.arange(len(encoded.mentee_ids))[None, :], block[:, None])
    owners = np.repeat(np.arange(len(encoded.mentee_ids)), np.diff(encoded.single_starts))
    for row, mentor in enumerate(block.tolist()):
        here = np.flatnonzero(encoded.single_mentors == mentor)
        violated[row, owners[here]] |= encoded.single_violated[here]
    return violated


def _advise_one(
    pool: Pool, rules: Rules, offsets: Mapping[str, int | None], index: int, violated: Codes, side: Side
) -> Unmatched:
    traits = (pool.mentors if side == "mentor" else pool.mentees)[index].traits
    others = _OTHERS[side]
    changeable = violated[(violated & int(UNCHANGEABLE)) == 0]
    masks, counts = np.unique(changeable, return_counts=True)
    by_mask = dict(zip(masks.tolist(), counts.tolist(), strict=True))
    fitting = by_mask.pop(0, 0)
    if fitting:
        return _taken(traits.person_id, fitting, side)
    if not by_mask:
        words = f"There is no {others} in this program that you could be paired with: more {others}s are needed."
        return Unmatched(traits.person_id, side, "nobody", words, 0)
    # The fewest rules first, then the most people.
    fewest = min(mask.bit_count() for mask in by_mask)
    if fewest > 1:
        mask, count = min(by_mask.items(), key=lambda item: (item[0].bit_count(), -item[1], item[0]))
        names = " and ".join(_NAMES[rule] for rule in Rule if mask & rule)
        words = f"No {others} satisfies {names} at once; without these rules, {_would_fit(count, others)}."
        return Unmatched(traits.person_id, side, "several", words, count)
    people = pool.mentees if side == "mentor" else pool.mentors
    found = []
    for rule in (Rule(mask) for mask in sorted(by_mask) if mask.bit_count() == 1):
        near = [people[other].traits for other in np.flatnonzero(violated == int(rule)).tolist()]
        words, count = _one_rule(rule, rules, offsets, traits, near, side)
        if rule is Rule.ADVISOR:
            words += _vetoes(pool, traits.person_id, near)
        found.append(Unmatched(traits.person_id, side, CODES[rule], words, count))
    return max(found, key=lambda one: one.would_fit)


SHOWN_VETOES = 3


def _vetoes(pool: Pool, person_id: UUID, near: Sequence[Traits]) -> str:
    """What the advisor said of these vetoes, each sentence once; empty where it gave no words."""
    pairs = [pair for one in near for pair in ((one.person_id, person_id), (person_id, one.person_id))]
    said = (pool.opinions[pair] for pair in pairs if pair in pool.opinions)
    sentences = dict.fromkeys(one.words for one in said if one.veto and one.words)
    return f" The advisor says: {' / '.join(list(sentences)[:SHOWN_VETOES])}" if sentences else ""


def _taken(person_id: UUID, fitting: int, side: Side) -> Unmatched:
    if side == "mentee":
        who = "One mentor fits you, and every place" if fitting == 1 else f"{fitting} mentors fit you, and every place"
        words = f"{who} of theirs went to somebody else: one more place there would match you."
        return Unmatched(person_id, side, "places", words, fitting)
    if side == "peer":
        who = "One peer fits you, who" if fitting == 1 else f"{fitting} peers fit you, and each of them"
        words = f"{who} was paired with somebody else: one more such person would match you."
        return Unmatched(person_id, side, "demand", words, fitting)
    who = "One mentee fits you, who" if fitting == 1 else f"{fitting} mentees fit you, and each of them"
    words = f"{who} was matched with somebody else or waits for another mentor: one more such mentee would match you."
    return Unmatched(person_id, side, "demand", words, fitting)


def _would_fit(count: int, others: str) -> str:
    return f"one {others} would fit" if count == 1 else f"{count} {others}s would fit"


_NAMES = {
    Rule.LEVEL_GAP: "the rule on levels",
    Rule.UNIT: "the rule on units",
    Rule.LANGUAGE: "the common language",
    Rule.HOURS: "the common working hours",
    Rule.LOCATION: "the rule on places of work",
    Rule.REPORTING_LINE: "the rule against one's own manager or report",
    Rule.PAST_PAIR: "the rule against repeating a pair",
    Rule.FORBIDDEN: "the pairs that the program's managers forbade",
    Rule.ADVISOR: "the veto of the program's advisor",
    Rule.ANSWERS: "the rule on answers in the program's form",
    Rule.BOUNDARY: "the rule on mentors from inside or outside",
    Rule.WISHES: "what you or they insist on",
    Rule.MEETING: "the common way of meeting",
}


def _one_rule(
    rule: Rule,
    rules: Rules,
    offsets: Mapping[str, int | None],
    traits: Traits,
    near: Sequence[Traits],
    side: Side,
) -> tuple[str, int]:
    """The words for a single rule that stands in the way, and how many would fit after the change they name."""
    others = _OTHERS[side]
    count = len(near)
    if rule is Rule.LEVEL_GAP:
        return _level_words(rules, traits, near, side)
    if rule is Rule.MEETING and rules.meeting:
        return _meeting_words(rules.meeting, traits, near, others)
    if rule is Rule.UNIT:
        where = "your own unit" if rules.unit == "other" else "another unit"
        words = (
            f"Every {others} who would otherwise fit is in {where}; if that were allowed, {_would_fit(count, others)}."
        )
    elif rule is Rule.LANGUAGE:
        often = Counter(language for one in near for language in spoken(one))
        language, count = min(often.items(), key=lambda item: (-item[1], item[0]))
        words = (
            f"No {others} who would otherwise fit speaks a language of yours; "
            f"with {language}, {_would_fit(count, others)}."
        )
    elif rule is Rule.HOURS:
        own = offsets[traits.time_zone]
        shared = [common_minutes(own, offsets[one.time_zone]) or 0 for one in near]
        most = max(shared)
        count = shared.count(most)
        asked = f"if {most / 60:g} were enough" if most else "if none were asked"
        words = (
            f"Nobody who would otherwise fit shares {rules.common_hours:g} working hours with you; "
            f"{asked}, {_would_fit(count, others)}."
        )
    elif rule is Rule.LOCATION:
        where = "somewhere else" if rules.location == "same" else "where you work"
        words = (
            f"Every {others} who would otherwise fit works {where}; if that were allowed, {_would_fit(count, others)}."
        )
    else:
        words = f"Only {_NAMES[rule]} stands in the way; without it, {_would_fit(count, others)}."
    return words, count


def _level_words(rules: Rules, traits: Traits, near: Sequence[Traits], side: Side) -> tuple[str, int]:
    """Which gap between levels would do: the one closest to what the rule asks."""
    others = _OTHERS[side]
    sign = -1 if side == "mentor" else 1
    gaps = [sign * (one.level - traits.level) for one in near if one.level is not None and traits.level is not None]
    least, most = rules.level_gap_least, rules.level_gap_most

    def excess(gap: int) -> int:
        return max(0 if least is None else least - gap, 0 if most is None else gap - most)

    often = Counter(gaps)
    nearest = min(sorted(often), key=excess)
    count = sum(number for gap, number in often.items() if excess(gap) <= excess(nearest))
    asked = f"at least {least}" if most is None else f"at most {most}" if least is None else f"from {least} to {most}"
    if side == "peer":
        words = (
            f"No peer who would otherwise fit is as close to your level as the program asks ({asked}); "
            f"with a difference of {abs(nearest)}, {_would_fit(count, others)}."
        )
        return words, count
    words = (
        f"No {others} who would otherwise fit is as many levels {'above' if side == 'mentee' else 'below'} you as the "
        f"program asks ({asked}); with a difference of {nearest}, {_would_fit(count, others)}."
    )
    return words, count


def _meeting_words(terms: MeetingTerms, traits: Traits, near: Sequence[Traits], others: str) -> tuple[str, int]:
    """Which other way of meeting of one's own would do; where none would, which one of both."""
    own, *theirs = (one or Ways(True, True, None) for one in ways_of((traits, *near), terms))
    there = Ways(True, False, traits.location)
    virtually = 0 if own.virtually else sum(one.virtually for one in theirs)
    in_person = 0 if own.in_person else sum(share_place(there, one) for one in theirs)
    count = max(virtually, in_person) or len(near)
    if in_person > virtually:
        change = "if you could meet in person"
    elif virtually:
        change = "if you could meet virtually"
    else:
        change = f"if {'they' if own.virtually else 'you and they'} could meet virtually"
    return (
        f"No {others} who would otherwise fit shares a way of meeting with you; {change}, {_would_fit(count, others)}.",
        count,
    )
