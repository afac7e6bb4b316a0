"""HR sheets: reading the rows of an HR system's exports, and naming every fault by row and column."""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

from tandem_chassis.errors import Fault, Invalid

FAULTS_NAMED = 100
LONGEST_TEXT = 200
LONGEST_AMOUNT = 12


class SheetRefused(Invalid):
    """A sheet with faults; nothing of it is stored."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: how its cells are read, and whether they may be empty."""

    read: Callable[[str], Any]
    may_be_empty: bool = False


def _text(cell: str) -> str:
    if len(cell) > LONGEST_TEXT or "\x00" in cell:
        raise ValueError(f"is not a text of at most {LONGEST_TEXT} characters")
    return cell


def _day(cell: str) -> date:
    try:
        return date.fromisoformat(cell)
    except ValueError as wrong:
        raise ValueError("is not a day such as 2026-03-31") from wrong


def _amount(cell: str) -> int:
    if not cell.isascii() or not cell.isdigit() or len(cell) > LONGEST_AMOUNT or int(cell) > 1_000_000_000:
        raise ValueError("is not a whole amount of at most 1000000000")
    return int(cell)


def email_digest(email: str) -> bytes:
    """What an address is joined by, so that it need not be kept."""
    return sha256(email.strip().lower().encode()).digest()


EMPLOYEES: Mapping[str, Column] = {
    "employee_number": Column(_text),
    "email": Column(email_digest),
    "department": Column(_text),
    "hired_on": Column(_day),
    "left_on": Column(_day, may_be_empty=True),
}
TITLES: Mapping[str, Column] = {
    "employee_number": Column(_text),
    "job_title": Column(_text),
    "from_date": Column(_day),
    "to_date": Column(_day, may_be_empty=True),
}
DEPARTMENTS: Mapping[str, Column] = {
    "employee_number": Column(_text),
    "department": Column(_text),
    "from_date": Column(_day),
    "to_date": Column(_day, may_be_empty=True),
}
SALARIES: Mapping[str, Column] = {
    "employee_number": Column(_text),
    "annual_salary": Column(_amount),
    "from_date": Column(_day),
    "to_date": Column(_day, may_be_empty=True),
}


def read(content: bytes, columns: Mapping[str, Column]) -> list[tuple[Any, ...]]:
    """The rows of a CSV file (UTF-8, with a heading), each with these columns in this order; others are ignored.

    Raises:
        SheetRefused: the file or any cell does not fit; the first hundred faults are named.
    """
    try:
        lines = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        heading = next(lines, [])
        missing = [name for name in columns if name not in heading]
        if missing:
            raise SheetRefused(f"The heading lacks the columns {', '.join(missing)}.")
        return _rows(lines, [heading.index(name) for name in columns], columns)
    except UnicodeDecodeError as wrong:
        raise SheetRefused("The file is not UTF-8 text: export it as CSV in UTF-8.") from wrong
    except csv.Error as wrong:
        raise SheetRefused(f"The file is no CSV: {wrong}.") from wrong


def _rows(lines: Any, places: list[int], columns: Mapping[str, Column]) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    faults: list[Fault] = []
    for number, cells in enumerate(lines, start=2):
        if not any(cells):
            continue
        row = []
        for place, (name, column) in zip(places, columns.items(), strict=True):
            cell = cells[place].strip() if place < len(cells) else ""
            try:
                if not cell and not column.may_be_empty:
                    raise ValueError("is empty")
                row.append(column.read(cell) if cell else None)
            except ValueError as wrong:
                faults.append(Fault(f"the cell {wrong}", row=number, column=name))
        if len(faults) >= FAULTS_NAMED:
            break
        rows.append(tuple(row))
    if faults:
        raise SheetRefused("The sheet has faults, and nothing of it was stored. Mend what is named.", faults=faults)
    return rows
