"""The roster over HTTP: an HR system sends its people as CSV, XLSX or JSON."""

import asyncio
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel

from tandem_chassis import idempotency
from tandem_chassis.app import Now
from tandem_chassis.auth import CurrentCaller
from tandem_chassis.database import Transaction
from tandem_chassis.errors import Fault, Invalid, TooLarge
from tandem_profiles.api import workbooks
from tandem_profiles.api.uploads import charset_of, lines_of, received_sheet
from tandem_profiles.domain.roster import MOST_ROWS, RosterTooLong, Row
from tandem_profiles.domain.roster_changes import Kind
from tandem_profiles.domain.sheet_rows import DELIMITERS, first_row, read_lines, separator_line
from tandem_profiles.domain.sheet_text import SheetText, coding_of
from tandem_profiles.domain.sign_up_sheets import RowFault
from tandem_profiles.use_cases import roster
from tandem_profiles.use_cases.roster import Difference

SCOPE = "roster"
LONGEST_HEADER_BYTES = 65_536
LONGEST_HEADER_LINES = 20
"""Headings may run over lines. The first row of a sheet stands within this."""

router = APIRouter(prefix="/roster", tags=["roster"], route_class=idempotency.Route)

ROSTER_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {
                "schema": {"type": "string", "format": "binary"}
            },
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["people"],
                    "properties": {"people": {"type": "array", "minItems": 1, "items": {"type": "object"}}},
                }
            },
        },
    }
}


MOST_FIELDS = 200
LARGEST_DOCUMENT_BYTES = 16_777_216
"""A document is held in memory several times as large as it was sent. Longer rosters come as CSV, row by row."""


class Circles(StrEnum):
    """What to do with people who manage each other in a circle."""

    REFUSE = "refuse"
    CUT = "cut"


class RosterNotJson(Invalid):
    """The body is not the JSON that was announced."""


class DocumentTooLarge(TooLarge):
    """The body is JSON of more people than fit in a document."""

    def __init__(self) -> None:
        super().__init__(
            f"A JSON roster may have {LARGEST_DOCUMENT_BYTES:,} bytes. Nothing was stored. Send it as CSV, or in parts."
        )


class FieldChange(BaseModel):
    """One field of one person: what it was, what it becomes."""

    before: Any
    after: Any


class RosterChange(BaseModel):
    """What one row makes different."""

    row: int
    employee_number: str
    kind: Kind
    fields: dict[str, FieldChange]


class RosterDifference(BaseModel):
    """What a roster made different, or, in a dry run, would make."""

    dry_run: bool
    rows: int
    joined: int
    moved: int
    changed: int
    left: int
    returned: int
    unchanged: int
    cut_managers: list[str]
    ignored_columns: list[str]
    changes: list[RosterChange]


@router.post("", openapi_extra=ROSTER_BODY)
async def import_roster(
    request: Request,
    caller: CurrentCaller,
    now: Now,
    session: Transaction,
    dry_run: Annotated[bool, Query(description="Only show what would change.")] = False,
    circles: Annotated[
        Circles, Query(description="Refuse circles of managers, or leave out the managers of whoever is in one.")
    ] = Circles.REFUSE,
    content_type: Annotated[str, Header(include_in_schema=False)] = "text/csv",
) -> RosterDifference:
    """Let everybody be as the roster lists them; who is not listed stays as they are.

    Columns: `employee_number`, `given_name`, `email`, and where wanted `family_name`, `unit` (or `department`),
    `job_title`, `manager_employee_number`, `hired_on`, `left_on`, `location`, `time_zone`, `languages`, `level`,
    `level_name`, `profession`. Joins, moves and leavers are told to the other services; a second identical roster
    changes and says nothing. For administrators, and service accounts with the scope `roster`.
    """
    caller.require_scope(SCOPE)
    as_json = content_type.partition(";")[0].strip().casefold() == "application/json"
    if as_json:
        rows, sheet = await asyncio.to_thread(_document, await request.body())
    else:
        content = await received_sheet(request, most_lines=MOST_ROWS + 1, too_long=RosterTooLong())
        rows, sheet = _sheet(content, content_type)
    difference = await roster.import_roster(
        session,
        rows,
        sheet,
        dry_run=dry_run,
        cut_circles=circles is Circles.CUT,
        name_fault=_in_document if as_json else _in_sheet,
        at=now,
    )
    return _shown(difference, dry_run=dry_run)


def _sheet(content: io.BytesIO, content_type: str) -> tuple[Iterator[Row], SheetText]:
    begin = content.getbuffer()[:LONGEST_HEADER_BYTES].tobytes()
    if workbooks.is_workbook(begin):
        return workbooks.rows_of(content), SheetText("", "utf-8", has_unfit=True)
    coding = coding_of(begin, encoding=charset_of(content_type))
    header = "".join(islice(lines_of(io.BytesIO(begin), replace(coding, errors="replace")), LONGEST_HEADER_LINES))
    delimiter = separator_line(header) or max(DELIMITERS, key=lambda one: len(first_row(header, delimiter=one)))
    rows = read_lines(lines_of(content, coding), delimiter=delimiter, length=content.getbuffer().nbytes)
    return rows, SheetText("", coding.label, has_unfit=True)


def _document(content: bytes) -> tuple[Iterator[Row], SheetText]:
    # Before it is read: small objects and lists are what takes the memory. A person is one, their languages another.
    if len(content) > LARGEST_DOCUMENT_BYTES or content.count(b"{") + content.count(b"[") > 2 * MOST_ROWS:
        raise DocumentTooLarge
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as fault:
        raise RosterNotJson("The body is not JSON.") from fault
    people = document.get("people") if isinstance(document, dict) else None
    if not isinstance(people, list) or not all(isinstance(person, dict) for person in people):
        raise RosterNotJson('Send {"people": [{"employee_number": ..., "given_name": ..., "email": ...}, ...]}.')
    if len(people) > MOST_ROWS:
        raise RosterTooLong
    names = list(dict.fromkeys(name for person in people for name in person))
    if len(names) > MOST_FIELDS:
        raise RosterNotJson(f"These people have more than {MOST_FIELDS} different fields. Send those of a roster.")

    def rows() -> Iterator[Row]:
        yield 1, names
        for number, person in enumerate(people, start=2):
            yield number, [_cell(person.get(name)) for name in names]

    return rows(), SheetText("", "utf-8", has_unfit=True)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ";".join(map(str, value))
    return str(value)


def _in_sheet(fault: RowFault) -> Fault:
    return Fault(fault.reason, row=fault.row, column=fault.column)


def _in_document(fault: RowFault) -> Fault:
    """Who sent a document has no rows: their faults are named by its paths."""
    place = f"people[{fault.row - 2}]" if fault.row > 1 else "people"
    return Fault(fault.reason, field=f"{place}.{fault.column}" if fault.column else place)


def _shown(difference: Difference, *, dry_run: bool) -> RosterDifference:
    return RosterDifference(
        dry_run=dry_run,
        rows=difference.rows,
        joined=difference.counts[Kind.JOINS],
        moved=difference.counts[Kind.MOVES],
        changed=difference.counts[Kind.CHANGES],
        left=difference.counts[Kind.LEAVES],
        returned=difference.counts[Kind.RETURNS],
        unchanged=difference.unchanged,
        cut_managers=difference.cut_managers,
        ignored_columns=list(difference.ignored_columns),
        changes=[
            RosterChange(
                row=change.row,
                employee_number=change.employee_number,
                kind=change.kind,
                fields={name: FieldChange(before=old, after=new) for name, (old, new) in change.fields.items()},
            )
            for change in difference.changes
        ],
    )
