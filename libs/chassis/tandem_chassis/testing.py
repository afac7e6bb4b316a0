"""What a service's tests need: the application running on real parts, and tokens for whoever calls it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import uvicorn
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from tandem_chassis.auth import PLATFORM_ADMIN, Authenticator, Keys
from tandem_chassis.settings import ServiceSettings

ISSUER = "https://issuer.test"


class KnownKeys(Keys):
    """Keys that were not fetched from anywhere."""

    def __init__(self, keys: KeySet) -> None:
        self._known = keys

    async def containing(self, key_id: str | None) -> KeySet:
        """Always the same keys."""
        del key_id
        return self._known


class Tokens:
    """Issues tokens as an identity provider would."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, parameters={"kid": "test"}, auto_kid=False)

    @property
    def keys(self) -> KeySet:
        """The public keys."""
        return KeySet([self.key])

    def issue(self, **claims: Any) -> str:
        """A token with these claims over sound defaults."""
        at = datetime.now(UTC)
        defaults: dict[str, Any] = {
            "iss": ISSUER,
            "aud": "tandem",
            "sub": "somebody",
            "iat": int(at.timestamp()),
            "exp": int((at + timedelta(hours=1)).timestamp()),
        }
        return jwt.encode({"alg": "RS256", "kid": "test"}, {**defaults, **claims}, self.key)

    def admin(self) -> dict[str, str]:
        """The headers of a platform administrator."""
        return _bearer(self.issue(sub="admin", roles=[PLATFORM_ADMIN]))

    def manager(self, *programs: UUID | str, person_id: UUID | str | None = None) -> dict[str, str]:
        """The headers of somebody who manages these programs."""
        person = str(person_id or uuid4())
        return _bearer(self.issue(sub=f"manager-{person}", person_id=person, programs=[str(p) for p in programs]))

    def person(self, person_id: UUID | str) -> dict[str, str]:
        """The headers of a participant."""
        return _bearer(self.issue(sub=f"person-{person_id}", person_id=str(person_id)))

    def service(self, scopes: Iterable[str]) -> dict[str, str]:
        """The headers of a service account with these scopes."""
        return _bearer(self.issue(sub="service", scope=" ".join(scopes)))


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def settings_for(kind: type[ServiceSettings], *, database: str, broker: Any, namespace: str, **more: Any) -> Any:
    """Settings of a service for a test: this database, this broker, a namespace of its own, quick polling."""
    values: dict[str, Any] = {
        "database_url": database,
        "kafka_bootstrap_servers": broker.bootstrap_servers,
        "kafka_idempotent_producer": broker.idempotent_producer,
        "consumer_session_timeout_seconds": broker.session_timeout_seconds,
        "kafka_namespace": namespace,
        "kafka_topic_partitions": 3,
        "oidc_issuer": ISSUER,
        "oidc_jwks_url": "http://127.0.0.1:9/jwks",
        "waiting_retry_seconds": 0.2,
        **more,
    }
    return kind(**values)


@asynccontextmanager
async def running(app: FastAPI, tokens: Tokens) -> AsyncIterator[httpx2.AsyncClient]:
    """The application, started and ready, and a client that talks to it; stopped at the end of the block.

    The app must have been created with `migrate=True`, or its database migrated.
    """
    app.state.authenticator = Authenticator(app.state.settings, KnownKeys(tokens.keys))
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://service.test") as client,
    ):
        await _ready(app, client)
        yield client


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """The address at which an application that is started already answers, over a real socket, until the block ends."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await serving
        listening.close()


async def _ready(app: FastAPI, client: httpx2.AsyncClient, within_seconds: float = 30) -> None:
    deadline = asyncio.get_running_loop().time() + within_seconds
    while (answer := await client.get("/health/ready")).status_code != 200:
        if app.state.health.failed or asyncio.get_running_loop().time() > deadline:
            raise TimeoutError(f"not ready: {app.state.health.failed or answer.json()['detail']}")
        await asyncio.sleep(0.02)
