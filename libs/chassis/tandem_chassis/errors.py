"""The kinds of refusal. A domain's refusals inherit one and name what is wrong; `problems` turns kinds into answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with an input, and where."""

    reason: str
    field: str | None = None
    row: int | None = None
    column: str | None = None

    def as_document(self) -> dict[str, Any]:
        """Only what is known."""
        known = {"reason": self.reason, "field": self.field, "row": self.row, "column": self.column}
        return {name: value for name, value in known.items() if value is not None}


class Refusal(Exception):
    """What was asked for is not done; nothing was changed.

    The sentence is for the person who asked: what is wrong, and what to do about it. It carries no personal data of
    others. `faults` names every single thing that is wrong, where there are several.
    """

    kind: ClassVar[str] = "refused"

    def __init__(self, sentence: str, *, faults: Sequence[Fault] = (), **details: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.faults = tuple(faults)
        self.details = details


class Invalid(Refusal):
    """The input breaks a rule that can be told from the input alone."""

    kind = "invalid"


class NotFound(Refusal):
    """There is no such thing, or the caller may not know of it."""

    kind = "not-found"


class Conflict(Refusal):
    """The input is fine, but the state of things does not allow it."""

    kind = "conflict"


class Forbidden(Refusal):
    """The caller is known and may not do this."""

    kind = "forbidden"


class Unauthenticated(Refusal):
    """The caller is not known: no token, or one that does not hold."""

    kind = "unauthenticated"


class PreconditionFailed(Refusal):
    """The thing was changed since the caller last saw it."""

    kind = "precondition-failed"


class PreconditionRequired(Refusal):
    """An update must say which version it changes."""

    kind = "precondition-required"


class TooLarge(Refusal):
    """The input is larger than what is accepted."""

    kind = "too-large"


class UnsupportedMedia(Refusal):
    """The input is of a type that is not understood."""

    kind = "unsupported-media"


class Unavailable(Refusal):
    """Something that is needed is away; trying again later may help."""

    kind = "unavailable"
