"""The demo's settings."""

from tandem_chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """Nothing of its own."""
