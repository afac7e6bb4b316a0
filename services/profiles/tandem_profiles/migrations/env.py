"""Runs this service's migrations on the connection that the chassis opened."""

from tandem_chassis.migrations import run

run()
