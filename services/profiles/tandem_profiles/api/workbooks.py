"""Workbooks: the rows of an XLSX file, read one at a time."""

import warnings
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from typing import BinaryIO
from xml.etree.ElementTree import ParseError

from tandem_chassis.errors import Invalid, TooLarge

LARGEST_UNPACKED_BYTES = 150_000_000
"""What a workbook may be when unpacked. More is no list of people, and would fill the memory."""

LARGEST_TEXTS_BYTES = 30_000_000
"""What its table of texts may be: it is held in memory as a whole, while rows are read one at a time."""

_TEXTS = "sharedstrings.xml"

_SIGNATURE = b"PK\x03\x04"


class WorkbookUnreadable(Invalid):
    """The file says that it is a workbook, and is damaged or something else."""

    def __init__(self) -> None:
        super().__init__("This workbook cannot be read. Save it as XLSX or “CSV UTF-8” and send it again.")


class WorkbookTooLarge(TooLarge):
    """The workbook is small as a file and huge when unpacked."""

    def __init__(self) -> None:
        super().__init__("This workbook is too large when unpacked. Send the rows as CSV, or in parts.")


def is_workbook(content: bytes) -> bool:
    """Whether this is an XLSX file, whatever it is called."""
    return content.startswith(_SIGNATURE)


def rows_of(content: BinaryIO) -> Iterator[tuple[int, list[str]]]:
    """The rows of the first worksheet with their numbers; of formulas, the values that were stored last.

    Raises:
        WorkbookUnreadable, WorkbookTooLarge
    """
    # Only here: it loads much, and most processes never read a workbook.
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with zipfile.ZipFile(content) as archive:
            parts = archive.infolist()
            texts = sum(part.file_size for part in parts if part.filename.lower().endswith(_TEXTS))
            if sum(part.file_size for part in parts) > LARGEST_UNPACKED_BYTES or texts > LARGEST_TEXTS_BYTES:
                raise WorkbookTooLarge
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # styles that it does not know: nobody sees them
            workbook = load_workbook(content, read_only=True, data_only=True)
            worksheet = workbook.worksheets[0]
            worksheet.reset_dimensions()
            for number, cells in enumerate(worksheet.iter_rows(values_only=True), start=1):
                yield number, [_text(cell) for cell in cells]
    except (zipfile.BadZipFile, InvalidFileException, ParseError, KeyError, ValueError, IndexError, TypeError) as fault:
        raise WorkbookUnreadable from fault


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == datetime.min.time() else cell.isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
