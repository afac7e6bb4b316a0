"""Facts: a change is written first, then said, with the version that it made."""

from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events import outbox
from tandem_events.contracts.contract import Event


class Versioned(Protocol):
    """An aggregate that counts its changes."""

    @property
    def version(self) -> int:
        """How many times it was written."""


async def say(session: AsyncSession, event: Event, *, of: Versioned) -> None:
    """Say a fact of an aggregate in this transaction, with the aggregate's version after the change."""
    await session.flush()
    await outbox.add(session, event, version=of.version)
