"""Decisions: enrollments are approved, declined, waitlisted, withdrawn, paused and resumed, and told."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis.errors import Refusal
from tandem_events import outbox
from tandem_events.contracts import (
    EnrollmentApproved,
    EnrollmentDeclined,
    EnrollmentPaused,
    EnrollmentResumed,
    EnrollmentSubmitted,
    EnrollmentWaitlisted,
    EnrollmentWithdrawn,
    Event,
)
from tandem_profiles.domain.enrollments import (
    FULL,
    Decision,
    NoSuchEnrollment,
    Status,
    require_decision,
    require_pause,
)
from tandem_profiles.domain.programs import (
    TAKES_PEOPLE,
    NoSuchProgram,
    require_takes_people,
)
from tandem_profiles.domain.programs import Status as ProgramStatus
from tandem_profiles.storage import enrollments, people, programs
from tandem_profiles.storage.enrollments import Enrollment
from tandem_profiles.storage.programs import Program
from tandem_profiles.use_cases import person_changes

TOLD_ANSWERS = frozenset({"confidential_answers", "open_answers"})
"""The answers of an enrollment of which the other services hear with the person."""

_FACT_OF: Mapping[Status, type[Event]] = {
    Status.SUBMITTED: EnrollmentSubmitted,
    Status.APPROVED: EnrollmentApproved,
    Status.PAUSED: EnrollmentPaused,
    Status.DECLINED: EnrollmentDeclined,
    Status.WAITLISTED: EnrollmentWaitlisted,
    Status.WITHDRAWN: EnrollmentWithdrawn,
}


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of one enrollment of many."""

    enrollment_id: UUID
    status: Status | None
    refused: str | None = None


async def decide_many(
    session: AsyncSession,
    program_id: UUID,
    enrollment_ids: Collection[UUID],
    decision: Decision,
    *,
    reason: str | None,
    until: date | None,
    at: datetime,
) -> list[Decided]:
    """Decide about many at once; each for which the decision does not follow is named and left as it is.

    Where the program is full, whoever would be approved waits instead, in the order given.

    Raises:
        NoSuchProgram, TakesNobody, PauseMalformed
    """
    program = await programs.find(session, program_id, lock=True)
    if program is None:
        raise NoSuchProgram
    if decision is Decision.PAUSE:
        require_pause(reason, until, today=at.date())
    if decision is Decision.APPROVE:
        require_takes_people(ProgramStatus(program.status))
    person_by_id = await enrollments.people_of(session, program_id, enrollment_ids)
    before = await people.lock_many(session, set(person_by_id.values()))
    rows = await enrollments.lock_of_people(session, program_id, before)
    decided: dict[UUID, Decided] = {}
    possible: list[Mapping[str, Any]] = []
    for enrollment_id in dict.fromkeys(enrollment_ids):
        try:
            if enrollment_id not in person_by_id:
                raise NoSuchEnrollment
            row = rows.get(person_by_id[enrollment_id])
            if row is None:  # erased meanwhile, or merged
                raise NoSuchEnrollment
            if row["status"] != decision.leads_to:
                require_decision(Status(row["status"]), decision)
                possible.append(row)
            decided[enrollment_id] = Decided(enrollment_id, decision.leads_to)
        except Refusal as refusal:  # one of many: the others are decided all the same
            decided[enrollment_id] = Decided(enrollment_id, None, refusal.sentence)
    stored = await decide(session, program, possible, decision, reason=reason, until=until, at=at)
    for row in stored:
        decided[row["enrollment_id"]] = Decided(row["enrollment_id"], Status(row["status"]))
    gone = [row for row in stored if row["status"] in (Status.DECLINED, Status.WITHDRAWN)]
    await tell_answers(session, before, gone, at=at)
    if any(row["status"] == Status.WITHDRAWN for row in gone):
        await let_waiting_in(session, program, at=at)
    return list(decided.values())


async def step(
    session: AsyncSession,
    enrollment: Enrollment,
    decision: Decision,
    *,
    reason: str | None,
    until: date | None = None,
    at: datetime,
) -> None:
    """Pause, resume or withdraw an enrollment. Safe to repeat.

    Raises:
        NoSuchEnrollment, StepNotPossible, NotPaused, PauseMalformed
    """
    if decision is Decision.PAUSE:
        require_pause(reason, until, today=at.date())
    wanted = decision.leads_to
    # Before any person: whoever decides about many locks in this order.
    program = await programs.find_for_enrolling(session, enrollment.program_id, counting=wanted is Status.WITHDRAWN)
    if program is None:
        raise NoSuchEnrollment
    before = await people.lock_many(session, [enrollment.person_id])
    row = await lock(session, enrollment)
    status = Status(row["status"])
    change = {"status": wanted, "reason": reason, "paused_until": until}
    if all(row[name] == value for name, value in change.items()):
        return
    if status != wanted or decision is Decision.RESUME:
        require_decision(status, decision)
    await enrollments.change_many(session, {row["enrollment_id"]: change}, at=at)
    after = {**row, **change, "version": row["version"] + 1}
    await outbox.add_many(session, _facts(after, at=at, before=status))
    if wanted is Status.WITHDRAWN:
        await tell_answers(session, before, [after], at=at)
        await let_waiting_in(session, program, at=at)


