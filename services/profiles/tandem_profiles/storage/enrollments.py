"""Enrollments: their table and its queries."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, JSONPATH
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_profiles.domain.enrollments import TAKES_PART, Status
from tandem_profiles.storage.people import Person
from tandem_profiles.storage.table import Table


class Enrollment(Table):
    """One person's part in one program."""

    __tablename__ = "enrollments"

    enrollment_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column()
    program_id: Mapped[UUID]
    person_id: Mapped[UUID]
    roles: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    status: Mapped[str]
    reason: Mapped[str | None]
    mentor_places: Mapped[int]
    wanted_mentors: Mapped[int]
    confidential_answers: Mapped[dict[str, Any]] = mapped_column(JSONB)
    open_answers: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    answers: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    needs: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    preferences: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    preferred_ids: Mapped[list[UUID]] = mapped_column(ARRAY(sa.Uuid), default=list)
    excluded_ids: Mapped[list[UUID]] = mapped_column(ARRAY(sa.Uuid), default=list)
    availability: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    goals: Mapped[list[str]] = mapped_column(JSONB, default=list)
    paused_until: Mapped[date | None]
    submitted_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    changed_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy reads it once


ENROLLMENTS = cast("sa.Table", Enrollment.__table__)


async def lock_of_people(
    session: AsyncSession, program_id: UUID, person_ids: Collection[UUID]
) -> dict[UUID, Mapping[str, Any]]:
    """The enrollments of these people in this program, by person, their rows locked in one order."""
    found = sa.select(ENROLLMENTS).where(
        ENROLLMENTS.c.program_id == program_id,
        ENROLLMENTS.c.person_id == sa.any_(sa.cast(list(person_ids), ARRAY(sa.Uuid))),
    )
    rows = await session.execute(found.order_by(ENROLLMENTS.c.enrollment_id).with_for_update())
    return {row["person_id"]: dict(row) for row in rows.mappings()}


async def begin_many(session: AsyncSession, enrollments: Sequence[Mapping[str, Any]]) -> None:
    """Store new enrollments, all with the same columns given."""
    if enrollments:
        await session.execute(sa.insert(ENROLLMENTS), list(enrollments))


async def change_many(session: AsyncSession, changes: Mapping[UUID, Mapping[str, Any]], *, at: datetime) -> None:
    """Change enrollments whose rows are locked. Their versions go up by one each."""
    by_fields: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for enrollment_id, fields in changes.items():
        by_fields.setdefault(tuple(sorted(fields)), []).append({"changed_id": enrollment_id, **fields})
    for names, rows in by_fields.items():
        values: dict[str, Any] = {name: sa.bindparam(name) for name in names}
        statement = (
            sa.update(ENROLLMENTS)
            .where(ENROLLMENTS.c.enrollment_id == sa.bindparam("changed_id"))
            .values(version=ENROLLMENTS.c.version + 1, changed_at=at, **values)
        )
        connection = await session.connection()
        await connection.execute(statement, rows)


async def lock_taking_part(session: AsyncSession, person_ids: Collection[UUID]) -> Sequence[dict[str, Any]]:
    """The enrollments in which these people take part or may yet, locked in one order."""
    found = sa.select(ENROLLMENTS).where(
        ENROLLMENTS.c.person_id == sa.any_(sa.cast(list(person_ids), ARRAY(sa.Uuid))),
        ENROLLMENTS.c.status.in_(TAKES_PART),
    )
    rows = await session.execute(found.order_by(ENROLLMENTS.c.enrollment_id).with_for_update())
    return [dict(row) for row in rows.mappings()]


async def find(session: AsyncSession, enrollment_id: UUID) -> Enrollment | None:
    """The enrollment of this id."""
    return await session.get(Enrollment, enrollment_id, populate_existing=True)


async def of_person(session: AsyncSession, person_id: UUID) -> Sequence[Enrollment]:
    """Every enrollment of a person, in the order in which they were submitted first."""
    found = sa.select(Enrollment).where(Enrollment.person_id == person_id).order_by(Enrollment.enrollment_id)
    return (await session.scalars(found)).all()


