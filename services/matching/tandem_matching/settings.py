"""What can be set about matching."""

from pydantic import Field, HttpUrl, SecretStr

from tandem_chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """Settings of matching; units are in the names."""

    match_run_workers: int = Field(
        default=2, ge=1, le=64, description="So many runs are computed at once by a replica."
    )
    match_run_claim_seconds: int = Field(
        default=30, ge=2, description="A run whose replica has been silent for so long is taken over by another."
    )
    match_run_poll_milliseconds: int = Field(default=250, ge=10, description="How often a replica looks for runs.")
    request_sweep_milliseconds: int = Field(
        default=1000, ge=10, description="How often requests are looked at that expired or no longer stand."
    )
    match_advisor_url: HttpUrl | None = Field(
        default=None,
        description="A service of your own that is asked about candidate pairs, in programs that ask their advisor.",
    )
    match_advisor_token: SecretStr | None = Field(
        default=None, description="Sent to the advisor as a bearer token; nothing is sent without it."
    )
    match_advisor_deadline_seconds: float = Field(
        default=10.0, gt=0, le=300, description="The advisor has so long for all questions of a match run together."
    )
