"""Merges: two records that are one person become one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from tandem_chassis.auth import Caller
from tandem_chassis.errors import Conflict, Invalid
from tandem_events import outbox
from tandem_events.contracts import (
    EnrollmentApproved,
    EnrollmentPaused,
    EnrollmentSubmitted,
    EnrollmentWithdrawn,
    Event,
    PersonMerged,
    PersonState,
)
from tandem_profiles.domain.enrollments import Status, with_person_replaced
from tandem_profiles.domain.people import ManagersInCircle, NoSuchPerson
from tandem_profiles.storage import directory, enrollments, erasures, pairings, people, private_sections, programs
from tandem_profiles.storage.people import Person
from tandem_profiles.storage.private_sections import PrivateSection
from tandem_profiles.storage.seals import Sealed, Seals
from tandem_profiles.use_cases import audit, person_changes
from tandem_profiles.use_cases.naming import replace_named
from tandem_profiles.use_cases.programs import replace_manager

MERGED = "merged"

_FILLED = (
    "employee_number", "family_name", "job_title", "level", "level_name", "unit", "profession", "manager_id",
    "location", "languages", "biography", "history", "skills_offered", "delegate_id", "hired_on",
)  # fmt: skip


class SamePerson(Invalid):
    """A record was to be merged with itself."""

    def __init__(self) -> None:
        super().__init__("These are the same record already. Name the duplicate that is to go.")


class InRelationships(Conflict):
    """The duplicate has relationships that go on."""

    def __init__(self) -> None:
        super().__init__("The duplicate is in a relationship. End it first, or keep that record instead.")


async def merge(
    session: AsyncSession, caller: Caller, kept_id: UUID, duplicate_id: UUID, *, seals: Seals, at: datetime
) -> Person:
    """Let a duplicate become part of the record that is kept: what it alone knows, and its part in programs.

    Whatever names the duplicate names the record that is kept: reports, principals, managed programs, people preferred
    and excluded, answers about people, groups of the directory.

    Raises:
        SamePerson, NoSuchPerson, InRelationships, ManagersInCircle
        NotSealed: the duplicate's private section cannot be opened to be sealed for the record that is kept.
    """
    if kept_id == duplicate_id:
        raise SamePerson
    await people.lock_roster(session)
    await programs.lock_managed_by(session, duplicate_id)
    both = await people.lock_many(session, [kept_id, duplicate_id])
    # Again: until their row was locked, another program could be given to them.
    managed = await programs.lock_managed_by(session, duplicate_id)
    if len(both) < 2:
        raise NoSuchPerson
    if await pairings.has_any(session, duplicate_id):
        raise InRelationships
    kept, duplicate = both[kept_id], both[duplicate_id]
    fields = await _taken_over(session, kept, duplicate)
    facts, moved = await _move_enrollments(session, kept_id, duplicate_id, at=at)
    await _let_others_name(session, caller, kept_id, duplicate_id, at=at)
    await replace_manager(session, caller, managed, duplicate_id, by=kept_id, at=at)
    await _move_private_section(session, kept_id, duplicate_id, seals=seals, at=at)
    await directory.hand_over(session, duplicate_id, to=kept_id)
    await directory.replace_member(session, duplicate_id, by=kept_id, at=at)
    renamed = await replace_named(session, duplicate_id, by=kept_id, at=at)
    await erasures.erase(session, duplicate_id)
    await enrollments.begin_many(session, moved)
    await person_changes.change(session, both, {kept_id: fields}, at=at)
    was = kept["delegate_id"]
    await audit.note_delegate(session, caller, kept_id, before=was, now=fields.get("delegate_id", was), at=at)
    for row in moved:
        facts.extend(_facts_of_moved(row, at=at))
    await audit.note(
        session, caller, "people_merged", at=at, person_id=kept_id, details={"duplicate_id": str(duplicate_id)}
    )
    await outbox.add_many(session, [*facts, *renamed])
    merged = PersonMerged(person_id=kept_id, duplicate_id=duplicate_id, occurred_at=at)
    await outbox.add(session, merged, version=kept["version"] + 1)
    await outbox.add_tombstone(session, PersonState, duplicate_id, occurred_at=at, version=duplicate["version"] + 1)
    person = await people.find(session, kept_id)
    if person is None:
        raise NoSuchPerson
    return person


async def _taken_over(session: AsyncSession, kept: Mapping[str, Any], duplicate: Mapping[str, Any]) -> dict[str, Any]:
    """What the kept record learns from the duplicate. Nobody comes to be their own manager or delegate by it."""
    kept_id, duplicate_id = kept["person_id"], duplicate["person_id"]
    fields = {name: duplicate[name] for name in _FILLED if not kept[name] and duplicate[name]}
    for name in ("manager_id", "delegate_id"):
        if kept[name] == duplicate_id:
            fields[name] = None
        elif fields.get(name) == kept_id:
            del fields[name]
    learned = fields.get("manager_id")
    if learned is not None and kept_id in await people.line_above(session, learned):
        del fields["manager_id"]
    above = kept["manager_id"]
    if above not in (None, duplicate_id) and duplicate_id in await people.line_above(session, above):
        raise ManagersInCircle
    return fields


async def _move_enrollments(
    session: AsyncSession, kept_id: UUID, duplicate_id: UUID, *, at: datetime
) -> tuple[list[tuple[Event, int]], list[dict[str, Any]]]:
    """What ends for the duplicate, and what begins instead for the kept record in programs where it never was."""
    parts = await enrollments.lock_taking_part(session, [kept_id, duplicate_id])
    begun_before = await enrollments.programs_of(session, kept_id)
    questions = await programs.questions_of(session, {row["program_id"] for row in parts})
    facts: list[tuple[Event, int]] = []
    moved: list[dict[str, Any]] = []
    for row in parts:
        if row["person_id"] != duplicate_id:
            continue
        withdrawn = {**row, "reason": MERGED, "occurred_at": at}
        facts.append((EnrollmentWithdrawn.model_validate(withdrawn), row["version"] + 1))
        if row["program_id"] not in begun_before:
            asked = questions[row["program_id"]]
            without_themselves = with_person_replaced(row, kept_id, by=None, questions=asked)
            own = {"enrollment_id": uuid7(), "person_id": kept_id, "version": 1, "changed_at": at}
            moved.append({**row, **without_themselves, **own})
    return facts, moved


async def _let_others_name(
    session: AsyncSession, caller: Caller, kept_id: UUID, duplicate_id: UUID, *, at: datetime
) -> None:
    """Whoever was managed by the duplicate, or had them keep their calendar, now has the kept record for it."""
    reports, principals = (
        await people.reports_of(session, duplicate_id),
        await people.principals_of(session, duplicate_id),
    )
    others = await people.lock_many(session, (reports | principals) - {kept_id})
    changes: dict[UUID, dict[str, Any]] = {one: {} for one in others}
    for name, concerned in (("manager_id", reports), ("delegate_id", principals)):
        for one in concerned & others.keys():
            changes[one][name] = kept_id
    await person_changes.change(session, others, changes, at=at)
    for one in sorted(principals & others.keys()):
        await audit.note_delegate(session, caller, one, before=duplicate_id, now=kept_id, at=at)


async def _move_private_section(
    session: AsyncSession, kept_id: UUID, duplicate_id: UUID, *, seals: Seals, at: datetime
) -> None:
    section = await private_sections.find(session, duplicate_id, lock=True)
    if section is None or await private_sections.find(session, kept_id) is not None:
        return
    hopes = seals.open(Sealed(section.key_id, section.sealed), person_id=duplicate_id)
    sealed = seals.seal(hopes, person_id=kept_id)
    session.add(
        PrivateSection(
            person_id=kept_id,
            key_id=sealed.key_id,
            sealed=sealed.sealed,
            consented_at=section.consented_at,
            changed_at=at,
        )
    )
    await session.flush()


def _facts_of_moved(row: Mapping[str, Any], *, at: datetime) -> list[tuple[Event, int]]:
    facts: list[tuple[Event, int]] = [(EnrollmentSubmitted.model_validate({**row, "occurred_at": at}), 1)]
    if row["status"] in (Status.APPROVED, Status.PAUSED):
        facts.append((EnrollmentApproved.model_validate({**row, "occurred_at": at}), 1))
    if row["status"] == Status.PAUSED:
        paused = {**row, "until": row["paused_until"], "occurred_at": at}
        facts.append((EnrollmentPaused.model_validate(paused), 1))
    return facts
