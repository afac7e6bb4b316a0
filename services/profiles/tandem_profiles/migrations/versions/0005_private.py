"""What is private: the private section, who may see it, and erasures."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("ALTER TABLE people ADD COLUMN history jsonb NOT NULL DEFAULT '[]'")
    op.execute(
        """
        CREATE TABLE private_sections (
            person_id    uuid PRIMARY KEY REFERENCES people ON DELETE CASCADE,
            version      integer     NOT NULL,
            key_id       text        NOT NULL,
            sealed       bytea       NOT NULL,
            consented_at timestamptz NOT NULL,
            changed_at   timestamptz NOT NULL
        )
        """
    )
    op.execute(
        """
        CREATE TABLE pairing_members (
            pairing_id uuid    NOT NULL,
            person_id  uuid    NOT NULL,
            program_id uuid    NOT NULL,
            role       text    NOT NULL,
            active     boolean NOT NULL,
            PRIMARY KEY (pairing_id, person_id)
        )
        """
    )
    op.execute("CREATE INDEX pairing_members_person ON pairing_members (person_id) WHERE active")
    op.execute(
        """
        CREATE TABLE erasures (
            person_id    uuid PRIMARY KEY,
            version      integer     NOT NULL,
            requested_at timestamptz NOT NULL,
            requested_by text        NOT NULL,
            confirmed    jsonb       NOT NULL DEFAULT '{}'
        )
        """
    )
    op.execute(
        """
        CREATE TABLE skills (
            skill_key text PRIMARY KEY,
            skill     text NOT NULL,
            category  text,
            names     text NOT NULL
        )
        """
    )
    op.execute(
        """
        CREATE TABLE skill_synonyms (
            synonym_key text PRIMARY KEY,
            synonym     text NOT NULL,
            skill_key   text NOT NULL REFERENCES skills ON DELETE CASCADE
        )
        """
    )
