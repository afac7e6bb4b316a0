"""People: their table and its queries."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import insert as insert_or_skip
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_profiles.domain.people import RegisteredMeanwhile
from tandem_profiles.storage.table import Table

ROSTER_LOCK = 0x70656F70
"""Held by whatever registers many people at once, so that two such cannot wait for each other's rows."""


class Person(Table):
    """Somebody of the company, also after they left."""

    __tablename__ = "people"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column()
    employee_number: Mapped[str | None]
    given_name: Mapped[str]
    family_name: Mapped[str]
    email: Mapped[str]
    email_key: Mapped[str]
    job_title: Mapped[str | None]
    level: Mapped[int | None]
    level_name: Mapped[str | None]
    unit: Mapped[str | None]
    profession: Mapped[str | None]
    manager_id: Mapped[UUID | None]
    location: Mapped[str | None]
    time_zone: Mapped[str]
    languages: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    biography: Mapped[str | None]
    history: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    skills_offered: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    delegate_id: Mapped[UUID | None]
    departed_on: Mapped[date | None]
    leaves_on: Mapped[date | None]
    hired_on: Mapped[date | None]
    registered_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    changed_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy reads it once


PEOPLE = cast("sa.Table", Person.__table__)


async def lock_roster(session: AsyncSession) -> None:
    """Wait until nobody else changes many people at once, and let nobody else do so until this transaction ends."""
    await session.execute(sa.select(sa.func.pg_advisory_xact_lock(ROSTER_LOCK)))


async def find(session: AsyncSession, person_id: UUID, *, lock: bool = False) -> Person | None:
    """The person of this id, their row locked where it is to be changed."""
    return await session.get(Person, person_id, with_for_update=lock or None)


async def with_email(session: AsyncSession, email_key: str) -> Person | None:
    """The person of this e-mail address."""
    return await session.scalar(sa.select(Person).where(Person.email_key == email_key))


