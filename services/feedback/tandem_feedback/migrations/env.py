"""Lets Alembic run this service's migrations."""

from tandem_chassis.migrations import run

run()
