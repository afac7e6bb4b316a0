"""Peer groups for mentees whom a run leaves without a mentor."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute("ALTER TABLE unmatched ADD COLUMN meanwhile text")
    op.execute("ALTER TABLE proposed_circles ADD COLUMN fallback boolean NOT NULL DEFAULT false")
    op.execute("ALTER TABLE pairings ADD COLUMN fallback boolean NOT NULL DEFAULT false")
