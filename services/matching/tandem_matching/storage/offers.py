"""Offers: which mentors offered themselves to whom, and what was answered."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_matching.storage.requests import STILL_THERE, UNANSWERED
from tandem_matching.storage.tables import MentorOffer


async def find_offer(session: AsyncSession, offer_id: UUID, *, lock: bool = False) -> MentorOffer | None:
    """The offer, or nothing; locked until the transaction ends where that is asked for."""
    return await session.get(MentorOffer, offer_id, with_for_update=True if lock else None, populate_existing=lock)


async def lock_open_offers(session: AsyncSession, program_id: UUID, mentor_id: UUID) -> Sequence[MentorOffer]:
    """A mentor's open offers in a program. Whoever asks is the only one to add to them until the transaction ends."""
    await session.execute(
        sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(f"offers {program_id}{mentor_id}", 0)))
    )
    rows = await session.scalars(
        sa.select(MentorOffer).where(
            MentorOffer.program_id == program_id, MentorOffer.mentor_id == mentor_id, MentorOffer.state == "open"
        )
    )
    return rows.all()


async def list_offers(
    session: AsyncSession,
    person_id: UUID,
    *,
    side: Literal["mentor", "mentee"],
    state: str | None,
    after: UUID | None,
    limit: int,
) -> Sequence[MentorOffer]:
    """What somebody offered as a mentor, or was offered as a mentee, oldest first."""
    own = MentorOffer.mentor_id if side == "mentor" else MentorOffer.mentee_id
    query = sa.select(MentorOffer).where(own == person_id).order_by(MentorOffer.mentor_offer_id).limit(limit)
    if state is not None:
        query = query.where(MentorOffer.state == state)
    if after is not None:
        query = query.where(MentorOffer.mentor_offer_id > after)
    return (await session.scalars(query)).all()


_FALLEN = sa.text(
    f"""
    SELECT r.mentor_offer_id, {UNANSWERED} AS why
    FROM mentor_offers r {STILL_THERE}
    LIMIT 1
    """  # noqa: S608 - the parts are constants of this package
)


async def first_fallen(session: AsyncSession, *, at: datetime) -> tuple[UUID, str] | None:
    """An open offer that expired or no longer stands (id, why), if there is one."""
    row = (await session.execute(_FALLEN, {"at": at})).first()
    return None if row is None else (row.mentor_offer_id, row.why)
