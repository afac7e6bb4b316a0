"""Pairings and their members, as matching said them. The pairing's row is the lock of everything said about it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tandem_scheduling.storage.base import Table


class Member(Table):
    """Somebody in a pairing, and as what."""

    __tablename__ = "pairing_members"
    pairing_id: Mapped[UUID] = mapped_column(sa.ForeignKey("pairings.pairing_id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    role: Mapped[str]


class Pairing(Table):
    """People who meet."""

    __tablename__ = "pairings"
    pairing_id: Mapped[UUID] = mapped_column(primary_key=True)
    program_id: Mapped[UUID]
    format: Mapped[str]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    completed_sessions: Mapped[int] = mapped_column(default=0)
    last_met_at: Mapped[datetime | None] = mapped_column(default=None)
    meeting_every_days: Mapped[int | None] = mapped_column(default=None)
    last_contact_at: Mapped[datetime | None] = mapped_column(default=None)
    expected_by: Mapped[datetime | None] = mapped_column(default=None)
    lapses_at: Mapped[datetime | None] = mapped_column(default=None)
    lapsed_at: Mapped[datetime | None] = mapped_column(default=None)
    version: Mapped[int] = mapped_column()
    members: Mapped[list[Member]] = relationship(lazy="selectin", order_by=Member.person_id)
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy reads it as it is

    def role_of(self, person_id: UUID) -> str | None:
        """As what somebody belongs to it; nothing where they do not."""
        return next((member.role for member in self.members if member.person_id == person_id), None)

    @property
    def member_ids(self) -> tuple[UUID, ...]:
        """Who belongs to it, in order of their ids."""
        return tuple(member.person_id for member in self.members)


def add(
    session: AsyncSession,
    pairing_id: UUID,
    *,
    program_id: UUID,
    pairing_format: str,
    members: Iterable[tuple[UUID, str]],
    created_at: datetime,
) -> Pairing:
    """Keep a new pairing."""
    pairing = Pairing(
        pairing_id=pairing_id,
        program_id=program_id,
        format=pairing_format,
        created_at=created_at,
        completed_sessions=0,
        members=[Member(person_id=person_id, role=role) for person_id, role in sorted(members)],
    )
    session.add(pairing)
    return pairing


async def remove_member(session: AsyncSession, pairing: Pairing, person_id: UUID) -> None:
    """Let somebody belong to a pairing no more; the caller holds it."""
    for member in [one for one in pairing.members if one.person_id == person_id]:
        pairing.members.remove(member)
        await session.delete(member)


async def keep_members(session: AsyncSession, pairing_id: UUID, members: Mapping[UUID, str]) -> None:
    """Make these the members of a pairing that is known, and nobody else."""
    await session.execute(sa.delete(Member).where(Member.pairing_id == pairing_id))
    await session.execute(
        sa.insert(Member),
        [{"pairing_id": pairing_id, "person_id": person_id, "role": role} for person_id, role in members.items()],
    )


async def drop_member(session: AsyncSession, pairing_id: UUID, person_id: UUID) -> None:
    """Let somebody belong to a pairing no more."""
    await session.execute(sa.delete(Member).where(Member.pairing_id == pairing_id, Member.person_id == person_id))


async def find(session: AsyncSession, pairing_id: UUID) -> Pairing | None:
    """A pairing with its members."""
    return await session.get(Pairing, pairing_id)


async def lock(session: AsyncSession, pairing_id: UUID) -> Pairing | None:
    """A pairing, held until the transaction ends: what is said about it is said in the order in which it happened."""
    return await session.get(Pairing, pairing_id, with_for_update=True, populate_existing=True)
