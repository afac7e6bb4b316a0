"""What is said to a PostgreSQL server: whether it answers, and which databases and roles it shall have."""

import asyncio
import re
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}")

Result = TypeVar("Result")


def url_for(admin_url: str, *, role: str, password: str, database: str) -> str:
    """`admin_url` with another role, password and database; host, port and options stay."""
    parts = urlsplit(admin_url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, f"{role}:{password}@{place}", f"/{database}", parts.query, ""))


def identifier(name: str) -> str:
    if not IDENTIFIER.fullmatch(name):
        raise ValueError(f"{name!r} is no name for a database or role: small letters, digits and _ only")
    return name


def plain(url: str) -> str:
    """The URL with the scheme that every driver reads (`postgresql+asyncpg://` and `postgres://` are accepted)."""
    return re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", url)


def without_password(url: str) -> str:
    parts = urlsplit(url)
    user = f"{parts.username}@" if parts.username else ""
    return urlunsplit((parts.scheme, f"{user}{parts.netloc.rpartition('@')[2]}", parts.path, "", ""))


def wait_for_answer(url: str, *, timeout_seconds: float) -> str | None:
    deadline = time.monotonic() + timeout_seconds
    while (refusal := refusal_of(url)) is not None and time.monotonic() < deadline:
        time.sleep(0.1)
    return refusal


def refusal_of(url: str) -> str | None:
    """None when a connection can be made, else what stands in the way, to be read after the server's name."""
    import asyncpg

    try:
        run(execute(url, "SELECT 1"))
    except (OSError, TimeoutError):
        return "does not answer"
    except asyncpg.CannotConnectNowError:
        return "is starting or stopping"
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as refusal:
        return f"refuses: {str(refusal).rstrip('.')}"
    return None


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """The result of `work`, run on an event loop of its own in a thread of its own: callers may be inside a loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def execute(url: str, *statements: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(url, timeout=5)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close(timeout=5)


async def ensure(admin_url: str, name: str, password: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(admin_url, timeout=5)
    try:
        verb = "ALTER" if await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name) else "CREATE"
        await connection.execute(f"{verb} ROLE \"{name}\" LOGIN PASSWORD '{password}'")
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            # An administrator who is no superuser may give a database away only to a role that they are a member of.
            if not await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
                await connection.execute(f'GRANT "{name}" TO CURRENT_USER')
            await connection.execute(f'CREATE DATABASE "{name}" OWNER "{name}"')
        await connection.execute(f'REVOKE CONNECT, TEMPORARY ON DATABASE "{name}" FROM PUBLIC')
    finally:
        await connection.close(timeout=5)


async def create(admin_url: str, name: str, owner: str, template: str | None) -> None:
    source = f' TEMPLATE "{identifier(template)}"' if template is not None else ""
    await execute(admin_url, f'CREATE DATABASE "{name}" OWNER "{owner}"{source}')
