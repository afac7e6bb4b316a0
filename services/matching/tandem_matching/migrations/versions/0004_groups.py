"""Members may leave a relationship that goes on without them."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("ALTER TABLE pairing_members ADD COLUMN left_at timestamptz")
