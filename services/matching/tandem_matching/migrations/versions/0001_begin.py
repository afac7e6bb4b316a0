"""People, programs and enrollments as heard; places, runs, pairings and the waiting line as decided here."""

from datetime import UTC, datetime

from alembic import op

from tandem_chassis import idempotency
from tandem_events import tables

revision = "0001"
down_revision = None

STATEMENTS = (
    """
    CREATE TABLE people (
        person_id            uuid PRIMARY KEY,
        known                boolean NOT NULL,
        level                integer,
        level_name           text,
        unit                 text,
        profession           text,
        manager_id           uuid,
        location             text,
        time_zone            text NOT NULL DEFAULT 'UTC',
        languages            text[] NOT NULL DEFAULT '{}',
        skills               jsonb NOT NULL DEFAULT '{}',
        confidential         jsonb NOT NULL DEFAULT '{}',
        departed_on          date,
        said_at              timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE programs (
        program_id  uuid PRIMARY KEY,
        format      text NOT NULL,
        status      text NOT NULL,
        matching    jsonb NOT NULL DEFAULT '{}'
    )
    """,
    # One row per mentor, whatever their programs: how many mentees they take in all, and how many they have.
    """
    CREATE TABLE mentor_places (
        person_id  uuid PRIMARY KEY,
        places     integer NOT NULL CHECK (places >= 0),
        taken      integer NOT NULL DEFAULT 0 CHECK (taken >= 0),
        version    integer NOT NULL DEFAULT 1
    )
    """,
    """
    CREATE TABLE enrollments (
        enrollment_id   uuid PRIMARY KEY,
        program_id      uuid NOT NULL,
        person_id       uuid NOT NULL,
        status          text NOT NULL CHECK (status IN ('approved', 'withdrawn')),
        is_mentor       boolean NOT NULL DEFAULT false,
        is_mentee       boolean NOT NULL DEFAULT false,
        mentor_places   integer NOT NULL DEFAULT 0 CHECK (mentor_places >= 0),
        mentor_taken    integer NOT NULL DEFAULT 0 CHECK (mentor_taken >= 0),
        wanted_mentors  integer NOT NULL DEFAULT 0 CHECK (wanted_mentors >= 0),
        wanted_taken    integer NOT NULL DEFAULT 0 CHECK (wanted_taken >= 0),
        needs           jsonb NOT NULL DEFAULT '{}',
        said_at         timestamptz NOT NULL
    )
    """,
    "CREATE INDEX enrollments_program ON enrollments (program_id, person_id) WHERE status = 'approved'",
    "CREATE INDEX enrollments_person ON enrollments (person_id)",
    """
    CREATE TABLE match_runs (
        run_id        uuid PRIMARY KEY,
        program_id    uuid NOT NULL,
        state         text NOT NULL CHECK (state IN
                      ('queued', 'running', 'completed', 'published', 'failed', 'cancelled')),
        seed          bigint NOT NULL,
        matching      jsonb NOT NULL,
        progress      double precision NOT NULL DEFAULT 0,
        summary       jsonb NOT NULL DEFAULT '{}',
        fingerprint   text,
        reason        text,
        requested_at  timestamptz NOT NULL,
        finished_at   timestamptz,
        claimed_by    uuid,
        claimed_until timestamptz,
        version       integer NOT NULL
    )
    """,
    "CREATE INDEX match_runs_open ON match_runs (requested_at) WHERE state IN ('queued', 'running')",
    "CREATE INDEX match_runs_program ON match_runs (program_id, run_id)",
    """
    CREATE TABLE proposals (
        run_id       uuid NOT NULL REFERENCES match_runs ON DELETE CASCADE,
        position     integer NOT NULL,
        proposal_id  uuid NOT NULL,
        mentor_id    uuid NOT NULL,
        mentee_id    uuid NOT NULL,
        score        double precision NOT NULL,
        reasons      jsonb NOT NULL,
        PRIMARY KEY (run_id, position)
    )
    """,
    "CREATE INDEX proposals_mentor ON proposals (mentor_id)",
    "CREATE INDEX proposals_mentee ON proposals (mentee_id)",
    """
    CREATE TABLE unmatched (
        run_id     uuid NOT NULL REFERENCES match_runs ON DELETE CASCADE,
        position   integer NOT NULL,
        person_id  uuid NOT NULL,
        role       text NOT NULL,
        rule       text NOT NULL,
        words      text NOT NULL,
        would_fit  integer NOT NULL,
        PRIMARY KEY (run_id, position)
    )
    """,
    "CREATE INDEX unmatched_person ON unmatched (person_id)",
    """
    CREATE TABLE pairings (
        pairing_id  uuid PRIMARY KEY,
        program_id  uuid NOT NULL,
        format      text NOT NULL,
        run_id      uuid,
        status      text NOT NULL CHECK (status IN ('active', 'ended')),
        end_reason  text,
        created_at  timestamptz NOT NULL,
        ended_at    timestamptz,
        version     integer NOT NULL
    )
    """,
    "CREATE INDEX pairings_program ON pairings (program_id, pairing_id)",
    """
    CREATE TABLE pairing_members (
        pairing_id  uuid NOT NULL REFERENCES pairings ON DELETE CASCADE,
        person_id   uuid NOT NULL,
        role        text NOT NULL,
        program_id  uuid NOT NULL,
        PRIMARY KEY (pairing_id, person_id)
    )
    """,
    "CREATE INDEX pairing_members_person ON pairing_members (person_id, pairing_id)",
    """
    CREATE TABLE waiting_mentees (
        enrollment_id  uuid PRIMARY KEY,
        program_id     uuid NOT NULL,
        person_id      uuid NOT NULL,
        first_in_line  boolean NOT NULL,
        waiting_since  timestamptz NOT NULL,
        reason         text NOT NULL,
        version        integer NOT NULL DEFAULT 1
    )
    """,
    "CREATE INDEX waiting_mentees_line ON waiting_mentees (program_id, first_in_line DESC, waiting_since, enrollment_id)",
)


def upgrade() -> None:
    for statement in (
        *tables.create_statements(datetime.now(UTC).date()),
        *idempotency.CREATE_STATEMENTS,
        *STATEMENTS,
    ):
        op.execute(statement)
