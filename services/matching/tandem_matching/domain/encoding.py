"""Encoding: a pool as arrays of whole numbers, from which every engine reads what is allowed and what it is worth.

Traits with few different values become codes, and each criterion over them a small table. Traits with many values
(skills, identities) become features: what a mentee wants, and an index of who offers it. What concerns single pairs
only (the same person, one's manager, an earlier pairing) is a list. No array is as large as mentees times mentors.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import numpy as np
import numpy.typing as npt

from tandem_matching.domain.answers import breaks, interests, is_guest, said
from tandem_matching.domain.hours import common_minutes, offset_minutes
from tandem_matching.domain.people import Pool, Traits
from tandem_matching.domain.rules import CONFIDENTIAL_CRITERIA, STABILITY, Place, Rule, Rules
from tandem_matching.domain.wishes import spoken, wish_tables

Numbers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Code = TypeVar("Code", bound=Hashable)

FULL = 1000
"""A criterion that is met in full; a weight is in thousandths too, so a perfect pair has a million points."""


@dataclass(frozen=True, slots=True)
class Table:
    """Criteria and rules that look at one trait of each side: points and violated rules by the two codes."""

    trait: str
    mentee_codes: Codes
    mentor_codes: Codes
    values: dict[str, Codes]
    """By criterion: how far it is met, 0 to `FULL`, by mentee's and mentor's code."""
    points: Codes
    """The weighted sum of `values`."""
    violated: Codes
    """The rules that the two codes violate, as bits of `Rule`."""


@dataclass(frozen=True, slots=True)
class Features:
    """A criterion over traits with many values: mentees want features, mentors have them in full or in part."""

    criterion: str
    weight: int
    wanted_starts: Numbers
    """Mentee i wants `wanted[wanted_starts[i]:wanted_starts[i + 1]]`."""
    wanted: Codes
    index_starts: Numbers
    """Feature f is had by `index_mentors[index_starts[f]:index_starts[f + 1]]`, in the parts beside them."""
    index_mentors: Codes
    index_parts: Codes
    """0 to `FULL`."""
    divided: bool = True
    """Whether what a feature counts is divided by how many the mentee wants."""

    def most(self) -> int:
        """What nobody's points by these features exceed."""
        if self.divided:
            return self.weight * FULL
        highest = np.zeros(len(self.index_starts), np.int64)
        np.maximum.at(
            highest, np.repeat(np.arange(len(self.index_starts) - 1), np.diff(self.index_starts)), self.index_parts
        )
        sums = np.concatenate(([0], np.cumsum(highest[self.wanted])))
        return self.weight * int((sums[self.wanted_starts[1:]] - sums[self.wanted_starts[:-1]]).max(initial=0))

    def shares(self) -> Numbers:
        """By how much each mentee's features are divided."""
        counts = np.diff(self.wanted_starts)
        return counts if self.divided else np.ones_like(counts)


