"""Whom HR sheets must not bring back, and which outcomes were said."""

from alembic import op

revision = "0008"
down_revision = "0007"

STATEMENTS = (
    "CREATE TABLE erasure_key (key bytea NOT NULL)",
    # Two random identifiers are 244 random bits, and need no extension.
    """
    INSERT INTO erasure_key
    SELECT decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex')
    """,
    "CREATE TABLE erased_employees (mark bytea PRIMARY KEY)",
    """
    CREATE TABLE outcomes_said (
        person_id uuid NOT NULL,
        kind      text NOT NULL CHECK (kind IN ('promotion', 'move')),
        from_date date NOT NULL,
        PRIMARY KEY (person_id, kind, from_date)
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
