"""What can be set about scheduling."""

from pydantic import Field

from tandem_chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """Settings of scheduling; units are in the names."""

    calendar_domain: str = Field(
        default="tandem.example",
        pattern=r"^[A-Za-z0-9.-]{1,200}$",
        description="The right side of every UID in calendars. Never change it: calendars would show sessions twice.",
    )
    busy_feed_origins: tuple[str, ...] = Field(
        default=("https://outlook.office365.com", "https://outlook.live.com", "https://calendar.google.com"),
        description="From where calendars of people's own may be followed; nothing else is asked, redirects neither.",
    )
    busy_feed_minutes: int = Field(default=30, ge=5, le=1440, description="How often a calendar is looked at.")
    busy_feed_poll_milliseconds: int = Field(default=5000, ge=10, description="How often what is to be looked at is.")
    due_batch: int = Field(default=500, ge=1, le=5000, description="How many reminders are claimed at once.")
    due_poll_milliseconds: int = Field(default=1000, ge=10, description="How often what is due is looked for.")
