"""Erasures and exports: a person's data leaves, as a file for them or for good."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis.auth import Caller
from tandem_chassis.errors import NotFound
from tandem_events import outbox
from tandem_events.contracts import EnrollmentWithdrawn, Event, PersonErased, PersonState
from tandem_profiles.domain.people import NoSuchPerson
from tandem_profiles.domain.questions import shown_answers
from tandem_profiles.storage import audit as audit_log
from tandem_profiles.storage import directory, enrollments, erasures, pairings, people, private_sections, programs
from tandem_profiles.storage.erasures import Erasure
from tandem_profiles.storage.seals import Sealed, Seals
from tandem_profiles.use_cases import audit, person_changes
from tandem_profiles.use_cases.naming import replace_named
from tandem_profiles.use_cases.programs import replace_manager

SERVICES = ("matching", "scheduling", "feedback")
"""Who has to confirm besides this service."""


CONFIDENTIAL = frozenset({"confidential_answers", "preferred_ids", "excluded_ids"})
"""What only the person themself gets of what they signed up with; matching uses it."""


class NoSuchErasure(NotFound):
    """Nobody with this id was erased."""

    def __init__(self) -> None:
        super().__init__("There is no erasure of such a person.")


async def erase_person(session: AsyncSession, caller: Caller, person_id: UUID, *, at: datetime) -> Erasure:
    """Erase somebody here at once, and let every other service hear of it. Safe to repeat.

    Raises:
        NoSuchPerson
    """
    # A roster that is being imported knows everybody who is here; it would bring back whom it finds gone.
    await people.lock_roster(session)
    known = await erasures.find(session, person_id)
    if known is not None:
        return known
    await programs.lock_managed_by(session, person_id)
    person = (await people.lock_many(session, [person_id])).get(person_id)
    if person is None:
        raise NoSuchPerson
    # Again: until their row was locked, another program could be given to them.
    managed = await programs.lock_managed_by(session, person_id)
    reports, principals = await people.reports_of(session, person_id), await people.principals_of(session, person_id)
    others = await people.lock_many(session, reports | principals)
    taking_part = await enrollments.lock_taking_part(session, [person_id])
    version = person["version"] + 1
    facts: list[tuple[Event, int]] = [
        (EnrollmentWithdrawn.model_validate({**row, "reason": "erased", "occurred_at": at}), row["version"] + 1)
        for row in taking_part
    ]
    left: dict[UUID, dict[str, Any]] = {one: {} for one in others}
    for one in reports:
        left[one]["manager_id"] = None
    for one in principals:
        left[one]["delegate_id"] = None
    await person_changes.change(session, others, left, at=at)
    for one in sorted(principals & others.keys()):
        await audit.note_delegate(session, caller, one, before=person_id, now=None, at=at)
    facts += await replace_named(session, person_id, by=None, at=at)
    await replace_manager(session, caller, managed, person_id, by=None, at=at)
    await directory.replace_member(session, person_id, by=None, at=at)
    await erasures.erase(session, person_id)
    erasure = Erasure(person_id=person_id, requested_at=at, requested_by=audit.name_of(caller), confirmed={})
    session.add(erasure)
    await audit.note(session, caller, "person_erased", at=at, person_id=person_id)
    await outbox.add_many(session, facts)
    await outbox.add(session, PersonErased(person_id=person_id, occurred_at=at), version=version)
    await outbox.add_tombstone(session, PersonState, person_id, occurred_at=at, version=version)
    return erasure


async def find_erasure(session: AsyncSession, person_id: UUID) -> Erasure:
    """Raises `NoSuchErasure`."""
    erasure = await erasures.find(session, person_id)
    if erasure is None:
        raise NoSuchErasure
    return erasure


async def confirm(session: AsyncSession, person_id: UUID, service: str, *, at: datetime) -> None:
    """A service erased its own data about somebody. Of somebody who was never erased here nothing is noted."""
    erasure = await erasures.find(session, person_id, lock=True)
    if erasure is not None and service not in erasure.confirmed:
        erasure.confirmed = {**erasure.confirmed, service: at.isoformat()}
        await session.flush()


async def export_person(
    session: AsyncSession, caller: Caller, person_id: UUID, *, seals: Seals, at: datetime
) -> dict[str, Any]:
    """Everything that is kept about a person here, for themselves; an administrator gets what they may see of it.

    That is all but the private section, answers for matching only, and the people preferred and excluded.

    Raises:
        NoSuchPerson, NotSealed
    """
    rows = await people.states(session, [person_id])
    if not rows:
        raise NoSuchPerson
    own = caller.person_id == person_id
    hopes: dict[str, Any] | None = None
    section = await private_sections.find(session, person_id) if own else None
    if section is not None:
        opened = json.loads(seals.open(Sealed(section.key_id, section.sealed), person_id=person_id))
        hopes = {**opened, "consented_at": section.consented_at}
    await audit.note(session, caller, "person_exported", at=at, person_id=person_id)
    user = await directory.find_user(session, person_id)
    entries = await audit_log.page(session, person_id=person_id, program_id=None, after=0, limit=10_000)
    parts = [_columns(one) for one in await enrollments.of_person(session, person_id)]
    if not own:
        asked = await programs.questions_of(session, {part["program_id"] for part in parts})
        parts = [_without_what_is_confidential(part, asked[part["program_id"]]) for part in parts]
    return {
        "exported_at": at,
        "person": {name: value for name, value in rows[0].items() if own or name not in CONFIDENTIAL},
        "private_section": hopes,
        "enrollments": parts,
        "relationships": [_columns(one) for one in await pairings.of_person(session, person_id)],
        "managed_programs": sorted(await programs.managed_by(session, person_id)),
        "directory_user": _columns(user[1]) if user and user[1] else None,
        "directory_groups": [group.display_name for group in await directory.groups_of(session, person_id)],
        "audit_entries": [_columns(one) for one in entries],
    }


def _without_what_is_confidential(part: Mapping[str, Any], questions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    left = {name: value for name, value in part.items() if name not in CONFIDENTIAL}
    return {**left, "answers": shown_answers(questions, part["answers"], to_managers=True)}


def _columns(row: Any) -> dict[str, Any]:
    names: Sequence[str] = [column.key for column in row.__table__.columns]
    return {name: getattr(row, name) for name in names}
