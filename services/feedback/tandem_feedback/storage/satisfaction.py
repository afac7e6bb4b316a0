"""Satisfaction: what may be counted of the ratings that were meant for the program."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_feedback.storage.tables import Table

LOCK = 0x7A6DE3F2
"""One replica counts at a time."""


class Satisfaction(Table):
    """The ratings of a program that were counted, and until when those by name and the anonymous ones were.

    Where a moment is null, `counted_until` stands for it.
    """

    __tablename__ = "satisfaction"

    program_id: Mapped[UUID] = mapped_column(primary_key=True)
    ratings: Mapped[int]
    total: Mapped[int]
    counted_until: Mapped[datetime]
    named_until: Mapped[datetime | None]
    anonymous_until: Mapped[datetime | None]


@dataclass(frozen=True, slots=True)
class Rating:
    """A rating that was meant for the program and is not counted yet."""

    program_id: UUID
    anonymous: bool
    author_id: UUID
    rating: int
    submitted_at: datetime


WAITING = sa.text(
    """
    WITH waiting AS (
        SELECT a.program_id, a.visibility = 'anonymous' AS anonymous, a.author_id, a.rating, q.submitted_at,
               q.feedback_request_id
        FROM feedback_requests q
        JOIN answers a ON a.feedback_request_id = q.feedback_request_id
                      AND a.question = 'helpfulness' AND a.revision = 1
        LEFT JOIN satisfaction s ON s.program_id = q.program_id
        WHERE q.submitted_at < :before AND a.visibility <> 'counterpart'
          AND q.submitted_at > coalesce(
              CASE WHEN a.visibility = 'anonymous' THEN s.anonymous_until ELSE s.named_until END,
              s.counted_until, '-infinity')
    ), enough AS (
        SELECT program_id, anonymous FROM waiting GROUP BY 1, 2 HAVING count(DISTINCT author_id) >= :people
    )
    SELECT program_id, anonymous, author_id, rating, submitted_at FROM waiting JOIN enough USING (program_id, anonymous)
    ORDER BY submitted_at, feedback_request_id LIMIT :limit
    """
)

COUNT = sa.text(
    """
    INSERT INTO satisfaction AS s (program_id, ratings, total, counted_until, named_until, anonymous_until)
    VALUES (:program, :ratings, :total, CAST(:until AS timestamptz),
            CASE WHEN CAST(:anonymous AS boolean) THEN '-infinity' ELSE CAST(:until AS timestamptz) END,
            CASE WHEN CAST(:anonymous AS boolean) THEN CAST(:until AS timestamptz) ELSE '-infinity' END)
    ON CONFLICT (program_id) DO UPDATE SET
        ratings = s.ratings + excluded.ratings,
        total = s.total + excluded.total,
        counted_until = greatest(s.counted_until, excluded.counted_until),
        named_until = greatest(coalesce(s.named_until, s.counted_until), excluded.named_until),
        anonymous_until = greatest(coalesce(s.anonymous_until, s.counted_until), excluded.anonymous_until)
    """
)


async def waiting_ratings(
    session: AsyncSession, *, submitted_before: datetime, people: int, limit: int
) -> list[Rating] | None:
    """Ratings that were not counted, as they came, by name or anonymous, where each of these is of so many people.

    Nothing where another replica counts; until this transaction ends no other one does.
    """
    if not await session.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(LOCK))):
        return None
    rows = await session.execute(WAITING, {"before": submitted_before, "people": people, "limit": limit})
    return [Rating(**row) for row in rows.mappings()]


async def count(session: AsyncSession, ratings: Sequence[Rating]) -> None:
    """Count these ratings of one program, all by name or all anonymous, given as they came."""
    latest = ratings[-1]
    await session.execute(
        COUNT,
        {
            "program": latest.program_id,
            "anonymous": latest.anonymous,
            "ratings": len(ratings),
            "total": sum(one.rating for one in ratings),
            "until": latest.submitted_at,
        },
    )


async def satisfaction_of(session: AsyncSession, program_ids: Sequence[UUID]) -> dict[UUID, tuple[int, int]]:
    """The number and the sum of the ratings of each of these programs that has some."""
    rows = await session.execute(
        sa.select(Satisfaction.program_id, Satisfaction.ratings, Satisfaction.total).where(
            Satisfaction.program_id.in_(program_ids)
        )
    )
    return {row.program_id: (row.ratings, row.total) for row in rows}
