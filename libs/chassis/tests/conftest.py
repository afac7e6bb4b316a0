"""A service as small as one can be, on which the tests of the chassis stand."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from tandem_chassis.testing import Tokens, running, settings_for
from tandem_events.testing import own_namespace

sys.path.insert(0, str(Path(__file__).parent))

from tandem_demo.main import create_app
from tandem_demo.settings import Settings


@pytest.fixture(scope="session")
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture
def settings(database: str, broker: Any) -> Settings:
    made: Settings = settings_for(Settings, database=database, broker=broker, namespace=own_namespace())
    return made


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    return create_app(settings, migrate=True)


@pytest.fixture
async def client(app: FastAPI, tokens: Tokens) -> AsyncIterator[httpx2.AsyncClient]:
    async with running(app, tokens) as started:
        yield started
