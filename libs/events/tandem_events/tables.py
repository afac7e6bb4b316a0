"""The tables that sending and reading events need, in every service's own database."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, JSONB

metadata = sa.MetaData()

outbox: sa.TableClause = sa.table(
    "outbox",
    sa.column("id", sa.BigInteger),
    sa.column("recorded_on", sa.Date),
    sa.column("event_id", sa.Uuid[UUID]),
    sa.column("type", sa.Text),
    sa.column("topic", sa.Text),
    sa.column("key", sa.Text),
    sa.column("subject", sa.Text),
    sa.column("headers", JSONB),
    sa.column("value", BYTEA),
    sa.column("recorded_at", sa.DateTime(timezone=True)),
    sa.column("sent_at", sa.DateTime(timezone=True)),
)
"""Facts on their way to Kafka and, once sent, the archive. Partitioned by the day on which they were recorded."""

inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column[str]("reader", sa.Text, primary_key=True),
    sa.Column[UUID]("event_id", sa.Uuid, primary_key=True),
    sa.Column[datetime]("seen_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
)
"""Ids of the events that were handled or parked: a second delivery has no second effect."""

dead_letters = sa.Table(
    "dead_letters",
    metadata,
    sa.Column[int]("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column[str]("reader", sa.Text, nullable=False),
    sa.Column[str]("topic", sa.Text, nullable=False),
    sa.Column[int]("partition", sa.Integer, nullable=False),
    sa.Column[int]("offset", sa.BigInteger, nullable=False),
    sa.Column[str]("key", sa.Text, nullable=False),
    sa.Column[UUID]("event_id", sa.Uuid, nullable=False),
    sa.Column[str | None]("type", sa.Text),
    sa.Column[dict[str, Any]]("headers", JSONB, nullable=False),
    sa.Column[bytes | None]("value", BYTEA),
    sa.Column[str]("standing", sa.Text, nullable=False),
    sa.Column[str]("reason", sa.Text, nullable=False),
    sa.Column[int]("attempts", sa.Integer, nullable=False, server_default="1"),
    sa.Column[datetime]("parked_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    sa.Column[datetime | None]("retry_at", sa.DateTime(timezone=True)),
    sa.CheckConstraint("standing in ('poison', 'waiting', 'follower')", name="dead_letters_standing"),
    sa.UniqueConstraint("reader", "event_id", name="dead_letters_event"),
)
"""Events that could not be handled, and the later events of their keys, in order of `id`.

`standing` is 'poison' (cannot be handled), 'waiting' (for an event of another topic; tried again by itself) or
'follower' (nothing wrong with it, but an earlier event of its key is parked).
"""


def create_statements(today: date) -> list[str]:
    """The SQL that makes these tables in an empty database, for a service's first migration."""
    return [
        """
        CREATE TABLE outbox (
            id          bigint GENERATED ALWAYS AS IDENTITY,
            recorded_on date        NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date,
            event_id    uuid        NOT NULL,
            type        text        NOT NULL,
            topic       text        NOT NULL,
            key         text        NOT NULL,
            subject     text        NOT NULL,
            headers     jsonb       NOT NULL,
            value       bytea,
            recorded_at timestamptz NOT NULL DEFAULT now(),
            sent_at     timestamptz,
            PRIMARY KEY (recorded_on, id)
        ) PARTITION BY RANGE (recorded_on)
        """,
        "CREATE INDEX outbox_unsent ON outbox (id) WHERE sent_at IS NULL",
        "CREATE INDEX outbox_key ON outbox (key, id)",
        "CREATE TABLE outbox_default PARTITION OF outbox DEFAULT",
        *(partition_statement(date.fromordinal(today.toordinal() + ahead)) for ahead in range(2)),
        """
        CREATE TABLE outbox_leader (
            only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
            epoch    bigint  NOT NULL
        )
        """,
        "INSERT INTO outbox_leader (epoch) VALUES (0)",
        """
        CREATE TABLE inbox (
            reader   text        NOT NULL,
            event_id uuid        NOT NULL,
            seen_at  timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (reader, event_id)
        )
        """,
        "CREATE INDEX inbox_seen_at ON inbox USING brin (seen_at)",
        """
        CREATE TABLE dead_letters (
            id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            reader      text        NOT NULL,
            topic       text        NOT NULL,
            partition   integer     NOT NULL,
            "offset"    bigint      NOT NULL,
            key         text        NOT NULL,
            event_id    uuid        NOT NULL,
            type        text,
            headers     jsonb       NOT NULL,
            value       bytea,
            standing    text        NOT NULL,
            reason      text        NOT NULL,
            attempts    integer     NOT NULL DEFAULT 1,
            parked_at   timestamptz NOT NULL DEFAULT now(),
            retry_at    timestamptz,
            CONSTRAINT dead_letters_standing CHECK (standing IN ('poison', 'waiting', 'follower')),
            CONSTRAINT dead_letters_event UNIQUE (reader, event_id)
        )
        """,
        "CREATE INDEX dead_letters_key ON dead_letters (reader, topic, key, id)",
        "CREATE INDEX dead_letters_retry ON dead_letters (retry_at) WHERE retry_at IS NOT NULL",
    ]


def partition_name(day: date) -> str:
    """The name of the outbox partition that holds this day."""
    return f"outbox_{day:%Y%m%d}"


def partition_statement(day: date) -> str:
    """The SQL that makes the outbox partition of this day where it is missing."""
    following = date.fromordinal(day.toordinal() + 1)
    return (
        f"CREATE TABLE IF NOT EXISTS {partition_name(day)} PARTITION OF outbox "
        f"FOR VALUES FROM ('{day.isoformat()}') TO ('{following.isoformat()}')"
    )
