"""HR facts: employees with their titles, departments and salaries, and whom no sheet may bring back."""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

# What is kept of an erased employee are marks: digests, under a key of this database alone, of the address and of the
# employee number. They tell nobody who it was, and recognise a sheet's row.
MARK_OF_ADDRESS = "sha256(k.key || {0})"
MARK_OF_NUMBER = "sha256(k.key || 'number'::bytea || convert_to({0}, 'UTF8'))"

SHEET_OF_EMPLOYEES = """
    unnest(
        CAST(:numbers AS text[]), CAST(:digests AS bytea[]), CAST(:units AS text[]),
        CAST(:hired AS date[]), CAST(:departed AS date[])
    ) AS row (number, digest, unit, hired, departed)
"""

MARK_NUMBERS_OF_ERASED = sa.text(
    f"""
    INSERT INTO erased_employees
    SELECT DISTINCT {MARK_OF_NUMBER.format("number")} FROM erasure_key k, {SHEET_OF_EMPLOYEES}
    WHERE EXISTS (SELECT FROM erased_employees e WHERE e.mark = {MARK_OF_ADDRESS.format("digest")})
    ON CONFLICT DO NOTHING
    """  # noqa: S608 - constants of this file
)

KEEP_EMPLOYEES = sa.text(
    f"""
    INSERT INTO employees (employee_number, email_digest, unit, hired_on, left_on)
    SELECT DISTINCT ON (number) number, digest, unit, hired, departed FROM erasure_key k, {SHEET_OF_EMPLOYEES}
    WHERE NOT EXISTS (SELECT FROM erased_employees e WHERE e.mark = {MARK_OF_NUMBER.format("number")})
    ORDER BY number
    ON CONFLICT (employee_number) DO UPDATE SET email_digest = excluded.email_digest, unit = excluded.unit,
        hired_on = excluded.hired_on, left_on = excluded.left_on
    """  # noqa: S608 - constants of this file
)

NOT_ERASED = f"""
    WHERE NOT EXISTS (
        SELECT FROM erased_employees e, erasure_key k WHERE e.mark = {MARK_OF_NUMBER.format("number")}
    )
"""

KEEP_TITLES = sa.text(
    f"""
    INSERT INTO title_history (employee_number, job_title, from_date, to_date)
    SELECT DISTINCT ON (number, begins, title) number, title, begins, ends FROM unnest(
        CAST(:numbers AS text[]), CAST(:what AS text[]), CAST(:begins AS date[]), CAST(:ends AS date[])
    ) AS row (number, title, begins, ends)
    {NOT_ERASED}
    ORDER BY number, begins, title
    ON CONFLICT (employee_number, from_date, job_title) DO UPDATE SET to_date = excluded.to_date
    """  # noqa: S608 - constants of this file
)

KEEP_DEPARTMENTS = sa.text(
    f"""
    INSERT INTO department_history (employee_number, department, from_date, to_date)
    SELECT DISTINCT ON (number, begins) number, department, begins, ends FROM unnest(
        CAST(:numbers AS text[]), CAST(:what AS text[]), CAST(:begins AS date[]), CAST(:ends AS date[])
    ) AS row (number, department, begins, ends)
    {NOT_ERASED}
    ORDER BY number, begins
    ON CONFLICT (employee_number, from_date) DO UPDATE
        SET to_date = excluded.to_date, department = excluded.department
    """  # noqa: S608 - constants of this file
)

KEEP_SALARIES = sa.text(
    f"""
    INSERT INTO salary_history (employee_number, annual_salary, from_date, to_date)
    SELECT DISTINCT ON (number, begins) number, salary, begins, ends FROM unnest(
        CAST(:numbers AS text[]), CAST(:what AS integer[]), CAST(:begins AS date[]), CAST(:ends AS date[])
    ) AS row (number, salary, begins, ends)
    {NOT_ERASED}
    ORDER BY number, begins
    ON CONFLICT (employee_number, from_date) DO UPDATE
        SET to_date = excluded.to_date, annual_salary = excluded.annual_salary
    """  # noqa: S608 - constants of this file
)

HISTORIES = ("title_history", "department_history", "salary_history")


