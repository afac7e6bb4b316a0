"""People, as far as scheduling needs them: name, address and time zone, as their state topic says."""

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_scheduling.storage.base import Table


class Person(Table):
    """Somebody who may meet others."""

    __tablename__ = "people"
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str]
    time_zone: Mapped[str]


async def remember(session: AsyncSession, person_id: UUID, *, name: str, email: str, time_zone: str) -> None:
    """Keep what is known of a person now."""
    known = {"name": name, "email": email, "time_zone": time_zone}
    await session.execute(
        insert(Person)
        .values(person_id=person_id, **known)
        .on_conflict_do_update(index_elements=["person_id"], set_=known)
    )


async def forget(session: AsyncSession, person_id: UUID) -> None:
    """Know nothing of a person any more."""
    await session.execute(sa.delete(Person).where(Person.person_id == person_id))


async def zone_names(session: AsyncSession, person_ids: Collection[UUID]) -> dict[UUID, str]:
    """The IANA time zone of each person that is known."""
    rows = await session.execute(
        sa.select(Person.person_id, Person.time_zone).where(Person.person_id.in_(list(person_ids)))
    )
    return {row.person_id: row.time_zone for row in rows}


async def of_ids(session: AsyncSession, person_ids: Collection[UUID]) -> dict[UUID, Person]:
    """Each person that is known."""
    rows = await session.scalars(sa.select(Person).where(Person.person_id.in_(list(person_ids))))
    return {person.person_id: person for person in rows}
