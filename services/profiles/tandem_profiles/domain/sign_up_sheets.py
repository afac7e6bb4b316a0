"""Sign-up sheets: from the file that an organiser exports to people who want to take part, or every reason why not."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from tandem_profiles.domain.roles import Role
from tandem_profiles.domain.sheet_cells import read_cell, trimmed
from tandem_profiles.domain.sheet_columns import LONGEST_CELL, CellRefused, Value, spelling
from tandem_profiles.domain.sheet_mapping import CONFIDENTIAL, Column, SheetMapping, SheetPart
from tandem_profiles.domain.sheet_rows import DELIMITERS, BrokenRow, first_row, read_rows, separator_line
from tandem_profiles.domain.sheet_text import SIZE_LIMIT_BYTES, SheetText, decode_sheet, reason_unfit, shown
from tandem_profiles.domain.sign_ups import SignUp, email_key, sign_up_from

FAULTS_SHOWN = 1_000

# What one reading remembers per column: enough for every grade and unit, and little memory.
_KNOWN_ANSWERS = 300
_LONGEST_KNOWN = 100

_SIGNS = {",": "comma", ";": "semicolon", "\t": "tab"}


@dataclass(frozen=True, slots=True)
class RowFault:
    """What is wrong, and where a person finds it in the spreadsheet. The header is row 1."""

    row: int
    column: str | None
    """The heading of the column; None where the fault is the whole row's."""
    reason: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """What was found in a sheet."""

    role: Role
    encoding: str
    delimiter: str
    sign_ups: tuple[SignUp, ...]
    """The good rows, in the sheet's order."""
    faults: tuple[RowFault, ...]
    """The first faults, in the sheet's order; `fault_count` says how many there are in all."""
    fault_count: int
    row_count: int
    """Rows below the header, without blank ones at the end."""
    ignored_columns: tuple[str, ...]
    """Headings that the mapping doesn't mention. Nothing of them is read."""

    @property
    def bad_row_count(self) -> int:
        """How many rows are not among the sign-ups."""
        return self.row_count - len(self.sign_ups)


def read_sheet(
    content: bytes,
    mapping: SheetMapping,
    role: Role,
    *,
    encoding: str | None = None,
    time_zones: Collection[str] | None = None,
    size_limit_bytes: int = SIZE_LIMIT_BYTES,
    faults_shown: int = FAULTS_SHOWN,
) -> Sheet:
    """Every good row of a CSV sheet, and every fault of the others, in one go.

    Columns are found by their headings, in any order and any case, between commas, semicolons or tabs. With a fault in
    the header no row is good, since nobody knows what is missing from it. Of two rows with one e-mail address the later
    is the faulty one.

    A cell that a spreadsheet would run as a formula is refused: whoever opens an export of these people would run it. A
    negative number or a telephone number is none.

    `encoding` is what the sender says (UTF-8 if nothing; a byte-order mark decides), `time_zones` the known names.

    Raises:
        SheetTooLarge, SheetIsWorkbook, SheetEncodingUnknown, SheetUnreadable: there are no rows to speak of.
        RoleNotMapped: the mapping leaves this role out.
    """
    part = mapping.part(role)
    decoded = decode_sheet(content, encoding=encoding, size_limit_bytes=size_limit_bytes)
    delimiter = _delimiter_of(decoded.text, part)
    return _SheetReading(decoded, delimiter, mapping, role, time_zones=time_zones, faults_shown=faults_shown).read()


def _delimiter_of(text: str, part: SheetPart) -> str:
    """The delimiter with which the header says most of what the mapping expects; commas where it says nothing."""
    declared = separator_line(text)
    if declared is not None:
        return declared
    expected = {spelling(column.heading) for column in part.columns}

    def found(delimiter: str) -> tuple[int, int]:
        cells = first_row(text, delimiter=delimiter)
        return len(expected.intersection(map(spelling, cells))), len(cells)

    return max(DELIMITERS, key=found)


@dataclass(frozen=True, slots=True)
class _Slot:
    """A mapped column where it stands in this sheet, with the heading as it is spelled there."""

    column: Column
    place: int
    heading: str
    answer_name: str
    is_confidential: bool
    known: dict[str, Value] = field(default_factory=dict)
    """Answers by their cells, as far as read: grades and units come again and again."""


