"""A service that is started before its database or its broker waits, says for what, and comes up when that is there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx2
import sqlalchemy as sa
from fastapi import FastAPI
from tandem_demo.main import create_app
from tandem_demo.settings import Settings

from tandem_chassis.testing import Tokens, running, settings_for
from tandem_events.testing import eventually, own_namespace


class Door:
    """An address at which nobody listens until it is opened; then whoever connects is led to another address."""

    def __init__(self, host: str, port: int) -> None:
        self._behind = (host, port)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self.port = 0

    async def choose(self) -> None:
        """Take a port and let nobody in yet."""
        self._server = await asyncio.start_server(self._lead, "127.0.0.1", 0, start_serving=False)
        self.port = self._server.sockets[0].getsockname()[1]
        self._server.close()
        await self._server.wait_closed()

    async def open(self) -> None:
        """Let everybody in."""
        self._server = await asyncio.start_server(self._lead, "127.0.0.1", self.port)

    async def close(self) -> None:
        """Let nobody in any more."""
        assert self._server is not None
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            there, back = await asyncio.open_connection(*self._behind)
            try:
                await asyncio.gather(_copy(reader, back), _copy(there, writer))
            finally:
                back.close()
        finally:
            writer.close()
            self._open.discard(task)


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while part := await source.read(65_536):
            target.write(part)
            await target.drain()
    with suppress(OSError):
        target.close()


@asynccontextmanager
async def door_to(host: str, port: int) -> AsyncIterator[Door]:
    door = Door(host, port)
    await door.choose()
    try:
        yield door
    finally:
        await door.close()


async def says_that_it_waits_for(client: httpx2.AsyncClient, what: str) -> None:
    async def says() -> bool:
        answer = await client.get("/health/ready")
        return answer.status_code == 503 and answer.json()["waiting_for"] == what

    await eventually(says)
    assert (await client.get("/health/live")).status_code == 200, "that is no reason to start it again"


async def comes_up(client: httpx2.AsyncClient) -> None:
    async def is_ready() -> bool:
        return (await client.get("/health/ready")).status_code == 200

    await eventually(is_ready, within_seconds=30)


@asynccontextmanager
async def starting(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://service.test") as client,
    ):
        yield client


async def test_a_service_started_before_its_database_waits_for_it_and_comes_up(database: str, broker: Any) -> None:
    there = sa.make_url(database)
    async with door_to(there.host or "127.0.0.1", there.port or 5432) as door:
        url = there.set(host="127.0.0.1", port=door.port).render_as_string(hide_password=False)
        settings = settings_for(Settings, database=url, broker=broker, namespace=own_namespace())
        async with starting(create_app(settings, migrate=True)) as client:
            await says_that_it_waits_for(client, f"the database at 127.0.0.1:{door.port}")
            await door.open()
            await comes_up(client)


async def test_a_service_started_before_its_broker_waits_for_it_and_comes_up(database: str, broker: Any) -> None:
    host, _, port = broker.bootstrap_servers.rpartition(":")
    async with door_to(host, int(port)) as door:
        settings = settings_for(Settings, database=database, broker=broker, namespace=own_namespace())
        settings = settings.model_copy(update={"kafka_bootstrap_servers": f"127.0.0.1:{door.port}"})
        async with starting(create_app(settings, migrate=True)) as client:
            await says_that_it_waits_for(client, f"the broker at 127.0.0.1:{door.port}")
            await door.open()
            await comes_up(client)


async def age(app: FastAPI, key: str, hours: float) -> None:
    """Let the answer to this key have been given so long ago."""
    async with app.state.database.transaction() as session:
        statement = "UPDATE idempotency_keys SET used_at = now() - make_interval(secs => :seconds) WHERE key = :key"
        await session.execute(sa.text(statement), {"seconds": hours * 3600, "key": key})


async def test_a_start_forgets_answers_that_have_expired_and_no_others(settings: Settings, tokens: Tokens) -> None:
    keep = settings.idempotency_retention_hours

    async def post(client: httpx2.AsyncClient, key: str) -> httpx2.Response:
        headers = {**tokens.admin(), "Idempotency-Key": f'"{key}"'}
        return await client.post("/notes", json={"words": key}, headers=headers)

    before = create_app(settings, migrate=True)
    async with running(before, tokens) as client:
        assert [(await post(client, key)).status_code for key in ("expired", "kept")] == [201, 201]
        await age(before, "expired", keep + 1)
        await age(before, "kept", keep - 1)
    after = create_app(settings)

    async def kept() -> list[str]:
        async with after.state.database.transaction() as session:
            return list(await session.scalars(sa.text("SELECT key FROM idempotency_keys")))

    async def only_one_is_kept() -> bool:
        return await kept() == ["kept"]

    async with running(after, tokens) as client:
        await eventually(only_one_is_kept)
        assert (await post(client, "kept")).headers["idempotency-replayed"] == "true"
        assert (await post(client, "expired")).status_code == 409, "done again, which its words forbid"
