"""Roster changes: what a roster makes different, so that a second identical one makes nothing different."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar

Id = TypeVar("Id")

_NEVER_BLANK: Mapping[str, Any] = {"family_name": "", "time_zone": "UTC", "languages": []}
"""What stands for a blank cell where a person always has something."""

_PLACE_IN_COMPANY = frozenset({"unit", "manager_id", "job_title", "level", "level_name", "location"})


class Kind(StrEnum):
    """What a roster's row means for a person."""

    JOINS = "joins"
    MOVES = "moves"
    CHANGES = "changes"
    LEAVES = "leaves"
    RETURNS = "returns"


@dataclass(frozen=True, slots=True)
class Change:
    """What one row makes different."""

    kind: Kind
    fields: dict[str, Any]
    """The new values of what changes."""


def as_person(told: Mapping[str, Any], *, today: date) -> dict[str, Any]:
    """A roster's row as fields of a person. A last day ahead is kept as such until it comes."""
    fields = {
        name: _NEVER_BLANK[name] if value is None and name in _NEVER_BLANK else value
        for name, value in told.items()
        if name not in ("manager_employee_number", "left_on")
    }
    if "left_on" in told:
        fields |= leaving(told["left_on"], today=today)
    return fields


def leaving(left_on: date | None, *, today: date) -> dict[str, date | None]:
    """The fields that say when somebody left, or will leave."""
    if left_on is None or left_on <= today:
        return {"departed_on": left_on, "leaves_on": None}
    return {"departed_on": None, "leaves_on": left_on}


def change_of(person: Mapping[str, Any], fields: Mapping[str, Any]) -> Change | None:
    """What a row's `fields` make different of a person who is known; nothing where all is as it was."""
    different = {name: value for name, value in fields.items() if person[name] != value}
    if not different:
        return None
    if "departed_on" in different and person["departed_on"] is None:
        kind = Kind.LEAVES
    elif "departed_on" in different and different["departed_on"] is None:
        kind = Kind.RETURNS
    elif _PLACE_IN_COMPANY.intersection(different):
        kind = Kind.MOVES
    else:
        kind = Kind.CHANGES
    return Change(kind, different)


def circles(manager_of: Mapping[Id, Id | None], among: Iterable[Id]) -> list[tuple[Id, ...]]:
    """The circles that lines of managers run into, beginning from these people; each circle once, in its order."""
    settled: set[Id] = set()
    found: list[tuple[Id, ...]] = []
    for start in among:
        path: list[Id] = []
        on_path: set[Id] = set()
        current: Id | None = start
        while current is not None and current not in settled and current not in on_path:
            path.append(current)
            on_path.add(current)
            current = manager_of.get(current)
        if current is not None and current in on_path:
            found.append(tuple(path[path.index(current) :]))
        settled.update(path)
    return found
