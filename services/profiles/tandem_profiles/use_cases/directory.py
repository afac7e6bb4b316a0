"""The directory: identity providers create, change and remove people and groups."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from tandem_profiles.domain.directory import NameTaken, NoSuchEntry
from tandem_profiles.domain.people import ManagersInCircle
from tandem_profiles.domain.roster_changes import leaving
from tandem_profiles.domain.sheet_mapping import fault_of_languages
from tandem_profiles.domain.sign_ups import email_key
from tandem_profiles.storage import directory, people
from tandem_profiles.storage.directory import DirectoryGroup, DirectoryUser
from tandem_profiles.storage.people import Person
from tandem_profiles.use_cases import person_changes
from tandem_profiles.use_cases.sign_up_sheets import known_time_zones


@dataclass(frozen=True, slots=True)
class Told:
    """What an identity provider says of a user: as it wrote it, and what of that a person has."""

    document: dict[str, Any]
    user_name: str
    external_id: str | None
    active: bool
    person: dict[str, Any]
    """Names, email, job_title, unit, employee_number, location, time_zone, languages and manager_id."""


async def create_user(session: AsyncSession, told: Told, *, at: datetime) -> UUID:
    """Make somebody known; whom the identity provider removed before is the same person again.

    Raises:
        NameTaken: userName, address or employee number are somebody else's.
    """
    await people.lock_roster(session)
    before = await directory.removed_user(session, told.user_name.lower(), email_key(told.person["email"]))
    if before is not None:
        await change_user(session, before.person_id, told, at=at)
        return before.person_id
    await _require_free(session, None, told)
    person_id = uuid7()
    left_on = None if told.active else at.date()
    fields = {
        "time_zone": "UTC",
        "languages": [],
        "manager_id": None,
        **await _person_fields(session, None, told),
        **leaving(left_on, today=at.date()),
        "person_id": person_id,
    }
    await person_changes.register(session, [fields], at=at)
    await directory.keep_user(session, person_id, _user_fields(told), at=at)
    return person_id


async def lock_user(session: AsyncSession, person_id: UUID) -> tuple[Person, DirectoryUser | None] | None:
    """A user as they are, whom neither the roster nor they themselves change until this transaction ends."""
    await people.lock_roster(session)
    await people.lock_many(session, [person_id])
    return await directory.find_user(session, person_id)


async def change_user(session: AsyncSession, person_id: UUID, told: Told, *, at: datetime) -> None:
    """Let somebody be as told. Who is active no longer has departed; who is again, has returned.

    Raises:
        NoSuchEntry, NameTaken, ManagersInCircle
    """
    await people.lock_roster(session)
    before = await people.lock_many(session, [person_id])
    if person_id not in before:
        raise NoSuchEntry
    await _require_free(session, person_id, told)
    fields = await _person_fields(session, person_id, told)
    departed = before[person_id]["departed_on"] is not None
    if told.active == departed:
        fields |= leaving(None if told.active else at.date(), today=at.date())
    change = {name: value for name, value in fields.items() if before[person_id][name] != value}
    if change:
        await person_changes.change(session, before, {person_id: change}, at=at)
    await directory.keep_user(session, person_id, _user_fields(told), at=at)


async def remove_user(session: AsyncSession, person_id: UUID, told: Told, *, at: datetime) -> None:
    """Let somebody be no user any more: they departed. What they took part in is remembered.

    Raises:
        NoSuchEntry
    """
    await people.lock_roster(session)
    before = await people.lock_many(session, [person_id])
    if person_id not in before:
        raise NoSuchEntry
    if before[person_id]["departed_on"] is None:
        change = leaving(at.date(), today=at.date())
        await person_changes.change(session, before, {person_id: change}, at=at)
    await directory.keep_user(session, person_id, {**_user_fields(told), "removed": True}, at=at)


async def _require_free(session: AsyncSession, person_id: UUID | None, told: Told) -> None:
    taken = await directory.taken(
        session,
        but=person_id,
        user_name_key=told.user_name.lower(),
        email_key=email_key(told.person["email"]),
        employee_number=told.person["employee_number"],
    )
    if taken is not None:
        raise NameTaken(taken)


async def _person_fields(session: AsyncSession, person_id: UUID | None, told: Told) -> dict[str, Any]:
    """Fields that a person can have. A zone, a language or a manager that is not known changes nothing.

    Identity providers name managers whom they tell of later; the document keeps what they said.

    Raises:
        ManagersInCircle
    """
    fields: dict[str, Any] = {**told.person, "email_key": email_key(told.person["email"])}
    if fields["time_zone"] not in known_time_zones():
        del fields["time_zone"]
    if not fields["languages"] or fault_of_languages(tuple(fields["languages"])):
        del fields["languages"]
    manager_id = fields.pop("manager_id")
    if manager_id is None or not await people.unknown_among(session, [manager_id]):
        if manager_id is not None and person_id in {manager_id, *await people.line_above(session, manager_id)}:
            raise ManagersInCircle
        fields["manager_id"] = manager_id
    return fields


def _user_fields(told: Told) -> Mapping[str, Any]:
    return {
        "user_name_key": told.user_name.lower(),
        "external_id": told.external_id,
        "document": told.document,
        "removed": False,
    }


async def create_group(
    session: AsyncSession, document: dict[str, Any], *, display_name: str, external_id: str | None, at: datetime
) -> DirectoryGroup:
    """Keep a new group."""
    group = DirectoryGroup(
        group_id=uuid7(),
        display_name=display_name,
        external_id=external_id,
        document=document,
        created_at=at,
        changed_at=at,
    )
    session.add(group)
    await session.flush()
    return group


async def change_group(
    session: AsyncSession,
    group_id: UUID,
    document: dict[str, Any],
    *,
    display_name: str,
    external_id: str | None,
    at: datetime,
) -> DirectoryGroup:
    """Let a group be as told. Raises `NoSuchEntry`."""
    group = await directory.find_group(session, group_id, lock=True)
    if group is None:
        raise NoSuchEntry
    if group.document != document:
        group.document, group.display_name, group.external_id = document, display_name, external_id
        group.changed_at = at
        await session.flush()
    return group


async def remove_group(session: AsyncSession, group_id: UUID) -> None:
    """Let a group be gone. Raises `NoSuchEntry`."""
    group = await directory.find_group(session, group_id, lock=True)
    if group is None:
        raise NoSuchEntry
    await session.delete(group)
    await session.flush()
