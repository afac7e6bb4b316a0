"""Sheet rows: from a sheet's characters to rows of cells, numbered as a person sees them in a spreadsheet."""

import csv
import io
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

DELIMITERS = (",", ";", "\t")

_SEPARATOR_LINE = re.compile(r"sep=([,;\t])(?:\r\n|\r|\n|\Z)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row whose quotes don't match, or with a cell of a size that no person wrote."""

    cell: int
    """The place of the cell in which that shows, counted from 0."""
    too_long: bool
    reading_ends: bool
    """True where so many quotes are broken that the rest of the sheet isn't read."""


def read_rows(text: str, *, delimiter: str) -> Iterator[tuple[int, list[str] | BrokenRow]]:
    """The rows, each with its number; the header is row 1, blank rows are `[]`, and a quoted line end stays in its row.

    After a row with a broken quote, reading goes on in the next line of the file: usually one cell is wrong, and taking
    the rest of the sheet for its content would hide every fault in it.
    """
    yield from read_lines(io.StringIO(text, newline=""), delimiter=delimiter, length=len(text))


def read_lines(text: Iterable[str], *, delimiter: str, length: int) -> Iterator[tuple[int, list[str] | BrokenRow]]:
    """The same from lines with their ends, of which none is kept; `length` is at least that of all of them."""
    lines = _Lines(text)
    # A broken quote makes the reader run on, perhaps to the end; without a limit a sheet of such quotes takes hours.
    reread_left = length + 100_000
    number = 0
    while True:
        rows = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            for cells in rows:
                number += 1
                lines.of_this_row.clear()
                yield number, cells
        except csv.Error:
            number += 1
            consumed = "".join(lines.of_this_row)
            reread_left -= len(consumed)
            cell, too_long = _broken_cell(consumed, delimiter)
            yield number, BrokenRow(cell=cell, too_long=too_long, reading_ends=reread_left < 0)
            if reread_left < 0:
                return
            lines.read_all_but_the_first_again()
        else:
            return


class _Lines(Iterator[str]):
    """Lines, of which those of the row that is being read are remembered.

    A first line that declares the delimiter is none.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._ahead = iter(lines)
        first = next(self._ahead, None)
        declares = first is None or _SEPARATOR_LINE.fullmatch(first) is not None
        self._again: deque[str] = deque(() if declares or first is None else (first,))
        self.of_this_row: list[str] = []

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._ahead)
        self.of_this_row.append(line)
        return line

    def read_all_but_the_first_again(self) -> None:
        """Go on in the line behind the first of this row."""
        self._again.extendleft(reversed(self.of_this_row[1:]))
        self.of_this_row.clear()


def _broken_cell(consumed: str, delimiter: str) -> tuple[int, bool]:
    """The place of the first cell that csv refuses, counted from 0, and whether that is for its length alone."""
    between = re.escape(delimiter)
    cell = re.compile(rf'(?:"(?:[^"]++|"")*+"|(?!")[^{between}\r\n]*+)({between}|(?=[\r\n]|\Z))')
    place = position = 0
    while (found := cell.match(consumed, position)) is not None:
        if found.end() - position > csv.field_size_limit():
            return place, True
        if not found[1]:
            break
        place, position = place + 1, found.end()
    return place, False


def separator_line(text: str) -> str | None:
    """The delimiter that a first line such as `sep=;` declares; spreadsheets obey it and don't show it as a row."""
    found = _SEPARATOR_LINE.match(text)
    return found[1] if found else None


def first_row(text: str, *, delimiter: str) -> list[str]:
    """The cells of row 1; none if there is no row. If its quotes don't match, its first line cut at each delimiter."""
    for _, cells in read_rows(text, delimiter=delimiter):
        return io.StringIO(text, newline="").readline().split(delimiter) if isinstance(cells, BrokenRow) else cells
    return []
