"""Changes of people: the one place where what is known of somebody changes, and the other services are told."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events import outbox
from tandem_events.contracts import (
    EnrollmentWithdrawn,
    Event,
    PersonDeparted,
    PersonRegistered,
    PersonReturned,
    PersonUpdated,
)
from tandem_profiles.domain.enrollments import DEPARTED, Status
from tandem_profiles.domain.people import told_as_changed
from tandem_profiles.storage import enrollments, people
from tandem_profiles.use_cases.telling import tell_people


def as_registered(new: Sequence[Mapping[str, Any]], *, at: datetime) -> list[dict[str, Any]]:
    """New people as they are stored first."""
    return [{"version": 1, "registered_at": at, "changed_at": at, **fields} for fields in new]


async def register(session: AsyncSession, new: Sequence[Mapping[str, Any]], *, at: datetime) -> None:
    """Make people known whose rows all have the same columns, with their ids, and tell the other services.

    Raises:
        RegisteredMeanwhile: one of them is known already.
    """
    await people.register_many(session, as_registered(new, at=at))
    await tell_registered(session, new, at=at)


async def tell_registered(session: AsyncSession, new: Sequence[Mapping[str, Any]], *, at: datetime) -> None:
    """Tell of people who were stored in this transaction."""
    facts: list[tuple[Event, int]] = []
    for fields in new:
        facts.append((PersonRegistered(person_id=fields["person_id"], occurred_at=at), 1))
        if (left_on := fields.get("departed_on")) is not None:
            facts.append((PersonDeparted(person_id=fields["person_id"], left_on=left_on, occurred_at=at), 1))
    await outbox.add_many(session, facts)
    await tell_people(session, [fields["person_id"] for fields in new], at=at)


async def change(
    session: AsyncSession,
    before: Mapping[UUID, Mapping[str, Any]],
    changes: Mapping[UUID, Mapping[str, Any]],
    *,
    at: datetime,
) -> None:
    """Change people whose rows are locked and were as `before` says, and tell what changed.

    Whoever departs takes part in nothing any more. A change without fields tells their state again, for what lies
    beside their row.
    """
    if not changes:
        return
    await people.change_many(session, changes, at=at)
    departing = [
        person_id
        for person_id, fields in changes.items()
        if fields.get("departed_on") is not None and before[person_id]["departed_on"] is None
    ]
    withdrawn = await _withdraw(session, departing, at=at)
    facts: list[tuple[Event, int]] = []
    for person_id, fields in changes.items():
        version = before[person_id]["version"] + 1
        if "departed_on" in fields:
            left_on = fields["departed_on"]
            if left_on is None and before[person_id]["departed_on"] is not None:
                facts.append((PersonReturned(person_id=person_id, occurred_at=at), version))
            elif left_on is not None:
                facts.append((PersonDeparted(person_id=person_id, left_on=left_on, occurred_at=at), version))
        named = told_as_changed(fields)
        if named:
            facts.append((PersonUpdated(person_id=person_id, fields=named, occurred_at=at), version))
    await outbox.add_many(session, facts)
    await tell_people(session, list(changes), at=at)
    await outbox.add_many(session, withdrawn)


async def _withdraw(session: AsyncSession, departing: Sequence[UUID], *, at: datetime) -> list[tuple[Event, int]]:
    taking_part = await enrollments.lock_taking_part(session, departing) if departing else []
    await enrollments.change_many(
        session,
        {row["enrollment_id"]: {"status": Status.WITHDRAWN, "reason": DEPARTED} for row in taking_part},
        at=at,
    )
    return [
        (
            EnrollmentWithdrawn(
                enrollment_id=row["enrollment_id"],
                program_id=row["program_id"],
                person_id=row["person_id"],
                reason=DEPARTED,
                occurred_at=at,
            ),
            row["version"] + 1,
        )
        for row in taking_part
    ]
