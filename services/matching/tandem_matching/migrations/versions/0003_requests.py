"""Pauses, preferences and exclusions of enrollments; mentees ask mentors by name."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("ALTER TABLE enrollments ADD COLUMN paused boolean NOT NULL DEFAULT false")
    op.execute("ALTER TABLE enrollments ADD COLUMN preferred uuid[] NOT NULL DEFAULT '{}'")
    op.execute("ALTER TABLE enrollments ADD COLUMN excluded uuid[] NOT NULL DEFAULT '{}'")
    op.execute(
        """
        CREATE TABLE match_requests (
            match_request_id uuid PRIMARY KEY,
            program_id  uuid NOT NULL,
            mentee_id   uuid NOT NULL,
            mentor_id   uuid NOT NULL,
            rank        integer NOT NULL CHECK (rank >= 1),
            state       text NOT NULL CHECK (state IN
                        ('queued', 'open', 'accepted', 'declined', 'expired', 'withdrawn', 'closed')),
            message     text,
            made_at     timestamptz NOT NULL,
            expires_at  timestamptz,
            decided_at  timestamptz,
            reason      text,
            words       text,
            referred_to uuid,
            pairing_id  uuid,
            version     integer NOT NULL
        )
        """
    )
    op.execute(
        "CREATE UNIQUE INDEX match_requests_one_open ON match_requests (program_id, mentee_id) WHERE state = 'open'"
    )
    op.execute(
        "CREATE UNIQUE INDEX match_requests_one_each ON match_requests (program_id, mentee_id, mentor_id)"
        " WHERE state IN ('queued', 'open')"
    )
    op.execute("CREATE INDEX match_requests_mentee ON match_requests (mentee_id, match_request_id)")
    op.execute("CREATE INDEX match_requests_mentor ON match_requests (mentor_id, match_request_id)")
    op.execute("CREATE INDEX match_requests_due ON match_requests (expires_at) WHERE state = 'open'")