@dataclass(frozen=True, slots=True)
class Encoded:
    """A pool as arrays. Indices of mentees and mentors are positions in `mentee_ids` and `mentor_ids`."""

    mentee_ids: tuple[UUID, ...]
    mentor_ids: tuple[UUID, ...]
    wanted: Numbers
    places: Numbers
    first_in_line: npt.NDArray[np.bool_]
    tables: tuple[Table, ...]
    features: tuple[Features, ...]
    single_starts: Numbers
    """Mentee i must not be paired with `single_mentors[single_starts[i]:single_starts[i + 1]]`, whatever the tables."""
    single_mentors: Codes
    single_violated: Codes

    def violated(self, mentees: Numbers, mentors: Numbers) -> Codes:
        """The rules that each of these pairs violates by the tables, broadcast as NumPy does; 0 is an allowed pair."""
        total = np.zeros(np.broadcast_shapes(mentees.shape, mentors.shape), np.int32)
        for table in self.tables:
            total |= table.violated[table.mentee_codes[mentees], table.mentor_codes[mentors]]
        return total

    def dense(self) -> tuple[Numbers, Codes]:
        """Points and violated rules of every pair, mentees by mentors: for pools that are small enough."""
        mentees = np.arange(len(self.mentee_ids))[:, None]
        mentors = np.arange(len(self.mentor_ids))[None, :]
        points = np.zeros((len(self.mentee_ids), len(self.mentor_ids)), np.int64)
        for table in self.tables:
            points += table.points[table.mentee_codes[mentees], table.mentor_codes[mentors]]
        for feature in self.features:
            _add_features(feature, points)
        violated = self.violated(mentees, mentors)
        rows = np.repeat(np.arange(len(self.mentee_ids)), np.diff(self.single_starts))
        np.bitwise_or.at(violated, (rows, self.single_mentors), self.single_violated)
        return points, violated

    def points_of(self, mentees: Numbers, mentors: Numbers) -> Numbers:
        """The points of each of these pairs."""
        points = np.zeros(len(mentees), np.int64)
        for table in self.tables:
            points += table.points[table.mentee_codes[mentees], table.mentor_codes[mentors]]
        for feature in self.features:
            points += _points_of_features(feature, mentees, mentors)
        return points

    def values_of(self, mentees: Numbers, mentors: Numbers) -> dict[str, Numbers]:
        """How far each criterion is met by each of these pairs, 0 to `FULL`."""
        values: dict[str, Numbers] = {}
        for table in self.tables:
            for criterion, cells in table.values.items():
                met = cells[table.mentee_codes[mentees], table.mentor_codes[mentors]].astype(np.int64)
                values[criterion] = values[criterion] + met if criterion in values else met
        for feature in self.features:
            values[feature.criterion] = _values_of_features(feature, mentees, mentors)
        return values


def _add_features(feature: Features, points: Numbers) -> None:
    shares = feature.shares()
    for mentee in range(points.shape[0]):
        wanted = feature.wanted[feature.wanted_starts[mentee] : feature.wanted_starts[mentee + 1]]
        for code in wanted:
            span = slice(feature.index_starts[code], feature.index_starts[code + 1])
            parts = feature.index_parts[span].astype(np.int64)
            points[mentee, feature.index_mentors[span]] += feature.weight * parts // shares[mentee]


