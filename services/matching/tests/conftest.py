"""Matching running on a real PostgreSQL and a real broker, for each module of tests."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tandem_chassis import migrations
from tandem_chassis.testing import Tokens

sys.path.insert(0, str(Path(__file__).parent))

from matching_scene import Scene, own_settings, started


@pytest.fixture(scope="session")
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture(scope="session")
async def template(new_database: Any) -> str:
    """The name of a migrated database, to be copied."""
    url: str = new_database()
    await migrations.upgrade(url, package="tandem_matching")
    return url.rsplit("/", 1)[1]


@pytest.fixture(scope="module")
async def scene(new_database: Any, template: str, broker: Any, tokens: Tokens) -> AsyncIterator[Scene]:
    """One running service for all tests of a module; each test makes a program of its own."""
    async with started(own_settings(new_database, template, broker), tokens) as service:
        yield service
