"""Batches: the events of a batch are handled with a few statements for all of them, instead of several for each."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events import outbox
from tandem_feedback.storage import (
    participations,
    pending,
    people,
    programs,
    recognition,
    relationships,
    sessions,
)


@asynccontextmanager
async def taken_together(
    session: AsyncSession, *, pairing_ids: Iterable[UUID], program_ids: Iterable[UUID]
) -> AsyncIterator[None]:
    """Read and hold at once what events about these relationships and programs need; write at the end what they leave.

    A handler that raises leaves nothing behind. The order of the writes is the order of the locks: relationships, what
    hangs on them, people's steps. What is said comes last, when the rows that it speaks of are written.
    """
    batch = pending.begin(session)
    try:
        await relationships.hold_all(session, batch, pairing_ids)
        held = {relationship.program_id for relationship in batch.relationships.values()}
        await programs.hold_all(session, batch, held | set(program_ids))
        yield
    finally:
        pending.end(session)
    await relationships.write_pending(session, batch)
    await sessions.write_sessions(session, list(batch.sessions.values()))
    session.add_all(batch.requests)
    await session.flush()
    await relationships.write_happenings(session, batch.happenings)
    await people.write_people(session, list(batch.people.values()))
    await participations.write_reached(session, batch.participations)
    await recognition.write_entries(session, list(batch.ledger.values()))
    await outbox.add_messages(session, batch.messages)
