"""Keep in touch: cadence, touchpoints, reminders and what people prefer."""

from alembic import op

revision = "0004"
down_revision = "0003"

STATEMENTS = (
    """
    ALTER TABLE pairings
        ADD COLUMN meeting_every_days integer,
        ADD COLUMN last_contact_at timestamptz,
        ADD COLUMN expected_by timestamptz,
        ADD COLUMN lapses_at timestamptz,
        ADD COLUMN lapsed_at timestamptz
    """,
    "CREATE INDEX pairings_lapses ON pairings (lapses_at) WHERE ended_at IS NULL AND lapsed_at IS NULL",
    """
    CREATE TABLE meeting_policies (
        program_id        uuid PRIMARY KEY,
        touchpoints_count boolean NOT NULL,
        grace_days        integer NOT NULL,
        version           integer NOT NULL
    )
    """,
    """
    CREATE TABLE touchpoints (
        touchpoint_id     uuid PRIMARY KEY,
        pairing_id        uuid        NOT NULL REFERENCES pairings,
        person_id         uuid        NOT NULL,
        channel           text        NOT NULL,
        happened_at       timestamptz NOT NULL,
        counts_as_meeting boolean     NOT NULL
    )
    """,
    "CREATE INDEX touchpoints_pairing ON touchpoints (pairing_id, touchpoint_id)",
    """
    CREATE TABLE reminder_preferences (
        person_id             uuid PRIMARY KEY,
        quiet_from            time    NOT NULL,
        quiet_until           time    NOT NULL,
        muted                 jsonb   NOT NULL,
        session_lead_hours    integer NOT NULL,
        agenda_lead_hours     integer NOT NULL,
        digest_minutes        integer NOT NULL,
        version               integer NOT NULL
    )
    """,
    """
    CREATE TABLE reminder_recipients (
        person_id    uuid PRIMARY KEY,
        next_due_at  timestamptz,
        last_said_at timestamptz
    )
    """,
    "CREATE INDEX reminder_recipients_due ON reminder_recipients (next_due_at) WHERE next_due_at IS NOT NULL",
    """
    CREATE TABLE reminders (
        person_id  uuid        NOT NULL,
        kind       text        NOT NULL,
        subject    text        NOT NULL,
        pairing_id uuid        NOT NULL,
        program_id uuid        NOT NULL,
        session_id uuid,
        module_id  text,
        due_at     timestamptz NOT NULL,
        state      text        NOT NULL CHECK (state IN ('waiting', 'said', 'dropped')),
        said_in    uuid,
        PRIMARY KEY (person_id, kind, subject)
    )
    """,
    "CREATE INDEX reminders_waiting ON reminders (person_id, due_at) WHERE state = 'waiting'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
