"""The door of outcomes: HR sheets in, comparisons out."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from tandem_chassis import idempotency
from tandem_chassis.auth import CurrentCaller
from tandem_chassis.database import Transaction
from tandem_feedback.domain.outcomes import CAUTION, METHOD, SMALLEST, Comparison, Months, Quarter
from tandem_feedback.use_cases import hr_facts, outcomes

router = APIRouter(tags=["outcomes"], route_class=idempotency.Route)

CSV_BODY = {"requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}}}


class Imported(BaseModel):
    """What came of a sheet."""

    rows: int


class ComparisonView(BaseModel):
    """Participants and people like them. `low` to `high` is the interval at 95 %."""

    participants: int = Field(description="Rounded down to a multiple of five, as all numbers of people here.")
    others: int
    participants_mean: float
    others_mean: float
    difference: float
    low: float
    high: float


class OutcomesView(BaseModel):
    """What became of participants, against people like them; null where there are fewer than five of either."""

    quarter: str
    begins: date = Field(description="The first day of the quarter, on which people are compared.")
    ends: date = Field(description="The day until which is looked at what became of them.")
    months: int
    participants: int | None = Field(description="Null where there are fewer than five.")
    participants_without_match: int | None = Field(
        description="Participants with whom fewer than five people could be compared."
    )
    outcomes: dict[str, ComparisonView | None] = Field(
        description="Shares from 0 to 1 of promotion (another job title), retention, move (another department) and"
        " change of salary grade (a rise of at least 10 %), and the growth of salaries in percent. A move is compared"
        " among those whose department at the beginning is in the department sheet."
    )
    method: str = METHOD
    caution: str = CAUTION


@router.put("/hr/employees", openapi_extra=CSV_BODY)
async def import_employees(request: Request, caller: CurrentCaller, session: Transaction) -> Imported:
    """Take in employees: employee_number, email, department, hired_on, left_on. For the HR system (scope outcomes).

    Addresses are kept as digests only. A sheet with faults is refused whole, each named by row and column. Who was
    erased is left out of this sheet and of the others.
    """
    return Imported(rows=await hr_facts.import_employees(session, caller, await request.body()))


@router.put("/hr/job-titles", openapi_extra=CSV_BODY)
async def import_titles(request: Request, caller: CurrentCaller, session: Transaction) -> Imported:
    """Take in job titles: employee_number, job_title, from_date, to_date. A participant's new one is said."""
    return Imported(rows=await hr_facts.import_titles(session, caller, await request.body()))


@router.put("/hr/departments", openapi_extra=CSV_BODY)
async def import_departments(request: Request, caller: CurrentCaller, session: Transaction) -> Imported:
    """Take in departments: employee_number, department, from_date, to_date. A participant's move is said."""
    return Imported(rows=await hr_facts.import_departments(session, caller, await request.body()))


@router.put("/hr/salaries", openapi_extra=CSV_BODY)
async def import_salaries(request: Request, caller: CurrentCaller, session: Transaction) -> Imported:
    """Take in salaries: employee_number, annual_salary, from_date, to_date. They are compared, never shown or said."""
    return Imported(rows=await hr_facts.import_salaries(session, caller, await request.body()))


@router.get("/reports/outcomes")
async def show_outcomes(
    caller: CurrentCaller,
    session: Transaction,
    quarter: Annotated[
        str, Query(pattern=r"^(19|20|21)\d\d-Q[1-4]$", description="When people were enrolled, such as 2026-Q1.")
    ],
    program_id: Annotated[
        UUID | None, Query(description="One program (its managers), or all (administrators).")
    ] = None,
    months: Annotated[Months, Query(description="How long after the first day of the quarter.")] = Months.TWELVE,
) -> OutcomesView:
    """What became of those who were enrolled in a quarter, over so many months, against people like them who were not.

    Quarters and months are fixed, so that no two answers are about the same people but one.
    """
    enrolled = Quarter.parse(quarter)
    found = await outcomes.outcomes_of(session, caller, program_id=program_id, quarter=enrolled, months=months)
    enough = found.participants >= SMALLEST
    return OutcomesView(
        quarter=quarter,
        begins=enrolled.begins,
        ends=enrolled.months_later(months),
        months=months,
        participants=_in_fives(found.participants) if enough else None,
        participants_without_match=_in_fives(found.participants_without_match) if enough else None,
        outcomes={
            name: None if one is None else _view(one, digits=DIGITS.get(name, 2))
            for name, one in found.comparisons.items()
        },
    )


DIGITS = {"salary_growth_percent": 1}
"""How exactly a comparison is shown, where it is no share."""


def _in_fives(people: int) -> int:
    return people - people % SMALLEST


def _view(one: Comparison, *, digits: int) -> ComparisonView:
    return ComparisonView(
        participants=_in_fives(one.participants),
        others=_in_fives(one.others),
        participants_mean=round(one.participants_mean, digits),
        others_mean=round(one.others_mean, digits),
        difference=round(one.difference, digits),
        low=round(one.low, digits),
        high=round(one.high, digits),
    )
