"""Encoding: a pool under the rules of a program, as arrays."""

from datetime import datetime
from uuid import UUID

import numpy as np

from tandem_matching.domain.encoded import Codes, Encoded, Numbers, points_of_features
from tandem_matching.domain.encoding_features import features_of
from tandem_matching.domain.encoding_tables import tables_of
from tandem_matching.domain.people import Pool
from tandem_matching.domain.rules import CONFIDENTIAL_CRITERIA, STABILITY, Rule, Rules


def encode(pool: Pool, rules: Rules, *, at: datetime) -> Encoded:
    """The pool under these rules as arrays, in the pool's order. `at` says which clock time zones are at."""
    mentees = [mentee.traits for mentee in pool.mentees]
    mentors = [mentor.traits for mentor in pool.mentors]
    starts, single, violated = _single_pairs(pool, rules)
    return Encoded(
        mentee_ids=tuple(one.person_id for one in mentees),
        mentor_ids=tuple(one.person_id for one in mentors),
        wanted=np.array([one.wanted for one in pool.mentees], np.int64),
        places=np.array([one.places for one in pool.mentors], np.int64),
        first_in_line=np.array([one.first_in_line for one in pool.mentees], np.bool_),
        tables=tuple(tables_of(mentees, mentors, rules, at)),
        features=tuple(features_of(pool, rules)),
        single_starts=starts,
        single_mentors=single,
        single_violated=violated,
    )


def hidden_points(encoded: Encoded, mentees: Numbers, mentors: Numbers) -> Numbers:
    """The part of these pairs' points that is no part of the score that people see."""
    total = np.zeros(len(mentees), np.int64)
    for feature in encoded.features:
        if feature.criterion in CONFIDENTIAL_CRITERIA or feature.criterion == STABILITY:
            total += points_of_features(feature, mentees, mentors)
    return total


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
