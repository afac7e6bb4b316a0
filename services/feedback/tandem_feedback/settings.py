"""What can be set about the feedback service."""

from pydantic import Field

from tandem_chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """Settings of the feedback service; units are in the names."""

    health_batch_relationships: int = Field(
        default=500, ge=1, le=10_000, description="How many relationships are assessed in one transaction."
    )
    health_poll_milliseconds: int = Field(
        default=100, ge=10, le=5_000, description="How often to look for relationships whose health may have changed."
    )
    timers_poll_seconds: float = Field(
        default=5.0,
        gt=0,
        le=3600,
        description="How often to look for fallen goals and due reminders.",
    )
    enterprise_report_every_seconds: float = Field(
        default=300.0,
        gt=0,
        le=86_400,
        description="How old the report over all programs may become; how often outcomes are looked for.",
    )
