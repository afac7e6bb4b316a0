"""Sign-ups: one person who wants to take part in a program, as what, and with what answers."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from tandem_profiles.domain.roles import Role
from tandem_profiles.domain.sheet_columns import OneOf, Value
from tandem_profiles.domain.sheet_mapping import Constants

_BOTH = (Role.MENTOR, Role.MENTEE)
_CONFIDENTIAL = (str, tuple, bool)


@dataclass(frozen=True, slots=True)
class SignUp:
    """One person who wants to take part, as one good row of a sheet says it. A question left blank is None."""

    row: int
    """Where a person finds it in the spreadsheet; the header is row 1."""
    given_name: str
    family_name: str
    """Blank for somebody with one name only, where the mapping allows that."""
    email: str
    email_key: str
    """The address by which two rows are the same person."""
    job_title: str | None
    level: int | None
    """The rank of the grade; 1 is the lowest."""
    level_name: str | None
    unit: str | None
    profession: str | None
    biography: str | None
    roles: tuple[Role, ...]
    mentor_places: int
    """How many mentees this person takes; 0 without the mentor's role."""
    wanted_mentors: int
    """How many mentors this person wants; 0 without the mentee's role."""
    time_zone: str
    languages: tuple[str, ...]
    confidential_answers: dict[str, tuple[str, ...] | bool | str]
    """Answers that matching may use and nobody may be shown. A question left blank isn't there."""


def email_key(email: str) -> str:
    """What two spellings of one address have in common: case tells nobody apart."""
    return email.lower() if email.isascii() else unicodedata.normalize("NFC", email.casefold())


def sign_up_from(
    answers: Mapping[str, Value],
    confidential_answers: Mapping[str, Value],
    *,
    row: int,
    role: Role,
    levels: OneOf | None,
    constants: Constants,
) -> SignUp:
    """The sign-up that a row's answers make, with the program's constants where the sheet says nothing.

    `answers` are by field, read and without faults; blank ones aren't there. `role` is the sheet's.
    """
    roles = _BOTH if answers.get("takes_other_role") is True else (role,)
    level_name = _text(answers, "level")
    email = _text(answers, "email") or ""
    return SignUp(
        row=row,
        given_name=_text(answers, "given_name") or "",
        family_name=_text(answers, "family_name") or "",
        email=email,
        email_key=email_key(email),
        job_title=_text(answers, "job_title"),
        level=levels.rank(level_name) if levels is not None and level_name is not None else None,
        level_name=level_name,
        unit=_text(answers, "unit"),
        profession=_text(answers, "profession"),
        biography=_text(answers, "biography"),
        roles=roles,
        mentor_places=_number(answers, "mentor_places", constants.mentor_places) if Role.MENTOR in roles else 0,
        wanted_mentors=_number(answers, "wanted_mentors", constants.wanted_mentors) if Role.MENTEE in roles else 0,
        time_zone=_text(answers, "time_zone") or constants.time_zone,
        languages=_texts(answers, "languages") or constants.languages,
        # No kind of column that may be confidential holds a number (bool is an int, and stays).
        confidential_answers={
            name: answer for name, answer in confidential_answers.items() if isinstance(answer, _CONFIDENTIAL)
        },
    )


def _text(answers: Mapping[str, Value], field: str) -> str | None:
    answer = answers.get(field)
    return answer if isinstance(answer, str) else None


def _texts(answers: Mapping[str, Value], field: str) -> tuple[str, ...]:
    answer = answers.get(field)
    return answer if isinstance(answer, tuple) else ()


def _number(answers: Mapping[str, Value], field: str, otherwise: int) -> int:
    answer = answers.get(field)
    return answer if isinstance(answer, int) else otherwise
