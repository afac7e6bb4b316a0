"""The roster: the people of a company as its HR system lists them, row by row, and every fault of the rows."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tandem_chassis.errors import TooLarge
from tandem_profiles.domain.sheet_cells import read_cell, trimmed
from tandem_profiles.domain.sheet_columns import CellRefused, Email, ListOf, Text, Value, WholeNumber, spelling
from tandem_profiles.domain.sheet_mapping import Column
from tandem_profiles.domain.sheet_rows import BrokenRow
from tandem_profiles.domain.sheet_text import SheetText, shown
from tandem_profiles.domain.sign_up_sheets import RowFault
from tandem_profiles.domain.sign_ups import email_key

MOST_ROWS = 300_000
FAULTS_SHOWN = 1_000

COLUMNS = (
    Column("employee_number", "employee_number", Text(longest=64), required=True),
    Column("given_name", "given_name", Text(longest=200), required=True),
    Column("family_name", "family_name", Text(longest=200)),
    Column("email", "email", Email(), required=True),
    Column("unit", "unit", Text(longest=200)),
    Column("job_title", "job_title", Text(longest=200)),
    Column("manager_employee_number", "manager_employee_number", Text(longest=64)),
    Column("hired_on", "hired_on", Text(longest=40)),
    Column("left_on", "left_on", Text(longest=40)),
    Column("location", "location", Text(longest=200)),
    Column("time_zone", "time_zone", Text(longest=64)),
    Column("languages", "languages", ListOf(separator=";")),
    Column("level", "level", WholeNumber(lowest=1, highest=1000)),
    Column("level_name", "level_name", Text(longest=200)),
    Column("profession", "profession", Text(longest=200)),
)
"""The columns of a roster. Those that are required must be there, and filled in every row."""

ALSO = {"department": "unit", "employee_id": "employee_number", "manager": "manager_employee_number"}
"""Other headings that HR systems give to the same columns."""

_DATES = frozenset({"hired_on", "left_on"})
Row = tuple[int, Sequence[str] | BrokenRow]


class RosterTooLong(TooLarge):
    """The roster has more rows than are taken at once."""

    def __init__(self) -> None:
        super().__init__(f"The roster has more than {MOST_ROWS:,} rows. Nothing was stored. Send it in parts.")


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One person as the roster lists them."""

    row: int
    employee_number: str
    email_key: str
    names: tuple[str, ...]
    """The fields that the roster has columns for; one tuple for all rows, so that a long roster stays small."""
    values: tuple[Any, ...]

    @property
    def told(self) -> dict[str, Any]:
        """What the roster says of this person, by field; a blank cell is None."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in zip(self.names, self.values, strict=True)
        }


@dataclass(slots=True)
class Roster:
    """What was found in a roster."""

    rows: list[RosterRow] = field(default_factory=list)
    """The good rows, in the roster's order."""
    row_count: int = 0
    columns: frozenset[str] = frozenset()
    ignored_columns: tuple[str, ...] = ()
    faults: list[RowFault] = field(default_factory=list)
    fault_count: int = 0

    def refuse(self, row: int, column: str | None, reason: str) -> None:
        """Note a fault; the first thousand are kept with their words."""
        self.fault_count += 1
        if len(self.faults) < FAULTS_SHOWN:
            self.faults.append(RowFault(row, column, reason))


def read_roster(rows: Iterable[Row], sheet: SheetText, *, time_zones: Collection[str]) -> Roster:
    """Every person of a roster, and every fault, in one go. Rows are read one at a time.

    The first row holds the headings, in any order. `sheet` says what is known of the text as a whole.

    Raises:
        RosterTooLong: more than `MOST_ROWS` rows; so many would not be a company.
    """
    roster = Roster()
    iterator = iter(rows)
    _, header = next(iterator, (1, ()))
    places = _read_header(roster, header)
    if places is None:
        return roster
    names = tuple(column.field for column in places.values() if column.field != "employee_number")
    by_number: dict[str, int] = {}
    by_email: dict[str, int] = {}
    one_of_each: dict[Any, Any] = {}
    """Units, titles and names are the same in many rows; each is kept once."""
    for number, cells in iterator:
        if isinstance(cells, BrokenRow):
            roster.row_count += 1
            roster.refuse(number, None, "has a quote that is not closed, or a cell that is too long")
            continue
        if not any(map(str.strip, cells)):
            continue
        roster.row_count += 1
        if roster.row_count > MOST_ROWS:
            raise RosterTooLong
        before = roster.fault_count
        told = _read_person(roster, number, cells, places, sheet=sheet, time_zones=time_zones)
        key = email_key(told.get("email") or "")
        own_number = told.get("employee_number")
        for column, value, seen in (("employee_number", own_number, by_number), ("email", key, by_email)):
            if value and (first := seen.setdefault(value, number)) != number:
                roster.refuse(number, column, f"“{shown(value)}” is in row {first} already")
        if told.get("manager_employee_number") and told["manager_employee_number"] == own_number:
            roster.refuse(number, "manager_employee_number", "is the person themselves: nobody is their own manager")
        if roster.fault_count == before:
            values = tuple(
                value if name == "email" else one_of_each.setdefault(value, value)
                for name, value in ((name, told[name]) for name in names)
            )
            roster.rows.append(
                RosterRow(number, str(own_number), told["email"] if key == told["email"] else key, names, values)
            )
    if roster.row_count == 0:
        roster.refuse(2, None, "is missing: the roster has a header and nobody below it")
    return roster


def _read_header(roster: Roster, header: Sequence[str] | BrokenRow) -> dict[int, Column] | None:
    if isinstance(header, BrokenRow) or not any(map(str.strip, header)):
        roster.refuse(1, None, "must hold the names of the columns")
        return None
    known = {column.heading: column for column in COLUMNS}
    places: dict[int, Column] = {}
    ignored: list[str] = []
    for place, heading in enumerate(header):
        name = spelling(trimmed(heading)).replace(" ", "_")
        column = known.get(ALSO.get(name, name))
        if column is None:
            ignored.append(shown(trimmed(heading)))
        elif column in places.values():
            roster.refuse(1, column.heading, "is there more than once")
        else:
            places[place] = column
    found = {column.heading for column in places.values()}
    for column in COLUMNS:
        if column.required and column.heading not in found:
            roster.refuse(
                1, column.heading, f"is missing; the roster has the columns {', '.join(map(shown, header[:40]))}"
            )
    roster.columns = frozenset(found)
    roster.ignored_columns = tuple(heading for heading in ignored if heading)
    return places if roster.fault_count == 0 else None


def _read_person(
    roster: Roster,
    number: int,
    cells: Sequence[str],
    places: Mapping[int, Column],
    *,
    sheet: SheetText,
    time_zones: Collection[str],
) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for place, column in places.items():
        cell = cells[place] if place < len(cells) else ""
        content = trimmed(cell)
        if not content:
            if column.required:
                roster.refuse(number, column.heading, "is blank")
            told[column.field] = None
            continue
        try:
            value: Value | date = read_cell(column, cell, content, sheet=sheet, time_zones=time_zones)
            if column.field in _DATES:
                value = _day(content)
        except CellRefused as refusal:
            roster.refuse(number, column.heading, str(refusal))
        else:
            told[column.field] = value
    return told


def _day(content: str) -> date:
    try:
        return date.fromisoformat(content[:10] if content[10:] in ("", "T00:00:00", " 00:00:00") else content)
    except ValueError:
        raise CellRefused(f"“{shown(content)}” is not a day; write it as 2026-01-31") from None
