"""How often a run was taken over from a worker that fell silent."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("ALTER TABLE match_runs ADD COLUMN takeovers integer NOT NULL DEFAULT 0")
