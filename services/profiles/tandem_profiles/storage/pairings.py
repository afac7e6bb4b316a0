"""Pairings as matching tells them: who is with whom, so far as it decides who may see what."""

from collections.abc import Collection, Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_profiles.storage.table import Table


class PairingMember(Table):
    """Somebody in a relationship."""

    __tablename__ = "pairing_members"

    pairing_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    program_id: Mapped[UUID]
    role: Mapped[str]
    active: Mapped[bool]


async def keep(
    session: AsyncSession, pairing_id: UUID, program_id: UUID, members: Collection[tuple[UUID, str]], *, active: bool
) -> None:
    """Remember a relationship as it is now."""
    await forget(session, pairing_id)
    await session.execute(
        insert(PairingMember),
        [
            {"pairing_id": pairing_id, "person_id": person_id, "program_id": program_id, "role": role, "active": active}
            for person_id, role in members
        ],
    )


async def forget(session: AsyncSession, pairing_id: UUID) -> None:
    """Forget a relationship."""
    await session.execute(sa.delete(PairingMember).where(PairingMember.pairing_id == pairing_id))


async def forget_who_is_gone(session: AsyncSession) -> None:
    """Forget the relationships of everybody who was erased, and of records that were merged into another."""
    await session.execute(
        sa.text(
            """
            DELETE FROM pairing_members WHERE person_id IN (
                SELECT person_id FROM erasures
                UNION ALL
                SELECT CAST(details ->> 'duplicate_id' AS uuid) FROM audit_log WHERE action = 'people_merged'
            )
            """
        )
    )


async def is_mentor_of(session: AsyncSession, mentor_id: UUID, mentee_id: UUID) -> bool:
    """Whether one is the other's mentor now."""
    mentor, mentee = sa.orm.aliased(PairingMember), sa.orm.aliased(PairingMember)
    found = (
        sa.select(mentor.pairing_id)
        .join(mentee, mentee.pairing_id == mentor.pairing_id)
        .where(mentor.person_id == mentor_id, mentor.role == "mentor", mentor.active)
        .where(mentee.person_id == mentee_id, mentee.role == "mentee", mentee.active)
        .limit(1)
    )
    return await session.scalar(found) is not None


async def are_together(session: AsyncSession, one_id: UUID, other_id: UUID) -> bool:
    """Whether these two are in one relationship now."""
    one, other = sa.orm.aliased(PairingMember), sa.orm.aliased(PairingMember)
    found = (
        sa.select(one.pairing_id)
        .join(other, other.pairing_id == one.pairing_id)
        .where(one.person_id == one_id, one.active, other.person_id == other_id, other.active)
        .limit(1)
    )
    return await session.scalar(found) is not None


async def has_any(session: AsyncSession, person_id: UUID) -> bool:
    """Whether this person is in a relationship now."""
    found = sa.select(PairingMember.pairing_id).where(PairingMember.person_id == person_id, PairingMember.active)
    return await session.scalar(found.limit(1)) is not None


async def of_person(session: AsyncSession, person_id: UUID) -> Sequence[PairingMember]:
    """This person's place in every relationship, those that ended too."""
    found = sa.select(PairingMember).where(PairingMember.person_id == person_id).order_by(PairingMember.pairing_id)
    return (await session.scalars(found)).all()
