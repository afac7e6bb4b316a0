"""Search: people by name with accents and typos, and by what they can and where they are; skills as one types."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.execute("CREATE EXTENSION IF NOT EXISTS unaccent")
    # Declared immutable so that it can be indexed: its dictionary is named, and does not change.
    op.execute(
        """
        CREATE FUNCTION folded(words text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
            SELECT lower(public.unaccent('public.unaccent'::regdictionary, words))
        $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION skill_keys(skills jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
            SELECT coalesce(array_agg(folded(one ->> 'skill')), '{}') FROM jsonb_array_elements(skills) AS one
        $$
        """
    )
    op.execute(
        """
        ALTER TABLE people
            ADD COLUMN name_key text GENERATED ALWAYS AS (' ' || folded(given_name || ' ' || family_name)) STORED,
            ADD COLUMN skill_keys text[] GENERATED ALWAYS AS (skill_keys(skills_offered)) STORED
        """
    )
    op.execute("ALTER TABLE people ALTER COLUMN name_key SET STATISTICS 1000")
    op.execute("CREATE INDEX people_by_name ON people (name_key, person_id) WHERE departed_on IS NULL")
    op.execute("CREATE INDEX people_name_parts ON people USING gin (name_key gin_trgm_ops) WHERE departed_on IS NULL")
    op.execute("CREATE INDEX people_skills ON people USING gin (skill_keys) WHERE departed_on IS NULL")
    op.execute("CREATE INDEX people_languages ON people USING gin (languages) WHERE departed_on IS NULL")
    for column in ("unit", "level", "time_zone"):
        op.execute(
            f"CREATE INDEX people_by_{column} ON people ({column}, name_key, person_id) WHERE departed_on IS NULL"
        )
    op.execute("CREATE INDEX skills_names ON skills USING gin (names gin_trgm_ops)")
