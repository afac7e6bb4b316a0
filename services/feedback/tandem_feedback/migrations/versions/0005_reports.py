"""What reports count: how far each participant got, and what each relationship practises."""

from alembic import op

revision = "0005"
down_revision = "0004"

STATEMENTS = (
    """
    CREATE TABLE participations (
        program_id  uuid NOT NULL,
        person_id   uuid NOT NULL,
        applied_at  timestamptz,
        enrolled_at timestamptz,
        matched_at  timestamptz,
        met_at      timestamptz,
        goal_set_at timestamptz,
        completed_at timestamptz,
        PRIMARY KEY (program_id, person_id)
    )
    """,
    "CREATE INDEX participations_person ON participations (person_id)",
    """
    ALTER TABLE relationships
        ADD COLUMN mentee_id          uuid,
        ADD COLUMN feedback_asked     integer NOT NULL DEFAULT 0,
        ADD COLUMN feedback_answered  integer NOT NULL DEFAULT 0,
        ADD COLUMN practices          integer NOT NULL DEFAULT 0
    """,
    """
    CREATE TABLE satisfaction (
        program_id       uuid PRIMARY KEY,
        ratings          integer     NOT NULL,
        total            integer     NOT NULL,
        counted_until    timestamptz NOT NULL
    )
    """,
    """
    CREATE INDEX feedback_requests_submitted ON feedback_requests (program_id, submitted_at)
    WHERE submitted_at IS NOT NULL
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
