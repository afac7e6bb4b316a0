"""Scheduling running on real parts, for each module of tests."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tandem_chassis import migrations
from tandem_chassis.testing import Tokens
from tandem_events.testing import eventually, publish

sys.path.insert(0, str(Path(__file__).parent))

from scheduling_scene import MONDAY, NewPair, Pair, Scheduling, beginning, knows, own_settings, sign, started


@pytest.fixture(scope="session")
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture(scope="session")
async def template(new_database: Any) -> str:
    """The name of a migrated database, to be copied."""
    url: str = new_database()
    await migrations.upgrade(url, package="tandem_scheduling")
    return url.rsplit("/", 1)[1]


@pytest.fixture(scope="module")
async def shared(new_database: Any, template: str, broker: Any, tokens: Tokens) -> AsyncIterator[Scheduling]:
    """One running service for all tests of a module."""
    async with started(own_settings(new_database, template, broker), tokens) as service:
        yield service


@pytest.fixture
def scheduling(shared: Scheduling) -> Scheduling:
    """The running service, its clock set to the beginning."""
    shared.clock.at = MONDAY
    return shared


@pytest.fixture
def new_pair(scheduling: Scheduling) -> NewPair:
    """Makes pairings as profiles and matching would tell of them."""

    async def make(
        *,
        signed: bool = True,
        zones: tuple[str, str] = ("UTC", "UTC"),
        mentor: UUID | None = None,
        mentee: UUID | None = None,
        **policy: Any,
    ) -> Pair:
        pair = Pair(**{role: known for role, known in (("mentor", mentor), ("mentee", mentee)) if known})
        await publish(scheduling.settings, *beginning(pair, zones=zones, **policy))
        await eventually(lambda: knows(scheduling, pair))
        if signed:
            await sign(scheduling, pair)
        return pair

    return make
