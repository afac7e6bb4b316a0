"""The running service, on a real PostgreSQL and a real broker, and a program in it."""

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from tandem_chassis import migrations
from tandem_chassis.testing import Tokens, running, served, settings_for
from tandem_events.testing import eventually, own_namespace
from tandem_profiles.main import create_app
from tandem_profiles.settings import Settings


@pytest.fixture(scope="session")
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture(scope="session")
def migrated(new_database: Any) -> str:
    """The name of a migrated database of which every test's is a copy."""
    url: str = new_database()
    asyncio.run(migrations.upgrade(url, package="tandem_profiles"))
    return url.rpartition("/")[2]


@pytest.fixture
def settings(new_database: Any, migrated: str, broker: Any) -> Settings:
    made: Settings = settings_for(
        Settings,
        database=new_database(template=migrated),
        broker=broker,
        namespace=own_namespace(),
        private_section_keys="k1:" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode(),
    )
    return made


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    return create_app(settings)


@pytest.fixture
async def client(app: FastAPI, tokens: Tokens) -> AsyncIterator[httpx2.AsyncClient]:
    async with running(app, tokens) as started:
        # A test shorter than the relay's start would break off its connection to the broker half made.
        await eventually(lambda: app.state.relay.leading)
        yield started


@pytest.fixture
def admin(tokens: Tokens) -> dict[str, str]:
    """The headers of a platform administrator."""
    return tokens.admin()


@pytest.fixture
async def program_id(client: httpx2.AsyncClient, admin: dict[str, str]) -> str:
    """A program, still a draft, whose sheets are read as the civil-service form."""
    answer = await client.post("/programs", json={"name": "Steps up"}, headers=admin)
    assert answer.status_code == 201, answer.text
    made: str = answer.json()["program_id"]
    return made


@pytest.fixture
async def address(app: FastAPI, client: httpx2.AsyncClient) -> AsyncIterator[str]:
    """Where the service answers over a real socket."""
    assert client
    async with served(app) as url:
        yield url
