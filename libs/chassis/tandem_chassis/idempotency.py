"""Idempotency keys: a POST that is repeated with the same key is answered as the first time, and done once.

The key, its request and its answer are stored in the transaction of the request itself, so there is never an effect
without an answer to repeat, nor an answer without its effect.
"""

import hashlib
import re
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from fastapi import Request, Response
from fastapi.routing import APIRoute
from sqlalchemy.dialects.postgresql import BYTEA, JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis.errors import Conflict, Invalid

HEADER = "Idempotency-Key"
_QUOTED = re.compile(r'^"([\x20-\x21\x23-\x5b\x5d-\x7e]{1,255})"$')

CREATE_STATEMENTS = (
    """
    CREATE TABLE idempotency_keys (
        caller      text        NOT NULL,
        key         text        NOT NULL,
        fingerprint bytea       NOT NULL,
        status      integer     NOT NULL,
        headers     jsonb       NOT NULL,
        body        bytea       NOT NULL,
        used_at     timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (caller, key)
    )
    """,
    "CREATE INDEX idempotency_keys_used_at ON idempotency_keys (used_at)",
)

_keys = sa.table(
    "idempotency_keys",
    sa.column("caller", sa.Text),
    sa.column("key", sa.Text),
    sa.column("fingerprint", BYTEA),
    sa.column("status", sa.Integer),
    sa.column("headers", JSONB),
    sa.column("body", BYTEA),
    sa.column("used_at", sa.DateTime(timezone=True)),
)


class KeyMalformed(Invalid):
    """The Idempotency-Key header is not a quoted string."""


class KeyUsedForAnotherRequest(Invalid):
    """The same key came with another payload."""


class RequestInFlight(Conflict):
    """The first request with this key is still being worked on."""


class AnsweredBefore(Exception):
    """Not a fault: this request was answered before, and here is the answer."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class Claim:
    """A key that this request holds until its transaction ends."""

    def __init__(self, caller: str, key: str, fingerprint: bytes, session: AsyncSession) -> None:
        self.caller, self.key, self.fingerprint, self.session = caller, key, fingerprint, session

    async def keep(self, response: Response) -> None:
        """Store the answer with the effect."""
        await self.session.execute(
            sa.insert(_keys).values(
                caller=self.caller,
                key=self.key,
                fingerprint=self.fingerprint,
                status=response.status_code,
                headers={
                    name: value
                    for name, value in response.headers.items()
                    if name in ("content-type", "location", "etag")
                },
                body=bytes(response.body),
            )
        )


async def claim(request: Request, session: AsyncSession) -> None:
    """Hold this request's key, where it has one, until the transaction ends.

    Raises:
        AnsweredBefore: the same request was done already.
        KeyUsedForAnotherRequest: the key was used with another payload.
        RequestInFlight: the first request with this key is not finished.
    """
    written = request.headers.get(HEADER)
    if request.method != "POST" or written is None:
        return
    match = _QUOTED.match(written)
    if not match:
        raise KeyMalformed(f'{HEADER} must be a quoted string of 1 to 255 printable characters, like "7f3a-1"')
    key, caller = match[1], getattr(request.state, "subject", "")
    fingerprint = await _fingerprint(request)
    lock = int.from_bytes(hashlib.sha256(f"{caller}\x00{key}".encode()).digest()[:8], signed=True)
    if not await session.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(lock))):
        raise RequestInFlight("The first request with this Idempotency-Key is still being worked on: try again soon.")
    row = (await session.execute(sa.select(_keys).where(_keys.c.caller == caller, _keys.c.key == key))).one_or_none()
    if row is None:
        request.state.idempotency_claim = Claim(caller, key, fingerprint, session)
    elif row.fingerprint != fingerprint:
        raise KeyUsedForAnotherRequest(
            "This Idempotency-Key was used with another request: use a new key for a new request."
        )
    else:
        raise AnsweredBefore(
            Response(row.body, status_code=row.status, headers={**row.headers, "Idempotency-Replayed": "true"})
        )


async def _fingerprint(request: Request) -> bytes:
    digest = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
    digest.update(await request.body())
    return digest.digest()


async def forget(session: AsyncSession, *, now: datetime, retention: timedelta) -> None:
    """Delete keys past their expiry."""
    await session.execute(sa.delete(_keys).where(_keys.c.used_at < now - retention))


async def forget_answers_naming(session: AsyncSession, person_id: UUID) -> None:
    """Delete the stored answers in which this id stands, since they hold what was written as well: for erasures."""
    names_them = sa.text("position(convert_to(CAST(:person AS text), 'UTF8') IN body) > 0")
    await session.execute(sa.delete(_keys).where(names_them.bindparams(person=str(person_id))))


class Route(APIRoute):
    """A route that stores its answer beside its effect when the request carries an idempotency key."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, wrapped; at its end the request's transaction is still open."""
        handler = super().get_route_handler()

        async def keep_the_answer(request: Request) -> Response:
            try:
                response = await handler(request)
            except AnsweredBefore as before:
                return before.response
            held: Claim | None = getattr(request.state, "idempotency_claim", None)
            if held is not None:
                await held.keep(response)
            return response

        return keep_the_answer
