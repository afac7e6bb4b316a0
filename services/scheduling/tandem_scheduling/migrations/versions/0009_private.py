"""Order replies as they were written, tell who books by whose word, and find what somebody organized to erase it."""

from alembic import op

revision = "0009"
down_revision = "0008"

STATEMENTS = (
    "ALTER TABLE session_attendees ADD COLUMN answer_written_at timestamptz",
    "ALTER TABLE delegates ADD COLUMN named_in_profile boolean NOT NULL DEFAULT false",
    "CREATE INDEX sessions_organizer ON sessions (organizer_id) WHERE place IS NOT NULL",
    "CREATE INDEX series_organizer ON series (organizer_id)",
    "CREATE INDEX session_proposals_proposer ON session_proposals (proposed_by)",
    "CREATE INDEX agreement_revisions_proposer ON agreement_revisions (proposed_by)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
