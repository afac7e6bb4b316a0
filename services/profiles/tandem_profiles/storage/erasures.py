"""Erasures: who was erased when, by id only, and who confirmed it; and what erasing takes from this database."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_profiles.storage.table import Table


class Erasure(Table):
    """That somebody was erased, without anything about them."""

    __tablename__ = "erasures"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column()
    requested_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    requested_by: Mapped[str]
    confirmed: Mapped[dict[str, str]] = mapped_column(JSONB)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy reads it once


async def find(session: AsyncSession, person_id: UUID, *, lock: bool = False) -> Erasure | None:
    """The erasure of this person."""
    return await session.get(Erasure, person_id, with_for_update=lock or None)


# CAPITALS where data is lost: each of these statements is meant to lose it, and none can be undone.
_ERASE = (
    "DELETE FROM enrollments WHERE person_id = :id",
    "DELETE FROM pairing_members WHERE person_id = :id",
    # What was told of them lies in the archive of sent events; published again, it would bring them back.
    "DELETE FROM outbox WHERE topic = 'tandem.people' AND key = CAST(:id AS text)",
    # Answers that are kept to be repeated may quote them: by id, by address, or by employee number.
    """
    DELETE FROM idempotency_keys AS k USING people AS p WHERE p.person_id = :id AND (
        position(CAST(:id AS text) IN convert_from(k.body, 'UTF8')) > 0
        OR position(p.email_key IN lower(convert_from(k.body, 'UTF8'))) > 0
        OR position(p.email IN convert_from(k.body, 'UTF8')) > 0
        OR position('"employee_number":' || to_json(p.employee_number)::text IN convert_from(k.body, 'UTF8')) > 0
    )
    """,
    "UPDATE enrollments SET preferred_ids = array_remove(preferred_ids, :id) WHERE :id = ANY (preferred_ids)",
    "UPDATE enrollments SET excluded_ids = array_remove(excluded_ids, :id) WHERE :id = ANY (excluded_ids)",
    "DELETE FROM people WHERE person_id = :id",
)


async def erase(session: AsyncSession, person_id: UUID) -> None:
    """ERASE every trace of a person from this database but their id in the audit log and in facts."""
    await session.flush()
    for statement in _ERASE:
        parameter = sa.bindparam("id", person_id, type_=sa.Uuid)
        await session.execute(sa.text(statement).bindparams(parameter))
    session.expunge_all()
