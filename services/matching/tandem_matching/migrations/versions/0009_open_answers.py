"""Choices that everybody in a program may see."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute("ALTER TABLE people ADD COLUMN open_answers jsonb NOT NULL DEFAULT '{}'")
