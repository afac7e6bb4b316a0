"""Sign-up sheets over HTTP: an organiser sends a CSV file as it is."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel

from tandem_chassis import idempotency
from tandem_chassis.app import Now
from tandem_chassis.auth import CurrentCaller
from tandem_chassis.database import Transaction
from tandem_chassis.problems import FaultDocument
from tandem_profiles.api.uploads import charset_of
from tandem_profiles.domain.roles import Role
from tandem_profiles.domain.sheet_text import SIZE_LIMIT_BYTES
from tandem_profiles.use_cases import rights, sign_up_sheets

router = APIRouter(
    prefix="/programs/{program_id}/sign-up-sheets", tags=["sign-up sheets"], route_class=idempotency.Route
)

CSV_BODY = {"requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}}}


class ImportedSheet(BaseModel):
    """What came of a sheet."""

    rows: int
    accepted: int
    people_registered: int
    people_updated: int
    enrollments_approved: int
    enrollments_waitlisted: int
    still_out: int
    fault_count: int
    faults: list[FaultDocument]


@router.post("", openapi_extra=CSV_BODY)
async def import_sign_up_sheet(
    program_id: UUID,
    role: Annotated[Role, Query(description="As what the people on the sheet want to take part.")],
    request: Request,
    caller: CurrentCaller,
    now: Now,
    session: Transaction,
    partial: Annotated[bool, Query(description="Take the good rows and leave out the faulty ones.")] = False,
    content_type: Annotated[str, Header(include_in_schema=False)] = "text/csv",
) -> ImportedSheet:
    """Register everybody on the sheet and approve their enrollments.

    A sheet with faults is refused with each fault's row, column and reason, and nothing is stored, unless `partial`.
    Where the program is full, the rest wait until there is room; more places than it allows are a fault of the row.
    The same sheet again changes nothing. Columns are read as the program's sign-up mapping says.
    """
    await rights.require_manager(session, caller, program_id)
    imported = await sign_up_sheets.import_sheet(
        session,
        program_id,
        await request.body(),
        role=role,
        encoding=charset_of(content_type),
        size_limit_bytes=min(SIZE_LIMIT_BYTES, request.app.state.settings.http_max_body_bytes),
        partial=partial,
        at=now,
    )
    return ImportedSheet(
        rows=imported.rows,
        accepted=imported.accepted,
        people_registered=imported.people_registered,
        people_updated=imported.people_updated,
        enrollments_approved=imported.enrollments_approved,
        enrollments_waitlisted=imported.enrollments_waitlisted,
        still_out=imported.still_out,
        fault_count=imported.fault_count,
        faults=[FaultDocument.model_validate(fault.as_document()) for fault in imported.faults],
    )
