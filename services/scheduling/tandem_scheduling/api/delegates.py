"""Delegates over HTTP: who books and moves sessions for the caller."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from tandem_chassis import idempotency
from tandem_chassis.app import Now
from tandem_chassis.auth import CurrentCaller
from tandem_chassis.database import Transaction
from tandem_chassis.paging import Page
from tandem_scheduling.storage.delegates import Delegate
from tandem_scheduling.use_cases import delegates as use_cases

router = APIRouter(tags=["delegates"], route_class=idempotency.Route)


class DelegateDocument(BaseModel):
    """Somebody who books and moves sessions, and sees nothing else."""

    delegate_id: UUID
    granted_at: datetime
    named_in_profile: bool = Field(description="Whether they book because the person's profile names them.")


class NewDelegate(BaseModel):
    """Who is to book."""

    delegate_id: UUID


def _page(found: list[Delegate]) -> Page[DelegateDocument]:
    return Page(items=[DelegateDocument.model_validate(one, from_attributes=True) for one in found])


@router.post("/me/delegates", status_code=201)
async def grant_delegate(
    body: NewDelegate, caller: CurrentCaller, now: Now, session: Transaction
) -> Page[DelegateDocument]:
    """Let somebody book and move sessions for the caller; the answer is everybody who does."""
    return _page(await use_cases.grant_delegate(session, caller, body.delegate_id, now=now))


@router.get("/me/delegates")
async def list_delegates(caller: CurrentCaller, session: Transaction) -> Page[DelegateDocument]:
    """Who books for the caller."""
    return _page(await use_cases.list_delegates(session, caller))


@router.delete("/me/delegates/{delegate_id}", status_code=204)
async def revoke_delegate(delegate_id: UUID, caller: CurrentCaller, now: Now, session: Transaction) -> None:
    """No longer let somebody book for the caller."""
    await use_cases.revoke_delegate(session, caller, delegate_id, now=now)
