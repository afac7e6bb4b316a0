"""Count changes of a session that come later than its members agreed."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute("ALTER TABLE sessions ADD COLUMN late_changes integer NOT NULL DEFAULT 0")
