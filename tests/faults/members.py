"""`python -m tests.faults.members`: a relay, a consumer or a writer as a process of its own."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from tandem_events.consumer import Consumer
from tandem_events.relay import Relay
from tandem_events.settings import EventSettings
from tandem_events.subscriptions import Subscription
from tests.faults import database
from tests.faults.controls.commit_first import CommitFirst
from tests.faults.controls.cursor import CursorRelay
from tests.faults.controls.skip_locked import SkipLockedRelay
from tests.faults.crew import STALLED
from tests.faults.ledgers import LedgerChanged, on_ledger_changed
from tests.faults.writing import Task, write_lane

SERVICE = "ledgers"
SHUTDOWN_SECONDS = 10.0


async def relay(settings: EventSettings, _: argparse.Namespace) -> None:
    """A relay of the backbone, until it is told to stop."""
    await _until_stopped(Relay(settings).run())


async def cursor_relay(settings: EventSettings, _: argparse.Namespace) -> None:
    """A negative control."""
    await _until_stopped(CursorRelay(settings).run())


async def skip_locked_relay(settings: EventSettings, arguments: argparse.Namespace) -> None:
    """A negative control."""
    await _until_stopped(SkipLockedRelay(settings, delay_seconds=arguments.delay_seconds).run())


async def consume(settings: EventSettings, arguments: argparse.Namespace) -> None:
    """A consumer of the backbone, stopped as a service stops it: drain, commit, leave the group."""
    await _consume(Consumer, settings, arguments)


async def consume_commit_first(settings: EventSettings, arguments: argparse.Namespace) -> None:
    """A negative control."""
    await _consume(CommitFirst, settings, arguments)


async def write(settings: EventSettings, arguments: argparse.Namespace) -> None:
    """A writer: some lanes at once; ends when they are done."""
    task = Task(**json.loads(arguments.task))
    connections = len(arguments.lanes)
    async with database.transactions(
        settings.asyncpg_dsn(), arguments.name, connections=connections, ask_first=False
    ) as transaction:
        await asyncio.gather(*(write_lane(transaction, lane, task) for lane in arguments.lanes))


async def _consume(design: type[Consumer], settings: EventSettings, arguments: argparse.Namespace) -> None:
    async with database.transactions(settings.asyncpg_dsn(), arguments.name) as transaction:
        subscriptions = [Subscription(LedgerChanged, on_ledger_changed)]
        consumer = design(settings, subscriptions, transaction, service=SERVICE)
        stop = _told_to_stop()
        running = asyncio.create_task(consumer.run())
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), timeout=1)
            if running.done():
                running.result()
            said = consumer.stalled()
            if said is not None:
                print(said, flush=True)
                sys.exit(STALLED)
        with suppress(TimeoutError):
            async with asyncio.timeout(SHUTDOWN_SECONDS):
                await consumer.stop()
                await asyncio.wait({running})
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def _until_stopped(work: Coroutine[Any, Any, None]) -> None:
    stop = _told_to_stop()
    running = asyncio.create_task(work)
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait((running, stopped), return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        running.result()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


def _told_to_stop() -> asyncio.Event:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    return stop


ROLES: dict[str, Callable[[EventSettings, argparse.Namespace], Coroutine[Any, Any, None]]] = {
    "relay": relay,
    "consumer": consume,
    "writer": write,
    "cursor-relay": cursor_relay,
    "skip-locked-relay": skip_locked_relay,
    "commit-first-consumer": consume_commit_first,
}


def main() -> None:
    """Be the member that the arguments name; addresses come from the environment, as for a service."""
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=ROLES)
    parser.add_argument("name")
    parser.add_argument("--lanes", type=int, nargs="*", default=[])
    parser.add_argument("--task", default="{}")
    parser.add_argument("--delay-seconds", type=float, default=0.0)
    arguments = parser.parse_args()
    asyncio.run(ROLES[arguments.role](EventSettings(), arguments))


if __name__ == "__main__":
    main()
