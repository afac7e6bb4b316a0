"""The HTTP door, one file for each noun: it translates and decides nothing."""

from tandem_profiles.api import audit, enrollments, people, programs, roster, sign_up_sheets, skills

ROUTERS = (
    programs.router,
    sign_up_sheets.router,
    enrollments.router,
    people.router,
    roster.router,
    skills.router,
    audit.router,
)
