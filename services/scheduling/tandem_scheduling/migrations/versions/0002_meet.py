"""Meet in every way: proposals, series, answers, notes, outcomes, delegates."""

from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = (
    """
    CREATE TABLE series (
        series_id      uuid PRIMARY KEY,
        pairing_id     uuid        NOT NULL REFERENCES pairings,
        program_id     uuid        NOT NULL,
        local_start    timestamp   NOT NULL,
        minutes        integer     NOT NULL,
        time_zone      text        NOT NULL,
        recurrence     jsonb       NOT NULL,
        way_of_meeting text        NOT NULL,
        place          text,
        organizer_id   uuid        NOT NULL,
        cancelled_at   timestamptz,
        created_at     timestamptz NOT NULL,
        changed_at     timestamptz NOT NULL,
        sequence       integer     NOT NULL,
        version        integer     NOT NULL
    )
    """,
    "CREATE INDEX series_pairing ON series (pairing_id, series_id)",
    """
    ALTER TABLE sessions
        ADD COLUMN reschedules integer NOT NULL DEFAULT 0,
        ADD COLUMN series_id uuid REFERENCES series,
        ADD COLUMN original_starts_at timestamptz,
        ADD COLUMN debrief_of uuid REFERENCES sessions DEFERRABLE INITIALLY DEFERRED
    """,
    "CREATE INDEX sessions_series ON sessions (series_id, starts_at) WHERE series_id IS NOT NULL",
    "CREATE INDEX sessions_debrief_of ON sessions (debrief_of) WHERE debrief_of IS NOT NULL",
    "ALTER TABLE session_attendees ADD COLUMN answer text, ADD COLUMN answered_at timestamptz",
    """
    CREATE TABLE session_proposals (
        proposal_id    uuid PRIMARY KEY,
        pairing_id     uuid        NOT NULL REFERENCES pairings,
        program_id     uuid        NOT NULL,
        proposed_by    uuid        NOT NULL,
        options        jsonb       NOT NULL,
        way_of_meeting text        NOT NULL,
        place          text,
        state          text        NOT NULL CHECK (state IN ('open', 'accepted', 'declined')),
        session_id     uuid REFERENCES sessions,
        proposed_at    timestamptz NOT NULL,
        version        integer     NOT NULL
    )
    """,
    "CREATE INDEX session_proposals_pairing ON session_proposals (pairing_id, proposal_id)",
    "ALTER TABLE agenda_items ADD COLUMN carried_from uuid REFERENCES agenda_items, ADD COLUMN carried boolean NOT NULL DEFAULT false",
    "CREATE INDEX agenda_items_open ON agenda_items (pairing_id) WHERE state = 'carried_over' AND NOT carried",
    """
    CREATE TABLE notes (
        note_id    uuid PRIMARY KEY,
        pairing_id uuid        NOT NULL REFERENCES pairings,
        session_id uuid REFERENCES sessions,
        author_id  uuid        NOT NULL,
        visibility text        NOT NULL CHECK (visibility IN ('mine', 'ours')),
        words      text        NOT NULL,
        written_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX notes_pairing ON notes (pairing_id, note_id)",
    """
    ALTER TABLE action_items
        ADD COLUMN outcome text,
        ADD COLUMN outcome_words text,
        ADD COLUMN applied_at timestamptz
    """,
    "CREATE INDEX action_items_pairing ON action_items (pairing_id, action_item_id)",
    """
    CREATE TABLE delegates (
        person_id   uuid        NOT NULL,
        delegate_id uuid        NOT NULL CHECK (delegate_id <> person_id),
        granted_at  timestamptz NOT NULL,
        PRIMARY KEY (person_id, delegate_id)
    )
    """,
    "CREATE INDEX delegates_delegate ON delegates (delegate_id, person_id)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
