"""Whether every member of a relationship was at a session."""

from alembic import op

revision = "0010"
down_revision = "0009"

STATEMENTS = ("ALTER TABLE relationships ADD COLUMN all_met boolean NOT NULL DEFAULT false",)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
