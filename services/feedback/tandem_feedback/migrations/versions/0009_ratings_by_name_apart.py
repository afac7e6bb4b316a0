"""Ratings by name and anonymous ones are counted apart."""

from alembic import op

revision = "0009"
down_revision = "0008"

STATEMENTS = (
    "ALTER TABLE satisfaction ADD COLUMN named_until timestamptz, ADD COLUMN anonymous_until timestamptz",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
