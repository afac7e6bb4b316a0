"""Erasure: nothing that a person wrote or set is left once they are gone; that they met whom, by id, remains."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_scheduling.storage import people

ERASED = "(erased)"

_STATEMENTS = (
    "DELETE FROM notes WHERE author_id = :id",
    "UPDATE agenda_items SET words = :erased WHERE author_id = :id",
    "UPDATE action_items SET words = :erased, outcome_words = NULL, version = version + 1 WHERE owner_id = :id",
    "UPDATE sessions SET place = :erased, version = version + 1 WHERE organizer_id = :id AND place <> :erased",
    "UPDATE series SET place = :erased, version = version + 1 WHERE organizer_id = :id AND place <> :erased",
    "UPDATE session_proposals SET place = :erased, version = version + 1 WHERE proposed_by = :id AND place <> :erased",
    """
    UPDATE agreement_revisions SET terms = terms || jsonb_build_object(
        'place', CASE WHEN jsonb_typeof(terms -> 'place') = 'string' THEN to_jsonb(CAST(:erased AS text)) END,
        'acknowledgement', CAST(:erased AS text),
        'not_private', (
            SELECT coalesce(jsonb_agg(CAST(:erased AS text)), '[]') FROM jsonb_array_elements(terms -> 'not_private')
        ),
        'commitments', (
            SELECT coalesce(jsonb_agg(one || jsonb_build_object('words', CAST(:erased AS text))), '[]')
            FROM jsonb_array_elements(terms -> 'commitments') AS one
        )
    ) WHERE proposed_by = :id
    """,
    "DELETE FROM availabilities WHERE person_id = :id",
    "DELETE FROM busy_times WHERE person_id = :id",
    "DELETE FROM busy_feeds WHERE person_id = :id",
    "DELETE FROM calendar_feeds WHERE person_id = :id",
    "DELETE FROM delegates WHERE person_id = :id OR delegate_id = :id",
    "DELETE FROM reminder_preferences WHERE person_id = :id",
    # The recipient comes first, as everywhere: whoever holds a recipient holds their reminders.
    "DELETE FROM reminder_recipients WHERE person_id = :id",
    "DELETE FROM reminders WHERE person_id = :id",
)


async def erase(session: AsyncSession, person_id: UUID) -> None:
    """Keep nothing of what a person wrote or set. Safe to repeat."""
    await people.forget(session, person_id)
    for statement in _STATEMENTS:
        query = sa.text(statement)
        given = {"id": person_id, "erased": ERASED} if ":erased" in statement else {"id": person_id}
        await session.execute(query, given)
