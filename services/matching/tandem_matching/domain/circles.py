"""Circles: many mentors and mentees with a facilitator and a trait in common, of even sizes and evenly mixed."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tandem_matching.domain.advice import Side, Unmatched
from tandem_matching.domain.encoded import Codes, Encoded, Numbers
from tandem_matching.domain.people import Pool, Traits
from tandem_matching.domain.rules import CircleTerms, Rule, Rules, Trait
from tandem_matching.domain.seating import ALONE, seat

PERSONAL = Rule(sum(rule for rule in Rule if rule not in (Rule.LEVEL_GAP, Rule.UNIT, Rule.LOCATION)))
"""Rules that hold between a mentee and every mentor of the circle; the others ask for a suitable facilitator only."""

_NAMES = {"unit": "unit", "profession": "profession", "location": "place of work", "level": "level"}
_PLURALS = {"unit": "units", "profession": "professions", "location": "places of work", "level": "levels"}


@dataclass(frozen=True, slots=True)
class Circle:
    """Who is in it, as indices into the pool."""

    facilitator: int
    mentors: Numbers
    """The facilitator among them."""
    mentees: Numbers
    words: tuple[tuple[str, str], ...]
    """What holds for all of it, with the name of each reason."""


@dataclass(frozen=True, slots=True)
class Circles:
    """The circles of a pool."""

    circles: tuple[Circle, ...]
    unmatched: tuple[Unmatched, ...]
    """Whoever is in none because of numbers, with the reason."""
    apart: Numbers
    """Mentees who are in none because the rules keep them from every facilitator who has room."""
    proven: bool


def make_circles(pool: Pool, encoded: Encoded, rules: Rules) -> Circles:
    """Circles as the program's terms ask for them.

    Everybody in a circle shares the trait that is to be shared. Sizes differ by no more than one, and so do the numbers
    of mentors, and of mentees of each kind that is to be mixed, wherever the rules allow. Facilitators are the mentors
    of the highest levels. Of all ways to seat the mentees like that the one with the most points is taken; a seat is
    worth the mean of the points with the circle's mentors.
    """
    terms = rules.circle
    taken = {one.person_id for one in pool.mentors}
    groups: dict[object, tuple[list[int], list[int]]] = {}
    for mentor, one in enumerate(pool.mentors):
        groups.setdefault(_value(one.traits, terms.shared), ([], []))[0].append(mentor)
    for mentee, other in enumerate(pool.mentees):
        if other.person_id not in taken:
            groups.setdefault(_value(other.traits, terms.shared), ([], []))[1].append(mentee)
    circles: list[Circle] = []
    unmatched: list[Unmatched] = []
    apart: list[Numbers] = [np.zeros(0, np.int64)]
    proven = True
    for value in sorted(groups, key=str):
        mentors, mentees = groups[value]
        number = _how_many(len(mentors), len(mentees), terms) if terms.shared is None or value is not None else 0
        if not number:
            unmatched += [_too_few(pool.mentees[one].traits, "mentee", value, len(mentors), len(mentees), terms)
                          for one in mentees]  # fmt: skip
            unmatched += [_too_few(pool.mentors[one].traits, "mentor", value, len(mentors), len(mentees), terms)
                          for one in mentors]  # fmt: skip
            continue
        group = _Group(pool, encoded, rules, np.array(mentors), np.array(mentees), number)
        circles += group.circles(value)
        apart.append(group.apart)
        unmatched += [
            Unmatched(
                pool.mentors[one].person_id,
                "mentor",
                "demand",
                "Every circle has all the mentors it can take: more mentees would match you.",
                len(mentees),
            )
            for one in group.spare.tolist()
        ]
        proven = proven and group.proven
    return Circles(tuple(circles), tuple(unmatched), np.concatenate(apart), proven)


def _how_many(mentors: int, mentees: int, terms: CircleTerms) -> int:
    """As few circles as hold everybody; a facilitator and a mentee for each, and none too small."""
    people = mentors + mentees
    return min(mentors, mentees, people // terms.least, -(-people // terms.most))


def _value(traits: Traits, trait: Trait | None) -> object:
    return getattr(traits, trait) if trait else None


def _too_few(traits: Traits, side: Side, value: object, mentors: int, mentees: int, terms: CircleTerms) -> Unmatched:
    if terms.shared and value is None:
        words = f"Circles share the {_NAMES[terms.shared]}, and yours is not known: once it is, you can be in one."
        return Unmatched(traits.person_id, side, "shared_trait", words, 0)
    shared = f" who share your {_NAMES[terms.shared]}" if terms.shared else ""
    words = (
        f"A circle needs {terms.least} people with at least one mentor and one mentee, and there are {mentors} mentors "
        f"and {mentees} mentees{shared}: more people{', or circles that share nothing,' if shared else ''} would help."
    )
    return Unmatched(traits.person_id, side, "shared_trait" if shared else "nobody", words, mentors + mentees - 1)


class _Group:
    """The people who share a value, and their circles."""

    def __init__(
        self, pool: Pool, encoded: Encoded, rules: Rules, mentors: Numbers, mentees: Numbers, number: int
    ) -> None:
        self._pool, self._encoded, self._terms, self._number = pool, encoded, rules.circle, number
        by_level = sorted(mentors.tolist(), key=lambda one: (-(pool.mentors[one].traits.level or 0), one))
        most = number * (rules.circle.most - 1)
        kept, self.spare = np.array(by_level[:most]), np.array(by_level[most:], np.int64)
        self._facilitators = kept[:number]
        of_mentors = _sizes(len(kept), number)
        seats = min(len(mentees), number * rules.circle.most - len(kept))
        # Where a circle has a mentor more, another one has a mentee more.
        of_mentees = _sizes(seats, number)[::-1]
        self._mentors, seated = self._seat_mentors(kept[number:], of_mentors - 1, rules)
        points, allowed = self._of_mentees(mentees)
        kinds = self._kinds([pool.mentees[one].traits for one in mentees.tolist()])
        found = seat(points, allowed, of_mentees, kinds)
        self._mentees = [mentees[found.circles == circle] for circle in range(number)]
        self.apart = mentees[found.circles == ALONE]
        self.proven = seated and found.proven

    def circles(self, value: object) -> list[Circle]:
        """The circles that have mentees."""
        return [
            Circle(int(self._facilitators[place]), np.array(mentors), mentees, self._words(value, mentors, mentees))
            for place, (mentors, mentees) in enumerate(zip(self._mentors, self._mentees, strict=True))
            if len(mentees)
        ]

    def _kinds(self, people: list[Traits]) -> Numbers:
        values = [str(_value(one, self._terms.mix)) for one in people]
        return np.unique(values, return_inverse=True)[1].astype(np.int64) if values else np.zeros(0, np.int64)

    def _seat_mentors(self, others: Numbers, sizes: Numbers, rules: Rules) -> tuple[list[list[int]], bool]:
        """The mentors of each circle, its facilitator first, evenly mixed; nobody with their own manager."""
        traits = [self._pool.mentors[one].traits for one in others.tolist()]
        leads = [self._pool.mentors[one].traits for one in self._facilitators.tolist()]
        allowed = np.array([[not _kept_apart(one, lead, rules) for lead in leads] for one in traits], np.bool_)
        points = np.zeros((len(others), self._number), np.int64)
        found = seat(points, allowed.reshape(points.shape), sizes, self._kinds(traits))
        self.spare = np.concatenate((self.spare, others[found.circles == ALONE]))
        return [
            [lead, *others[found.circles == circle].tolist()] for circle, lead in enumerate(self._facilitators.tolist())
        ], found.proven

    def _of_mentees(self, mentees: Numbers) -> tuple[Numbers, npt.NDArray[np.bool_]]:
        """What each circle is worth to each mentee, and whether they may be in it."""
        points = np.zeros((len(mentees), self._number), np.int64)
        allowed = np.ones(points.shape, np.bool_)
        for circle, mentors in enumerate(self._mentors):
            for mentor in mentors:
                column = np.full(len(mentees), mentor)
                points[:, circle] += self._encoded.points_of(mentees, column)
                broken = self._encoded.violated(mentees, column)
                strict = ~0 if mentor == self._facilitators[circle] else int(PERSONAL)
                allowed[:, circle] &= ((broken | self._single(mentees, mentor)) & strict) == 0
            points[:, circle] //= len(mentors)
        return points, allowed

    def _single(self, mentees: Numbers, mentor: int) -> Codes:
        """The rules that keep single mentees and this mentor apart."""
        encoded = self._encoded
        here = np.flatnonzero(encoded.single_mentors == mentor)
        broken = np.zeros(len(encoded.mentee_ids), np.int32)
        owners = np.searchsorted(encoded.single_starts, here, side="right") - 1
        broken[owners] = encoded.single_violated[here]
        return broken[mentees]

    def _words(self, value: object, mentors: list[int], mentees: Numbers) -> tuple[tuple[str, str], ...]:
        people = [self._pool.mentors[one].traits for one in mentors]
        lead = people[0]
        people += [self._pool.mentees[one].traits for one in mentees.tolist()]
        level = f" ({lead.level_name or lead.level})" if lead.level is not None else ""
        words = [("facilitator", f"The facilitator has the highest level of the circle's mentors{level}.")]
        if self._terms.shared:
            named = people[0].level_name or value if self._terms.shared == "level" else value
            words.insert(0, ("shared_trait", f"All share the {_NAMES[self._terms.shared]} {named}."))
        if self._terms.mix:
            different = len({_value(one, self._terms.mix) for one in people})
            name = _NAMES[self._terms.mix] if different == 1 else _PLURALS[self._terms.mix]
            words.append(
                ("mix", f"{len(people)} people from {different} {'' if different == 1 else 'different '}{name}.")
            )
        return tuple(words)


def _sizes(people: int, circles: int) -> Numbers:
    """So many people in so many circles, as evenly as can be."""
    return people // circles + (np.arange(circles) < people % circles).astype(np.int64)


def _kept_apart(one: Traits, other: Traits, rules: Rules) -> bool:
    """Whether two people must not meet: one excludes the other, or manages them."""
    if one.person_id in other.excluded or other.person_id in one.excluded:
        return True
    return rules.reporting_line and (one.manager_id == other.person_id or other.manager_id == one.person_id)
