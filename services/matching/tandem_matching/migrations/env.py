"""What Alembic runs."""

from tandem_chassis.migrations import run

run()
