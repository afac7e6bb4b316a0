"""Sheets: tables as CSV and XLSX files that a spreadsheet opens without running anything."""

import csv
import io
from collections.abc import Iterable, Sequence

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Field = str | int | float | None

RUNS_SOMETHING = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet may take for the beginning of a formula."""


def csv_of(rows: Iterable[Sequence[Field]]) -> bytes:
    """The rows as CSV (RFC 4180, UTF-8 with a mark, so that spreadsheets read it right)."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([[_harmless(value) for value in row] for row in rows])
    return "\ufeff".encode() + text.getvalue().encode()


def xlsx_of(rows: Iterable[Sequence[Field]]) -> bytes:
    """The rows as a workbook of one sheet, the first row as a heading that stays in sight."""
    from openpyxl import Workbook  # only here: a service that writes no workbook starts without it

    book = Workbook(write_only=True)
    sheet = book.create_sheet("Report")
    sheet.freeze_panes = "C2"
    for row in rows:
        sheet.append([_harmless(value) for value in row])
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def _harmless(value: Field) -> Field:
    return "'" + value if isinstance(value, str) and value.startswith(RUNS_SOMETHING) else value
