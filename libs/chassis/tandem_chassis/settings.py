"""What can be set about any service. Every setting is an environment variable `TANDEM_<NAME>`."""

from pydantic import Field, HttpUrl
from pydantic_settings import SettingsConfigDict

from tandem_events.settings import EventSettings


class ServiceSettings(EventSettings):
    """Settings of a service; units are in the names. Each service inherits its own from these."""

    model_config = SettingsConfigDict(env_prefix="TANDEM_", extra="ignore", frozen=True)

    http_host: str = Field(default="127.0.0.1", description="The address to listen on; 0.0.0.0 for all.")
    http_port: int = Field(default=8000, ge=0, le=65_535, description="The port to listen on.")
    http_max_body_bytes: int = Field(default=20_971_520, ge=1024, description="Larger requests are refused unread.")

    database_pool_connections: int = Field(
        default=10,
        ge=1,
        le=500,
        description="Connections that a replica keeps; in a rush it opens as many again. The relay has up to two more.",
    )
    database_statement_timeout_seconds: int = Field(
        default=30, ge=1, description="PostgreSQL gives up a statement after this time."
    )

    oidc_issuer: str = Field(description="The `iss` that tokens must carry.")
    oidc_audience: str = Field(default="tandem", description="The `aud` that tokens must carry.")
    oidc_jwks_url: str = Field(description="Where the issuer publishes its keys.")
    oidc_leeway_seconds: int = Field(default=30, ge=0, le=300, description="Clock difference that is tolerated.")
    oidc_jwks_cooldown_seconds: int = Field(
        default=30, ge=1, description="An unknown key id leads to at most one fetch of the keys in this time."
    )

    otlp_endpoint: HttpUrl | None = Field(
        default=None,
        description="Where traces are sent (OTLP over HTTP), such as http://collector:4318/v1/traces; none without it.",
    )
    trace_sample_ratio: float = Field(
        default=1.0, ge=0, le=1, description="The part of all traces that is recorded, where no caller has decided."
    )

    metrics_port: int = Field(
        default=0,
        ge=0,
        le=65_535,
        description="A port that shows Prometheus `/metrics` without a token, not to be reached from outside; 0: none. "
        "On the port of requests administrators see the same.",
    )
    measure_every_seconds: float = Field(
        default=15.0, gt=0, le=3600, description="How often the database is asked for what `/metrics` shows of it."
    )
    idempotency_retention_hours: int = Field(
        default=48, ge=1, description="How long the answer to a request with an Idempotency-Key is kept."
    )
    log_level: str = Field(
        default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Lines below this level are not written."
    )
    shutdown_seconds: int = Field(default=8, ge=1, description="How long requests and handlers may take to finish.")
