"""The door of reports, as JSON, CSV and XLSX."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from tandem_chassis import idempotency
from tandem_chassis.app import Now
from tandem_chassis.auth import CurrentCaller
from tandem_chassis.database import Transaction
from tandem_feedback.api import sheets
from tandem_feedback.domain.practices import PRACTICES
from tandem_feedback.domain.reports import BANDS, SMALLEST, STEPS, Numbers
from tandem_feedback.use_cases import reports
from tandem_feedback.use_cases.reports import WholeReport

router = APIRouter(tags=["reports"], route_class=idempotency.Route)

Format = Annotated[Literal["json", "csv", "xlsx"], Query(description="In which form.")]


class NumbersView(BaseModel):
    """What is counted of some people. What is null was not measured, or of fewer than five."""

    people: int
    funnel: dict[str, int] = Field(
        description="How many people reached each step, or a later one: who applied uninvited counts as invited, too."
    )
    days_to_match: float | None = Field(description="Mean days from enrollment to the match.")
    pairs: int = Field(description="Relationships of the mentees among them.")
    sessions_per_pair: float | None
    cadence_kept_percent: int | None
    feedback_answered_percent: int | None
    health_bands: dict[str, int] | None = Field(
        description="How many relationships are in each band, where it may be told. Small bands are added to others."
    )
    practices_percent: dict[str, int | None] = Field(
        description="In how many of the relationships each practice was seen; null where it, or its absence, is rare."
    )


class ReportView(BaseModel):
    """A report. No number in it, and no difference of such numbers, is about a group of one to four people."""

    as_of: datetime = Field(description="When it was counted.")
    smallest_group: int = SMALLEST
    programs: int
    programs_too_small: int = Field(description="Programs with fewer than five people, left out of every number.")
    total: NumbersView | None = Field(description="Null where there are fewer than five people.")
    by: dict[str, dict[str, NumbersView]] = Field(
        description="By unit, level and cohort (quarter of enrollment). Small groups are told as (others)."
    )
    ratings: int = Field(description="Ratings of helpfulness that were meant for the program.")
    mean_rating: float | None


class InvitedPeople(BaseModel):
    """Whom a program invited. How they were invited is the program's business: no message is sent."""

    person_ids: tuple[UUID, ...] = Field(min_length=1, max_length=10_000)


FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            sheets.XLSX: {"schema": {"type": "string", "format": "binary"}},
        }
    }
}


@router.post("/programs/{program_id}/invited", status_code=204)
async def note_invited(
    program_id: UUID, body: InvitedPeople, caller: CurrentCaller, now: Now, session: Transaction
) -> None:
    """Note whom a program invited, for its managers: the first step of the funnel. Nothing is taken back.

    A list with people who are not known is refused whole.
    """
    await reports.invite(session, caller, program_id, body.person_ids, now=now)


@router.get("/programs/{program_id}/report", response_model=ReportView, responses=FILES)
async def show_program_report(
    program_id: UUID,
    caller: CurrentCaller,
    now: Now,
    session: Transaction,
    format: Format = "json",  # noqa: A002 - its name in the address
) -> ReportView | Response:
    """How a program goes, for its managers: funnel, time to match, sessions, cadence, feedback, health, practices."""
    return await _answer(_view(await reports.program_report(session, caller, program_id, now=now)), format)


@router.get("/reports/enterprise", response_model=ReportView, responses=FILES)
async def show_enterprise_report(
    request: Request,
    caller: CurrentCaller,
    now: Now,
    session: Transaction,
    format: Format = "json",  # noqa: A002 - its name in the address
) -> ReportView | Response:
    """The same over all programs, for administrators: what their reports tell, each counted since `as_of`."""
    caller.require_admin()
    counted: Mapping[UUID, WholeReport] | None = getattr(request.app.state, "counted_programs", None)
    return await _answer(_view(await reports.enterprise_report(session, counted, now=now)), format)


async def _answer(view: ReportView, form: str) -> ReportView | Response:
    if form == "json":
        return view
    write: Callable[[list[list[sheets.Field]]], bytes] = sheets.csv_of if form == "csv" else sheets.xlsx_of
    content = await asyncio.to_thread(write, _rows(view))
    return Response(
        content,
        media_type="text/csv; charset=utf-8" if form == "csv" else sheets.XLSX,
        headers={"Content-Disposition": f'attachment; filename="report.{form}"'},
    )


def _rows(view: ReportView) -> list[list[sheets.Field]]:
    practices = [name for name, _ in PRACTICES]
    heading: list[sheets.Field] = [
        "dimension",
        "group",
        "people",
        *STEPS,
        "days_to_match",
        "pairs",
        "sessions_per_pair",
        "cadence_kept_percent",
        "feedback_answered_percent",
        *(f"band_{band}" for band in BANDS),
        *(f"practice_{name}_percent" for name in practices),
        "ratings",
        "mean_rating",
    ]
    rows = [heading]

    def add(dimension: str, group: str, one: NumbersView, *rated: sheets.Field) -> None:
        rows.append(
            [
                dimension,
                group,
                one.people,
                *(one.funnel[step] for step in STEPS),
                one.days_to_match,
                one.pairs,
                one.sessions_per_pair,
                one.cadence_kept_percent,
                one.feedback_answered_percent,
                *((one.health_bands or {}).get(band) for band in BANDS),
                *(one.practices_percent[name] for name in practices),
                *(rated or (None, None)),
            ]
        )

    if view.total is not None:
        add("total", "", view.total, view.ratings, view.mean_rating)
    for dimension, groups in view.by.items():
        for group, numbers in groups.items():
            add(dimension, group, numbers)
    return rows


def _view(whole: WholeReport) -> ReportView:
    report = whole.report
    if report is None:
        return ReportView(
            as_of=whole.as_of, programs=0, programs_too_small=1, total=None, by={}, ratings=0, mean_rating=None
        )
    by = {
        dimension: {group: _numbers(numbers) for group, numbers in groups.items()}
        for dimension, groups in report.by.items()
    }
    return ReportView(
        as_of=whole.as_of,
        programs=report.programs,
        programs_too_small=report.programs_too_small,
        total=_numbers(report.total),
        by=by,
        ratings=whole.ratings,
        mean_rating=None if whole.mean_rating is None else round(whole.mean_rating, 2),
    )


def _numbers(numbers: Numbers) -> NumbersView:
    pairs = numbers.pairs
    return NumbersView(
        people=numbers.people,
        funnel=dict(zip(STEPS, numbers.funnel, strict=True)),
        days_to_match=round(numbers.matched_days / numbers.timed, 1) if numbers.timed else None,
        pairs=pairs,
        sessions_per_pair=round(numbers.sessions / pairs, 1) if pairs else None,
        cadence_kept_percent=_percent(numbers.cadence, pairs),
        feedback_answered_percent=_percent(numbers.answered, numbers.asked),
        health_bands=dict(zip(BANDS, numbers.bands, strict=True)) if any(numbers.bands) else None,
        practices_percent={
            name: _percent(seen, observed)
            for (name, _), seen, observed in zip(PRACTICES, numbers.practices, numbers.observed, strict=True)
        },
    )


def _percent(part: float, whole: int) -> int | None:
    return round(100 * part / whole) if whole else None
