"""Requests: whom mentees ask by name, in which order, and what was answered."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_matching.storage.tables import MatchRequest

STANDING = ("queued", "open")


async def find_request(session: AsyncSession, request_id: UUID, *, lock: bool = False) -> MatchRequest | None:
    """The request, or nothing; locked until the transaction ends where that is asked for."""
    return await session.get(MatchRequest, request_id, with_for_update=True if lock else None, populate_existing=lock)


async def lock_chain(session: AsyncSession, program_id: UUID, mentee_id: UUID) -> Sequence[MatchRequest]:
    """A mentee's standing requests in a program, in the order of choice, locked until the transaction ends."""
    await session.execute(
        sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(f"{program_id}{mentee_id}", 0)))
    )
    rows = await session.scalars(
        sa.select(MatchRequest)
        .where(
            MatchRequest.program_id == program_id,
            MatchRequest.mentee_id == mentee_id,
            MatchRequest.state.in_(STANDING),
        )
        .order_by(MatchRequest.rank)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return rows.all()


async def list_requests(
    session: AsyncSession,
    person_id: UUID,
    *,
    side: Literal["mentor", "mentee"],
    state: str | None,
    after: UUID | None,
    limit: int,
) -> Sequence[MatchRequest]:
    """What somebody asked as a mentee, or was asked as a mentor (not before it is their turn), oldest first."""
    own = MatchRequest.mentee_id if side == "mentee" else MatchRequest.mentor_id
    query = sa.select(MatchRequest).where(own == person_id).order_by(MatchRequest.match_request_id).limit(limit)
    if side == "mentor":
        query = query.where(MatchRequest.expires_at.is_not(None))
    if state is not None:
        query = query.where(MatchRequest.state == state)
    if after is not None:
        query = query.where(MatchRequest.match_request_id > after)
    return (await session.scalars(query)).all()


async def list_referrals(
    session: AsyncSession, candidate_id: UUID, *, at: datetime, after: UUID | None, limit: int
) -> Sequence[MatchRequest]:
    """The requests for which somebody was named instead and has not answered yet, oldest first."""
    query = (
        sa.select(MatchRequest)
        .where(
            MatchRequest.referred_to == candidate_id,
            MatchRequest.referral.is_(None),
            MatchRequest.referral_until > at,
        )
        .order_by(MatchRequest.match_request_id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(MatchRequest.match_request_id > after)
    return (await session.scalars(query)).all()


async def was_asked_for(session: AsyncSession, program_id: UUID, mentee_id: UUID, *, candidate_id: UUID) -> bool:
    """Whether somebody said no to this mentee in a program, or was named to them there by a colleague before."""
    said_no = sa.and_(MatchRequest.mentor_id == candidate_id, MatchRequest.state == "declined")
    found = await session.scalar(
        sa.select(MatchRequest.match_request_id)
        .where(
            MatchRequest.program_id == program_id,
            MatchRequest.mentee_id == mentee_id,
            sa.or_(said_no, MatchRequest.referred_to == candidate_id),
        )
        .limit(1)
    )
    return found is not None


async def standing(session: AsyncSession, program_id: UUID) -> dict[UUID, UUID | None]:
    """The mentees of a program whose requests stand, and which mentor is being asked now, where one is."""
    rows = await session.execute(
        sa.select(
            MatchRequest.mentee_id,
            sa.func.max(sa.case((MatchRequest.state == "open", sa.cast(MatchRequest.mentor_id, sa.Text)))),
        )
        .where(MatchRequest.program_id == program_id, MatchRequest.state.in_(STANDING))
        .group_by(MatchRequest.mentee_id)
    )
    return {mentee_id: UUID(mentor_id) if mentor_id else None for mentee_id, mentor_id in rows}


UNANSWERED = """
    CASE WHEN r.expires_at <= :at THEN 'expired'
         WHEN NOT coalesce(asker.here, false) THEN 'left'
         WHEN asker.wanted < 1 THEN 'matched'
         WHEN NOT coalesce(asked.here, false) THEN 'left'
         ELSE 'fully_booked' END
"""
"""Why nobody answers an open request or offer `r` any more."""

STILL_THERE = """
    LEFT JOIN LATERAL (
        SELECT e.status = 'approved' AND coalesce(p.departed_on IS NULL, true) AS here,
               e.wanted_mentors - e.wanted_taken AS wanted
        FROM enrollments e LEFT JOIN people p USING (person_id)
        WHERE e.person_id = r.mentee_id AND e.program_id = r.program_id AND e.is_mentee
        ORDER BY e.status LIMIT 1
    ) asker ON true
    LEFT JOIN LATERAL (
        SELECT e.status = 'approved' AND coalesce(p.departed_on IS NULL, true) AS here,
               least(e.mentor_places - e.mentor_taken, l.places - l.taken) AS free
        FROM enrollments e LEFT JOIN people p USING (person_id) LEFT JOIN mentor_places l USING (person_id)
        WHERE e.person_id = r.mentor_id AND e.program_id = r.program_id AND e.is_mentor
        ORDER BY e.status LIMIT 1
    ) asked ON true
    WHERE r.state = 'open'
      AND (r.expires_at <= :at OR NOT coalesce(asker.here AND asker.wanted > 0, false)
           OR NOT coalesce(asked.here AND asked.free > 0, false))
    ORDER BY r.expires_at
"""
"""What the two of an open request or offer `r` can still take, and which of these expired or no longer stand."""

_FALLEN = sa.text(
    f"""
    SELECT r.match_request_id, r.program_id, r.mentee_id, {UNANSWERED} AS why
    FROM match_requests r {STILL_THERE}
    LIMIT 1
    """  # noqa: S608 - the parts are constants of this file
)


async def first_fallen(session: AsyncSession, *, at: datetime) -> tuple[UUID, UUID, UUID, str] | None:
    """An open request that expired or no longer stands (id, program, mentee, why), if there is one."""
    row = (await session.execute(_FALLEN, {"at": at})).first()
    return None if row is None else (row.match_request_id, row.program_id, row.mentee_id, row.why)
