"""Paging: a page and a cursor that says where the next one begins, stable while rows come and go."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

from tandem_chassis.errors import Invalid

Item = TypeVar("Item")
Row = TypeVar("Row")
Value = TypeVar("Value")
Limit = Annotated[int, Query(ge=1, le=500, description="How many at the most.")]
Cursor = Annotated[str | None, Query(max_length=1000, description="`next_cursor` of the page before.")]


class CursorMalformed(Invalid):
    """A cursor that this service did not make."""


class Page(BaseModel, Generic[Item]):
    """Some of many, in a fixed order."""

    items: list[Item]
    next_cursor: str | None = None


def encode(*position: Any) -> str:
    """A cursor behind the row with these sort values (text and whole numbers)."""
    return (
        base64.urlsafe_b64encode(json.dumps(position, separators=(",", ":"), default=str).encode()).decode().rstrip("=")
    )


def page(rows: Sequence[Row], limit: int, shown: Callable[[Row], Item], *, by: Callable[[Row], Any]) -> Page[Item]:
    """The first `limit` of these rows, and a cursor behind them where there are more: read one row more than that.

    `by` gives what the rows are sorted by: a value, or a tuple of them.
    """
    following = None
    if len(rows) > limit:
        place = by(rows[limit - 1])
        following = encode(*place) if isinstance(place, tuple) else encode(place)
    return Page(items=[shown(row) for row in rows[:limit]], next_cursor=following)


def row_number(value: Any) -> int:
    """A number that a row can have in the database.

    Raises:
        ValueError: no row can have it.
    """
    number = int(value)
    if not 0 <= number < 2**63:
        raise ValueError(f"{number} is no number of a row")
    return number


def decode(cursor: str | None, *kinds: Callable[[Any], Any]) -> tuple[Any, ...] | None:
    """The sort values of a cursor, each read by its kind, or nothing at the first page.

    Raises:
        CursorMalformed: the cursor is not one of this list's.
    """
    if cursor is None:
        return None
    try:
        position = json.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
        if not isinstance(position, list) or len(position) != len(kinds):
            raise CursorMalformed("This cursor belongs to another list: begin again without one.")
        return tuple(kind(value) for kind, value in zip(kinds, position, strict=True))
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError, binascii.Error) as malformed:
        raise CursorMalformed("This cursor is malformed: begin again without one.") from malformed


def after(cursor: str | None, kind: Callable[[Any], Value]) -> Value | None:
    """The one sort value of a cursor, or nothing at the first page.

    Raises:
        CursorMalformed: the cursor is not one of this list's.
    """
    position = decode(cursor, kind)
    return None if position is None else position[0]
