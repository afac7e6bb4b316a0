"""Subscriptions: which facts a service reads, and what it does with them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events.contracts.contract import Event, State

Handler = Callable[[Any, AsyncSession], Awaitable[None]]
GoneHandler = Callable[[UUID, AsyncSession], Awaitable[None]]

AroundBatch = Callable[[AsyncSession, Sequence[Event]], AbstractAsyncContextManager[None]]
"""What a service does around the handlers of a batch, in its transaction: read at once what they need, and write at
once what they leave behind. It is given the events that are about to be handled, in order; it may be one."""


@asynccontextmanager
async def nothing_around(session: AsyncSession, events: Sequence[Event]) -> AsyncIterator[None]:
    """Each handler reads and writes for itself."""
    del session, events
    yield


@dataclass(frozen=True, slots=True)
class Subscription:
    """A kind of event and its handler; for a state topic, also what to do when a thing is gone."""

    event: type[Event]
    handler: Handler
    on_gone: GoneHandler | None = None

    def __post_init__(self) -> None:
        if self.on_gone and not issubclass(self.event, State):
            raise TypeError(f"{self.event.__name__} is a fact: only a state can be gone")
        if issubclass(self.event, State) and not self.on_gone:
            raise TypeError(f"{self.event.__name__} is a state: say with on_gone what to do when it is gone")


class NotYet(Exception):
    """Raised by a handler that needs an event of another topic first: the event waits, and is tried again by itself."""
