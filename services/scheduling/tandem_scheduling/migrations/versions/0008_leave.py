"""Leave: somebody is no longer invited to a session; and follow calendars by their address."""

from alembic import op

revision = "0008"
down_revision = "0007"

STATEMENTS = (
    """
    CREATE TABLE session_withdrawals (
        session_id   uuid        NOT NULL REFERENCES sessions,
        person_id    uuid        NOT NULL,
        withdrawn_at timestamptz NOT NULL,
        PRIMARY KEY (person_id, session_id)
    )
    """,
    """
    CREATE TABLE busy_feeds (
        person_id  uuid PRIMARY KEY,
        address    text    NOT NULL,
        fetch_at   timestamptz NOT NULL,
        fetched_at timestamptz,
        fault      text,
        failures   integer NOT NULL
    )
    """,
    "CREATE INDEX busy_feeds_due ON busy_feeds (fetch_at)",
    # The default stays: during an upgrade the code of before writes busy times and knows of no source.
    """
    ALTER TABLE busy_times
        ADD COLUMN source text NOT NULL DEFAULT 'file' CHECK (source IN ('file', 'feed')),
        DROP CONSTRAINT busy_times_pkey,
        ADD PRIMARY KEY (person_id, source, starts_at)
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
