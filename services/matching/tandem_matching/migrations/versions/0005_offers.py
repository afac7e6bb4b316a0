"""Mentors offer themselves, pairings are handed over, wishes about the other side, words for those who wait."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE mentor_offers (
            mentor_offer_id uuid PRIMARY KEY,
            program_id  uuid NOT NULL,
            mentor_id   uuid NOT NULL,
            mentee_id   uuid NOT NULL,
            state       text NOT NULL CHECK (state IN
                        ('open', 'accepted', 'declined', 'expired', 'withdrawn', 'closed')),
            message     text,
            made_at     timestamptz NOT NULL,
            expires_at  timestamptz NOT NULL,
            decided_at  timestamptz,
            reason      text,
            pairing_id  uuid,
            version     integer NOT NULL
        )
        """
    )
    op.execute(
        "CREATE UNIQUE INDEX mentor_offers_one_each ON mentor_offers (program_id, mentor_id, mentee_id)"
        " WHERE state = 'open'"
    )
    op.execute("CREATE INDEX mentor_offers_mentor ON mentor_offers (mentor_id, mentor_offer_id)")
    op.execute("CREATE INDEX mentor_offers_mentee ON mentor_offers (mentee_id, mentor_offer_id)")
    op.execute("CREATE INDEX mentor_offers_due ON mentor_offers (expires_at) WHERE state = 'open'")
    op.execute("ALTER TABLE pairings ADD COLUMN continued_as uuid")
    op.execute("ALTER TABLE enrollments ADD COLUMN preferences jsonb NOT NULL DEFAULT '[]'")
    op.execute("ALTER TABLE waiting_mentees ADD COLUMN words text NOT NULL DEFAULT ''")
    op.execute("CREATE INDEX waiting_mentees_person ON waiting_mentees (person_id)")
