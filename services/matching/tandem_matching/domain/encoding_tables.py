"""Criteria over traits with few different values, each a small table of codes by codes."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

import numpy as np

from tandem_matching.domain.answers import breaks, is_guest, said
from tandem_matching.domain.encoded import FULL, Codes, Table
from tandem_matching.domain.hours import common_minutes, offset_minutes
from tandem_matching.domain.people import Traits
from tandem_matching.domain.rules import MeetingTerms, Place, Rule, Rules
from tandem_matching.domain.ways import Ways, ways_of
from tandem_matching.domain.wishes import spoken, wish_tables

Code = TypeVar("Code", bound=Hashable)


def tables_of(mentees: Sequence[Traits], mentors: Sequence[Traits], rules: Rules, at: datetime) -> list[Table]:
    """What is allowed and worth something by traits that many share. `at` says which clock time zones are at."""
    weights = rules.weight_points()
    return [
        _level_table(mentees, mentors, rules, weights),
        _same_table("unit", mentees, mentors, lambda one: one.unit, rules.unit, Rule.UNIT, weights),
        _same_table("profession", mentees, mentors, lambda one: one.profession, "any", Rule.UNIT, weights),
        _same_table("location", mentees, mentors, lambda one: one.location, rules.location, Rule.LOCATION, weights),
        _language_table(mentees, mentors, rules, weights),
        _hours_table(mentees, mentors, rules, weights, at),
        *_answer_tables(mentees, mentors, rules),
        *([_meeting_table(mentees, mentors, rules.meeting)] if rules.meeting else []),
        *_wish_tables(mentees, mentors, weights),
    ]


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


def _meeting_table(mentees: Sequence[Traits], mentors: Sequence[Traits], terms: MeetingTerms) -> Table:
    """Whether two people share a way of meeting. There may be thousands of places, so the cells are set at once."""
    mentee_codes, of_mentees = _codes(ways_of(mentees, terms))
    mentor_codes, of_mentors = _codes(ways_of(mentors, terms))
    places: dict[str, int] = {}
    ours, theirs = (_ways_and_places(side, places) for side in (of_mentees, of_mentors))
    virtually = ours[:, None, 0] * theirs[None, :, 0]
    places_shared = ours[:, None, 2] == theirs[None, :, 2]
    places_unknown = (ours[:, None, 2] < 0) | (theirs[None, :, 2] < 0)
    in_person = (ours[:, None, 1] * theirs[None, :, 1] > 0) & (places_shared | places_unknown)
    violated = np.where((virtually > 0) | in_person, 0, int(Rule.MEETING)).astype(np.int32)
    return _weighted("ways of meeting", mentee_codes, mentor_codes, {}, violated, {})


def _ways_and_places(side: Sequence[Ways | None], places: dict[str, int]) -> Codes:
    """For each: whether they meet virtually, whether in person, and the number of their place, -1 where unknown.

    Who said nothing is kept from nobody, as if they met in any way anywhere.
    """
    rows = [
        (1, 1, -1)
        if one is None
        else (one.virtually, one.in_person, -1 if one.place is None else places.setdefault(one.place, len(places)))
        for one in side
    ]
    return np.array(rows or [(1, 1, -1)], np.int32)


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
