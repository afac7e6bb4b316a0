"""Choices that everybody in a program may see, and matching may use and give as reasons."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute("ALTER TABLE enrollments ADD COLUMN open_answers jsonb NOT NULL DEFAULT '{}'")
