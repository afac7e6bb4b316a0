"""Find what a person wrote, to erase it."""

from alembic import op

revision = "0007"
down_revision = "0006"

STATEMENTS = (
    "CREATE INDEX notes_author ON notes (author_id)",
    "CREATE INDEX agenda_items_author ON agenda_items (author_id)",
    "CREATE INDEX action_items_owner ON action_items (owner_id)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
