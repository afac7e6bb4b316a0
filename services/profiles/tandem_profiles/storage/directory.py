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
class Sought:
    """What the database can look for: `id`, `userName`, `externalId`, `emails`, `displayName` or `active` with a value.

    Or who was changed from that time on (`changedFrom`), or until it (`changedUntil`).
    """

    attribute: str
    value: str | bool | datetime


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


def _users_with(sought: Sequence[Sought]) -> sa.Select[Any]:
    return _USERS.where(*(_is_user(one) for one in sought))


def _is_user(sought: Sought) -> sa.ColumnElement[bool]:
    changed_at = sa.func.greatest(Person.changed_at, DirectoryUser.changed_at)
    match sought:
        case Sought("id", str(text)):
            return Person.person_id == _as_id(text)
        case Sought("userName", str(text)):
            # Two searches that have an index each, where one with OR would read everybody.
            spoken = sa.select(DirectoryUser.person_id).where(DirectoryUser.user_name_key == text.lower())
            spoken_of = sa.exists().where(DirectoryUser.person_id == PEOPLE.c.person_id)
            unspoken = sa.select(PEOPLE.c.person_id).where(PEOPLE.c.email_key == email_key(text), ~spoken_of)
            return Person.person_id.in_(spoken.union_all(unspoken))
        case Sought("externalId", value):
            return DirectoryUser.external_id == value
        case Sought("emails", str(text)):
            return Person.email_key == email_key(text)
        case Sought("active", True):
            # Nobody who is here is inactive, but an identity provider may have left open whether they are active.
            said = sa.or_(DirectoryUser.person_id.is_(None), DirectoryUser.document["active"].as_boolean())
            return sa.and_(Person.departed_on.is_(None), said)
        case Sought("active", False):
            return Person.departed_on.is_not(None)
        case Sought("changedFrom", value):
            return changed_at >= value
        case Sought("changedUntil", value):
            return changed_at <= value
    raise KeyError(sought.attribute)


async def count_users(session: AsyncSession, sought: Sequence[Sought]) -> int:
    """How many users there are, or how many of whom all this is true."""
    return await session.scalar(sa.select(sa.func.count()).select_from(_users_with(sought).subquery())) or 0


async def users(
    session: AsyncSession, sought: Sequence[Sought], *, offset: int, limit: int
) -> Sequence[tuple[Person, DirectoryUser | None]]:
    """Users in the order in which they became known."""
    found = _users_with(sought).order_by(Person.person_id).offset(offset).limit(limit)
    return [(person, user) for person, user in (await session.execute(found)).all()]


def _groups_with(sought: Sequence[Sought]) -> sa.Select[Any]:
    return sa.select(DirectoryGroup).where(*(_is_group(one) for one in sought))


def _is_group(sought: Sought) -> sa.ColumnElement[bool]:
    match sought:
        case Sought("id", str(text)):
            return DirectoryGroup.group_id == _as_id(text)
        case Sought("displayName", str(text)):
            return sa.func.lower(DirectoryGroup.display_name) == text.lower()
        case Sought("externalId", value):
            return DirectoryGroup.external_id == value
        case Sought("changedFrom", value):
            return DirectoryGroup.changed_at >= value
        case Sought("changedUntil", value):
            return DirectoryGroup.changed_at <= value
    raise KeyError(sought.attribute)


async def count_groups(session: AsyncSession, sought: Sequence[Sought]) -> int:
    """How many groups there are, or how many of whom all this is true."""
    return await session.scalar(sa.select(sa.func.count()).select_from(_groups_with(sought).subquery())) or 0


async def groups(
    session: AsyncSession, sought: Sequence[Sought], *, offset: int, limit: int
) -> Sequence[DirectoryGroup]:
    """Groups in the order in which they were created."""
    found = _groups_with(sought).order_by(DirectoryGroup.group_id).offset(offset).limit(limit)
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
