"""HR facts: taking in sheets. They are read beside the event loop, since a sheet may have a million rows."""

import asyncio
from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis.auth import Caller
from tandem_feedback.domain import hr_sheets
from tandem_feedback.domain.hr_sheets import Column
from tandem_feedback.storage import hr_facts

SCOPE = "outcomes"


async def import_employees(session: AsyncSession, caller: Caller, content: bytes) -> int:
    """Take in employees; how many rows. The same sheet again changes nothing. Who was erased is not taken in.

    Raises:
        ScopeMissing: the caller is no HR system.
        SheetRefused: a cell does not fit.
    """
    rows = await _read(caller, content, hr_sheets.EMPLOYEES)
    await hr_facts.keep_employees(session, rows)
    return len(rows)


async def import_titles(session: AsyncSession, caller: Caller, content: bytes) -> int:
    """Take in job titles; how many rows. A participant's new title is said as `outcome.recorded`, once.

    Raises:
        ScopeMissing: the caller is no HR system.
        SheetRefused: a cell does not fit.
    """
    rows = await _read(caller, content, hr_sheets.TITLES)
    await hr_facts.keep_titles(session, rows)
    return len(rows)


async def import_departments(session: AsyncSession, caller: Caller, content: bytes) -> int:
    """Take in departments; how many rows. A participant's move is said as `outcome.recorded`, once.

    Raises:
        ScopeMissing: the caller is no HR system.
        SheetRefused: a cell does not fit.
    """
    rows = await _read(caller, content, hr_sheets.DEPARTMENTS)
    await hr_facts.keep_departments(session, rows)
    return len(rows)


async def import_salaries(session: AsyncSession, caller: Caller, content: bytes) -> int:
    """Take in salaries; how many rows. They are compared, and never shown or said.

    Raises:
        ScopeMissing: the caller is no HR system.
        SheetRefused: a cell does not fit.
    """
    rows = await _read(caller, content, hr_sheets.SALARIES)
    await hr_facts.keep_salaries(session, rows)
    return len(rows)


async def _read(caller: Caller, content: bytes, columns: Mapping[str, Column]) -> list[tuple[Any, ...]]:
    caller.require_scope(SCOPE)
    return await asyncio.to_thread(hr_sheets.read, content, columns)
