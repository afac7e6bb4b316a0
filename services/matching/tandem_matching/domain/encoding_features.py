"""Criteria over traits with many values: what each mentee wants, and who has it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import numpy as np

from tandem_matching.domain.answers import interests
from tandem_matching.domain.encoded import FULL, Features
from tandem_matching.domain.people import Pool, Traits
from tandem_matching.domain.rules import STABILITY, Rules
from tandem_matching.domain.skills import part_met, plain, serving


def features_of(pool: Pool, rules: Rules) -> list[Features]:
    """What is worth something by what the one wants and the other has."""
    mentees = [mentee.traits for mentee in pool.mentees]
    mentors = [mentor.traits for mentor in pool.mentors]
    weights = rules.weight_points()
    features = []
    if weights.get("preferences"):
        features.append(_preference_features(mentees, mentors, weights["preferences"]))
    if weights.get("skills"):
        features.append(_skill_features(mentees, mentors, rules, weights["skills"]))
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
    return features


def _skill_features(mentees: Sequence[Traits], mentors: Sequence[Traits], rules: Rules, weight: int) -> Features:
    wanted = [sorted((plain(skill), level) for skill, level in one.needs.items()) for one in mentees]
    known = {feature: code for code, feature in enumerate(sorted({each for one in wanted for each in one}))}
    by_skill = _by_skill(known)
    offered = {plain(skill) for one in mentors for skill in one.skills}
    served = serving(by_skill, offered, alike=rules.skills_alike)
    best: list[dict[int, int]] = [{} for _ in known]
    for mentor, one in enumerate(mentors):
        for skill, has in one.skills.items():
            for name, alike in served.get(plain(skill), {}).items():
                for level, code in by_skill[name]:
                    best[code][mentor] = max(best[code].get(mentor, 0), part_met(level, has, alike))
    had = [list(one.items()) for one in best]
    return _features("skills", weight, [[known[each] for each in one] for one in wanted], had)


def _reciprocity_features(mentees: Sequence[Traits], mentors: Sequence[Traits], weight: int) -> Features:
    """What mentors want to learn and mentees can give: what a mentee has, wanted by mentors who share it out alike."""
    offered = [sorted((plain(skill), level) for skill, level in one.skills.items()) for one in mentees]
    known = {feature: code for code, feature in enumerate(sorted({each for one in offered for each in one}))}
    by_skill = _by_skill(known)
    had: list[list[tuple[int, int]]] = [[] for _ in known]
    for mentor, one in enumerate(mentors):
        for skill, level in one.needs.items():
            for offer, code in by_skill.get(plain(skill), ()):
                had[code].append((mentor, part_met(level, offer, FULL) // len(one.needs)))
    found = _features("reciprocity", weight, [[known[each] for each in one] for one in offered], had)
    return replace(found, divided=False)


def _by_skill(known: Mapping[tuple[str, int], int]) -> dict[str, list[tuple[int, int]]]:
    """The levels of each skill, and their codes."""
    found: dict[str, list[tuple[int, int]]] = {}
    for (skill, level), code in known.items():
        found.setdefault(skill, []).append((level, code))
    return found


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
