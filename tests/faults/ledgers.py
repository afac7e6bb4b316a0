"""What is written and read while faults strike: ledgers in books, each change a fact, and an oracle of all of them."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tandem_events.contracts.contract import Fact
from tandem_events.envelope import current_cause


class LedgerChanged(Fact, name="ledger.changed", sender="matching", subject="ledger_id", key="book_id"):
    """A ledger has a new entry. Several ledgers share a book, and with it a key."""

    ledger_id: UUID
    book_id: UUID
    version: int = Field(ge=1)
    entry_id: UUID
    refused: bool = Field(default=False, description="Marks an event that the handler refuses: poison.")


TOPIC = LedgerChanged.contract.topic


class Base(DeclarativeBase):
    """The writers' tables."""


class Ledger(Base):
    """An aggregate; its version is checked by every update."""

    __tablename__ = "ledgers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column()
    book_id: Mapped[UUID] = mapped_column()
    version: Mapped[int] = mapped_column()
    entry_id: Mapped[UUID | None] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


STATEMENTS = (
    """
    CREATE TABLE ledgers (
        number integer NOT NULL UNIQUE,
        id uuid PRIMARY KEY,
        book_id uuid NOT NULL,
        version integer NOT NULL,
        entry_id uuid
    )
    """,
    # One row for each transaction that was committed, so that a writer can go on where it was ended.
    "CREATE TABLE transactions (lane integer, number integer, PRIMARY KEY (lane, number))",
    # Written in the transaction of the change: what must come, and nothing else.
    """
    CREATE TABLE oracle (
        entry_id uuid PRIMARY KEY,
        ledger_id uuid NOT NULL,
        book_id uuid NOT NULL,
        version integer NOT NULL,
        refused boolean NOT NULL,
        written_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    # Nothing is unique here, so that a second effect would show.
    """
    CREATE TABLE effects (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        ledger_id uuid NOT NULL,
        version integer NOT NULL,
        entry_id uuid NOT NULL,
        event_id uuid NOT NULL,
        took_effect_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    # Messages that no reader can read, put on the topic on purpose.
    "CREATE TABLE malformed (token text PRIMARY KEY, book_id uuid NOT NULL, kind text NOT NULL)",
)


class EntryRefused(Exception):
    """The handler will not have this entry."""


Handler = Callable[[LedgerChanged, AsyncSession], Awaitable[None]]

_EFFECT = sa.text(
    "INSERT INTO effects (ledger_id, version, entry_id, event_id) VALUES (:ledger, :version, :entry, :event)"
)


async def on_ledger_changed(event: LedgerChanged, session: AsyncSession) -> None:
    """Note the effect; refuse what is marked."""
    if event.refused:
        raise EntryRefused(f"entry {event.entry_id} is marked as refused")
    await on_ledger_changed_accepting(event, session)


async def on_ledger_changed_accepting(event: LedgerChanged, session: AsyncSession) -> None:
    """Note the effect, also of what is marked: the handler after its repair."""
    await session.execute(
        _EFFECT,
        {
            "ledger": event.ledger_id,
            "version": event.version,
            "entry": event.entry_id,
            "event": UUID(current_cause().causation_id),
        },
    )
