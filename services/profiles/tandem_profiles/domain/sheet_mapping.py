"""Sheet mapping: how the columns of a program's sign-up sheets become people, enrollments, needs and capacity."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from tandem_chassis.errors import Conflict, Fault, Invalid
from tandem_profiles.domain.roles import Role
from tandem_profiles.domain.sheet_column_documents import (
    KIND_KEYS,
    kind_document,
    options_document,
    read_kind,
    read_options,
)
from tandem_profiles.domain.sheet_columns import MOST_PLACES, ColumnKind, OneOf, Text, spelling
from tandem_profiles.domain.strict_documents import DocumentReading, inside

FIELDS: Mapping[str, tuple[str, ...]] = {
    "given_name": ("text",),
    "family_name": ("text",),
    "email": ("email",),
    "takes_other_role": ("yes_no",),
    "job_title": ("text",),
    "level": ("one_of",),
    "unit": ("text", "one_of"),
    "profession": ("text", "one_of"),
    "biography": ("text",),
    "mentor_places": ("whole_number",),
    "wanted_mentors": ("whole_number",),
    "time_zone": ("text", "one_of"),
    "languages": ("list",),
}
"""What a column can fill, and with which kinds of answers."""

CONFIDENTIAL = "confidential."
_CONFIDENTIAL_FIELD = re.compile(r"confidential\.[a-z][a-z0-9_]{0,59}")
_CONFIDENTIAL_KINDS = ("text", "yes_no", "one_of", "list")
_NEEDED_FIELDS = ("given_name", "family_name", "email")

_ANY_KIND_KEYS = tuple(key for keys in KIND_KEYS.values() for key in keys)

_TIME_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,30}(?:/[A-Za-z0-9][A-Za-z0-9_+-]{0,30}){0,2}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,4}")


class MappingMalformed(Invalid):
    """A sheet mapping says something that it can't mean. `faults` names all of it, each with its path as `field`."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("The sheet mapping is malformed; nothing of it was kept.", faults=faults)


class RoleNotMapped(Conflict):
    """The mapping has no part for sheets of this role."""

    def __init__(self, role: Role) -> None:
        super().__init__(f"The program's sheet mapping doesn't say how a {role} sheet is read.")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a sheet: its heading, the field it fills, and what its cells hold."""

    heading: str
    field: str
    kind: ColumnKind
    required: bool = False
    """Whether a blank cell is a fault. The column itself may never be missing: then the sheet is of another form."""

    @property
    def is_confidential(self) -> bool:
        """Whether its answers may be used and never shown, not even in the fault that refuses one."""
        return self.field.startswith(CONFIDENTIAL)


@dataclass(frozen=True, slots=True)
class Constants:
    """What holds for everybody whom the sheet doesn't ask, or who leaves the cell blank."""

    mentor_places: int = 1
    wanted_mentors: int = 1
    time_zone: str = "UTC"
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SheetPart:
    """How the sheet of one role is read."""

    columns: tuple[Column, ...]
    constants: Constants = Constants()


@dataclass(frozen=True, slots=True)
class SheetMapping:
    """How a program's sign-up sheets are read. Kept with the program as the JSON document of `to_document`."""

    VERSION: ClassVar[int] = 1

    mentor: SheetPart | None
    mentee: SheetPart | None
    levels: OneOf | None = None
    """The grades, lowest first; one list for both roles, so that a mentor's can be compared with a mentee's."""

    def part(self, role: Role) -> SheetPart:
        """How the sheet of this role is read.

        Raises:
            RoleNotMapped: the mapping leaves this role out.
        """
        part = self.mentor if role is Role.MENTOR else self.mentee
        if part is None:
            raise RoleNotMapped(role)
        return part

    @classmethod
    def from_document(cls, document: object, *, time_zones: Collection[str] | None = None) -> "SheetMapping":
        """The mapping that a JSON document describes. With `time_zones` given, only those are taken for one.

        Raises:
            MappingMalformed: with every fault: what isn't known, is missing, is there twice, or is of the wrong type.
        """
        reading = DocumentReading()
        mapping = _read_mapping(reading, document, time_zones)
        if reading.faults:
            raise MappingMalformed(reading.faults)
        return mapping

    def to_document(self) -> dict[str, object]:
        """The mapping as JSON. `from_document` gives the same mapping back."""
        document: dict[str, object] = {"version": self.VERSION}
        if self.levels is not None:
            document["levels"] = options_document(self.levels)
        for role in Role:
            part = self.mentor if role is Role.MENTOR else self.mentee
            if part is not None:
                document[role.value] = {
                    "columns": [_column_document(column) for column in part.columns],
                    "constants": {
                        "mentor_places": part.constants.mentor_places,
                        "wanted_mentors": part.constants.wanted_mentors,
                        "time_zone": part.constants.time_zone,
                        "languages": list(part.constants.languages),
                    },
                }
        return document


def fault_of_time_zone(name: str, time_zones: Collection[str] | None) -> str | None:
    """Why this is no time zone; None if it is. Without a list of zones only the form of the name can be judged."""
    if _TIME_ZONE.fullmatch(name) and (time_zones is None or name in time_zones):
        return None
    return "is not a time zone such as Europe/London"


def fault_of_languages(tags: tuple[str, ...]) -> str | None:
    """Why these are no language tags (BCP 47, such as `en` or `pt-BR`); None if they are."""
    wrong = next((tag for tag in tags if not _LANGUAGE.fullmatch(tag)), None)
    return None if wrong is None else "is not a list of language tags such as en or pt-BR"


