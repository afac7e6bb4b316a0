"""Participations: how far each person got in each program."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_feedback.domain.practices import PRACTICES
from tandem_feedback.domain.reports import BANDS, STEPS
from tandem_feedback.storage import pending
from tandem_feedback.storage.tables import Table


class Participation(Table):
    """A person in a program, with the moment of each step that they reached."""

    __tablename__ = "participations"

    program_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    invited_at: Mapped[datetime | None]
    applied_at: Mapped[datetime | None]
    enrolled_at: Mapped[datetime | None]
    matched_at: Mapped[datetime | None]
    met_at: Mapped[datetime | None]
    goal_set_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]


async def reach(
    session: AsyncSession, step: str, *, program_id: UUID, person_ids: Iterable[UUID], at: datetime
) -> None:
    """These people reached a step. The first time counts, in whatever order the steps are heard of."""
    batch = pending.of(session)
    reached = {} if batch is None else batch.participations
    for person_id in person_ids:
        steps = reached.setdefault((program_id, person_id), {})
        steps[step] = min(at, steps.get(step, at))
    if batch is None:
        await write_reached(session, reached)


async def write_reached(session: AsyncSession, reached: Mapping[tuple[UUID, UUID], Mapping[str, datetime]]) -> None:
    """Write which steps were reached when, by program and person."""
    rows = [
        {"program_id": program_id, "person_id": person_id, **{f"{step}_at": steps.get(step) for step in STEPS}}
        for (program_id, person_id), steps in reached.items()
    ]
    await pending.write(session, REACH, COLUMNS, rows)


COLUMNS: Mapping[str, str] = {
    "program_id": "uuid",
    "person_id": "uuid",
    **{f"{step}_at": "timestamptz" for step in STEPS},
}
# In one order, so that two transactions about the same people cannot wait for each other.
REACH = sa.text(
    f"""
    INSERT INTO participations AS p ({", ".join(COLUMNS)})
    SELECT {", ".join(COLUMNS)} FROM {pending.rows_of(COLUMNS)} ORDER BY program_id, person_id
    ON CONFLICT (program_id, person_id)
    DO UPDATE SET {", ".join(f"{step}_at = least(p.{step}_at, excluded.{step}_at)" for step in STEPS)}
    """  # noqa: S608 - names of columns
)


_LAST_STEP_FIRST = list(enumerate(STEPS))[:0:-1]

# Before its first assessment a relationship is what it is where nothing can be measured yet.
_BAND = "coalesce(r.health_band, 'steady')"

# Told apart by what is stored, and named afterwards: names made for each row would take half of the time.
_GROUP = "h.unit, h.level_name, h.level, date_trunc('quarter', p.enrolled_at AT TIME ZONE 'UTC') AS cohort"

# The numbers in the text below are constants of this service, never anybody's input.
PEOPLE = sa.text(
    f"""
    SELECT unit, level_name, level, cohort,
           count(days) AS timed, coalesce(sum(days), 0)::float8 AS matched_days,
           ARRAY[{", ".join(f"count(*) FILTER (WHERE furthest = {step})" for step in range(len(STEPS)))}] AS furthest
    FROM (
        SELECT {_GROUP},
               CASE {" ".join(f"WHEN p.{step}_at IS NOT NULL THEN {place}" for place, step in _LAST_STEP_FIRST)}
                    ELSE 0 END AS furthest,
               CASE WHEN p.matched_at >= p.enrolled_at
                    THEN extract(epoch FROM p.matched_at - p.enrolled_at)::float8 / 86400 END AS days
        FROM participations p LEFT JOIN people h USING (person_id)
        WHERE p.program_id = :program
    ) AS each
    GROUP BY 1, 2, 3, 4
    """  # noqa: S608
)

PAIRS = sa.text(
    f"""
    SELECT {_GROUP},
           count(*) AS pairs, sum(r.completed_sessions) AS sessions,
           sum(least(1, r.completed_sessions / greatest(1, floor(
               extract(epoch FROM coalesce(r.ended_at, :now) - r.began_at)::float8
               / 86400 / coalesce(r.agreed_every_days, g.meeting_every_days)))))::float8 AS cadence,
           sum(r.feedback_asked) AS asked, sum(r.feedback_answered) AS answered,
           ARRAY[{", ".join(f"count(*) FILTER (WHERE {_BAND} = '{band}')" for band in BANDS)}] AS bands,
           ARRAY[{", ".join(f"sum(r.practices >> {bit} & 1)" for bit in range(len(PRACTICES)))}] AS practices
    FROM relationships r
    JOIN programs g ON g.program_id = r.program_id
    LEFT JOIN participations p ON p.program_id = r.program_id AND p.person_id = r.mentee_id
    LEFT JOIN people h ON h.person_id = r.mentee_id
    WHERE r.program_id = :program
    GROUP BY 1, 2, 3, 4
    """  # noqa: S608
)


async def expect_few_rows(session: AsyncSession) -> None:
    """In this transaction, look up the rows of a program one by one: reading whole tables would take twice as long."""
    await session.execute(sa.text("SET LOCAL random_page_cost = 1.1"))
    await session.execute(sa.text("SET LOCAL max_parallel_workers_per_gather = 0"))


async def count_people(session: AsyncSession, program_id: UUID) -> Sequence[sa.RowMapping]:
    """How many people of a program got how far: by unit, level and the beginning (UTC) of the quarter of enrollment."""
    return (await session.execute(PEOPLE, {"program": program_id})).mappings().all()


async def count_pairs(session: AsyncSession, program_id: UUID, *, now: datetime) -> Sequence[sa.RowMapping]:
    """What a program's relationships did, by their mentee's unit, level and quarter of enrollment."""
    return (await session.execute(PAIRS, {"program": program_id, "now": now})).mappings().all()