class _SheetReading:
    """One reading of one sheet: what was found so far."""

    def __init__(
        self,
        decoded: SheetText,
        delimiter: str,
        mapping: SheetMapping,
        role: Role,
        *,
        time_zones: Collection[str] | None,
        faults_shown: int,
    ) -> None:
        self._text = decoded
        self._delimiter = delimiter
        self._part = mapping.part(role)
        self._levels = mapping.levels
        self._role = role
        self._time_zones = time_zones
        self._faults_shown = faults_shown
        self._faults: list[RowFault] = []
        self._fault_count = 0
        self._sign_ups: list[SignUp] = []
        self._row_count = 0
        self._headings: list[str] = []
        self._slots: list[_Slot] = []
        self._header_is_good = False
        self._row_by_email: dict[str, int] = {}

    def read(self) -> Sheet:
        rows = read_rows(self._text.text, delimiter=self._delimiter)
        is_sheet = self._read_header(rows)
        self._header_is_good = self._fault_count == 0
        if is_sheet:
            self._read_people(rows)
            if self._row_count == 0:
                self._refuse(2, None, "is missing: the sheet has a header and nobody below it")
        mapped = {spelling(column.heading) for column in self._part.columns}
        ignored = (heading for heading in map(trimmed, self._headings) if heading and spelling(heading) not in mapped)
        return Sheet(
            role=self._role,
            encoding=self._text.encoding,
            delimiter=self._delimiter,
            sign_ups=tuple(self._sign_ups),
            faults=tuple(self._faults),
            fault_count=self._fault_count,
            row_count=self._row_count,
            ignored_columns=tuple(map(shown, ignored)),
        )

    def _refuse(self, row: int, column: str | None, reason: str) -> None:
        self._fault_count += 1
        if len(self._faults) < self._faults_shown:
            self._faults.append(RowFault(row, column, reason))

    def _read_header(self, rows: Iterator[tuple[int, list[str] | BrokenRow]]) -> bool:
        """Whether there is a header by which the rows can be read, at least in part."""
        _, header = next(rows, (1, []))
        if isinstance(header, BrokenRow):
            self._refuse(1, None, _reason_broken(header))
            return False
        if not any(map(trimmed, header)):
            self._refuse(1, None, "is blank: the first row must hold the names of the columns")
            return False
        self._headings = header
        places: dict[str, list[int]] = {}
        for place, heading in enumerate(header):
            places.setdefault(spelling(trimmed(heading)), []).append(place)
            if reason := reason_unfit(heading, encoding=self._text.encoding):
                self._refuse(1, shown(heading), reason)
        found = ", ".join(f"“{shown(heading)}”" for heading in header[:40] if heading.strip())
        for column in self._part.columns:
            at = places.get(spelling(column.heading), [])
            if not at:
                self._refuse(1, column.heading, f"is missing; the sheet has the columns {found}")
            elif len(at) > 1:
                columns = " and ".join(_letters(place) for place in at)
                self._refuse(1, column.heading, f"is there {len(at)} times, in the columns {columns}")
            else:
                name, confidential = column.field.removeprefix(CONFIDENTIAL), column.is_confidential
                self._slots.append(_Slot(column, at[0], shown(trimmed(header[at[0]])), name, confidential))
        return any(spelling(column.heading) in places for column in self._part.columns)

    def _read_people(self, rows: Iterator[tuple[int, list[str] | BrokenRow]]) -> None:
        blank_from: int | None = None
        for row, cells in rows:
            if isinstance(cells, list) and not any(map(str.strip, cells)):
                blank_from = blank_from or row
                continue
            if blank_from is not None:
                # Blank rows at the end are how spreadsheets export; between people somebody lost a line.
                self._refuse_blank_rows(blank_from, row)
                blank_from = None
            self._row_count = row - 1
            if isinstance(cells, list):
                self._read_person(row, cells)
            else:
                heading = self._headings[cells.cell] if cells.cell < len(self._headings) else None
                self._refuse(row, shown(heading) if heading is not None else None, _reason_broken(cells))
                if cells.reading_ends:
                    return

    def _refuse_blank_rows(self, first: int, end: int) -> None:
        room = max(0, self._faults_shown - len(self._faults))
        self._faults.extend(RowFault(row, None, "is blank") for row in range(first, min(end, first + room)))
        self._fault_count += end - first

    def _read_person(self, row: int, cells: Sequence[str]) -> None:
        before = self._fault_count
        width = len(cells)
        if width > len(self._headings) and any(map(str.strip, cells[len(self._headings) :])):
            # Read on, the cells behind the extra one would all be refused for standing in the wrong column.
            sign = _SIGNS[self._delimiter]
            reason = f"has {width} cells, the header has {len(self._headings)}: perhaps a {sign} isn't in quotes"
            self._refuse(row, None, reason)
            return
        answers: dict[str, Value] = {}
        confidential_answers: dict[str, Value] = {}
        for slot in self._slots:
            column = slot.column
            # Cells that are missing at the end are blank: spreadsheets leave them out.
            cell = cells[slot.place] if slot.place < width else ""
            answer = slot.known.get(cell)
            if answer is not None:
                (confidential_answers if slot.is_confidential else answers)[slot.answer_name] = answer
                continue
            content = trimmed(cell)
            if not content:
                if column.required:
                    self._refuse(row, slot.heading, "is blank")
                continue
            try:
                answer = read_cell(column, cell, content, sheet=self._text, time_zones=self._time_zones)
            except CellRefused as refusal:
                self._refuse(row, slot.heading, str(refusal))
            else:
                (confidential_answers if slot.is_confidential else answers)[slot.answer_name] = answer
                if len(cell) <= _LONGEST_KNOWN and len(slot.known) < _KNOWN_ANSWERS:
                    slot.known[cell] = answer
        email = answers.get("email")
        if isinstance(email, str):
            first = self._row_by_email.setdefault(email_key(email), row)
            if first != row:
                heading = next(slot.heading for slot in self._slots if slot.column.field == "email")
                self._refuse(row, heading, f"“{shown(email)}” is in row {first} already")
        # With a column missing nobody is good, though their other cells may be.
        if self._fault_count == before and self._header_is_good:
            sign_up = sign_up_from(
                answers,
                confidential_answers,
                row=row,
                role=self._role,
                levels=self._levels,
                constants=self._part.constants,
            )
            self._sign_ups.append(sign_up)


def _reason_broken(row: BrokenRow) -> str:
    if row.too_long:
        reason = f"is longer than the {LONGEST_CELL:,} characters that are taken"
    else:
        reason = 'has a quote (") that is opened and not closed, or closed before the cell ends'
    return f"{reason}; so many rows do that the rest of the sheet was not read" if row.reading_ends else reason


def _letters(place: int) -> str:
    """The letters of a column in a spreadsheet; place 0 is A."""
    letters = ""
    place += 1
    while place:
        place, letter = divmod(place - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters
