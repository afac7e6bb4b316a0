"""Waiting: the mentees in a program's line, and why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_matching.storage.tables import WaitingMentee

_WAIT = sa.text(
    """
    INSERT INTO waiting_mentees (enrollment_id, program_id, person_id, first_in_line, waiting_since, reason, words)
    SELECT w.enrollment_id, :program, w.person_id, :first, :at, w.reason, w.words
    FROM unnest(CAST(:enrollments AS uuid[]), CAST(:people AS uuid[]), CAST(:reasons AS text[]), CAST(:words AS text[]))
         AS w (enrollment_id, person_id, reason, words)
    ORDER BY w.enrollment_id
    ON CONFLICT (enrollment_id) DO UPDATE
    SET first_in_line = waiting_mentees.first_in_line OR excluded.first_in_line,
        reason = excluded.reason, words = excluded.words, version = waiting_mentees.version + 1
    """
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody who is to wait, and why."""

    enrollment_id: UUID
    person_id: UUID
    reason: str
    words: str = ""
    """The rule that bound and what would help, for the one who waits."""


async def put_in_line(
    session: AsyncSession, program_id: UUID, waiting: Sequence[Waiting], *, first: bool, at: datetime
) -> None:
    """Put people in a program's line, in this order; who is in it already keeps their place."""
    if waiting:
        await session.execute(
            _WAIT,
            {
                "program": program_id,
                "first": first,
                "at": at,
                "enrollments": [one.enrollment_id for one in waiting],
                "people": [one.person_id for one in waiting],
                "reasons": [one.reason for one in waiting],
                "words": [one.words for one in waiting],
            },
        )


@dataclass(frozen=True, slots=True)
class InLine:
    """Somebody's place in a program's line."""

    enrollment_id: UUID
    person_id: UUID
    position: int
    reason: str
    words: str
    waiting_since: datetime
    version: int


async def line_of(
    session: AsyncSession, program_id: UUID, *, after: int = 0, limit: int | None = None, person_id: UUID | None = None
) -> list[InLine]:
    """A program's line: those whose mentor left first, then those who wait longest."""
    placed = (
        sa.select(
            WaitingMentee.enrollment_id,
            WaitingMentee.person_id,
            WaitingMentee.reason,
            WaitingMentee.words,
            WaitingMentee.waiting_since,
            WaitingMentee.version,
            sa.func.row_number()
            .over(
                order_by=(
                    WaitingMentee.first_in_line.desc(),
                    WaitingMentee.waiting_since,
                    WaitingMentee.enrollment_id,
                )
            )
            .label("position"),
        )
        .where(WaitingMentee.program_id == program_id)
        .subquery()
    )
    query = sa.select(placed).where(placed.c.position > after).order_by(placed.c.position).limit(limit)
    if person_id is not None:
        query = query.where(placed.c.person_id == person_id)
    rows = await session.execute(query)
    return [
        InLine(row.enrollment_id, row.person_id, row.position, row.reason, row.words, row.waiting_since, row.version)
        for row in rows
    ]


async def lines_of_person(session: AsyncSession, person_id: UUID) -> Sequence[UUID]:
    """The programs in whose lines somebody waits, in the order of ids."""
    rows = await session.scalars(
        sa.select(WaitingMentee.program_id)
        .where(WaitingMentee.person_id == person_id)
        .distinct()
        .order_by(WaitingMentee.program_id)
    )
    return rows.all()


_LEAVE_LINE = sa.text(
    """
    DELETE FROM waiting_mentees w USING enrollments e
    WHERE w.enrollment_id = e.enrollment_id AND e.program_id = :program
      AND e.person_id = ANY(CAST(:people AS uuid[])) AND e.wanted_taken >= e.wanted_mentors
    """
)


async def leave_line(session: AsyncSession, program_id: UUID, people: Iterable[UUID]) -> None:
    """Take those out of the line who have all the mentors they want."""
    await session.execute(_LEAVE_LINE, {"program": program_id, "people": sorted(set(people))})
