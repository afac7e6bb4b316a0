"""Private sections: their table, sealed."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_profiles.storage.table import Table


class PrivateSection(Table):
    """What somebody hopes for; only the service with its key can read it."""

    __tablename__ = "private_sections"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column()
    key_id: Mapped[str]
    sealed: Mapped[bytes]
    consented_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    changed_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy reads it once


async def find(session: AsyncSession, person_id: UUID, *, lock: bool = False) -> PrivateSection | None:
    """The private section of this person, sealed."""
    return await session.get(PrivateSection, person_id, with_for_update=lock or None)
