"""Sample sheets: sign-up sheets of invented people in the civil-service form, the same for the same seed."""

import csv
import io
import math
import random
import unicodedata
from collections.abc import Sequence
from typing import TypeVar

from tandem_profiles.domain.roles import Role
from tandem_profiles.domain.sample_vocabulary import (
    BACKGROUNDS,
    CHARACTERISTICS,
    FAMILY_NAMES,
    GIVEN_NAMES,
    JOB_TITLES,
    MENTEES_HOPE,
    MENTORS_OFFER,
    PROUD_OF,
    UNITS,
)

MENTOR_HEADINGS = (
    "first name",
    "last name",
    "email address",
    "both mentor and mentee",
    "job title",
    "grade",
    "organisation",
    "profession",
    "characteristics",
    "biography",
)
MENTEE_HEADINGS = (*MENTOR_HEADINGS[:8], "match with similar identity", "identity to match", "biography")

_Choice = TypeVar("_Choice")

# Each grade as often as it is listed: many in the middle, few at the top, and mentors mostly above mentees.
_MENTOR_GRADES = (
    "EO", "HEO", "HEO", "SEO", "SEO", "SEO", "Grade 7", "Grade 7", "Grade 7", "Grade 7",
    "Grade 6", "Grade 6", "Grade 6", "SCS1", "SCS1", "SCS2", "SCS3", "SCS4",
)  # fmt: skip
_MENTEE_GRADES = (
    "AA", "AA", "AO", "AO", "AO", "EO", "EO", "EO", "EO", "HEO", "HEO", "HEO", "SEO", "SEO",
    "Grade 7", "Grade 7", "Grade 6", "SCS1",
)  # fmt: skip


def mentor_sheet(count: int, seed: int) -> str:
    """A CSV sheet of `count` mentors. The same arguments give the same sheet, on every machine."""
    return _sheet(Role.MENTOR, count, seed)


def mentee_sheet(count: int, seed: int) -> str:
    """A CSV sheet of `count` mentees, nobody of whom is in any mentor sheet. The same arguments give the same sheet."""
    return _sheet(Role.MENTEE, count, seed)


def _sheet(role: Role, count: int, seed: int) -> str:
    draw = _Draw(f"{role}:{seed}")
    names = _Names(role, draw)
    written = io.StringIO(newline="")
    sheet = csv.writer(written)
    sheet.writerow(MENTOR_HEADINGS if role is Role.MENTOR else MENTEE_HEADINGS)
    for place in range(count):
        sheet.writerow(_mentor(names, place, draw) if role is Role.MENTOR else _mentee(names, place, draw))
    return written.getvalue()


def _mentor(names: "_Names", place: int, draw: "_Draw") -> list[str]:
    characteristics = draw.several(CHARACTERISTICS, draw.one((0, 0, 1, 1, 2)))
    person = _person(names, place, grade=draw.one(_MENTOR_GRADES), both=draw.happens(0.15), draw=draw)
    return [*person, ", ".join(characteristics), _biography(draw, MENTORS_OFFER)]


def _mentee(names: "_Names", place: int, draw: "_Draw") -> list[str]:
    identity = draw.one(CHARACTERISTICS) if draw.happens(0.5) else ""
    person = _person(names, place, grade=draw.one(_MENTEE_GRADES), both=draw.happens(0.1), draw=draw)
    # Some people ask for it and then don't say what: that is how sheets arrive.
    similar = draw.happens(0.6 if identity else 0.1)
    return [*person, "yes" if similar else "no", identity, _biography(draw, MENTEES_HOPE)]


def _person(names: "_Names", place: int, *, grade: str, both: bool, draw: "_Draw") -> list[str]:
    given_name, family_name, email = names.at(place)
    profession = draw.one(tuple(JOB_TITLES))
    title = draw.one(JOB_TITLES[profession])
    return [given_name, family_name, email, "yes" if both else "no", title, grade, draw.one(UNITS), profession]


def _biography(draw: "_Draw", wishes: Sequence[str]) -> str:
    sentences = f"{draw.one(BACKGROUNDS)}. I am proud of {draw.one(PROUD_OF)}."
    # Some press Enter while they write; a sheet keeps that inside the cell.
    return f"{sentences}{draw.one((' ', ' ', ' ', chr(10)))}{draw.one(wishes)}"


class _Draw:
    """Draws that are the same for the same seed in every version of Python.

    Python promises that of `random.random` alone, not of `choice` or `sample`.
    """

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311 - sample data, no secret

    def below(self, end: int) -> int:
        return int(self._random.random() * end)

    def happens(self, probability: float) -> bool:
        return self._random.random() < probability

    def one(self, choices: Sequence[_Choice]) -> _Choice:
        return choices[self.below(len(choices))]

    def several(self, choices: Sequence[str], count: int) -> list[str]:
        rest = list(choices)
        return [rest.pop(self.below(len(rest))) for _ in range(count)]


class _Names:
    """Names and addresses, each pair of names once before any comes again; mentors and mentees share none."""

    def __init__(self, role: Role, draw: _Draw) -> None:
        self._parity = 0 if role is Role.MENTOR else 1
        self._half = len(FAMILY_NAMES) // 2
        self._count = len(GIVEN_NAMES) * self._half
        # Stepping by a number that shares no divisor with the count visits every pair of names once.
        steps = range(self._count // 3 + draw.below(997), self._count * 2)
        self._step = next(step for step in steps if math.gcd(step, self._count) == 1)
        self._start = draw.below(self._count)

    def at(self, place: int) -> tuple[str, str, str]:
        """Given name, family name and e-mail address of the person at this place, counted from 0."""
        given, half = divmod((self._start + place * self._step) % self._count, self._half)
        given_name, family_name = GIVEN_NAMES[given], FAMILY_NAMES[2 * half + (given + self._parity) % 2]
        round_number = place // self._count
        # Whoever shares a name gets a number behind it, as in a company.
        number = str(round_number + 1) if round_number else ""
        return given_name, family_name, f"{_plain(given_name)}.{_plain(family_name)}{number}@example.org"


# Letters that Unicode doesn't take apart into a plain one and its accent.
_OWN_LETTERS = str.maketrans({"ø": "o", "ł": "l", "ı": "i", "æ": "ae", "đ": "d"})


def _plain(name: str) -> str:
    """`name` in the letters that an address can hold everywhere."""
    letters = unicodedata.normalize("NFKD", name.casefold().translate(_OWN_LETTERS))
    return "".join(letter for letter in letters if letter.isascii() and (letter.isalnum() or letter == "-"))
