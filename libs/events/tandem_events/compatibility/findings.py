"""What is found between two schemas: the kind of change, the place, and the words."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The ways in which a change breaks a reader."""

    REMOVED = "removed"
    RENAMED = "renamed"
    RETYPED = "retyped"
    FORMAT_CHANGED = "format changed"
    NEWLY_REQUIRED = "newly required"
    NO_LONGER_REQUIRED = "no longer required"
    NEWLY_NULLABLE = "newly nullable"
    NO_LONGER_NULLABLE = "no longer nullable"
    ENUM_VALUE_ADDED = "enum value added"
    ENUM_VALUE_REMOVED = "enum value removed"
    CONSTRAINT_TIGHTENED = "constraint tightened"
    CONSTRAINT_LOOSENED = "constraint loosened"
    DEFAULT_CHANGED = "default changed"
    LESS_PROTECTED = "less protected"
    CLOSED = "closed"
    ROUTE_CHANGED = "route changed"
    NAME_REUSED = "name reused"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True)
class Forbidden:
    """A change that needs a new version of the event: what kind it is, where, and why in words."""

    kind: Kind
    path: str
    words: str

    def __str__(self) -> str:
        return f"{self.path}: {self.words}" if self.path else self.words
