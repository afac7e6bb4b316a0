"""Goals with their revisions and progress, and each program's weights of health."""

from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = (
    """
    CREATE TABLE goals (
        goal_id       uuid PRIMARY KEY,
        pairing_id    uuid        NOT NULL REFERENCES relationships,
        program_id    uuid        NOT NULL,
        owner_id      uuid        NOT NULL,
        horizon       text        NOT NULL CHECK (horizon IN ('short', 'long')),
        state         text        NOT NULL CHECK (state IN ('active', 'reached', 'let_go')),
        revision      integer     NOT NULL,
        specific      text        NOT NULL,
        measure       text        NOT NULL,
        unit          text        NOT NULL,
        why           text        NOT NULL,
        strategy      text        NOT NULL,
        start_value   float8      NOT NULL,
        target_value  float8      NOT NULL CHECK (target_value <> start_value),
        current_value float8      NOT NULL,
        starts_on     date        NOT NULL,
        due_on        date        NOT NULL CHECK (due_on > starts_on),
        set_at        timestamptz NOT NULL,
        moved_at      timestamptz NOT NULL,
        behind_from   timestamptz,
        at_risk_since timestamptz,
        version       integer     NOT NULL
    )
    """,
    "CREATE INDEX goals_pairing ON goals (pairing_id, goal_id)",
    "CREATE INDEX goals_behind ON goals (behind_from) WHERE state = 'active' AND at_risk_since IS NULL",
    """
    CREATE TABLE goal_revisions (
        goal_id      uuid        NOT NULL REFERENCES goals,
        revision     integer     NOT NULL,
        change       text        NOT NULL,
        reason       text        NOT NULL,
        author_id    uuid        NOT NULL,
        written_at   timestamptz NOT NULL,
        specific     text        NOT NULL,
        measure      text        NOT NULL,
        unit         text        NOT NULL,
        why          text        NOT NULL,
        strategy     text        NOT NULL,
        start_value  float8      NOT NULL,
        target_value float8      NOT NULL,
        starts_on    date        NOT NULL,
        due_on       date        NOT NULL,
        PRIMARY KEY (goal_id, revision)
    )
    """,
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' AND current_setting('tandem.erasing', true) = 'yes' THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'rows of % are only ever added', TG_TABLE_NAME;
    END
    $$
    """,
    """
    CREATE TRIGGER goal_revisions_append_only BEFORE UPDATE OR DELETE ON goal_revisions
    FOR EACH ROW EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE TABLE goal_acknowledgements (
        goal_id         uuid        NOT NULL,
        revision        integer     NOT NULL,
        person_id       uuid        NOT NULL,
        acknowledged_at timestamptz NOT NULL,
        PRIMARY KEY (goal_id, revision, person_id),
        FOREIGN KEY (goal_id, revision) REFERENCES goal_revisions
    )
    """,
    """
    CREATE TABLE goal_progress (
        progress_id uuid PRIMARY KEY,
        goal_id     uuid        NOT NULL REFERENCES goals,
        author_id   uuid        NOT NULL,
        value       float8      NOT NULL,
        words       text        NOT NULL,
        posted_at   timestamptz NOT NULL
    )
    """,
    "CREATE INDEX goal_progress_goal ON goal_progress (goal_id, progress_id)",
    """
    CREATE TABLE health_policies (
        program_id uuid PRIMARY KEY,
        weights    jsonb   NOT NULL,
        version    integer NOT NULL
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
