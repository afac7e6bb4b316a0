"""Pending: what the handlers of one batch of events need, read at once, and what they leave behind, written at once.

While a batch is open on a session, the storage functions that handlers use take rows from it and leave rows in it.
Without one (in a request, say) the same functions read and write at once by themselves.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events import outbox
from tandem_events.envelope import Message

_PENDING = "tandem_feedback_pending"


@dataclass(slots=True)
class Pending:
    """What a batch has read and held, by id, and what it has still to write."""

    relationships: dict[UUID, Any] = field(default_factory=dict)
    """Their rows are held; they belong to no session, so that nothing writes them before the end."""
    members: dict[UUID, dict[UUID, str]] = field(default_factory=dict)
    programs: dict[UUID, Any] = field(default_factory=dict)
    questions: dict[UUID, Any] = field(default_factory=dict)

    begun: list[Any] = field(default_factory=list)
    changed: set[UUID] = field(default_factory=set)
    people: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    sessions: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    participations: dict[tuple[UUID, UUID], dict[str, datetime]] = field(default_factory=dict)
    happenings: list[dict[str, Any]] = field(default_factory=list)
    ledger: dict[tuple[UUID, str, UUID], dict[str, Any]] = field(default_factory=dict)
    requests: list[Any] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)


def begin(session: AsyncSession) -> Pending:
    """Open a batch on this session."""
    session.info[_PENDING] = batch = Pending()
    return batch


def of(session: AsyncSession) -> Pending | None:
    """The batch that is open on this session, if one is."""
    batch: Pending | None = session.info.get(_PENDING)
    return batch


def end(session: AsyncSession) -> None:
    """The batch is over: whatever follows reads and writes by itself."""
    session.info.pop(_PENDING, None)


async def say(session: AsyncSession, said: Sequence[Message]) -> None:
    """Say facts; in a batch, after everything that it leaves behind is written."""
    batch = of(session)
    if batch is None:
        await outbox.add_messages(session, said)
    else:
        batch.messages += said


def among(column: Any, ids: Iterable[UUID]) -> sa.ColumnElement[bool]:
    """Whether a column's value is one of these, as one statement whatever their number, so that its plan is kept."""
    return cast("sa.ColumnElement[bool]", column == sa.any_(sa.literal(list(ids), sa.ARRAY(sa.Uuid[UUID]()))))


def rows_of(columns: Mapping[str, str]) -> str:
    """For a FROM clause: rows whose columns are given as one array each, by name, with these PostgreSQL types."""
    arrays = ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in columns.items())
    return f"unnest({arrays}) WITH ORDINALITY AS given ({', '.join(columns)}, place)"


async def write(
    session: AsyncSession, statement: sa.TextClause, columns: Iterable[str], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Execute a statement over all these rows at once."""
    if rows:
        await session.execute(statement, {name: [row[name] for row in rows] for name in columns})
