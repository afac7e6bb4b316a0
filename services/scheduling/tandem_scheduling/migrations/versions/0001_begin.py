"""Begin: people, programs, pairings, agreements, sessions, agendas, action items."""

from datetime import UTC, datetime

from alembic import op

from tandem_chassis import idempotency
from tandem_events import tables

revision = "0001"
down_revision = None

STATEMENTS = (
    "CREATE EXTENSION IF NOT EXISTS btree_gist",
    """
    CREATE TABLE people (
        person_id uuid PRIMARY KEY,
        name      text NOT NULL,
        email     text NOT NULL,
        time_zone text NOT NULL
    )
    """,
    """
    CREATE TABLE programs (
        program_id         uuid PRIMARY KEY,
        name               text    NOT NULL,
        format             text    NOT NULL,
        status             text    NOT NULL,
        meeting_every_days integer NOT NULL,
        meeting_minutes    integer NOT NULL
    )
    """,
    """
    CREATE TABLE pairings (
        pairing_id         uuid PRIMARY KEY,
        program_id         uuid        NOT NULL,
        format             text        NOT NULL,
        created_at         timestamptz NOT NULL,
        ended_at           timestamptz,
        completed_sessions integer     NOT NULL,
        last_met_at        timestamptz,
        version            integer     NOT NULL
    )
    """,
    """
    CREATE TABLE pairing_members (
        pairing_id uuid NOT NULL REFERENCES pairings,
        person_id  uuid NOT NULL,
        role       text NOT NULL,
        PRIMARY KEY (pairing_id, person_id)
    )
    """,
    "CREATE INDEX pairing_members_person ON pairing_members (person_id, pairing_id)",
    """
    CREATE TABLE agreements (
        agreement_id      uuid PRIMARY KEY,
        pairing_id        uuid    NOT NULL UNIQUE REFERENCES pairings,
        program_id        uuid    NOT NULL,
        agreement_version integer NOT NULL,
        signed_version    integer,
        signatures        integer NOT NULL,
        version           integer NOT NULL
    )
    """,
    """
    CREATE TABLE agreement_revisions (
        agreement_id      uuid        NOT NULL REFERENCES agreements,
        agreement_version integer     NOT NULL,
        terms             jsonb       NOT NULL,
        proposed_by       uuid,
        proposed_at       timestamptz NOT NULL,
        PRIMARY KEY (agreement_id, agreement_version)
    )
    """,
    """
    CREATE TABLE agreement_signatures (
        agreement_id      uuid        NOT NULL,
        agreement_version integer     NOT NULL,
        person_id         uuid        NOT NULL,
        signed_at         timestamptz NOT NULL,
        PRIMARY KEY (agreement_id, agreement_version, person_id),
        FOREIGN KEY (agreement_id, agreement_version) REFERENCES agreement_revisions
    )
    """,
    """
    CREATE TABLE sessions (
        session_id        uuid PRIMARY KEY,
        pairing_id        uuid        NOT NULL REFERENCES pairings,
        program_id        uuid        NOT NULL,
        kind              text        NOT NULL,
        state             text        NOT NULL CHECK (state IN ('scheduled', 'completed', 'cancelled', 'missed')),
        starts_at         timestamptz NOT NULL,
        ends_at           timestamptz NOT NULL CHECK (ends_at > starts_at),
        time_zone         text        NOT NULL,
        way_of_meeting    text        NOT NULL,
        place             text,
        organizer_id      uuid        NOT NULL,
        agenda_items      integer     NOT NULL,
        agenda_items_done integer     NOT NULL,
        sequence          integer     NOT NULL,
        cancel_reason     text,
        cancelled_by      uuid,
        created_at        timestamptz NOT NULL,
        changed_at        timestamptz NOT NULL,
        version           integer     NOT NULL
    )
    """,
    "CREATE INDEX sessions_pairing ON sessions (pairing_id, starts_at, session_id)",
    """
    CREATE TABLE session_attendees (
        session_id uuid        NOT NULL REFERENCES sessions,
        person_id  uuid        NOT NULL,
        starts_at  timestamptz NOT NULL,
        ends_at    timestamptz NOT NULL,
        holds      boolean     NOT NULL,
        attended   boolean,
        PRIMARY KEY (session_id, person_id),
        CONSTRAINT nobody_is_in_two_sessions_at_once
            EXCLUDE USING gist (person_id WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (holds)
    )
    """,
    "CREATE INDEX session_attendees_person ON session_attendees (person_id, starts_at) INCLUDE (ends_at, holds)",
    """
    CREATE TABLE agenda_items (
        agenda_item_id uuid PRIMARY KEY,
        session_id     uuid        NOT NULL REFERENCES sessions,
        pairing_id     uuid        NOT NULL,
        author_id      uuid        NOT NULL,
        words          text        NOT NULL,
        state          text        NOT NULL,
        written_at     timestamptz NOT NULL
    )
    """,
    "CREATE INDEX agenda_items_session ON agenda_items (session_id, agenda_item_id)",
    """
    CREATE TABLE action_items (
        action_item_id uuid PRIMARY KEY,
        session_id     uuid        NOT NULL REFERENCES sessions,
        pairing_id     uuid        NOT NULL,
        program_id     uuid        NOT NULL,
        owner_id       uuid        NOT NULL,
        words          text        NOT NULL,
        due_on         date,
        agreed_at      timestamptz NOT NULL,
        version        integer     NOT NULL
    )
    """,
    "CREATE INDEX action_items_session ON action_items (session_id, action_item_id)",
)


def upgrade() -> None:
    for statement in (
        *tables.create_statements(datetime.now(UTC).date()),
        *idempotency.CREATE_STATEMENTS,
        *STATEMENTS,
    ):
        op.execute(statement)
