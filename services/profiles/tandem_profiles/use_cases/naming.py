"""Naming: whoever names somebody in an enrollment names them still, or no longer, once they are another or nobody."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events.contracts import EnrollmentApproved, Event
from tandem_profiles.domain.enrollments import Status, with_person_replaced
from tandem_profiles.storage import enrollments, people, programs
from tandem_profiles.use_cases import person_changes


async def replace_named(
    session: AsyncSession, person_id: UUID, *, by: UUID | None, at: datetime
) -> Sequence[tuple[Event, int]]:
    """Let whoever prefers or excludes somebody, or names them in an answer, name another or nobody.

    The answer is what matching is to hear of it. `by` is told elsewhere: nobody names themselves.
    """
    owners = await enrollments.owners_naming(session, person_id) - {person_id, by}
    before = await people.lock_many(session, owners)
    rows = [row for row in await enrollments.lock_naming(session, person_id) if row["person_id"] != person_id]
    questions = await programs.questions_of(session, {row["program_id"] for row in rows})
    changes = {
        row["enrollment_id"]: with_person_replaced(
            row, person_id, by=by if row["person_id"] != by else None, questions=questions[row["program_id"]]
        )
        for row in rows
    }
    await enrollments.change_many(session, changes, at=at)
    # Confidential answers travel with the state of their person.
    told_otherwise = {
        row["person_id"]
        for row in rows
        if changes[row["enrollment_id"]]["confidential_answers"] != row["confidential_answers"]
    }
    await person_changes.change(session, before, {one: {} for one in told_otherwise & before.keys()}, at=at)
    return [
        (
            EnrollmentApproved.model_validate({**row, **changes[row["enrollment_id"]], "occurred_at": at}),
            row["version"] + 1,
        )
        for row in rows
        if row["status"] == Status.APPROVED
    ]
