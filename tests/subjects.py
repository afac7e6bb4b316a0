"""The four services as they are tested from outside: how each is started, and what its timers do by themselves."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

from tandem_chassis.testing import Tokens, running, settings_for
from tandem_events.conformance import Subject
from tandem_events.settings import EventSettings
from tandem_events.testing import own_namespace

SAID_BY_TIMERS = frozenset(
    {
        "tandem.relationship.health_changed.v1",
        "tandem.relationship.at_risk.v1",
        "tandem.recognition.awarded.v1",
    }
)
KEPT_BY_TIMERS = {
    "feedback": {
        "relationships": frozenset({"health_score", "health_band", "health_assessed_at", "health_due_at", "version"}),
        "recognition_ledger": frozenset({"counted"}),
        "awards": frozenset({"award_id", "person_id", "kind", "award", "awarded_at"}),
    }
}
"""By service: what is written when a timer finds something changed, so that it depends on when the timer looked."""

SERVICES = ("profiles", "matching", "scheduling", "feedback")


def subject(service: str, new_database: Any, broker: Any) -> Subject:
    """A service, on databases and namespaces of its own."""
    settings_type = import_module(f"tandem_{service}.settings").Settings
    create_app = import_module(f"tandem_{service}.main").create_app
    subscriptions = import_module(f"tandem_{service}.handlers").SUBSCRIPTIONS

    def settings() -> EventSettings:
        made: EventSettings = settings_for(
            settings_type, database=new_database(), broker=broker, namespace=own_namespace()
        )
        return made

    @asynccontextmanager
    async def run(given: EventSettings) -> AsyncIterator[object]:
        async with running(create_app(given, migrate=True), Tokens()) as client:
            yield client

    @asynccontextmanager
    async def killable(given: EventSettings) -> AsyncIterator[Callable[[], None]]:
        environment = {
            f"TANDEM_{name.upper()}": str(value)
            for name, value in given.model_dump(mode="json", exclude_none=True).items()
            if name in given.model_fields_set
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tandem_chassis", "serve", f"tandem_{service}", "--migrate"),
            env={**os.environ, **environment, "TANDEM_HTTP_PORT": "0"},
            stdout=asyncio.subprocess.DEVNULL,
        )
        yield lambda: process.send_signal(signal.SIGKILL)
        await process.wait()

    reads = frozenset(subscription.event.contract.type for subscription in subscriptions)
    return Subject(service, reads, settings, run, killable, SAID_BY_TIMERS, KEPT_BY_TIMERS.get(service, {}))
