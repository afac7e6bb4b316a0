"""The feedback service, running on a real PostgreSQL and a real broker."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tandem_chassis import migrations
from tandem_chassis.testing import Tokens, running, settings_for
from tandem_events.testing import own_namespace
from tandem_feedback.main import create_app
from tandem_feedback.settings import Settings

sys.path.insert(0, str(Path(__file__).parent))

from feedback_world import Clock, World


@pytest.fixture(scope="session")
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture(scope="session")
def migrated(new_database: Callable[..., str]) -> str:
    """The name of a database that is up to date; copies of it are made in a moment."""
    url = new_database()
    asyncio.run(migrations.upgrade(url, package="tandem_feedback"))
    return url.rpartition("/")[2]


@pytest.fixture(scope="module")
async def world(new_database: Callable[..., str], migrated: str, broker: Any, tokens: Tokens) -> AsyncIterator[World]:
    """One running service for the tests of a module; each test makes people and programs of its own."""
    settings: Settings = settings_for(
        Settings,
        database=new_database(template=migrated),
        broker=broker,
        namespace=own_namespace(),
        timers_poll_seconds=0.1,
        enterprise_report_every_seconds=0.5,
    )
    clock = Clock()
    app = create_app(settings, clock=clock)
    async with running(app, tokens) as client:
        yield World(client, settings, tokens, clock, app)
