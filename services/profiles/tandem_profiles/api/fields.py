"""Fields: what texts and documents in requests may hold, so that whatever is let in can also be stored."""

import math
from typing import Annotated, Any, Self

from pydantic import AfterValidator, StringConstraints

DEEPEST = 12
LARGEST = 20_000


def _without_control_characters(text: str) -> str:
    if any((character < " " and character not in "\n\t\r") or character == "\x7f" for character in text):
        raise ValueError("holds a control character")
    return text


def _one_line(text: str) -> str:
    if "\n" in text or "\r" in text:
        raise ValueError("must be on one line")
    return text


Written = AfterValidator(_without_control_characters)
Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), Written, AfterValidator(_one_line)
]
"""A name or a title: one line of 1 to 200 characters."""

Prose = Annotated[str, StringConstraints(strip_whitespace=True, max_length=20_000), Written]
"""Some sentences or none, with line breaks, of at most 20,000 characters."""


def _storable(document: dict[str, Any]) -> dict[str, Any]:
    left = LARGEST

    def look(value: Any, depth: int) -> None:
        nonlocal left
        left -= 1
        if depth > DEEPEST:
            raise ValueError(f"is nested deeper than {DEEPEST} levels")
        if isinstance(value, str):
            left -= len(value)
            _without_control_characters(value)
        elif isinstance(value, float) and not math.isfinite(value):
            raise ValueError("holds a number that is not finite")
        elif isinstance(value, int) and abs(value) > 2**53:
            raise ValueError("holds a whole number beyond 2^53, which JSON readers do not agree on")
        elif isinstance(value, dict):
            for key, entry in value.items():
                look(str(key), depth + 1)
                look(entry, depth + 1)
        elif isinstance(value, list):
            for entry in value:
                look(entry, depth + 1)
        if left < 0:
            raise ValueError(f"is larger than {LARGEST:,} characters")

    look(document, 0)
    return document


Document = Annotated[dict[str, Any], AfterValidator(_storable)]
"""A JSON object of at most 20,000 characters, nested at most 12 levels deep."""


class RowNumber(int):
    """A whole number in a cursor, small enough to be a row's."""

    def __new__(cls, value: object) -> Self:
        """Raises `ValueError` for anything else."""
        if not isinstance(value, int) or not 0 <= value < 2**63:
            raise ValueError("not a row number")
        return super().__new__(cls, value)


class PlainText(str):
    """A text in a cursor that can be compared with stored ones."""

    __slots__ = ()

    def __new__(cls, value: object) -> Self:
        """Raises `ValueError` for anything else."""
        if not isinstance(value, str) or not value.isprintable():
            raise ValueError("not a text")
        return super().__new__(cls, value)
