"""The audit log: who saw what is private, and who changed whose rights. It is only ever added to."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_profiles.storage.table import Table


class AuditEntry(Table):
    """Something that has to be answered for. Ids and words of the service only, no personal data."""

    __tablename__ = "audit_log"

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    caller: Mapped[str]
    caller_id: Mapped[UUID | None]
    action: Mapped[str]
    person_id: Mapped[UUID | None]
    program_id: Mapped[UUID | None]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)


async def note(
    session: AsyncSession,
    *,
    at: datetime,
    caller: str,
    caller_id: UUID | None,
    action: str,
    person_id: UUID | None = None,
    program_id: UUID | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write an entry, in this transaction."""
    session.add(
        AuditEntry(
            at=at,
            caller=caller,
            caller_id=caller_id,
            action=action,
            person_id=person_id,
            program_id=program_id,
            details=dict(details or {}),
        )
    )
    await session.flush()


async def page(
    session: AsyncSession, *, person_id: UUID | None, program_id: UUID | None, after: int, limit: int
) -> Sequence[AuditEntry]:
    """Entries in the order in which they were written."""
    found = sa.select(AuditEntry).where(AuditEntry.id > after).order_by(AuditEntry.id).limit(limit)
    if person_id is not None:
        found = found.where(AuditEntry.person_id == person_id)
    if program_id is not None:
        found = found.where(AuditEntry.program_id == program_id)
    return (await session.scalars(found)).all()
