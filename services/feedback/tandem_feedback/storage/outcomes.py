"""Outcomes: what HR facts say of participants and of people like them."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

# Only what became true in the time of mentoring, and only a change: the first title that is known is none.
NOTE_SAID = """
    INSERT INTO outcomes_said (person_id, kind, from_date)
    SELECT DISTINCT enrolled.person_id, '{kind}', later.from_date
    FROM (
        SELECT person_id, min(enrolled_at) AS since FROM participations WHERE enrolled_at IS NOT NULL GROUP BY 1
    ) AS enrolled
    JOIN people USING (person_id) JOIN employees USING (email_digest)
    JOIN {table} later ON later.employee_number = employees.employee_number
                      AND later.from_date >= (enrolled.since AT TIME ZONE 'UTC')::date
    JOIN LATERAL (
        SELECT {column} FROM {table} earlier
        WHERE earlier.employee_number = later.employee_number AND earlier.from_date < later.from_date
        ORDER BY earlier.from_date DESC LIMIT 1
    ) AS before ON before.{column} <> later.{column}
    ORDER BY 1, 3
    ON CONFLICT DO NOTHING
    RETURNING person_id, kind, from_date
"""
NOTE_PROMOTIONS = sa.text(NOTE_SAID.format(kind="promotion", table="title_history", column="job_title"))
NOTE_MOVES = sa.text(NOTE_SAID.format(kind="move", table="department_history", column="department"))

# Whoever was enrolled in several programs in these months counts for the first of them alone: so programs share nobody,
# and one program's numbers taken from those of all leave other whole programs.
STRATA = sa.text(
    """
    WITH taking_part AS (
        SELECT h.email_digest,
               (array_agg(p.program_id ORDER BY p.enrolled_at, p.program_id)
                FILTER (WHERE p.enrolled_at >= :begins AND p.enrolled_at < :enrolled_until))[1] AS program_id
        FROM participations p JOIN people h USING (person_id)
        WHERE p.enrolled_at < :ends AND h.email_digest IS NOT NULL
        GROUP BY 1
    ), each AS (
        SELECT t.program_id, coalesce(place.department, e.unit) AS unit, title.job_title,
               width_bucket((CAST(:begins AS date) - e.hired_on) / 365.25, ARRAY[1, 3, 7, 15]) AS tenure,
               (e.left_on IS NULL OR e.left_on > :ends)::int AS retained,
               EXISTS (SELECT FROM title_history n WHERE n.employee_number = e.employee_number
                       AND n.from_date > :begins AND n.from_date <= :ends
                       AND n.job_title <> title.job_title)::int AS promoted,
               CASE WHEN place.department IS NOT NULL THEN
                   EXISTS (SELECT FROM department_history n WHERE n.employee_number = e.employee_number
                           AND n.from_date > :begins AND n.from_date <= :ends
                           AND n.department <> place.department)::int END AS moved,
               100.0 * (later.annual_salary - earlier.annual_salary) / nullif(earlier.annual_salary, 0) AS growth
        FROM employees e
        LEFT JOIN taking_part t USING (email_digest)
        JOIN LATERAL (SELECT job_title FROM title_history h WHERE h.employee_number = e.employee_number
                      AND h.from_date <= :begins ORDER BY h.from_date DESC LIMIT 1) AS title ON true
        LEFT JOIN LATERAL (SELECT department FROM department_history h WHERE h.employee_number = e.employee_number
                           AND h.from_date <= :begins ORDER BY h.from_date DESC LIMIT 1) AS place ON true
        LEFT JOIN LATERAL (SELECT annual_salary FROM salary_history h WHERE h.employee_number = e.employee_number
                           AND h.from_date <= :begins ORDER BY h.from_date DESC LIMIT 1) AS earlier ON true
        LEFT JOIN LATERAL (SELECT annual_salary FROM salary_history h WHERE h.employee_number = e.employee_number
                           AND h.from_date <= :ends ORDER BY h.from_date DESC LIMIT 1) AS later ON true
        WHERE e.hired_on <= :begins AND (e.left_on IS NULL OR e.left_on > :begins)
          AND (t.email_digest IS NULL OR t.program_id = coalesce(CAST(:program AS uuid), t.program_id))
    )
    SELECT unit, job_title, tenure, program_id, count(*) AS people,
           sum(promoted)::float8 AS promoted, sum(retained)::float8 AS retained,
           count(moved) AS placed, coalesce(sum(moved), 0)::float8 AS moved,
           count(growth) FILTER (WHERE retained = 1) AS grown,
           coalesce(sum(growth) FILTER (WHERE retained = 1), 0)::float8 AS growth,
           coalesce(sum(growth * growth) FILTER (WHERE retained = 1), 0)::float8 AS growth_squares,
           coalesce(sum((growth >= :grade_percent)::int) FILTER (WHERE retained = 1), 0)::float8 AS grade_changes
    FROM each GROUP BY 1, 2, 3, 4
    """
)


async def note_said(session: AsyncSession) -> list[tuple[UUID, str, date]]:
    """Note which participants got another title, or moved, since they were first enrolled; who, what, and since when.

    Each is in one answer only, whoever asks.
    """
    found = [*await session.execute(NOTE_PROMOTIONS), *await session.execute(NOTE_MOVES)]
    return [(row.person_id, row.kind, row.from_date) for row in found]


async def strata(
    session: AsyncSession,
    *,
    program_id: UUID | None,
    begins: date,
    enrolled_until: date,
    ends: date,
    grade_percent: int,
) -> Sequence[sa.RowMapping]:
    """Numbers, sums and sums of squares of what became of participants and others, by unit, title, tenure and program.

    Participants were enrolled from `begins` and before `enrolled_until`, and count for the first program in which they
    were. Others, whose program is null, took part in nothing before `ends`. Salaries are counted of those who stayed.
    """
    found = await session.execute(
        STRATA,
        {
            "program": program_id,
            "begins": begins,
            "enrolled_until": enrolled_until,
            "ends": ends,
            "grade_percent": grade_percent,
        },
    )
    return found.mappings().all()
