"""HR facts, and who of the employees is known to the platform."""

from alembic import op

revision = "0006"
down_revision = "0005"

STATEMENTS = (
    "ALTER TABLE people ADD COLUMN email_digest bytea",
    "CREATE INDEX people_email_digest ON people (email_digest)",
    """
    CREATE TABLE employees (
        employee_number text PRIMARY KEY,
        email_digest    bytea NOT NULL,
        unit            text  NOT NULL,
        hired_on        date  NOT NULL,
        left_on         date
    )
    """,
    "CREATE INDEX employees_email_digest ON employees (email_digest)",
    """
    CREATE TABLE title_history (
        employee_number text NOT NULL,
        from_date       date NOT NULL,
        to_date         date,
        job_title       text NOT NULL,
        PRIMARY KEY (employee_number, from_date, job_title)
    )
    """,
    """
    CREATE TABLE salary_history (
        employee_number text    NOT NULL,
        from_date       date    NOT NULL,
        to_date         date,
        annual_salary   integer NOT NULL,
        PRIMARY KEY (employee_number, from_date)
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
