"""Skill sheets: a vocabulary of skills as a CSV file, such as O*NET's."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tandem_chassis.errors import Fault, Invalid
from tandem_profiles.domain.sheet_cells import trimmed
from tandem_profiles.domain.sheet_columns import spelling
from tandem_profiles.domain.sheet_rows import BrokenRow, read_rows
from tandem_profiles.domain.sheet_text import SheetText, reason_unfit

LONGEST = 200
FAULTS_SHOWN = 1_000


class SkillSheetHasFaults(Invalid):
    """Some rows of a vocabulary do not hold, so none was stored."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("The vocabulary has faults; nothing was stored.", faults=faults[:FAULTS_SHOWN])


@dataclass(frozen=True, slots=True)
class SkillRow:
    """A skill as a row names it."""

    skill: str
    category: str | None
    synonyms: tuple[str, ...]


def read_skill_sheet(sheet: SheetText, *, delimiter: str) -> list[SkillRow]:
    """The skills of a sheet, each once. It needs a column `skill`; `category` and `synonyms` (by semicolons) may be.

    Raises:
        SkillSheetHasFaults: with each fault's row, column and reason.
    """
    rows = read_rows(sheet.text, delimiter=delimiter)
    _, header = next(rows, (1, []))
    names = [] if isinstance(header, BrokenRow) else [spelling(trimmed(heading)) for heading in header]
    if names.count("skill") != 1:
        raise SkillSheetHasFaults([Fault("must be there once", row=1, column="skill")])
    found: dict[str, SkillRow] = {}
    faults: list[Fault] = []
    for number, cells in _filled(rows, faults):
        entries = dict(zip(names, cells, strict=False))
        skill = " ".join(trimmed(entries.get("skill", "")).split())
        reason = _fault(skill, sheet)
        if reason is not None:
            faults.append(Fault(reason, row=number, column="skill"))
            continue
        category = " ".join(trimmed(entries.get("category", "")).split())[:LONGEST] or None
        synonyms = tuple(filter(None, (trimmed(one)[:LONGEST] for one in entries.get("synonyms", "").split(";"))))
        found.setdefault(spelling(skill), SkillRow(skill, category, synonyms))
    if not found and not faults:
        faults.append(Fault("is missing: there is nothing below the header", row=2))
    if faults:
        raise SkillSheetHasFaults(faults)
    return list(found.values())


def _filled(rows: Iterator[tuple[int, list[str] | BrokenRow]], faults: list[Fault]) -> Iterator[tuple[int, list[str]]]:
    for number, cells in rows:
        if isinstance(cells, BrokenRow):
            faults.append(Fault("has a quote that is not closed", row=number))
        elif any(map(str.strip, cells)):
            yield number, cells


def _fault(skill: str, sheet: SheetText) -> str | None:
    if not skill:
        return "is blank"
    if len(skill) > LONGEST:
        return f"is longer than {LONGEST} characters"
    return reason_unfit(skill, encoding=sheet.encoding) if sheet.has_unfit else None
