"""The HTTP door of scheduling, a file for each noun."""

from tandem_scheduling.api import (
    agendas,
    agreements,
    availability,
    cadence,
    calendars,
    delegates,
    notes,
    proposals,
    reminders,
    series,
    sessions,
    tracks,
)

ROUTERS = (
    agreements.router,
    availability.router,
    proposals.router,
    sessions.router,
    series.router,
    agendas.router,
    notes.router,
    calendars.router,
    cadence.router,
    reminders.router,
    tracks.router,
    delegates.router,
)

PUBLIC_ROUTERS = (calendars.public_router,)
"""What answers without a token."""
