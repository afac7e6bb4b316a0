"""Sheet cells: whether what stands in a cell may be taken at all, and what it says."""

import re
import unicodedata
from collections.abc import Collection

from tandem_profiles.domain.sheet_columns import LONGEST_CELL, CellRefused, Value
from tandem_profiles.domain.sheet_mapping import Column, fault_of_languages, fault_of_time_zone
from tandem_profiles.domain.sheet_text import SheetText, reason_unfit, shown

# `=1+1` and its like. Some spreadsheets cut off a tab or line end before they look, and take wide forms for narrow.
_FORMULA_STARTS = frozenset("=+-@\t\r＝＋－＠")
# No letter, so no function and no program: -5, +44 20 7946 0018, or a dash for "nothing".
_PLAIN_NUMBER = re.compile(r"[+-][\d\s().,/%-]*")
_INVISIBLE = "\ufeff\u200b\u2060"


def trimmed(cell: str) -> str:
    """`cell` without blanks and invisible characters around it, its accents in one form (Unicode NFC)."""
    if cell.isascii():
        return cell.strip()
    return unicodedata.normalize("NFC", cell.strip().strip(_INVISIBLE).strip())


def read_cell(
    column: Column, cell: str, content: str, *, sheet: SheetText, time_zones: Collection[str] | None = None
) -> Value:
    """What a cell says; `content` is the cell trimmed, and not blank.

    Raises:
        CellRefused: with the whole reason. It quotes the cell, unless its answers are confidential.
    """
    # One look at almost every cell: only what is unusual is judged at length.
    if len(cell) > LONGEST_CELL or sheet.has_unfit or content[0] in _FORMULA_STARTS or cell[0] in _FORMULA_STARTS:
        _refuse_unfit(column, cell, content, sheet=sheet)
    try:
        answer = column.kind.read(content)
    except CellRefused as refusal:
        raise CellRefused(f"{_quoted(column, content)} {refusal}") from None
    reason = None
    if column.field == "time_zone" and isinstance(answer, str):
        reason = fault_of_time_zone(answer, time_zones)
    elif column.field == "languages" and isinstance(answer, tuple):
        reason = fault_of_languages(answer)
    if reason is not None:
        raise CellRefused(f"{_quoted(column, content)} {reason}")
    return answer


def _refuse_unfit(column: Column, cell: str, content: str, *, sheet: SheetText) -> None:
    if len(cell) > LONGEST_CELL:
        raise CellRefused(f"is {len(cell):,} characters long; at most {LONGEST_CELL:,} are taken")
    if sheet.has_unfit and (reason := reason_unfit(cell, encoding=sheet.encoding)) is not None:
        raise CellRefused(reason)
    if _is_formula(cell, content):
        raise CellRefused(
            f"{_quoted(column, content)} would be run as a formula by a spreadsheet that opens a list of these people: "
            "begin it with a letter or a digit"
        )


def _quoted(column: Column, content: str) -> str:
    return "this answer" if column.is_confidential else f"“{shown(content)}”"


def _is_formula(cell: str, content: str) -> bool:
    """Whether a spreadsheet would run this cell.

    Source: OWASP, "CSV Injection".
    """
    if cell[0] in "\t\r":
        return True
    return content[0] in _FORMULA_STARTS and not _PLAIN_NUMBER.fullmatch(content)
