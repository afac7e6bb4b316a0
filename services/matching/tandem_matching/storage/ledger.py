"""The ledger: every mentor's places over all programs, and what is taken of them. It is locked in the order of ids."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_matching.storage.arrays import among
from tandem_matching.storage.tables import Enrollment, MentorPlaces


async def open_line(session: AsyncSession, person_id: UUID) -> None:
    """Make sure that a person has a line, and lock it: whoever changes their places does so alone."""
    await session.execute(
        sa.text(
            """
            INSERT INTO mentor_places (person_id, places) VALUES (:person, 0)
            ON CONFLICT (person_id) DO UPDATE SET version = mentor_places.version + 1
            """
        ),
        {"person": person_id},
    )


@dataclass(frozen=True, slots=True)
class Line:
    """A mentor's line in the ledger."""

    person_id: UUID
    places: int
    taken: int
    version: int


async def count_places(session: AsyncSession, person_id: UUID) -> Line | None:
    """Make a mentor's places the most that any of their approved enrollments offers; the line must be open.

    The answer is the new line, or nothing where the number is as it was.
    """
    row = (
        await session.execute(
            sa.text(
                """
                UPDATE mentor_places SET places = offered.most
                FROM (
                    SELECT coalesce(max(mentor_places), 0) AS most FROM enrollments
                    WHERE person_id = :person AND status = 'approved' AND is_mentor
                ) AS offered
                WHERE person_id = :person AND places <> offered.most
                RETURNING person_id, places, taken, version
                """
            ),
            {"person": person_id},
        )
    ).first()
    return None if row is None else Line(row.person_id, row.places, row.taken, row.version)


async def lines_of(session: AsyncSession, mentors: Iterable[UUID]) -> list[Line]:
    """The lines of these mentors, in the order of ids."""
    rows = await session.execute(
        sa.select(MentorPlaces.person_id, MentorPlaces.places, MentorPlaces.taken, MentorPlaces.version)
        .where(among(MentorPlaces.person_id, mentors))
        .order_by(MentorPlaces.person_id)
    )
    return [Line(*row) for row in rows]


async def lock(session: AsyncSession, mentors: Iterable[UUID], program_id: UUID, people: Iterable[UUID]) -> None:
    """Hold the lines of these mentors and the enrollments of all these people in a program, until the end."""
    await session.execute(
        sa.select(MentorPlaces.person_id)
        .where(among(MentorPlaces.person_id, mentors))
        .order_by(MentorPlaces.person_id)
        .with_for_update()
    )
    await session.execute(
        sa.select(Enrollment.enrollment_id)
        .where(Enrollment.program_id == program_id, among(Enrollment.person_id, people))
        .order_by(Enrollment.enrollment_id)
        .with_for_update()
    )


async def take(
    session: AsyncSession,
    program_id: UUID,
    *,
    by_mentor: Mapping[UUID, int],
    by_mentee: Mapping[UUID, int],
    by_peer: Mapping[UUID, int] | None = None,
) -> None:
    """Take places: of mentors in all, and of mentors and mentees in this program. Negative numbers give them back.

    Peers take whatever they named in this program, and nothing of the ledger.
    """
    if by_peer:
        await session.execute(
            sa.text(
                "UPDATE enrollments SET mentor_taken = greatest(0, mentor_taken + CASE WHEN is_mentor THEN :number"
                " ELSE 0 END), wanted_taken = greatest(0, wanted_taken + CASE WHEN is_mentee THEN :number ELSE 0 END)"
                " WHERE program_id = :program AND person_id = :person"
            ),
            [{"person": person, "number": number, "program": program_id} for person, number in sorted(by_peer.items())],
        )
    parameters = [{"person": person, "number": number} for person, number in sorted(by_mentor.items())]
    if parameters:
        await session.execute(
            sa.text(
                "UPDATE mentor_places SET taken = greatest(0, taken + :number), version = version + 1"
                " WHERE person_id = :person"
            ),
            parameters,
        )
        await session.execute(
            sa.text(
                "UPDATE enrollments SET mentor_taken = greatest(0, mentor_taken + :number)"
                " WHERE program_id = :program AND person_id = :person AND is_mentor"
            ),
            [{**one, "program": program_id} for one in parameters],
        )
    if by_mentee:
        await session.execute(
            sa.text(
                "UPDATE enrollments SET wanted_taken = greatest(0, wanted_taken + :number)"
                " WHERE program_id = :program AND person_id = :person AND is_mentee"
            ),
            [
                {"person": person, "number": number, "program": program_id}
                for person, number in sorted(by_mentee.items())
            ],
        )
