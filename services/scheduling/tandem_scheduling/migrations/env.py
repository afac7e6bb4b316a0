"""Lets Alembic bring scheduling's database up to date."""

from tandem_chassis.migrations import run

run()
