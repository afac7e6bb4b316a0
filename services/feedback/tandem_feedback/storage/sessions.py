"""Sessions, as far as feedback needs them: whose they were, when, and who was there."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_feedback.storage import pending
from tandem_feedback.storage.tables import Table


class HeldSession(Table):
    """A session as `tandem.scheduling` tells of it."""

    __tablename__ = "sessions"

    session_id: Mapped[UUID] = mapped_column(primary_key=True)
    pairing_id: Mapped[UUID]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    state: Mapped[str]
    attended: Mapped[list[UUID]]


async def note_scheduled(
    session: AsyncSession, session_id: UUID, *, pairing_id: UUID, starts_at: datetime, ends_at: datetime
) -> None:
    """The session is to take place."""
    await _keep(
        session,
        session_id=session_id,
        pairing_id=pairing_id,
        starts_at=starts_at,
        ends_at=ends_at,
        state="scheduled",
        attended=[],
    )


async def note_completed(
    session: AsyncSession,
    session_id: UUID,
    *,
    pairing_id: UUID,
    starts_at: datetime,
    ends_at: datetime,
    attended: Sequence[UUID],
) -> None:
    """The session took place, and these people were there."""
    await _keep(
        session,
        session_id=session_id,
        pairing_id=pairing_id,
        starts_at=starts_at,
        ends_at=ends_at,
        state="completed",
        attended=list(attended),
    )


async def _keep(session: AsyncSession, **values: Any) -> None:
    if (batch := pending.of(session)) is not None:
        batch.sessions[values["session_id"]] = values
    else:
        await write_sessions(session, [values])


async def write_sessions(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write sessions as they are now."""
    # An array within an array would be taken apart: who attended travels as text.
    texts = [{**row, "attended": "{" + ",".join(map(str, row["attended"])) + "}"} for row in rows]
    await pending.write(session, UPSERT, COLUMNS, texts)


async def note_cancelled(session: AsyncSession, session_id: UUID) -> None:
    """The session will not take place."""
    await _change(session, session_id, state="cancelled")


async def note_moved(session: AsyncSession, session_id: UUID, *, starts_at: datetime, ends_at: datetime) -> None:
    """The session takes place at another time."""
    await _change(session, session_id, starts_at=starts_at, ends_at=ends_at, state="scheduled")


async def _change(session: AsyncSession, session_id: UUID, **values: Any) -> None:
    if (batch := pending.of(session)) is not None and session_id in batch.sessions:
        batch.sessions[session_id].update(values)
    else:
        await session.execute(sa.update(HeldSession).where(HeldSession.session_id == session_id).values(**values))


async def find(session: AsyncSession, session_id: UUID) -> HeldSession | None:
    """A session, or nothing."""
    return await session.get(HeldSession, session_id)


COLUMNS: Mapping[str, str] = {
    "session_id": "uuid",
    "pairing_id": "uuid",
    "starts_at": "timestamptz",
    "ends_at": "timestamptz",
    "state": "text",
    "attended": "text",
}
UPSERT = sa.text(
    f"""
    INSERT INTO sessions (session_id, pairing_id, starts_at, ends_at, state, attended)
    SELECT session_id, pairing_id, starts_at, ends_at, state, CAST(attended AS uuid[])
    FROM {pending.rows_of(COLUMNS)} ORDER BY session_id
    ON CONFLICT (session_id) DO UPDATE SET pairing_id = excluded.pairing_id, starts_at = excluded.starts_at,
        ends_at = excluded.ends_at, state = excluded.state, attended = excluded.attended
    """  # noqa: S608 - names of columns
)