async def people_of(session: AsyncSession, program_id: UUID, enrollment_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The people of these enrollments of this program, by enrollment."""
    found = sa.select(ENROLLMENTS.c.enrollment_id, ENROLLMENTS.c.person_id).where(
        ENROLLMENTS.c.program_id == program_id,
        ENROLLMENTS.c.enrollment_id == sa.any_(sa.cast(list(enrollment_ids), ARRAY(sa.Uuid))),
    )
    return {row[0]: row[1] for row in await session.execute(found)}


async def lock_waiting(
    session: AsyncSession, program_id: UUID, *, reason: str, limit: int | None
) -> Sequence[dict[str, Any]]:
    """Who waits for this reason to take part in this program, the longest first, locked."""
    found = sa.select(ENROLLMENTS).where(
        ENROLLMENTS.c.program_id == program_id,
        ENROLLMENTS.c.status == Status.WAITLISTED.value,
        ENROLLMENTS.c.reason == reason,
    )
    longest = found.order_by(ENROLLMENTS.c.submitted_at, ENROLLMENTS.c.enrollment_id).limit(limit)
    return [dict(row) for row in (await session.execute(longest.with_for_update())).mappings()]


async def lock_due_to_resume(session: AsyncSession, today: date, *, limit: int) -> Sequence[dict[str, Any]]:
    """The enrollments whose pause ends, locked; those that another replica has in hand are left out."""
    found = sa.select(ENROLLMENTS).where(
        ENROLLMENTS.c.paused_until <= today, ENROLLMENTS.c.status == Status.PAUSED.value
    )
    rows = await session.execute(
        found.order_by(ENROLLMENTS.c.enrollment_id).limit(limit).with_for_update(skip_locked=True)
    )
    return [dict(row) for row in rows.mappings()]


async def lock_naming(session: AsyncSession, person_id: UUID) -> Sequence[dict[str, Any]]:
    """The enrollments whose people prefer or exclude this person, or name them in an answer, locked in one order."""
    found = sa.select(ENROLLMENTS).where(_naming(person_id)).order_by(ENROLLMENTS.c.enrollment_id)
    return [dict(row) for row in (await session.execute(found.with_for_update())).mappings()]


async def owners_naming(session: AsyncSession, person_id: UUID) -> set[UUID]:
    """The people whose enrollments `lock_naming` finds."""
    return set(await session.scalars(sa.select(ENROLLMENTS.c.person_id).where(_naming(person_id))))


def _naming(person_id: UUID) -> sa.ColumnElement[bool]:
    return sa.or_(
        ENROLLMENTS.c.preferred_ids.contains([person_id]),
        ENROLLMENTS.c.excluded_ids.contains([person_id]),
        sa.func.jsonb_path_exists(
            ENROLLMENTS.c.answers,
            sa.cast("$.*[*] ? (@ == $named)", JSONPATH),
            sa.cast({"named": str(person_id)}, JSONB),
        ),
    )


async def takes_part(session: AsyncSession, program_id: UUID, person_id: UUID) -> bool:
    """Whether this person takes part in this program now."""
    found = sa.select(Enrollment.enrollment_id).where(
        Enrollment.program_id == program_id,
        Enrollment.person_id == person_id,
        Enrollment.status.in_(("approved", "paused")),
    )
    return await session.scalar(found) is not None


async def share_a_program(session: AsyncSession, one_id: UUID, other_id: UUID) -> bool:
    """Whether both of these take part in one program now."""
    one, other = sa.orm.aliased(Enrollment), sa.orm.aliased(Enrollment)
    found = (
        sa.select(one.program_id)
        .join(other, other.program_id == one.program_id)
        .where(one.person_id == one_id, one.status.in_(("approved", "paused")))
        .where(other.person_id == other_id, other.status.in_(("approved", "paused")))
        .limit(1)
    )
    return await session.scalar(found) is not None


async def approved_count(session: AsyncSession, program_id: UUID) -> int:
    """How many people take part in this program now."""
    found = sa.select(sa.func.count()).where(
        Enrollment.program_id == program_id, Enrollment.status.in_(("approved", "paused"))
    )
    return await session.scalar(found) or 0


async def answered_questions(session: AsyncSession, program_id: UUID) -> set[str]:
    """The ids of the questions of this program that anybody answered."""
    found = sa.text(
        "SELECT DISTINCT given.key FROM enrollments, jsonb_each(answers) AS given "
        "WHERE program_id = :id AND given.value NOT IN ('null', '\"\"', '[]')"
    )
    return set((await session.execute(found, {"id": program_id})).scalars())


async def programs_of(session: AsyncSession, person_id: UUID) -> set[UUID]:
    """The programs in which this person is or was enrolled."""
    return set(await session.scalars(sa.select(Enrollment.program_id).where(Enrollment.person_id == person_id)))


async def programs_with(session: AsyncSession, person_id: UUID) -> set[UUID]:
    """The programs in which this person takes part, or may yet."""
    found = sa.select(Enrollment.program_id).where(Enrollment.person_id == person_id, Enrollment.status.in_(TAKES_PART))
    return set(await session.scalars(found))


async def page(
    session: AsyncSession, program_id: UUID, *, role: str | None, status: str | None, after: UUID | None, limit: int
) -> Sequence[tuple[Enrollment, Person]]:
    """Enrollments of a program with their people, in the order in which they were submitted first."""
    found = (
        sa.select(Enrollment, Person)
        .join(Person, Person.person_id == Enrollment.person_id)
        .where(Enrollment.program_id == program_id)
        .order_by(Enrollment.enrollment_id)
        .limit(limit)
    )
    if role is not None:
        found = found.where(Enrollment.roles.contains([role]))
    if status is not None:
        found = found.where(Enrollment.status == status)
    if after is not None:
        found = found.where(Enrollment.enrollment_id > after)
    return [(enrollment, person) for enrollment, person in (await session.execute(found)).all()]
