"""Keep going: tracks of modules, and the steps of each pair."""

from alembic import op

revision = "0006"
down_revision = "0005"

STATEMENTS = (
    """
    CREATE TABLE tracks (
        program_id   uuid PRIMARY KEY,
        from_program boolean NOT NULL,
        version      integer NOT NULL
    )
    """,
    """
    CREATE TABLE modules (
        program_id         uuid    NOT NULL,
        module_id          text    NOT NULL,
        position           integer NOT NULL,
        title              text    NOT NULL,
        purpose            text    NOT NULL,
        prompts            jsonb   NOT NULL,
        agenda             jsonb   NOT NULL,
        reading            jsonb   NOT NULL,
        due_after_days     integer,
        due_after_sessions integer,
        current            boolean NOT NULL,
        PRIMARY KEY (program_id, module_id),
        CHECK ((due_after_days IS NULL) <> (due_after_sessions IS NULL))
    )
    """,
    "CREATE INDEX modules_program ON modules (program_id, position) WHERE current",
    """
    CREATE TABLE steps (
        step_id      uuid PRIMARY KEY,
        pairing_id   uuid    NOT NULL REFERENCES pairings,
        program_id   uuid    NOT NULL,
        module_id    text    NOT NULL,
        position     integer NOT NULL,
        state        text    NOT NULL CHECK (state IN ('ahead', 'due', 'done', 'dropped')),
        due_at       timestamptz,
        completed_at timestamptz,
        version      integer NOT NULL,
        UNIQUE (pairing_id, module_id),
        FOREIGN KEY (program_id, module_id) REFERENCES modules
    )
    """,
    "CREATE INDEX steps_due ON steps (due_at) WHERE state = 'ahead'",
    "CREATE INDEX pairings_program ON pairings (program_id) WHERE ended_at IS NULL",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
