"""What members do for each other, closing reflections, and the recognition of mentors."""

from alembic import op

revision = "0004"
down_revision = "0003"

STATEMENTS = (
    """
    CREATE TABLE contributions (
        contribution_id uuid PRIMARY KEY,
        pairing_id      uuid        NOT NULL REFERENCES relationships,
        program_id      uuid        NOT NULL,
        kind            text        NOT NULL,
        giver_id        uuid        NOT NULL,
        receiver_id     uuid,
        code            text,
        words           text        NOT NULL,
        result          text,
        logged_at       timestamptz NOT NULL,
        version         integer     NOT NULL
    )
    """,
    "CREATE INDEX contributions_pairing ON contributions (pairing_id, contribution_id)",
    "CREATE INDEX contributions_giver ON contributions (giver_id)",
    """
    CREATE TABLE reflections (
        reflection_id  uuid PRIMARY KEY,
        pairing_id     uuid        NOT NULL REFERENCES relationships,
        program_id     uuid        NOT NULL,
        author_id      uuid        NOT NULL,
        learned        text        NOT NULL,
        achieved       text        NOT NULL,
        advice         text        NOT NULL,
        shared         boolean     NOT NULL,
        stays_in_touch boolean     NOT NULL,
        written_at     timestamptz NOT NULL,
        version        integer     NOT NULL,
        UNIQUE (pairing_id, author_id)
    )
    """,
    "CREATE INDEX reflections_author ON reflections (author_id)",
    """
    CREATE TABLE recognition_ledger (
        id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        person_id   uuid        NOT NULL,
        pairing_id  uuid        NOT NULL,
        program_id  uuid        NOT NULL,
        kind        text        NOT NULL CHECK (kind IN ('session', 'thanks', 'goal_reached')),
        subject_id  uuid        NOT NULL,
        minutes     integer     NOT NULL DEFAULT 0,
        occurred_at timestamptz NOT NULL,
        counted     boolean     NOT NULL DEFAULT false,
        UNIQUE (person_id, kind, subject_id)
    )
    """,
    "CREATE INDEX recognition_ledger_person ON recognition_ledger (person_id, occurred_at)",
    "CREATE INDEX recognition_ledger_program ON recognition_ledger (program_id, person_id)",
    "CREATE INDEX recognition_ledger_uncounted ON recognition_ledger (id) WHERE NOT counted",
    """
    CREATE TABLE awards (
        award_id   uuid PRIMARY KEY,
        person_id  uuid        NOT NULL,
        kind       text        NOT NULL CHECK (kind IN ('milestone', 'badge')),
        award      text        NOT NULL,
        awarded_at timestamptz NOT NULL,
        UNIQUE (person_id, award)
    )
    """,
    """
    CREATE TABLE recognition_opt_outs (
        person_id    uuid PRIMARY KEY,
        opted_out_at timestamptz NOT NULL
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
