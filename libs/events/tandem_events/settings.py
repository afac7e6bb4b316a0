"""What can be set about sending and reading events. Every setting is an environment variable `TANDEM_<NAME>`."""

from typing import Self

from pydantic import AwareDatetime, Field, FilePath, PostgresDsn, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class EventSettings(BaseSettings):
    """Settings of the event backbone; units are in the names."""

    model_config = SettingsConfigDict(env_prefix="TANDEM_", extra="ignore", frozen=True)

    database_url: PostgresDsn = Field(
        description="postgresql://user:password@host:port/database of this service. Holds a password: keep it secret."
    )
    database_direct_url: PostgresDsn | None = Field(
        default=None,
        description="The same database past PgBouncer, for migrations and for the locks of the relay and of replays; "
        "without it they use the URL above.",
    )
    database_pgbouncer: bool = Field(
        default=False,
        description="Whether the URL leads to PgBouncer in transaction mode. No statement then outlives its "
        "transaction, and the direct URL is needed.",
    )
    database_ssl_mode: str | None = Field(
        default=None,
        pattern="^(disable|allow|prefer|require|verify-ca|verify-full)$",
        description="As PostgreSQL's own clients name it; without it what the URL says, else `prefer`.",
    )
    database_ssl_ca_file: FilePath | None = Field(
        default=None,
        description="PEM file of the authority that signed PostgreSQL's certificate, for `verify-ca` and "
        "`verify-full`; without it the system's authorities.",
    )
    kafka_bootstrap_servers: str = Field(
        pattern=r"^[^\s,]+:\d{1,5}(,\s*[^\s,]+:\d{1,5})*$",
        description="host:port of one or more brokers, comma separated.",
    )
    kafka_namespace: str = Field(
        default="",
        pattern=r"^([a-z0-9-]+\.)?$",
        description="Put before every topic and group, such as `staging.`, where platforms share a Kafka.",
    )
    kafka_security_protocol: str = Field(
        default="PLAINTEXT",
        pattern="^(PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL)$",
        description="How brokers are spoken to: encrypted (SSL), with a user's password (SASL), both, or neither.",
    )
    kafka_sasl_mechanism: str = Field(
        default="SCRAM-SHA-512",
        pattern="^(PLAIN|SCRAM-SHA-256|SCRAM-SHA-512)$",
        description="How the password is proven. PLAIN only together with TLS.",
    )
    kafka_sasl_username: str | None = Field(default=None, description="Needed with SASL.")
    kafka_sasl_password: SecretStr | None = Field(default=None, description="Needed with SASL.")
    kafka_ssl_ca_file: FilePath | None = Field(
        default=None,
        description="PEM file of the authority that signed the brokers; without it the system's authorities.",
    )
    kafka_ssl_certificate_file: FilePath | None = Field(
        default=None, description="PEM file of this service's own certificate, where brokers ask for one."
    )
    kafka_ssl_key_file: FilePath | None = Field(
        default=None, description="PEM file of the key to that certificate, without a passphrase."
    )
    kafka_idempotent_producer: bool = Field(
        default=True, description="False only for a broker that cannot do it, such as the embedded one."
    )
    kafka_topic_partitions: int = Field(default=6, ge=1, le=1000, description="For topics that do not exist yet.")
    kafka_topic_replication: int = Field(default=1, ge=1, le=7, description="For topics that do not exist yet.")
    kafka_topic_retention_days: int = Field(default=365, ge=1, description="For fact topics that do not exist yet.")

    outbox_batch_events: int = Field(
        default=2000, ge=1, le=20_000, description="So many events are on their way to Kafka at once."
    )
    outbox_poll_min_milliseconds: int = Field(
        default=20, ge=1, description="How soon the outbox is looked at again after something was in it."
    )
    outbox_poll_max_milliseconds: int = Field(
        default=250, ge=1, description="How long an empty outbox is left alone; a commit here wakes the relay at once."
    )
    outbox_retention_days: int = Field(default=400, ge=1, description="How long sent events stay in the archive.")
    republish_at_start: bool = Field(
        default=False, description="Publish the archive again at each start: for a broker that keeps its log in memory."
    )
    republish_since: AwareDatetime | None = Field(
        default=None,
        description="At a start, publish only the archive from this moment on, such as 2026-11-25T00:00:00Z.",
    )

    consumer_batch_events: int = Field(
        default=500, ge=1, le=10_000, description="At most so many events take effect in one go."
    )
    consumer_lanes: int = Field(
        default=2, ge=1, le=64, description="Keys are spread over so many transactions at once."
    )
    consumer_max_event_bytes: int = Field(default=1_048_576, ge=1024, description="Larger events are parked unread.")
    consumer_fetch_wait_milliseconds: int = Field(
        default=500, ge=1, le=30_000, description="How long the broker may hold back an empty answer to a fetch."
    )
    consumer_session_timeout_seconds: int = Field(
        default=30,
        ge=1,
        description="A reader that is silent for so long loses its partitions. Brokers set a lower bound of theirs.",
    )
    consumer_rebalance_timeout_seconds: int = Field(
        default=120, ge=10, description="How long readers may take to finish their batch when the group changes."
    )
    consumer_max_poll_interval_seconds: int = Field(
        default=300, ge=10, description="A reader that works on one batch for longer loses its partitions."
    )
    consumer_stalled_after_seconds: int = Field(default=120, ge=5, description="Lag without progress fails liveness.")
    consumer_retry_seconds: float = Field(
        default=30.0, gt=0, description="How long passing faults are retried in place."
    )
    waiting_retry_seconds: float = Field(default=2.0, gt=0, description="How often events that wait are tried again.")
    inbox_retention_days: int = Field(default=400, ge=1, description="At least as long as the topics keep theirs.")

    @model_validator(mode="after")
    def _parts_that_belong_together(self) -> Self:
        """A setting that only works with another one names it at the start, not at the first use."""
        missing = []
        if self.database_pgbouncer and self.database_direct_url is None:
            missing.append("TANDEM_DATABASE_DIRECT_URL: needed with TANDEM_DATABASE_PGBOUNCER")
        if self.kafka_security_protocol.startswith("SASL"):
            if not self.kafka_sasl_username:
                missing.append("TANDEM_KAFKA_SASL_USERNAME: needed with this TANDEM_KAFKA_SECURITY_PROTOCOL")
            if self.kafka_sasl_password is None:
                missing.append("TANDEM_KAFKA_SASL_PASSWORD: needed with this TANDEM_KAFKA_SECURITY_PROTOCOL")
        if (self.kafka_ssl_certificate_file is None) != (self.kafka_ssl_key_file is None):
            missing.append("TANDEM_KAFKA_SSL_CERTIFICATE_FILE, TANDEM_KAFKA_SSL_KEY_FILE: one needs the other")
        if self.inbox_retention_days < self.kafka_topic_retention_days:
            missing.append(
                "TANDEM_INBOX_RETENTION_DAYS: shorter than TANDEM_KAFKA_TOPIC_RETENTION_DAYS, so a replay would be "
                "taken for news"
            )
        if self.outbox_poll_max_milliseconds < self.outbox_poll_min_milliseconds:
            missing.append("TANDEM_OUTBOX_POLL_MAX_MILLISECONDS: less than TANDEM_OUTBOX_POLL_MIN_MILLISECONDS")
        if missing:
            raise ValueError("\n".join(missing))
        return self

    def asyncpg_dsn(self) -> str:
        """The database's address as asyncpg takes it."""
        return self.database_url.unicode_string()

    def direct_dsn(self) -> str:
        """The database's address past any pooler, as asyncpg takes it."""
        return (self.database_direct_url or self.database_url).unicode_string()
