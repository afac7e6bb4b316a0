"""Skills: the vocabulary's tables and queries."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

LEAST_SIMILARITY = 0.25
"""Skills are short, and few: more is forgiven than in names."""


@dataclass(frozen=True, slots=True)
class Skill:
    """A skill of the vocabulary."""

    skill: str
    category: str | None
    synonyms: tuple[str, ...] = ()


_STORE = sa.text(
    """
    INSERT INTO skills (skill_key, skill, category, names)
    SELECT DISTINCT ON (folded(skill)) folded(skill), skill, nullif(category, ''), ' ' || folded(skill)
    FROM unnest(CAST(:skills AS text[]), CAST(:categories AS text[])) AS given (skill, category)
    ORDER BY folded(skill), skill
    ON CONFLICT (skill_key) DO UPDATE SET category = coalesce(excluded.category, skills.category)
        WHERE excluded.category IS NOT NULL AND skills.category IS DISTINCT FROM excluded.category
    RETURNING (xmax = 0) AS is_new
    """
)
_STORE_SYNONYMS = sa.text(
    """
    INSERT INTO skill_synonyms (synonym_key, synonym, skill_key)
    SELECT DISTINCT ON (folded(synonym)) folded(synonym), synonym, folded(skill)
    FROM unnest(CAST(:synonyms AS text[]), CAST(:skills AS text[])) AS given (synonym, skill)
    WHERE folded(synonym) <> folded(skill)
    ORDER BY folded(synonym), synonym
    ON CONFLICT (synonym_key) DO UPDATE SET skill_key = excluded.skill_key
        WHERE skill_synonyms.skill_key <> excluded.skill_key
    """
)
_NAME_ANEW = sa.text(
    """
    UPDATE skills SET names = ' ' || skill_key || coalesce(
        (SELECT string_agg(' | ' || s.synonym_key, '' ORDER BY s.synonym_key) FROM skill_synonyms AS s
         WHERE s.skill_key = skills.skill_key), '')
    WHERE skill_key IN (SELECT skill_key FROM skill_synonyms)
    """
)
_FIND = sa.text(
    """
    SELECT skill, category,
           ARRAY(SELECT synonym FROM skill_synonyms AS s WHERE s.skill_key = skills.skill_key ORDER BY 1) AS synonyms
    FROM skills
    WHERE names LIKE '% ' || folded(:typed) || '%' OR folded(:typed) <% names
    ORDER BY (names LIKE ' ' || folded(:typed) || '%') DESC, (names LIKE '% ' || folded(:typed) || '%') DESC,
             word_similarity(folded(:typed), names) DESC, skill_key
    LIMIT :limit
    """
)
_CANONICAL = sa.text(
    """
    SELECT given, coalesce(own.skill, meant.skill) AS skill
    FROM unnest(CAST(:names AS text[])) AS given
    LEFT JOIN skills AS own ON own.skill_key = folded(given)
    LEFT JOIN skill_synonyms AS other ON other.synonym_key = folded(given)
    LEFT JOIN skills AS meant ON meant.skill_key = other.skill_key
    """
)


async def store(session: AsyncSession, skills: Sequence[Skill]) -> int:
    """Add to the vocabulary; the answer is how many skills are new. Safe to repeat."""
    given = {"skills": [one.skill for one in skills], "categories": [one.category or "" for one in skills]}
    new = sum(bool(is_new) for is_new in (await session.execute(_STORE, given)).scalars())
    pairs = [(synonym, one.skill) for one in skills for synonym in one.synonyms]
    if pairs:
        await session.execute(
            _STORE_SYNONYMS, {"synonyms": [pair[0] for pair in pairs], "skills": [pair[1] for pair in pairs]}
        )
        await session.execute(_NAME_ANEW)
    return new


async def find(session: AsyncSession, typed: str, *, limit: int) -> list[Skill]:
    """Skills whose names or synonyms begin with what was typed, then those that are like it."""
    await session.execute(
        sa.text("SELECT set_config('pg_trgm.word_similarity_threshold', :least, true)"),
        {"least": str(LEAST_SIMILARITY)},
    )
    rows = await session.execute(_FIND, {"typed": typed, "limit": limit})
    return [Skill(row.skill, row.category, tuple(row.synonyms)) for row in rows]


async def canonical(session: AsyncSession, names: Collection[str]) -> dict[str, str]:
    """Each name in the vocabulary's spelling, a synonym as the skill it means; what it does not know as it is."""
    if not names:
        return {}
    rows = await session.execute(_CANONICAL, {"names": list(names)})
    return {row.given: row.skill or row.given for row in rows}
