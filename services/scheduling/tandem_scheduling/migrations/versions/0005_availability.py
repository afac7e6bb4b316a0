"""Know when people are free: working hours, windows, exceptions, busy times."""

from alembic import op

revision = "0005"
down_revision = "0004"

STATEMENTS = (
    """
    CREATE TABLE availabilities (
        person_id  uuid PRIMARY KEY,
        time_zone  text,
        hours      jsonb   NOT NULL,
        windows    jsonb   NOT NULL,
        holidays   text,
        exceptions jsonb   NOT NULL,
        version    integer NOT NULL
    )
    """,
    """
    CREATE TABLE busy_times (
        person_id uuid        NOT NULL,
        starts_at timestamptz NOT NULL,
        ends_at   timestamptz NOT NULL CHECK (ends_at > starts_at),
        PRIMARY KEY (person_id, starts_at)
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
