"""Whether a colleague whom a mentor named agreed to be named, and until when they are asked."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("ALTER TABLE match_requests ADD COLUMN referral text CHECK (referral IN ('agreed', 'declined'))")
    op.execute("ALTER TABLE match_requests ADD COLUMN referral_until timestamptz")
    op.execute(
        "CREATE INDEX match_requests_referred ON match_requests (referred_to, match_request_id)"
        " WHERE referred_to IS NOT NULL"
    )
