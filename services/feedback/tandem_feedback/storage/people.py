"""People, as far as feedback needs them: names for certificates, unit and level for reports."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_feedback.storage import pending
from tandem_feedback.storage.feedback import Draft
from tandem_feedback.storage.tables import Table

ERASED = ""
"""What stands where words of an erased person were."""


class Person(Table):
    """A person as `tandem.people` tells of them."""

    __tablename__ = "people"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    given_name: Mapped[str]
    family_name: Mapped[str]
    unit: Mapped[str | None]
    level: Mapped[int | None]
    level_name: Mapped[str | None]
    departed_on: Mapped[date | None]
    email_digest: Mapped[bytes | None]


async def keep(session: AsyncSession, **values: Any) -> None:
    """Remember a person as they are now."""
    if (batch := pending.of(session)) is not None:
        batch.people[values["person_id"]] = values
    else:
        await write_people(session, [values])


async def write_people(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write people as they are now."""
    await pending.write(session, UPSERT, COLUMNS, rows)


COLUMNS: Mapping[str, str] = {
    "person_id": "uuid",
    "given_name": "text",
    "family_name": "text",
    "unit": "text",
    "level": "integer",
    "level_name": "text",
    "departed_on": "date",
    "email_digest": "bytea",
}
UPSERT = sa.text(
    f"""
    INSERT INTO people ({", ".join(COLUMNS)}) SELECT {", ".join(COLUMNS)}
    FROM {pending.rows_of(COLUMNS)} ORDER BY person_id
    ON CONFLICT (person_id)
    DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in COLUMNS if name != "person_id")}
    """  # noqa: S608 - names of columns
)


async def find(session: AsyncSession, person_id: UUID) -> Person | None:
    """A person, or nothing."""
    return await session.get(Person, person_id)


async def unknown_of(session: AsyncSession, person_ids: Collection[UUID]) -> set[UUID]:
    """Which of these people were never heard of, or were erased."""
    known = await session.scalars(sa.select(Person.person_id).where(pending.among(Person.person_id, person_ids)))
    return set(person_ids) - set(known)


async def forget(session: AsyncSession, person_id: UUID) -> set[bytes]:
    """Forget a person who was erased; the answer is the digests of the addresses by which HR may know them."""
    digests: list[bytes | None] = []
    if (batch := pending.of(session)) is not None:
        digests.append(batch.people.pop(person_id, {}).get("email_digest"))
    digests += await session.scalars(
        sa.delete(Person).where(Person.person_id == person_id).returning(Person.email_digest)
    )
    return {digest for digest in digests if digest is not None}


async def erase_words(session: AsyncSession, person_id: UUID) -> None:
    """Take the words out of everything this person wrote; that something was written stays."""
    await session.execute(sa.text("SET LOCAL tandem.erasing = 'yes'"))
    await session.execute(sa.delete(Draft).where(Draft.author_id == person_id))
    for statement in WRITTEN_BY_A_PERSON:
        await session.execute(sa.text(statement), {"person": person_id, "erased": ERASED})
    await session.execute(sa.text("SET LOCAL tandem.erasing = 'no'"))
    await session.execute(sa.text("DELETE FROM outcomes_said WHERE person_id = :person"), {"person": person_id})


WRITTEN_BY_A_PERSON = (
    "UPDATE answers SET words = :erased WHERE author_id = :person AND words IS NOT NULL",
    "UPDATE feedback_requests SET about = :erased, link = NULL WHERE asked_by = :person",
    "UPDATE calls_for_help SET words = :erased WHERE author_id = :person",
    """
    UPDATE goals SET specific = :erased, why = :erased, strategy = :erased, measure = :erased
    WHERE owner_id = :person
    """,
    """
    UPDATE goal_revisions
    SET specific = :erased, why = :erased, strategy = :erased, measure = :erased, reason = :erased
    WHERE author_id = :person
    """,
    "UPDATE goal_progress SET words = :erased WHERE author_id = :person",
    "UPDATE contributions SET words = :erased WHERE giver_id = :person",
    "UPDATE reflections SET learned = :erased, achieved = :erased, advice = :erased WHERE author_id = :person",
)
"""Every place where somebody's words are; a test holds this list against the tables."""