async def let_those_due_resume(session: AsyncSession, *, at: datetime, limit: int = 500) -> int:
    """Let everybody be there for new people again whose pause ends (in UTC); the answer is how many.

    Safe in several replicas at once.
    """
    due = await enrollments.lock_due_to_resume(session, at.date(), limit=limit)
    change = {"status": Status.APPROVED, "reason": None, "paused_until": None}
    await enrollments.change_many(session, {row["enrollment_id"]: change for row in due}, at=at)
    after = [{**row, **change, "version": row["version"] + 1} for row in due]
    await outbox.add_many(session, [told for row in after for told in _facts(row, at=at, before=Status.PAUSED)])
    return len(due)


async def let_waiting_in(session: AsyncSession, program: Program, *, at: datetime) -> int:
    """Approve who waits for room, the longest first, as far as there is room; the answer is how many.

    The program must be locked by this transaction, so that nobody else gives its places away.
    """
    if ProgramStatus(program.status) not in TAKES_PEOPLE:
        return 0
    if program.capacity is None:
        room: int | None = None
    else:
        room = max(0, program.capacity - await enrollments.approved_count(session, program.program_id))
    rows = await enrollments.lock_waiting(session, program.program_id, reason=FULL, limit=room)
    await decide(session, program, rows, Decision.APPROVE, reason=None, until=None, at=at)
    return len(rows)


async def let_those_waiting_in(session: AsyncSession, *, at: datetime, limit: int = 500) -> int:
    """Let people in wherever room came about, as by a departure or an erasure; the answer is how many.

    Safe in several replicas at once.
    """
    found = await programs.lock_with_room(session, limit=limit)
    return sum([await let_waiting_in(session, program, at=at) for program in found])


async def lock(session: AsyncSession, enrollment: Enrollment) -> Mapping[str, Any]:
    """An enrollment's row as it is now; its person may have been erased or merged since it was read."""
    rows = await enrollments.lock_of_people(session, enrollment.program_id, [enrollment.person_id])
    if enrollment.person_id not in rows:
        raise NoSuchEnrollment
    return rows[enrollment.person_id]


async def decide(
    session: AsyncSession,
    program: Program,
    rows: Sequence[Mapping[str, Any]],
    decision: Decision,
    *,
    reason: str | None,
    until: date | None,
    at: datetime,
) -> list[dict[str, Any]]:
    room, paused_until = len(rows), until if decision is Decision.PAUSE else None
    if decision is Decision.APPROVE and program.capacity is not None:
        room = max(0, program.capacity - await enrollments.approved_count(session, program.program_id))
    changes: dict[UUID, dict[str, Any]] = {}
    stored: list[dict[str, Any]] = []
    for place, row in enumerate(rows):
        fits = place < room
        if not fits and row["status"] == Status.WAITLISTED:
            stored.append(dict(row))
            continue
        changes[row["enrollment_id"]] = change = {
            "status": decision.leads_to if fits else Status.WAITLISTED,
            "reason": reason if fits else FULL,
            "paused_until": paused_until,
        }
        stored.append({**row, **change, "version": row["version"] + 1})
    await enrollments.change_many(session, changes, at=at)
    was = {row["enrollment_id"]: Status(row["status"]) for row in rows}
    told = [row for row in stored if row["enrollment_id"] in changes]
    facts = [fact for row in told for fact in _facts(row, at=at, before=was[row["enrollment_id"]])]
    await outbox.add_many(session, facts)
    return stored


async def tell_answers(
    session: AsyncSession,
    before: Mapping[UUID, Mapping[str, Any]],
    rows: Sequence[Mapping[str, Any]],
    *,
    at: datetime,
) -> None:
    """Tell people again of whose answers matching hears, as they came or went with these enrollments."""
    touched: dict[UUID, dict[str, Any]] = {
        row["person_id"]: {} for row in rows if any(row.get(name) for name in TOLD_ANSWERS)
    }
    await person_changes.change(session, before, touched, at=at)


def fact_of(row: Mapping[str, Any], *, at: datetime) -> Event:
    status = Status(row["status"])
    reason = row.get("reason") or status.value
    return _FACT_OF[status].model_validate(
        {**row, "reason": reason, "until": row.get("paused_until"), "occurred_at": at}
    )


def _facts(row: Mapping[str, Any], *, at: datetime, before: Status) -> list[tuple[Event, int]]:
    """What is told of a step. Who resumes is told whole again: matching heard of no change during the pause."""
    facts: list[tuple[Event, int]] = [(fact_of(row, at=at), row["version"])]
    if before is Status.PAUSED and row["status"] == Status.APPROVED:
        facts.append((EnrollmentResumed.model_validate({**row, "occurred_at": at}), row["version"]))
    return facts
