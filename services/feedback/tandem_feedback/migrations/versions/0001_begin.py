"""Begin: what the service remembers of others' worlds, feedback asked and given, and the health of relationships."""

from datetime import UTC, datetime

from alembic import op

from tandem_chassis import idempotency
from tandem_events import tables

revision = "0001"
down_revision = None

STATEMENTS = (
    """
    CREATE TABLE people (
        person_id   uuid PRIMARY KEY,
        given_name  text NOT NULL,
        family_name text NOT NULL,
        unit        text,
        level       integer,
        level_name  text,
        departed_on date
    )
    """,
    """
    CREATE TABLE programs (
        program_id              uuid PRIMARY KEY,
        name                    text    NOT NULL,
        format                  text    NOT NULL,
        status                  text    NOT NULL,
        starts_on               date,
        ends_on                 date,
        meeting_every_days      integer NOT NULL,
        meeting_minutes         integer NOT NULL,
        feedback_every_sessions integer NOT NULL
    )
    """,
    """
    CREATE TABLE relationships (
        pairing_id            uuid PRIMARY KEY,
        program_id            uuid        NOT NULL REFERENCES programs,
        format                text        NOT NULL,
        status                text        NOT NULL CHECK (status IN ('active', 'ended')),
        began_at              timestamptz NOT NULL,
        ended_at              timestamptz,
        end_reason            text,
        agreed_every_days     integer,
        proposed_every_days   integer,
        completed_sessions    integer     NOT NULL DEFAULT 0,
        session_minutes       integer     NOT NULL DEFAULT 0,
        first_met_at          timestamptz,
        last_met_at           timestamptz,
        health_score          integer,
        health_band           text,
        health_assessed_at    timestamptz,
        health_due_at         timestamptz,
        version               integer     NOT NULL
    )
    """,
    "CREATE INDEX relationships_program ON relationships (program_id, pairing_id)",
    "CREATE INDEX relationships_health_due ON relationships (health_due_at) WHERE health_due_at IS NOT NULL",
    """
    CREATE TABLE relationship_members (
        pairing_id uuid NOT NULL REFERENCES relationships,
        person_id  uuid NOT NULL,
        role       text NOT NULL,
        PRIMARY KEY (pairing_id, person_id)
    )
    """,
    "CREATE INDEX relationship_members_person ON relationship_members (person_id, pairing_id)",
    """
    CREATE TABLE sessions (
        session_id uuid PRIMARY KEY,
        pairing_id uuid        NOT NULL REFERENCES relationships,
        starts_at  timestamptz NOT NULL,
        ends_at    timestamptz NOT NULL,
        state      text        NOT NULL CHECK (state IN ('scheduled', 'completed', 'cancelled')),
        attended   uuid[]      NOT NULL DEFAULT '{}'
    )
    """,
    "CREATE INDEX sessions_pairing ON sessions (pairing_id, starts_at)",
    """
    CREATE TABLE evidence (
        id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        pairing_id  uuid        NOT NULL REFERENCES relationships,
        event       text        NOT NULL,
        subject_id  uuid        NOT NULL,
        event_id    uuid,
        occurred_at timestamptz NOT NULL,
        person_id   uuid,
        amount      integer     NOT NULL DEFAULT 0,
        amount_done integer     NOT NULL DEFAULT 0,
        due_at      timestamptz
    )
    """,
    "CREATE INDEX evidence_pairing ON evidence (pairing_id, id)",
    """
    CREATE TABLE feedback_requests (
        feedback_request_id uuid PRIMARY KEY,
        pairing_id          uuid        NOT NULL REFERENCES relationships,
        program_id          uuid        NOT NULL,
        session_id          uuid        NOT NULL REFERENCES sessions,
        author_id           uuid        NOT NULL,
        state               text        NOT NULL CHECK (state IN ('open', 'answered')),
        requested_at        timestamptz NOT NULL,
        due_at              timestamptz NOT NULL,
        version             integer     NOT NULL
    )
    """,
    "CREATE INDEX feedback_requests_author ON feedback_requests (author_id, feedback_request_id)",
    "CREATE INDEX feedback_requests_pairing ON feedback_requests (pairing_id, feedback_request_id)",
    """
    CREATE TABLE answers (
        feedback_request_id uuid        NOT NULL REFERENCES feedback_requests,
        revision            integer     NOT NULL,
        question            text        NOT NULL,
        pairing_id          uuid        NOT NULL,
        program_id          uuid        NOT NULL,
        author_id           uuid        NOT NULL,
        visibility          text        NOT NULL CHECK (visibility IN ('counterpart', 'program', 'anonymous')),
        words               text,
        rating              integer,
        written_at          timestamptz NOT NULL,
        PRIMARY KEY (feedback_request_id, revision, question),
        CHECK (words IS NOT NULL OR rating IS NOT NULL)
    )
    """,
    "CREATE INDEX answers_pairing ON answers (pairing_id, feedback_request_id)",
    "CREATE INDEX answers_program ON answers (program_id, visibility, question)",
    "CREATE INDEX answers_author ON answers (author_id)",
)


def upgrade() -> None:
    for statement in (*tables.create_statements(datetime.now(UTC).date()), *idempotency.CREATE_STATEMENTS, *STATEMENTS):
        op.execute(statement)
