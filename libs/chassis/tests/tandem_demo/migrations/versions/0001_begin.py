"""Begin."""

from datetime import UTC, datetime

from alembic import op

from tandem_chassis import idempotency
from tandem_events import tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    for statement in (*tables.create_statements(datetime.now(UTC).date()), *idempotency.CREATE_STATEMENTS):
        op.execute(statement)
    op.execute("CREATE TABLE notes (id uuid PRIMARY KEY, words text NOT NULL UNIQUE, version integer NOT NULL)")
    op.execute("CREATE TABLE heard (id bigint GENERATED ALWAYS AS IDENTITY, program_id uuid NOT NULL, format text)")