async def _while_nobody_is_erased(session: AsyncSession) -> None:
    """Hold off erasures until this transaction ends, so that none is overtaken by a sheet that was read before it."""
    await session.execute(sa.text("SELECT FROM erasure_key FOR SHARE"))


async def keep_employees(session: AsyncSession, rows: Sequence[tuple[Any, ...]]) -> None:
    """Remember employees (number, digest of the address, unit, hired, left); a number that is known is updated.

    Who was erased stays out, and so does what was told of their number before anybody knew whose it is.
    """
    numbers, digests, units, hired, departed = _columns(rows, 5)
    sheet = {"numbers": numbers, "digests": digests, "units": units, "hired": hired, "departed": departed}
    await _while_nobody_is_erased(session)
    await session.execute(MARK_NUMBERS_OF_ERASED, sheet)
    await session.execute(KEEP_EMPLOYEES, sheet)
    await _delete_histories(session, numbers)


async def _delete_histories(session: AsyncSession, numbers: Sequence[str]) -> None:
    for table in HISTORIES:
        await session.execute(
            sa.text(
                f"""
                DELETE FROM {table} USING erasure_key k
                WHERE employee_number = ANY(CAST(:numbers AS text[]))
                  AND {MARK_OF_NUMBER.format("employee_number")} IN (SELECT mark FROM erased_employees)
                """  # noqa: S608 - constants of this file
            ),
            {"numbers": numbers},
        )


async def keep_titles(session: AsyncSession, rows: Sequence[tuple[Any, ...]]) -> None:
    """Remember titles (number, title, from, to)."""
    await _keep_history(session, KEEP_TITLES, rows)


async def keep_departments(session: AsyncSession, rows: Sequence[tuple[Any, ...]]) -> None:
    """Remember departments (number, department, from, to)."""
    await _keep_history(session, KEEP_DEPARTMENTS, rows)


async def keep_salaries(session: AsyncSession, rows: Sequence[tuple[Any, ...]]) -> None:
    """Remember salaries (number, salary, from, to)."""
    await _keep_history(session, KEEP_SALARIES, rows)


async def _keep_history(session: AsyncSession, statement: sa.TextClause, rows: Sequence[tuple[Any, ...]]) -> None:
    await _while_nobody_is_erased(session)
    numbers, what, begins, ends = _columns(rows, 4)
    await session.execute(statement, {"numbers": numbers, "what": what, "begins": begins, "ends": ends})


async def erase(session: AsyncSession, email_digests: Collection[bytes]) -> None:
    """ERASE what HR told of whoever has one of these addresses. No sheet brings it back."""
    if not email_digests:
        return
    await session.execute(sa.text("SELECT FROM erasure_key FOR UPDATE"))
    digests = {"digests": list(email_digests)}
    numbers = list(await session.scalars(NUMBERS_OF, digests))
    await session.execute(MARK_ADDRESSES, digests)
    await session.execute(MARK_NUMBERS, {"numbers": numbers})
    await _delete_histories(session, numbers)
    await session.execute(DELETE_EMPLOYEES, {"numbers": numbers})


NUMBERS_OF = sa.text(
    "SELECT employee_number FROM employees WHERE email_digest = ANY(CAST(:digests AS bytea[])) FOR UPDATE"
)
MARK_ADDRESSES = sa.text(
    f"""
    INSERT INTO erased_employees
    SELECT {MARK_OF_ADDRESS.format("digest")} FROM erasure_key k, unnest(CAST(:digests AS bytea[])) AS digest
    ON CONFLICT DO NOTHING
    """  # noqa: S608 - constants of this file
)
MARK_NUMBERS = sa.text(
    f"""
    INSERT INTO erased_employees
    SELECT {MARK_OF_NUMBER.format("number")} FROM erasure_key k, unnest(CAST(:numbers AS text[])) AS number
    ON CONFLICT DO NOTHING
    """  # noqa: S608 - constants of this file
)
DELETE_EMPLOYEES = sa.text("DELETE FROM employees WHERE employee_number = ANY(CAST(:numbers AS text[]))")


def _columns(rows: Sequence[tuple[Any, ...]], number: int) -> list[list[Any]]:
    return [[row[place] for row in rows] for place in range(number)]
