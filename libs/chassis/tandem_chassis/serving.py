"""The HTTP server: uvicorn, which leaves the machine alone while nobody calls."""

import asyncio
import sys
from contextlib import suppress
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI

STARTUP_FAILURE = 3
"""As uvicorn's own command ends then."""


def run(app: FastAPI, **arguments: Any) -> None:
    """Serve until SIGTERM or SIGINT; `arguments` are those of `uvicorn.Config`.

    Raises:
        SystemExit: the application did not start.
    """
    server = _Server(uvicorn.Config(app, **arguments))
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(STARTUP_FAILURE)


class _Server(uvicorn.Server):
    """Wakes each second for the header `Date`, and at once for a signal; uvicorn's own wakes ten times a second.

    Four idle services spend half a percent of a core on that difference.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._signalled = asyncio.Event()

    async def on_tick(self, counter: int) -> bool:
        """Whether to leave."""
        self._loop = asyncio.get_running_loop()
        leave = await super().on_tick(0)  # at each call, since there is one in a second
        if not leave:
            with suppress(TimeoutError):
                async with asyncio.timeout(0.9):
                    await self._signalled.wait()
        return leave or self.should_exit

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note the signal, and wake up."""
        super().handle_exit(sig, frame)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._signalled.set)
