"""Runs the platform in the foreground of one process, from the claim of the state directory to its release."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress

from tandem_local.addresses import Addresses
from tandem_local.assembly import assemble, remember_broker
from tandem_local.brokers import ApacheFromJars, apache
from tandem_local.state import StateDirectory
from tandem_local.supervisor import Stopped, Supervisor


async def run(
    state: StateDirectory,
    addresses: Addresses,
    *,
    kafka: str | None,
    say: Callable[[str], None],
    when_ready: Callable[[], None],
) -> None:
    """Start everything, call `when_ready` in a thread, and return when a signal asked for the end and all is stopped.

    Raises:
        CannotStart: and nothing is left running.
    """
    state.prepare()
    state.claim()
    try:
        platform = assemble(state, addresses, kafka=kafka)
        if isinstance(platform.broker, ApacheFromJars):
            # Before anything runs: a download takes a while, and Ctrl-C ends it like any command.
            if not apache.jars_are_here():
                say("Fetching Apache Kafka's jars (43 MB) ...")
            apache.fetch_jars()
        supervisor = Supervisor(
            state,
            platform.stages,
            base_port=addresses.base_port,
            bootstrap_servers=platform.broker.bootstrap_servers,
            say=say,
        )
        loop = asyncio.get_running_loop()
        for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(ending, supervisor.want_stop)
        with suppress(Stopped):
            await supervisor.start()
            remember_broker(state, platform.broker)
            then = asyncio.create_task(asyncio.to_thread(when_ready))
            await supervisor.watch()
            say("Stopping ...")
            await supervisor.stop()
            # What it did over HTTP fails fast now, as nobody answers any more.
            await asyncio.wait({then}, timeout=1)
        say("Stopped.")
    finally:
        state.release()
