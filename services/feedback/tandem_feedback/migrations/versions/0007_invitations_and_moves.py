"""Whom programs invited, and where employees worked."""

from alembic import op

revision = "0007"
down_revision = "0006"

STATEMENTS = (
    "ALTER TABLE participations ADD COLUMN invited_at timestamptz",
    """
    CREATE TABLE department_history (
        employee_number text NOT NULL,
        from_date       date NOT NULL,
        to_date         date,
        department      text NOT NULL,
        PRIMARY KEY (employee_number, from_date)
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