async def lock_by_email(session: AsyncSession, email_keys: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """The people with these e-mail addresses, by address, their rows locked in one order."""
    found = sa.select(PEOPLE).where(PEOPLE.c.email_key == sa.any_(sa.cast(list(email_keys), ARRAY(sa.Text))))
    rows = await session.execute(found.order_by(PEOPLE.c.person_id).with_for_update())
    return {row["email_key"]: dict(row) for row in rows.mappings()}


async def identities(session: AsyncSession) -> Sequence[tuple[UUID, str | None, str, UUID | None]]:
    """Everybody's id, employee number, e-mail key and manager: small enough for a whole company at once."""
    found = sa.select(PEOPLE.c.person_id, PEOPLE.c.employee_number, PEOPLE.c.email_key, PEOPLE.c.manager_id)
    return [(row[0], row[1], row[2], row[3]) for row in await session.execute(found)]


async def lock_many(session: AsyncSession, person_ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """These people, by id, their rows locked in one order."""
    found = sa.select(PEOPLE).where(PEOPLE.c.person_id == sa.any_(sa.cast(list(person_ids), ARRAY(sa.Uuid))))
    rows = await session.execute(found.order_by(PEOPLE.c.person_id).with_for_update())
    return {row["person_id"]: dict(row) for row in rows.mappings()}


async def reports_of(session: AsyncSession, person_id: UUID) -> set[UUID]:
    """The people whose manager this is."""
    return set((await session.execute(sa.select(PEOPLE.c.person_id).where(PEOPLE.c.manager_id == person_id))).scalars())


async def line_above(session: AsyncSession, person_id: UUID) -> set[UUID]:
    """Everybody above this person: their manager, that one's manager, and so on."""
    above = sa.select(PEOPLE.c.manager_id).where(PEOPLE.c.person_id == person_id).cte("above", recursive=True)
    above = above.union(sa.select(PEOPLE.c.manager_id).join(above, PEOPLE.c.person_id == above.c.manager_id))
    found = await session.scalars(sa.select(above.c.manager_id).where(above.c.manager_id.is_not(None)))
    return set(found)


async def principals_of(session: AsyncSession, person_id: UUID) -> set[UUID]:
    """The people whose calendar this person keeps."""
    found = sa.select(PEOPLE.c.person_id).where(PEOPLE.c.delegate_id == person_id)
    return set((await session.execute(found)).scalars())


async def unknown_among(session: AsyncSession, person_ids: Collection[UUID]) -> set[UUID]:
    """Those of these ids that are nobody's."""
    found = sa.select(PEOPLE.c.person_id).where(
        PEOPLE.c.person_id == sa.any_(sa.cast(list(person_ids), ARRAY(sa.Uuid)))
    )
    return set(person_ids) - set((await session.execute(found)).scalars())


async def keep(session: AsyncSession, person_ids: Collection[UUID]) -> set[UUID]:
    """Those of these ids that are somebody's: they stay somebody's until this transaction ends."""
    found = sa.select(PEOPLE.c.person_id).where(
        PEOPLE.c.person_id == sa.any_(sa.cast(list(person_ids), ARRAY(sa.Uuid)))
    )
    rows = await session.execute(found.order_by(PEOPLE.c.person_id).with_for_update(read=True, key_share=True))
    return set(rows.scalars())


async def free_email_keys(session: AsyncSession, person_ids: Collection[UUID]) -> None:
    """Put these people's ids in place of their e-mail keys for the rest of a change in which addresses change hands."""
    await session.execute(
        sa.update(PEOPLE)
        .where(PEOPLE.c.person_id == sa.any_(sa.cast(list(person_ids), ARRAY(sa.Uuid))))
        .values(email_key=sa.cast(PEOPLE.c.person_id, sa.Text))
    )


async def due_to_leave(session: AsyncSession, today: date, *, limit: int) -> dict[UUID, dict[str, Any]]:
    """People whose last day has come, locked; those whom another replica has in hand are left out."""
    found = sa.select(PEOPLE).where(PEOPLE.c.leaves_on <= today, PEOPLE.c.departed_on.is_(None))
    rows = await session.execute(found.order_by(PEOPLE.c.person_id).limit(limit).with_for_update(skip_locked=True))
    return {row["person_id"]: dict(row) for row in rows.mappings()}


async def register_many(session: AsyncSession, people: Sequence[Mapping[str, Any]]) -> None:
    """Store new people, all with the same columns given.

    Raises:
        RegisteredMeanwhile: one of them is there already; nothing was stored once the transaction rolls back.
    """
    if not people:
        return
    statement = insert_or_skip(PEOPLE).on_conflict_do_nothing().returning(PEOPLE.c.person_id)
    stored = await session.execute(statement, list(people))
    if len(stored.all()) != len(people):
        raise RegisteredMeanwhile


async def change_many(session: AsyncSession, changes: Mapping[UUID, Mapping[str, Any]], *, at: datetime) -> None:
    """Change people whose rows are locked. The version of each goes up by one, also where no field is named."""
    by_fields: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for person_id, fields in changes.items():
        by_fields.setdefault(tuple(sorted(fields)), []).append({"changed_id": person_id, **fields})
    for names, rows in by_fields.items():
        values: dict[str, Any] = {name: sa.bindparam(name) for name in names}
        statement = (
            sa.update(PEOPLE)
            .where(PEOPLE.c.person_id == sa.bindparam("changed_id"))
            .values(version=PEOPLE.c.version + 1, changed_at=at, **values)
        )
        connection = await session.connection()
        await connection.execute(statement, rows)


_COLUMNS = ", ".join(f"p.{column.name}" for column in PEOPLE.c)
_STATES = (
    sa.text(
        f"""
        SELECT {_COLUMNS}, coalesce(answers.by_program, '{{}}') AS confidential_answers,
               coalesce(answers.open_by_program, '{{}}') AS open_answers
        FROM people AS p
        LEFT JOIN LATERAL (
            SELECT jsonb_object_agg(e.program_id, e.confidential_answers)
                       FILTER (WHERE e.confidential_answers <> '{{}}') AS by_program,
                   jsonb_object_agg(e.program_id, e.open_answers)
                       FILTER (WHERE e.open_answers <> '{{}}') AS open_by_program
            FROM enrollments AS e
            WHERE e.person_id = p.person_id
              AND e.status IN ('submitted', 'waitlisted', 'approved', 'paused')
        ) AS answers ON true
        WHERE p.person_id = ANY(:ids)
        ORDER BY p.person_id
        """  # noqa: S608 - the names of our own columns
    )
    .bindparams(sa.bindparam("ids", type_=ARRAY(sa.Uuid)))
    .columns(*PEOPLE.c, sa.column("confidential_answers", JSONB), sa.column("open_answers", JSONB))
)


async def states(session: AsyncSession, person_ids: Collection[UUID]) -> Sequence[Mapping[str, Any]]:
    """People as the other services are told of them, with the answers for matching in the programs they are in."""
    await session.flush()
    return [dict(row) for row in (await session.execute(_STATES, {"ids": list(person_ids)})).mappings()]
