"""Runs with a manager's wishes and assumptions, compared with the run before."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("ALTER TABLE match_runs ADD COLUMN compared_to uuid")
    op.execute("ALTER TABLE match_runs ADD COLUMN wishes jsonb NOT NULL DEFAULT '{}'")
    op.execute("ALTER TABLE proposals ADD COLUMN pinned boolean NOT NULL DEFAULT false")
