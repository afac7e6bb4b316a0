"""The audit log over HTTP: it can be read and not be changed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from tandem_chassis import idempotency, paging
from tandem_chassis.auth import CurrentCaller
from tandem_chassis.database import Transaction
from tandem_chassis.paging import Cursor, Limit, Page
from tandem_profiles.api.fields import RowNumber
from tandem_profiles.use_cases import audit

router = APIRouter(prefix="/audit-entries", tags=["audit"], route_class=idempotency.Route)


class AuditEntryDocument(BaseModel):
    """Who did what to whom, and when."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    at: datetime
    caller: str
    caller_id: UUID | None
    action: str
    person_id: UUID | None
    program_id: UUID | None
    details: dict[str, Any]


@router.get("")
async def list_audit_entries(
    caller: CurrentCaller,
    session: Transaction,
    person_id: UUID | None = None,
    program_id: UUID | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AuditEntryDocument]:
    """Who saw what is private, and who changed whose rights, oldest first; for administrators."""
    caller.require_admin()
    found = await audit.list_entries(
        session, person_id=person_id, program_id=program_id, after=paging.after(cursor, RowNumber) or 0, limit=limit + 1
    )
    return paging.page(found, limit, AuditEntryDocument.model_validate, by=lambda entry: entry.id)
