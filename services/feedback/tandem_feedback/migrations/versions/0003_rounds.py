"""Feedback asked about a concrete thing, drafts, reminders, revisions, programs' own questions, pulses, calls for help."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = (
    "ALTER TABLE feedback_requests ALTER COLUMN session_id DROP NOT NULL",
    """
    ALTER TABLE feedback_requests
        ADD COLUMN origin            text    NOT NULL DEFAULT 'round' CHECK (origin IN ('round', 'asked')),
        ADD COLUMN asked_by          uuid,
        ADD COLUMN about             text,
        ADD COLUMN link              text,
        ADD COLUMN questions_version integer NOT NULL DEFAULT 0,
        ADD COLUMN revision          integer NOT NULL DEFAULT 0,
        ADD COLUMN submitted_at      timestamptz,
        ADD COLUMN revised_at        timestamptz,
        ADD COLUMN reminders         integer NOT NULL DEFAULT 0,
        ADD COLUMN remind_at         timestamptz
    """,
    """
    CREATE UNIQUE INDEX feedback_requests_round ON feedback_requests (session_id, author_id) WHERE origin = 'round'
    """,
    "CREATE INDEX feedback_requests_remind ON feedback_requests (remind_at) WHERE remind_at IS NOT NULL",
    """
    CREATE TABLE feedback_drafts (
        feedback_request_id uuid PRIMARY KEY REFERENCES feedback_requests,
        author_id           uuid        NOT NULL,
        written             jsonb       NOT NULL,
        saved_at            timestamptz NOT NULL
    )
    """,
    "CREATE INDEX feedback_drafts_author ON feedback_drafts (author_id)",
    """
    CREATE TABLE program_questions (
        program_id uuid    NOT NULL,
        version    integer NOT NULL,
        questions  jsonb   NOT NULL,
        PRIMARY KEY (program_id, version)
    )
    """,
    """
    CREATE TABLE pulses (
        pulse_id     uuid PRIMARY KEY,
        pairing_id   uuid        NOT NULL REFERENCES relationships,
        program_id   uuid        NOT NULL,
        author_id    uuid        NOT NULL,
        listening    integer     NOT NULL CHECK (listening BETWEEN 1 AND 5),
        interest     integer     NOT NULL CHECK (interest BETWEEN 1 AND 5),
        submitted_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX pulses_pairing ON pulses (pairing_id, submitted_at)",
    """
    CREATE TABLE calls_for_help (
        call_id    uuid PRIMARY KEY,
        pairing_id uuid        NOT NULL REFERENCES relationships,
        program_id uuid        NOT NULL,
        author_id  uuid        NOT NULL,
        words      text        NOT NULL,
        called_at  timestamptz NOT NULL,
        settled_at timestamptz,
        answer     text,
        version    integer     NOT NULL
    )
    """,
    "CREATE INDEX calls_for_help_program ON calls_for_help (program_id, call_id)",
    "CREATE INDEX calls_for_help_author ON calls_for_help (author_id, call_id)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
