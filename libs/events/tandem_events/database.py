"""How a service's own PostgreSQL is reached: TLS, a pooler in between, and the direct way past it."""

import ssl
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events.settings import EventSettings

Transaction = Callable[[], AbstractAsyncContextManager[AsyncSession]]
"""Opens a session that commits at the end of its block, or rolls back."""

Tls = ssl.SSLContext | str | None
"""As asyncpg takes it: what the address itself says (None), a mode's name, or a context that knows the authority."""

DATABASE_AWAY = (
    DBAPIError,
    PoolTimeout,  # every connection of this process is in use: neither a DBAPIError nor the builtin TimeoutError
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what asyncpg may raise on a connection that was ended at a bad moment
)
"""What whoever works in the background catches around a transaction, to try again later. A test holds them to it."""


def tls(settings: EventSettings) -> Tls:
    """How the connection is encrypted, and whether the server must prove who it is.

    None leaves it to the address, which may carry `sslmode` and `sslrootcert`; without either, TLS is used where the
    server offers it.
    """
    mode = settings.database_ssl_mode
    if mode not in ("verify-ca", "verify-full"):
        return mode
    context = ssl.create_default_context(cafile=settings.database_ssl_ca_file)
    context.check_hostname = mode == "verify-full"
    return context


async def connect_directly(settings: EventSettings) -> asyncpg.Connection:
    """A connection past any pooler, for whoever holds locks that belong to a session; yours to close."""
    return await asyncpg.connect(settings.direct_dsn(), ssl=tls(settings), timeout=10, statement_cache_size=0)


def opener(dsn: str, *, encryption: Tls = None, **arguments: Any) -> Callable[..., Awaitable[asyncpg.Connection]]:
    """Opens connections for SQLAlchemy from the address as it stands.

    SQLAlchemy would take the address apart, and knows less of it than the driver: several hosts, `sslmode`.
    """

    async def connect(*_: Any, **__: Any) -> asyncpg.Connection:
        return await asyncpg.connect(dsn, ssl=encryption, **arguments)

    return connect


def engine_arguments(dsn: str, *, encryption: Tls = None, **arguments: Any) -> dict[str, Any]:
    """The `connect_args` of an engine that opens its connections with `opener`."""
    return {"async_creator_fn": opener(dsn, encryption=encryption, **arguments)}


def unnamed() -> str:
    """The name of every prepared statement behind a pooler: none.

    The next transaction may meet another connection of the pooler's. A statement without a name lives until the next
    one is prepared, so nothing is left behind there and no name can be taken.
    """
    return ""
