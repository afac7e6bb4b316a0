"""Agreements: one for each pairing, with every version of its terms and the signatures under each."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_scheduling.storage.base import Table


class Agreement(Table):
    """What the members of a pairing agreed; `agreement_version` is the newest, `signed_version` the one in force."""

    __tablename__ = "agreements"
    agreement_id: Mapped[UUID] = mapped_column(primary_key=True)
    pairing_id: Mapped[UUID]
    program_id: Mapped[UUID]
    agreement_version: Mapped[int] = mapped_column()
    signed_version: Mapped[int | None] = mapped_column(default=None)
    signatures: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy reads it as it is


class Revision(Table):
    """One version of an agreement's terms; never changed once written, but for the words of who is erased."""

    __tablename__ = "agreement_revisions"
    agreement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("agreements.agreement_id"), primary_key=True)
    agreement_version: Mapped[int] = mapped_column(primary_key=True)
    terms: Mapped[dict[str, Any]]
    proposed_by: Mapped[UUID | None]
    proposed_at: Mapped[datetime]


class Signature(Table):
    """That a member signed a version."""

    __tablename__ = "agreement_signatures"
    agreement_id: Mapped[UUID] = mapped_column(primary_key=True)
    agreement_version: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    signed_at: Mapped[datetime]


def add(session: AsyncSession, agreement_id: UUID, *, pairing_id: UUID, program_id: UUID) -> Agreement:
    """Keep a new agreement; its first revision follows."""
    agreement = Agreement(
        agreement_id=agreement_id, pairing_id=pairing_id, program_id=program_id, agreement_version=1, signatures=0
    )
    session.add(agreement)
    return agreement


def add_revision(
    session: AsyncSession,
    agreement: Agreement,
    *,
    terms: dict[str, Any],
    proposed_by: UUID | None,
    proposed_at: datetime,
) -> None:
    """Keep the terms of the agreement's newest version."""
    session.add(
        Revision(
            agreement_id=agreement.agreement_id,
            agreement_version=agreement.agreement_version,
            terms=terms,
            proposed_by=proposed_by,
            proposed_at=proposed_at,
        )
    )


def add_signature(session: AsyncSession, agreement: Agreement, person_id: UUID, *, signed_at: datetime) -> None:
    """Keep a signature under the agreement's newest version."""
    session.add(
        Signature(
            agreement_id=agreement.agreement_id,
            agreement_version=agreement.agreement_version,
            person_id=person_id,
            signed_at=signed_at,
        )
    )


async def find(session: AsyncSession, agreement_id: UUID) -> Agreement | None:
    """An agreement."""
    return await session.get(Agreement, agreement_id)


async def lock_of_pairing(session: AsyncSession, pairing_id: UUID) -> Agreement | None:
    """A pairing's agreement, as it is now; the caller holds the pairing."""
    return await session.scalar(
        sa.select(Agreement).where(Agreement.pairing_id == pairing_id).execution_options(populate_existing=True)
    )


async def of_pairing(session: AsyncSession, pairing_id: UUID) -> Agreement | None:
    """A pairing's agreement."""
    return await session.scalar(sa.select(Agreement).where(Agreement.pairing_id == pairing_id))


async def revision(session: AsyncSession, agreement_id: UUID, agreement_version: int) -> Revision:
    """A version's terms."""
    return await session.get_one(Revision, (agreement_id, agreement_version))


async def signatures(session: AsyncSession, agreement_id: UUID, agreement_version: int) -> list[Signature]:
    """Who signed a version, in order."""
    rows = await session.scalars(
        sa.select(Signature)
        .where(Signature.agreement_id == agreement_id, Signature.agreement_version == agreement_version)
        .order_by(Signature.signed_at, Signature.person_id)
    )
    return list(rows)


async def revisions(session: AsyncSession, agreement_id: UUID) -> list[Revision]:
    """Every version of an agreement's terms, the oldest first."""
    rows = await session.scalars(
        sa.select(Revision).where(Revision.agreement_id == agreement_id).order_by(Revision.agreement_version)
    )
    return list(rows)


async def all_signatures(session: AsyncSession, agreement_id: UUID) -> list[Signature]:
    """Every signature under any version."""
    rows = await session.scalars(
        sa.select(Signature)
        .where(Signature.agreement_id == agreement_id)
        .order_by(Signature.agreement_version, Signature.signed_at, Signature.person_id)
    )
    return list(rows)
