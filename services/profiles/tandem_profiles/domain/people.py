"""People: what is known of somebody, what a sign-up changes of it, and when somebody has left."""

from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from typing import Any

from tandem_chassis.errors import Conflict, Fault, Invalid, NotFound
from tandem_profiles.domain.sheet_text import shown
from tandem_profiles.domain.sign_ups import SignUp

_TOLD = ("job_title", "level", "level_name", "unit", "profession", "biography")


class NoSuchPerson(NotFound):
    """No person has this id, or the caller may not know of them."""

    def __init__(self) -> None:
        super().__init__("There is no such person.")


class DepartedAlready(Conflict):
    """Somebody left, and left on another day than is said now."""

    def __init__(self, departed_on: date) -> None:
        super().__init__(
            f"This person left on {departed_on.isoformat()} already. Register their return first if that was wrong.",
            departed_on=departed_on.isoformat(),
        )


class DelegateUnknown(Invalid):
    """Somebody's calendar was to be kept by nobody, or by themselves."""

    def __init__(self) -> None:
        super().__init__("Name as delegate_id another person who is known here.")


class ProgramNeeded(Invalid):
    """Somebody looked for people without saying in which program."""

    def __init__(self) -> None:
        super().__init__("Say with program_id in which of your programs to look.")


class TimeZoneUnknown(Invalid):
    """A time zone that does not exist."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"“{shown(name)}” is no time zone. Name one as Europe/Lisbon.",
            faults=[Fault("is no time zone", field="time_zone")],
        )


class LanguageUnknown(Invalid):
    """A language tag that is none."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            "Name languages by their BCP 47 tags, as en or pt-BR.", faults=[Fault(reason, field="languages")]
        )


class ManagersInCircle(Invalid):
    """Somebody was to be managed, in the end, by themselves."""

    def __init__(self) -> None:
        super().__init__(
            "With this manager somebody would be their own manager's manager. Correct who manages whom first.",
            faults=[Fault("leads back to the person themselves", field="manager_id")],
        )


class Sight(StrEnum):
    """How much of somebody one may see."""

    WHOLE = "whole"
    """Everything but what is confidential: the person, administrators, managers of their programs."""
    VISIBLE = "visible"
    """What people show those who take part in a program with them."""


class RegisteredMeanwhile(Conflict):
    """Two requests registered the same person at the same moment."""

    def __init__(self) -> None:
        super().__init__("Somebody else registered one of these people at the same moment. Send it again.")


_TOLD_OTHERWISE = frozenset({"departed_on", "leaves_on", "email_key", "employee_number", "hired_on"})
"""Fields of which `person.updated` says nothing: they have facts of their own, or no other service knows them."""


def told_as_changed(fields: Iterable[str]) -> tuple[str, ...]:
    """The names of changed fields, as `person.updated` tells them."""
    return tuple(sorted(name for name in fields if name not in _TOLD_OTHERWISE))


def first_known(sign_up: SignUp) -> dict[str, Any]:
    """What is known of somebody whom a sign-up makes known."""
    return {
        "given_name": sign_up.given_name,
        "family_name": sign_up.family_name,
        "email": sign_up.email,
        "email_key": sign_up.email_key,
        "time_zone": sign_up.time_zone,
        "languages": list(sign_up.languages),
        **{field: getattr(sign_up, field) for field in _TOLD},
    }


def changes_by(sign_up: SignUp, person: Mapping[str, Any], *, asked: frozenset[str]) -> dict[str, Any]:
    """What a sign-up changes of what is known of a person.

    A question left blank takes nothing away: somebody who does not repeat their job title still has it. Time zone and
    languages count only where the sheet `asked` for them; otherwise they are what the program assumes of people whom
    nobody knows. Of somebody with an employee number the company's roster decides: a sheet only fills what is blank.
    """
    told: dict[str, Any] = {
        "given_name": sign_up.given_name,
        "email": sign_up.email,
        **{field: getattr(sign_up, field) for field in ("family_name", *_TOLD) if getattr(sign_up, field)},
    }
    if "time_zone" in asked:
        told["time_zone"] = sign_up.time_zone
    if "languages" in asked:
        told["languages"] = list(sign_up.languages)
    of_the_roster = person["employee_number"] is not None
    return {
        field: value
        for field, value in told.items()
        if person[field] != value and not (of_the_roster and person[field])
    }
