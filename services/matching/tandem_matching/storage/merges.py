"""Merges: what named a duplicate record names the record that stays."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

_RENAMINGS = (
    # Where both were in it, the relationship keeps both names: nobody can be in it twice.
    """
    UPDATE pairing_members m SET person_id = :kept
    WHERE m.person_id = :duplicate
      AND NOT EXISTS (SELECT FROM pairing_members o WHERE o.pairing_id = m.pairing_id AND o.person_id = :kept)
    """,
    "UPDATE match_requests SET mentor_id = :kept WHERE mentor_id = :duplicate AND state NOT IN ('queued', 'open')",
    "UPDATE match_requests SET mentee_id = :kept WHERE mentee_id = :duplicate AND state NOT IN ('queued', 'open')",
    "UPDATE match_requests SET referred_to = :kept WHERE referred_to = :duplicate",
    "UPDATE mentor_offers SET mentor_id = :kept WHERE mentor_id = :duplicate AND state <> 'open'",
    "UPDATE mentor_offers SET mentee_id = :kept WHERE mentee_id = :duplicate AND state <> 'open'",
    """
    UPDATE enrollments
    SET preferred = CASE WHEN :kept = ANY(preferred) THEN array_remove(preferred, :duplicate)
                         ELSE array_replace(preferred, :duplicate, :kept) END
    WHERE :duplicate = ANY(preferred)
    """,
    """
    UPDATE enrollments
    SET excluded = CASE WHEN :kept = ANY(excluded) THEN array_remove(excluded, :duplicate)
                        ELSE array_replace(excluded, :duplicate, :kept) END
    WHERE :duplicate = ANY(excluded)
    """,
    # Whom the duplicate must not meet, the record that stays must not meet either.
    """
    UPDATE enrollments e
    SET excluded = ARRAY(SELECT DISTINCT x FROM unnest(e.excluded || d.excluded) AS x WHERE x <> :kept ORDER BY x)
    FROM (SELECT array_agg(DISTINCT x) AS excluded FROM enrollments, unnest(excluded) AS x
          WHERE person_id = :duplicate) AS d
    WHERE e.person_id = :kept AND d.excluded IS NOT NULL
    """,
)


async def rename(session: AsyncSession, *, kept: UUID, duplicate: UUID) -> None:
    """Let history, wishes and exclusions that name the duplicate name the record that stays. Repeats safely."""
    for statement in _RENAMINGS:
        text = statement.replace(":kept", "CAST(:kept AS uuid)").replace(":duplicate", "CAST(:duplicate AS uuid)")
        await session.execute(sa.text(text), {"kept": kept, "duplicate": duplicate})