def _parts_of_features(feature: Features, mentees: Numbers, mentors: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """For every feature that a pair's mentor has of those its mentee wants: which pair, which part, of how many."""
    counts = np.diff(feature.wanted_starts)[mentees]
    owner = np.repeat(np.arange(len(mentees)), counts)
    column = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    code = feature.wanted[feature.wanted_starts[mentees][owner] + column].astype(np.int64)
    # The index is sorted by feature and mentor: one number for both finds a pair by bisection.
    step = np.int64(2**31)
    codes = np.repeat(np.arange(len(feature.index_starts) - 1), np.diff(feature.index_starts))
    key = codes * step + feature.index_mentors
    place = np.searchsorted(key, code * step + mentors[owner])
    place = np.minimum(place, max(0, len(key) - 1))
    hit = key[place] == code * step + mentors[owner] if len(key) else np.zeros(len(owner), np.bool_)
    return owner[hit], feature.index_parts[place[hit]].astype(np.int64), feature.shares()[mentees][owner[hit]]


def _values_of_features(feature: Features, mentees: Numbers, mentors: Numbers) -> Numbers:
    owner, part, wanted = _parts_of_features(feature, mentees, mentors)
    values = np.zeros(len(mentees), np.int64)
    np.add.at(values, owner, part // wanted)
    return values


def _points_of_features(feature: Features, mentees: Numbers, mentors: Numbers) -> Numbers:
    """Exactly what the engines count: each wanted feature's part is rounded by itself."""
    owner, part, wanted = _parts_of_features(feature, mentees, mentors)
    points = np.zeros(len(mentees), np.int64)
    np.add.at(points, owner, feature.weight * part // wanted)
    return points


def encode(pool: Pool, rules: Rules, *, at: datetime) -> Encoded:
    """The pool under these rules as arrays, in the pool's order. `at` says which clock time zones are at."""
    mentees = [mentee.traits for mentee in pool.mentees]
    mentors = [mentor.traits for mentor in pool.mentors]
    weights = rules.weight_points()
    tables = [
        _level_table(mentees, mentors, rules, weights),
        _same_table("unit", mentees, mentors, lambda one: one.unit, rules.unit, Rule.UNIT, weights),
        _same_table("profession", mentees, mentors, lambda one: one.profession, "any", Rule.UNIT, weights),
        _same_table("location", mentees, mentors, lambda one: one.location, rules.location, Rule.LOCATION, weights),
        _language_table(mentees, mentors, rules, weights),
        _hours_table(mentees, mentors, rules, weights, at),
        *_answer_tables(mentees, mentors, rules),
        *_wish_tables(mentees, mentors, weights),
    ]
    features = []
    if weights.get("preferences"):
        features.append(_preference_features(mentees, mentors, weights["preferences"]))
    if weights.get("skills"):
        features.append(_skill_features(mentees, mentors, weights["skills"]))
    if weights.get("advisor") and pool.opinions:
        features.append(_advisor_features(pool, weights["advisor"]))
    if weights.get("reciprocity"):
        features.append(_reciprocity_features(mentees, mentors, weights["reciprocity"]))
    if weights.get("interests"):
        features.append(_interest_features(mentees, mentors, rules, weights["interests"]))
    if weights.get("identity"):
        features.append(_identity_features(mentees, mentors, rules, weights["identity"]))
    if rules.stickiness and pool.earlier_pairs:
        features.append(_stability_features(pool, round(1000 * rules.stickiness)))
    starts, single, violated = _single_pairs(pool, rules)
    return Encoded(
        mentee_ids=tuple(one.person_id for one in mentees),
        mentor_ids=tuple(one.person_id for one in mentors),
        wanted=np.array([one.wanted for one in pool.mentees], np.int64),
        places=np.array([one.places for one in pool.mentors], np.int64),
        first_in_line=np.array([one.first_in_line for one in pool.mentees], np.bool_),
        tables=tuple(tables),
        features=tuple(features),
        single_starts=starts,
        single_mentors=single,
        single_violated=violated,
    )


def hidden_points(encoded: Encoded, mentees: Numbers, mentors: Numbers) -> Numbers:
    """The part of these pairs' points that is no part of the score that people see."""
    total = np.zeros(len(mentees), np.int64)
    for feature in encoded.features:
        if feature.criterion in CONFIDENTIAL_CRITERIA or feature.criterion == STABILITY:
            total += _points_of_features(feature, mentees, mentors)
    return total


def _codes(values: Iterable[Code]) -> tuple[Codes, list[Code]]:
    """Each value's code, and the values by code, numbered as they first come."""
    known: dict[Code, int] = {}
    codes = [known.setdefault(value, len(known)) for value in values]
    return np.array(codes, np.int32), list(known)


def _table(
    trait: str,
    mentees: Iterable[Code],
    mentors: Iterable[Code],
    judge: Callable[[Code, Code], tuple[dict[str, int], int]],
    weights: dict[str, int],
) -> Table:
    mentee_codes, of_mentees = _codes(mentees)
    mentor_codes, of_mentors = _codes(mentors)
    shape = (max(1, len(of_mentees)), max(1, len(of_mentors)))
    values: dict[str, Codes] = {}
    violated = np.zeros(shape, np.int32)
    for row, wanting in enumerate(of_mentees):
        for column, offering in enumerate(of_mentors):
            met, broken = judge(wanting, offering)
            violated[row, column] = broken
            for criterion, value in met.items():
                if weights.get(criterion):
                    if criterion not in values:
                        values[criterion] = np.zeros(shape, np.int32)
                    values[criterion][row, column] = value
    return _weighted(trait, mentee_codes, mentor_codes, values, violated, weights)


def _weighted(
    trait: str,
    mentee_codes: Codes,
    mentor_codes: Codes,
    values: dict[str, Codes],
    violated: Codes,
    weights: dict[str, int],
) -> Table:
    points = np.zeros(violated.shape, np.int32)
    for criterion, value in values.items():
        points += weights[criterion] * value
    return Table(trait, mentee_codes, mentor_codes, values, points, violated)


def _level_table(mentees: Sequence[Traits], mentors: Sequence[Traits], rules: Rules, weights: dict[str, int]) -> Table:
    def judge(mentee: int | None, mentor: int | None) -> tuple[dict[str, int], int]:
        if mentee is None or mentor is None:
            return {}, 0
        gap = mentor - mentee
        broken = (rules.level_gap_least is not None and gap < rules.level_gap_least) or (
            rules.level_gap_most is not None and gap > rules.level_gap_most
        )
        value = max(0, FULL - round(FULL * rules.level_gap_fall) * abs(gap - rules.level_gap_best))
        return {"level_gap": value}, int(Rule.LEVEL_GAP) if broken else 0

    return _table("level", (one.level for one in mentees), (one.level for one in mentors), judge, weights)


def _same_table(
    trait: str,
    mentees: Sequence[Traits],
    mentors: Sequence[Traits],
    of: Callable[[Traits], str | None],
    place: Place,
    rule: Rule,
    weights: dict[str, int],
) -> Table:
    """A trait that is the same or is not. There may be thousands of values, so the cells are set at once."""
    known: dict[str | None, int] = {None: 0}
    mentee_codes = np.array([known.setdefault(of(one), len(known)) for one in mentees], np.int32)
    mentor_codes = np.array([known.setdefault(of(one), len(known)) for one in mentors], np.int32)
    # Codes of a side that never has them cost nothing but a row or column; one numbering keeps "same" on the diagonal.
    same = np.eye(len(known), dtype=np.bool_)
    unknown = np.zeros_like(same)
    unknown[0, :] = unknown[:, 0] = True
    violated = np.zeros(same.shape, np.int32)
    if place == "same":
        violated[~same & ~unknown] = int(rule)
    elif place == "other":
        violated[same & ~unknown] = int(rule)
    values: dict[str, Codes] = {}
    if weights.get(trait):
        values[trait] = np.where(same & ~unknown, FULL, 0).astype(np.int32)
    return _weighted(trait, mentee_codes, mentor_codes, values, violated, weights)


def _language_table(
    mentees: Sequence[Traits], mentors: Sequence[Traits], rules: Rules, weights: dict[str, int]
) -> Table:
    def judge(mentee: frozenset[str], mentor: frozenset[str]) -> tuple[dict[str, int], int]:
        if not mentee or not mentor:
            return {}, 0
        shared = len(mentee & mentor)
        broken = int(Rule.LANGUAGE) if rules.common_language and not shared else 0
        return {"languages": FULL * shared // len(mentee)}, broken

    return _table("languages", map(spoken, mentees), map(spoken, mentors), judge, weights)


def _answer_tables(mentees: Sequence[Traits], mentors: Sequence[Traits], rules: Rules) -> list[Table]:
    """The rules on answers in the program's form, and the one on guests."""
    tables = []
    for rule in rules.answers:

        def judge(mentee: frozenset[str], mentor: frozenset[str], wish: str = rule.wish) -> tuple[dict[str, int], int]:
            return {}, int(Rule.ANSWERS) if breaks(wish, mentee, mentor) else 0

        question = rule.question
        tables.append(
            _table(
                f"answer {question}",
                (said(one, question) for one in mentees),
                (said(one, question) for one in mentors),
                judge,
                {},
            )
        )
    if rules.boundary != "any":

        def outside(_: bool | None, guest: bool | None) -> tuple[dict[str, int], int]:
            return {}, int(Rule.BOUNDARY) if bool(guest) != (rules.boundary == "outside") else 0

        guests = [is_guest(one, rules.guest_question) for one in mentors]
        tables.append(_table("boundary", (None for _ in mentees), guests, outside, {}))
    return tables


def _wish_tables(mentees: Sequence[Traits], mentors: Sequence[Traits], weights: dict[str, int]) -> list[Table]:
    """What people ask of the other side: half of the criterion for either side, and the musts of both."""
    tables = []
    for wishing, wished in ((mentees, mentors), (mentors, mentees)):
        for one in wish_tables(wishing, wished, full=FULL // 2):
            met, broken = one.met, np.where(one.broken, int(Rule.WISHES), 0).astype(np.int32)
            values = {"wishes": met if wishing is mentees else met.T} if weights.get("wishes") else {}
            codes = (one.wishing_codes, one.wished_codes)
            if wishing is not mentees:
                codes, broken = codes[::-1], broken.T
            tables.append(_weighted(f"wishes about {one.attribute}", *codes, values, broken, weights))
    if tables and weights.get("wishes"):
        # Who wishes nothing that is only nice has all of it.
        content = [np.array([all(wish.must for wish in one.wishes) for one in side]) for side in (mentees, mentors)]
        met = np.array([[0, FULL // 2], [FULL // 2, FULL]], np.int32)
        codes = (content[0].astype(np.int32), content[1].astype(np.int32))
        tables.append(_weighted("no wishes", *codes, {"wishes": met}, np.zeros((2, 2), np.int32), weights))
    return tables


def _hours_table(
    mentees: Sequence[Traits], mentors: Sequence[Traits], rules: Rules, weights: dict[str, int], at: datetime
) -> Table:
    zones = {one.time_zone for one in (*mentees, *mentors)}
    offsets = {zone: offset_minutes(zone, at=at) for zone in zones}

    def judge(mentee: int | None, mentor: int | None) -> tuple[dict[str, int], int]:
        shared = common_minutes(mentee, mentor)
        if shared is None:
            return {}, 0
        broken = int(Rule.HOURS) if shared < rules.common_hours * 60 else 0
        return {"hours": FULL * shared // 480}, broken

    return _table(
        "time_zone",
        (offsets[one.time_zone] for one in mentees),
        (offsets[one.time_zone] for one in mentors),
        judge,
        weights,
    )


def plain(word: str) -> str:
    """How words are compared: case and spaces at the ends tell nothing apart."""
    return word.strip().casefold()


def _skill_features(mentees: Sequence[Traits], mentors: Sequence[Traits], weight: int) -> Features:
    wanted = [sorted((plain(skill), level) for skill, level in one.needs.items()) for one in mentees]
    known = {feature: code for code, feature in enumerate(sorted({each for one in wanted for each in one}))}
    by_skill: dict[str, list[tuple[int, int]]] = {}
    for (skill, level), code in known.items():
        by_skill.setdefault(skill, []).append((level, code))
    had: list[list[tuple[int, int]]] = [[] for _ in known]
    for mentor, one in enumerate(mentors):
        for skill, offered in one.skills.items():
            for level, code in by_skill.get(plain(skill), ()):
                had[code].append((mentor, FULL * min(offered, level) // level))
    return _features("skills", weight, [[known[each] for each in one] for one in wanted], had)


def _reciprocity_features(mentees: Sequence[Traits], mentors: Sequence[Traits], weight: int) -> Features:
    """What mentors want to learn and mentees can give: what a mentee has, wanted by mentors who share it out alike."""
    offered = [sorted((plain(skill), level) for skill, level in one.skills.items()) for one in mentees]
    known = {feature: code for code, feature in enumerate(sorted({each for one in offered for each in one}))}
    by_skill: dict[str, list[tuple[int, int]]] = {}
    for (skill, level), code in known.items():
        by_skill.setdefault(skill, []).append((level, code))
    had: list[list[tuple[int, int]]] = [[] for _ in known]
    for mentor, one in enumerate(mentors):
        for skill, level in one.needs.items():
            for offer, code in by_skill.get(plain(skill), ()):
                had[code].append((mentor, FULL * min(offer, level) // level // len(one.needs)))
    found = _features("reciprocity", weight, [[known[each] for each in one] for one in offered], had)
    return replace(found, divided=False)


def _interest_features(mentees: Sequence[Traits], mentors: Sequence[Traits], rules: Rules, weight: int) -> Features:
    """Interests of the mentee that the mentor shares."""
    wanted = interests(mentees, rules.interests_question)
    known = {interest: code for code, interest in enumerate(sorted({each for one in wanted for each in one}))}
    had: list[list[tuple[int, int]]] = [[] for _ in known]
    for mentor, one in enumerate(interests(mentors, rules.interests_question)):
        for interest in one:
            if interest in known:
                had[known[interest]].append((mentor, FULL))
    return _features("interests", weight, [sorted(known[each] for each in one) for one in wanted], had)


def _identity_features(mentees: Sequence[Traits], mentors: Sequence[Traits], rules: Rules, weight: int) -> Features:
    wishes = [identity_wish(one, rules) for one in mentees]
    known = {wish: code for code, wish in enumerate(sorted({wish for wish in wishes if wish}))}
    had: list[list[tuple[int, int]]] = [[] for _ in known]
    for mentor, one in enumerate(mentors):
        for word in sorted({plain(word) for word in _words(one.confidential.get(rules.identity.offer))}):
            if word in known:
                had[known[word]].append((mentor, FULL))
    return _features("identity", weight, [[known[wish]] if wish else [] for wish in wishes], had)


def _preference_features(mentees: Sequence[Traits], mentors: Sequence[Traits], weight: int) -> Features:
    """Whom people hope for: half for either side's wish, less for a later choice."""
    places = {one.person_id: index for index, one in enumerate(mentors)}
    hoped: dict[UUID, dict[int, int]] = {}
    for one in mentees:
        for rank, person in enumerate(one.preferred):
            if person in places:
                hoped.setdefault(one.person_id, {})[places[person]] = _half(rank, len(one.preferred))
    for index, one in enumerate(mentors):
        for rank, person in enumerate(one.preferred):
            of_person = hoped.setdefault(person, {})
            of_person[index] = of_person.get(index, 0) + _half(rank, len(one.preferred))
    known = [one.person_id for one in mentees if hoped.get(one.person_id)]
    codes = {person: code for code, person in enumerate(known)}
    wanted = [[codes[one.person_id]] if one.person_id in codes else [] for one in mentees]
    return _features("preferences", weight, wanted, [sorted(hoped[person].items()) for person in known])


def _half(rank: int, number: int) -> int:
    """What a choice counts: half of everything for the first, proportionally less for later ones."""
    return FULL * (number - rank) // (2 * number)


def _stability_features(pool: Pool, weight: int) -> Features:
    """To have been proposed together before, as a wish of the mentee that only that mentor fulfils."""
    mentors = {one.person_id: index for index, one in enumerate(pool.mentors)}
    known: dict[UUID, int] = {}
    had: list[list[tuple[int, int]]] = []
    before: dict[UUID, list[int]] = {}
    for mentor_id, mentee_id in sorted(pool.earlier_pairs):
        if mentor_id in mentors:
            if mentor_id not in known:
                known[mentor_id] = len(had)
                had.append([(mentors[mentor_id], FULL)])
            before.setdefault(mentee_id, []).append(known[mentor_id])
    return _features(STABILITY, weight, [before.get(one.person_id, []) for one in pool.mentees], had)


def _advisor_features(pool: Pool, weight: int) -> Features:
    """What the advisor recommends, as a wish of the mentee that only these mentors fulfil."""
    places = {one.person_id: index for index, one in enumerate(pool.mentors)}
    recommended: dict[UUID, dict[int, int]] = {}
    for (mentor_id, mentee_id), opinion in pool.opinions.items():
        if mentor_id in places and opinion.value > 0:
            recommended.setdefault(mentee_id, {})[places[mentor_id]] = round(FULL * opinion.value)
    known = [one.person_id for one in pool.mentees if one.person_id in recommended]
    codes = {person: code for code, person in enumerate(known)}
    wanted = [[codes[one.person_id]] if one.person_id in codes else [] for one in pool.mentees]
    return _features("advisor", weight, wanted, [sorted(recommended[person].items()) for person in known])


def identity_wish(traits: Traits, rules: Rules) -> str | None:
    """The identity that somebody wishes their mentor to share, if they asked for that."""
    if traits.confidential.get(rules.identity.asked) is not True:
        return None
    wish = traits.confidential.get(rules.identity.wish)
    return plain(wish) or None if isinstance(wish, str) else None


def _words(answer: Any) -> tuple[str, ...]:
    if isinstance(answer, str):
        return tuple(answer.split(","))
    return answer if isinstance(answer, tuple) else ()


def _features(
    criterion: str, weight: int, wanted: Sequence[Sequence[int]], had: Sequence[Sequence[tuple[int, int]]]
) -> Features:
    return Features(
        criterion=criterion,
        weight=weight,
        wanted_starts=np.cumsum([0, *map(len, wanted)], dtype=np.int64),
        wanted=np.array([code for one in wanted for code in one], np.int32),
        index_starts=np.cumsum([0, *map(len, had)], dtype=np.int64),
        index_mentors=np.array([mentor for one in had for mentor, _ in one], np.int32),
        index_parts=np.array([part for one in had for _, part in one], np.int32),
    )


def _single_pairs(pool: Pool, rules: Rules) -> tuple[Numbers, Codes, Codes]:
    """Pairs that are not allowed whatever their traits, by mentee and in the order of the mentors."""
    mentors = {one.person_id: index for index, one in enumerate(pool.mentors)}
    mentees = {one.person_id: index for index, one in enumerate(pool.mentees)}
    broken: dict[tuple[int, int], int] = {}

    def forbid(mentor_id: UUID | None, mentee_id: UUID | None, rule: Rule) -> None:
        mentor, mentee = mentors.get(mentor_id) if mentor_id else None, mentees.get(mentee_id) if mentee_id else None
        if mentor is not None and mentee is not None:
            broken[mentee, mentor] = broken.get((mentee, mentor), 0) | int(rule)

    for mentee in pool.mentees:
        forbid(mentee.person_id, mentee.person_id, Rule.SAME_PERSON)
        for person in mentee.traits.excluded:
            forbid(person, mentee.person_id, Rule.EXCLUDED)
        if rules.reporting_line:
            forbid(mentee.traits.manager_id, mentee.person_id, Rule.REPORTING_LINE)
    if rules.reporting_line:
        for mentor in pool.mentors:
            forbid(mentor.person_id, mentor.traits.manager_id, Rule.REPORTING_LINE)
    for mentor in pool.mentors:
        for person in mentor.traits.excluded:
            forbid(mentor.person_id, person, Rule.EXCLUDED)
    for mentor_id, mentee_id in pool.forbidden_pairs:
        forbid(mentor_id, mentee_id, Rule.FORBIDDEN)
    for (mentor_id, mentee_id), opinion in pool.opinions.items():
        if opinion.veto:
            forbid(mentor_id, mentee_id, Rule.ADVISOR)
    for mentor_id, mentee_id in pool.current_pairs:
        forbid(mentor_id, mentee_id, Rule.CURRENT_PAIR)
    if not rules.repeat_pairs:
        for mentor_id, mentee_id in pool.past_pairs:
            forbid(mentor_id, mentee_id, Rule.PAST_PAIR)
    pairs = sorted(broken)
    counts = np.bincount(np.array([mentee for mentee, _ in pairs], np.int64), minlength=len(pool.mentees))
    return (
        np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        np.array([mentor for _, mentor in pairs], np.int32),
        np.array([broken[pair] for pair in pairs], np.int32),
    )
