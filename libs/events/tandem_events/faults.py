"""Faults: which of them pass, and how an operator reads them."""

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError

from tandem_events.database import DATABASE_AWAY

PASSING_SQLSTATES = frozenset({"40001", "40P01", "55P03", "57014", "57P01", "57P02", "57P03", "53300"})
"""Serialization failure, deadlock, lock not available, cancelled, shutting down, starting up, too many clients."""


def passes(fault: BaseException) -> bool:
    """Whether trying again may help: the database is away, a deadlock, a timeout, every connection is in use."""
    if isinstance(fault, DBAPIError):
        state = getattr(fault.orig, "sqlstate", None)
        # InternalError is also what the driver raises on a connection that was ended at a bad moment.
        gone = fault.connection_invalidated or isinstance(fault, OperationalError | InterfaceError | InternalError)
        return gone or state in PASSING_SQLSTATES or (state or "").startswith("08")
    if isinstance(fault, asyncpg.PostgresError):
        return isinstance(fault, asyncpg.PostgresConnectionError) or fault.sqlstate in PASSING_SQLSTATES
    return isinstance(fault, DATABASE_AWAY)


def reason_of(fault: BaseException) -> str:
    """A fault as an operator reads it. Database errors may quote rows, so of those only the kind is kept."""
    if isinstance(fault, DBAPIError):
        return (
            f"{type(fault).__name__}: {type(fault.orig).__name__} {getattr(fault.orig, 'sqlstate', '') or ''}".strip()
        )
    return f"{type(fault).__name__}: {fault}"[:2000]


class Unreadable(ValueError):
    """A parked event that cannot be read still; the sentence says why."""
