"""Calendars: private feeds."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE calendar_feeds (
            person_id uuid PRIMARY KEY,
            digest    bytea       NOT NULL UNIQUE,
            made_at   timestamptz NOT NULL
        )
        """
    )