def _read_mapping(reading: DocumentReading, document: object, time_zones: Collection[str] | None) -> SheetMapping:
    entries = reading.table(document, "", known=("version", "levels", *Role))
    if entries.get("version") != SheetMapping.VERSION or isinstance(entries.get("version"), bool):
        reading.refuse("version", f"must be {SheetMapping.VERSION}")
    levels = read_options(reading, entries["levels"], "levels") if "levels" in entries else None
    parts = {
        role: _read_part(reading, entries[role], role, levels=levels, time_zones=time_zones)
        for role in Role
        if role in entries
    }
    if not parts:
        reading.refuse("", "describes neither a mentor sheet nor a mentee sheet")
    return SheetMapping(mentor=parts.get(Role.MENTOR), mentee=parts.get(Role.MENTEE), levels=levels)


def _read_part(
    reading: DocumentReading, value: object, path: str, *, levels: OneOf | None, time_zones: Collection[str] | None
) -> SheetPart:
    entries = reading.table(value, path, known=("columns", "constants"))
    column_path = inside(path, "columns")
    columns: list[Column] = []
    for index, item in enumerate(reading.items(entries.get("columns"), column_path)):
        column = _read_column(reading, item, f"{column_path}[{index}]", levels=levels)
        if column.field and any(column.field == other.field for other in columns):
            reading.refuse(f"{column_path}[{index}].field", f"{column.field} is filled by another column already")
        if column.heading and any(spelling(column.heading) == spelling(other.heading) for other in columns):
            reading.refuse(f"{column_path}[{index}].column", f"“{column.heading}” is mapped already")
        columns.append(column)
    filled = {column.field for column in columns}
    for needed in _NEEDED_FIELDS:
        if needed not in filled:
            reading.refuse(column_path, f"must fill {needed}: nobody can be known without it")
    constants = _read_constants(reading, entries.get("constants", {}), inside(path, "constants"), time_zones)
    return SheetPart(columns=tuple(columns), constants=constants)


def _read_column(reading: DocumentReading, value: object, path: str, *, levels: OneOf | None) -> Column:
    kind_name = value.get("kind") if isinstance(value, dict) else None
    kind_keys = KIND_KEYS.get(kind_name) if isinstance(kind_name, str) else None
    # With an unknown kind, its keys can't be judged: one fault is enough.
    known = ("column", "field", "kind", "required", *(_ANY_KIND_KEYS if kind_keys is None else kind_keys))
    entries = reading.table(value, path, known=known)
    if not isinstance(value, dict):
        return Column(heading="", field="", kind=Text())
    heading = reading.text(entries.get("column"), inside(path, "column"))
    field = reading.text(entries.get("field"), inside(path, "field"))
    kinds = _CONFIDENTIAL_KINDS if _CONFIDENTIAL_FIELD.fullmatch(field) else FIELDS.get(field)
    if field and kinds is None:
        reading.refuse(
            inside(path, "field"),
            f"“{field}” is not known; known are {', '.join(FIELDS)} and {CONFIDENTIAL}<name in small letters>",
        )
    required = reading.flag(entries.get("required", False), inside(path, "required"))
    kind: ColumnKind = Text()
    if not isinstance(kind_name, str) or kind_name not in KIND_KEYS:
        reading.refuse(inside(path, "kind"), f"must be one of {', '.join(KIND_KEYS)}")
    elif kinds is not None and kind_name not in kinds:
        reading.refuse(inside(path, "kind"), f"{field} is filled by {' or '.join(kinds)}, not by {kind_name}")
    elif field == "level":
        if "options" in entries:
            reading.refuse(inside(path, "options"), "belongs into levels, which hold for both roles")
        if levels is None:
            reading.refuse("levels", f"must list the levels, lowest first: {inside(path, 'column')} needs them")
        kind = levels or OneOf(options=())
    else:
        kind = read_kind(reading, kind_name, entries, path)
    return Column(heading=heading, field=field, kind=kind, required=required)


def _read_constants(
    reading: DocumentReading, value: object, path: str, time_zones: Collection[str] | None
) -> Constants:
    entries = reading.table(value, path, known=("mentor_places", "wanted_mentors", "time_zone", "languages"))
    usual = Constants()
    places, wanted, zone, languages = usual.mentor_places, usual.wanted_mentors, usual.time_zone, usual.languages
    if "mentor_places" in entries:
        places = reading.whole_number(entries["mentor_places"], f"{path}.mentor_places", lowest=0, highest=MOST_PLACES)
    if "wanted_mentors" in entries:
        wanted = reading.whole_number(
            entries["wanted_mentors"], f"{path}.wanted_mentors", lowest=0, highest=MOST_PLACES
        )
    if "time_zone" in entries:
        zone = reading.text(entries["time_zone"], f"{path}.time_zone")
        if zone and (reason := fault_of_time_zone(zone, time_zones)):
            reading.refuse(f"{path}.time_zone", reason)
    if "languages" in entries:
        languages = reading.texts(entries["languages"], f"{path}.languages")
        if all(languages) and (reason := fault_of_languages(languages)):
            reading.refuse(f"{path}.languages", reason)
    return Constants(mentor_places=places, wanted_mentors=wanted, time_zone=zone, languages=languages)


def _column_document(column: Column) -> dict[str, object]:
    document: dict[str, object] = {"column": column.heading, "field": column.field, "kind": column.kind.name}
    if column.required:
        document["required"] = True
    # The levels stand once, at the top, for both roles.
    return document if column.field == "level" else document | kind_document(column.kind)
