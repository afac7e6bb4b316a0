"""Pauses end by themselves: who is due is found by an index."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("CREATE INDEX enrollments_paused_until ON enrollments (paused_until) WHERE paused_until IS NOT NULL")
