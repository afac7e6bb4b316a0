"""The audit log: note what has to be answered for, and read it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis.auth import Caller
from tandem_profiles.storage import audit
from tandem_profiles.storage.audit import AuditEntry


async def note(
    session: AsyncSession,
    caller: Caller,
    action: str,
    *,
    at: datetime,
    person_id: UUID | None = None,
    program_id: UUID | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write who did what to whom, in this transaction: no entry without the deed, no deed without the entry.

    A person is noted by their id alone: what an identity provider calls them may be their name, and the log outlasts
    their erasure.
    """
    await audit.note(
        session,
        at=at,
        caller=name_of(caller),
        caller_id=caller.person_id,
        action=action,
        person_id=person_id,
        program_id=program_id,
        details=details,
    )


async def note_delegate(
    session: AsyncSession, caller: Caller, person_id: UUID, *, before: UUID | None, now: UUID | None, at: datetime
) -> None:
    """Write who keeps somebody's calendar from now on, in the place of whom: a right over it that comes and goes."""
    if before != now:
        details = {"added": _named(now), "removed": _named(before)}
        await note(session, caller, "delegate_changed", at=at, person_id=person_id, details=details)


def _named(person_id: UUID | None) -> list[str]:
    return [] if person_id is None else [str(person_id)]


def name_of(caller: Caller) -> str:
    """What a caller is called in records that are kept for good: nobody's name."""
    return caller.subject if caller.person_id is None else str(caller.person_id)


async def list_entries(
    session: AsyncSession, *, person_id: UUID | None, program_id: UUID | None, after: int, limit: int
) -> Sequence[AuditEntry]:
    """Entries in the order in which they were written."""
    return await audit.page(session, person_id=person_id, program_id=program_id, after=after, limit=limit)
