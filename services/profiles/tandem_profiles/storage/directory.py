"""The directory: users and groups as identity providers know them, and their queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_profiles.domain.sign_ups import email_key
from tandem_profiles.storage.people import PEOPLE, Person
from tandem_profiles.storage.table import Table


class DirectoryUser(Table):
    """What an identity provider said of a person beyond what a person has."""

    __tablename__ = "directory_users"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column()
    user_name_key: Mapped[str]
    external_id: Mapped[str | None]
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    removed: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    changed_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy reads it once


class DirectoryGroup(Table):
    """A group of an identity provider."""

    __tablename__ = "directory_groups"

    group_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column()
    display_name: Mapped[str]
    external_id: Mapped[str | None]
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    changed_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy reads it once


@dataclass(frozen=True, slots=True)
class Exactly:
    """One value that a quick search looks for: `id`, `userName`, `externalId`, `emails` or `displayName`."""

    attribute: str
    value: str


def _every_user() -> sa.Select[Any]:
    query: Any = sa.select(Person, DirectoryUser)
    joined: sa.Select[Any] = query.outerjoin(DirectoryUser, DirectoryUser.person_id == Person.person_id)
    return joined.where(sa.or_(DirectoryUser.person_id.is_(None), sa.not_(DirectoryUser.removed)))


_USERS = _every_user()


async def find_user(session: AsyncSession, person_id: UUID) -> tuple[Person, DirectoryUser | None] | None:
    """A user, also one of whom no identity provider spoke yet."""
    row = (
        await session.execute(_USERS.where(Person.person_id == person_id).execution_options(populate_existing=True))
    ).one_or_none()
    return None if row is None else (row[0], row[1])


async def removed_user(session: AsyncSession, user_name_key: str, email_key: str) -> DirectoryUser | None:
    """Somebody whom an identity provider removed, and who is now named again."""
    found = (
        sa.select(DirectoryUser)
        .join(Person, Person.person_id == DirectoryUser.person_id)
        .where(DirectoryUser.removed)
        .where(sa.or_(DirectoryUser.user_name_key == user_name_key, Person.email_key == email_key))
    )
    return (await session.scalars(found.limit(1))).one_or_none()


async def taken(
    session: AsyncSession, *, but: UUID | None, user_name_key: str, email_key: str, employee_number: str | None
) -> str | None:
    """What of these belongs to somebody else, in words; nothing where all are free."""
    others = PEOPLE.c.person_id != but if but is not None else sa.true()
    if await session.scalar(sa.select(PEOPLE.c.person_id).where(PEOPLE.c.email_key == email_key, others)):
        return "e-mail address"
    other_users = DirectoryUser.person_id != but if but is not None else sa.true()
    if await session.scalar(
        sa.select(DirectoryUser.person_id).where(DirectoryUser.user_name_key == user_name_key, other_users)
    ):
        return "userName"
    if employee_number is not None and await session.scalar(
        sa.select(PEOPLE.c.person_id).where(PEOPLE.c.employee_number == employee_number, others)
    ):
        return "employeeNumber"
    return None


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None  # nobody has it


def _users_with(exactly: Exactly | None) -> sa.Select[Any]:
    if exactly is None:
        return _USERS
    value = exactly.value
    match exactly.attribute:
        case "id":
            return _USERS.where(Person.person_id == _as_id(value))
        case "userName":
            # Two searches that have an index each, where one with OR would read everybody.
            spoken = sa.select(DirectoryUser.person_id).where(DirectoryUser.user_name_key == value.lower())
            spoken_of = sa.exists().where(DirectoryUser.person_id == PEOPLE.c.person_id)
            unspoken = sa.select(PEOPLE.c.person_id).where(PEOPLE.c.email_key == email_key(value), ~spoken_of)
            return _USERS.where(Person.person_id.in_(spoken.union_all(unspoken)))
        case "externalId":
            return _USERS.where(DirectoryUser.external_id == value)
        case "emails":
            return _USERS.where(Person.email_key == email_key(value))
    raise KeyError(exactly.attribute)


async def count_users(session: AsyncSession, exactly: Exactly | None) -> int:
    """How many users there are, or how many of this kind."""
    return await session.scalar(sa.select(sa.func.count()).select_from(_users_with(exactly).subquery())) or 0


async def users(
    session: AsyncSession, exactly: Exactly | None, *, offset: int, limit: int
) -> Sequence[tuple[Person, DirectoryUser | None]]:
    """Users in the order in which they became known."""
    found = _users_with(exactly).order_by(Person.person_id).offset(offset).limit(limit)
    return [(person, user) for person, user in (await session.execute(found)).all()]


def _groups_with(exactly: Exactly | None) -> sa.Select[Any]:
    found = sa.select(DirectoryGroup)
    if exactly is None:
        return found
    match exactly.attribute:
        case "id":
            return found.where(DirectoryGroup.group_id == _as_id(exactly.value))
        case "displayName":
            return found.where(sa.func.lower(DirectoryGroup.display_name) == exactly.value.lower())
        case "externalId":
            return found.where(DirectoryGroup.external_id == exactly.value)
    raise KeyError(exactly.attribute)


async def count_groups(session: AsyncSession, exactly: Exactly | None) -> int:
    """How many groups there are, or how many of this kind."""
    return await session.scalar(sa.select(sa.func.count()).select_from(_groups_with(exactly).subquery())) or 0


async def groups(
    session: AsyncSession, exactly: Exactly | None, *, offset: int, limit: int
) -> Sequence[DirectoryGroup]:
    """Groups in the order in which they were created."""
    found = _groups_with(exactly).order_by(DirectoryGroup.group_id).offset(offset).limit(limit)
    return (await session.scalars(found)).all()


async def find_group(session: AsyncSession, group_id: UUID, *, lock: bool = False) -> DirectoryGroup | None:
    """The group of this id."""
    return await session.get(DirectoryGroup, group_id, with_for_update=lock or None)


async def groups_of(session: AsyncSession, person_id: UUID) -> Sequence[DirectoryGroup]:
    """The groups of which this person is a member, locked in one order."""
    listed = DirectoryGroup.document.contains({"members": [{"value": str(person_id)}]})
    found = sa.select(DirectoryGroup).where(listed).order_by(DirectoryGroup.group_id)
    return (await session.scalars(found.with_for_update())).all()


async def replace_member(session: AsyncSession, person_id: UUID, *, by: UUID | None, at: datetime) -> None:
    """Let every group have somebody else, or nobody, in the place of a member.

    Identity providers may have written the member's name into the group; it goes as well.
    """
    for group in await groups_of(session, person_id):
        members = [one for one in group.document["members"] if one["value"] != str(person_id)]
        if by is not None and all(one["value"] != str(by) for one in members):
            members.append({"value": str(by), "type": "User"})
        group.document, group.changed_at = {**group.document, "members": members}, at
    await session.flush()


async def hand_over(session: AsyncSession, person_id: UUID, *, to: UUID) -> None:
    """Let an identity provider's user be another person, unless that one is a user already."""
    if await session.get(DirectoryUser, to) is None:
        moved = sa.update(DirectoryUser).where(DirectoryUser.person_id == person_id).values(person_id=to)
        await session.execute(moved.execution_options(synchronize_session=False))


async def keep_user(
    session: AsyncSession, person_id: UUID, fields: Mapping[str, Any], *, at: datetime
) -> DirectoryUser:
    """Keep what an identity provider said of this person."""
    user = await session.get(DirectoryUser, person_id, with_for_update=True, populate_existing=True)
    if user is None:
        user = DirectoryUser(person_id=person_id, created_at=at, changed_at=at, **fields)
        session.add(user)
    elif any(getattr(user, name) != value for name, value in fields.items()):
        for name, value in fields.items():
            setattr(user, name, value)
        user.changed_at = at
    await session.flush()
    return user
