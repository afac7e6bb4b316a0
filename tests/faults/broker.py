"""The broker in the hands of one thread: a child process ends with the thread that started it."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from tandem_local.brokers import ApacheFromJars

BREATH_SECONDS = 12.0
"""It stays up at least this long between two outages: without it they would join to one."""


class BrokerHands:
    """Starts, stops, kills and pauses the broker without blocking the event loop; one deed at a time."""

    def __init__(self, broker: ApacheFromJars) -> None:
        self.broker = broker
        self._thread = ThreadPoolExecutor(1, "broker")
        self._one_at_a_time = asyncio.Lock()
        self._up_since = float("-inf")

    async def start(self) -> None:
        """Return when it answers."""
        await self._do(self.broker.start)

    async def stopped_for(self, seconds: float) -> None:
        """Stop it in good order, and start it again on the same log after this time; returns when it answers."""
        async with self._outage():
            await self._do(self.broker.stop)
            await asyncio.sleep(seconds)
            await self._do(self.broker.start)

    async def killed_for(self, seconds: float) -> None:
        """SIGKILL it, and start it again on the same log after this time; returns when it answers."""
        async with self._outage():
            await self._do(self.broker.kill)
            await asyncio.sleep(seconds)
            await self._do(self.broker.start)

    async def paused_for(self, seconds: float) -> None:
        """Let it hang: its port is open and nobody answers."""
        async with self._outage():
            process = self.broker.process
            if process is not None:
                process.send(signal.SIGSTOP)
                await asyncio.sleep(seconds)
                process.send(signal.SIGCONT)

    @asynccontextmanager
    async def _outage(self) -> AsyncIterator[None]:
        clock = asyncio.get_running_loop().time
        async with self._one_at_a_time:
            await asyncio.sleep(max(0.0, self._up_since + BREATH_SECONDS - clock()))
            yield
            self._up_since = clock()

    async def let_go(self) -> None:
        """Kill it for good; its log is removed anyway."""
        await self._do(self.broker.kill)
        self._thread.shutdown()

    async def _do(self, deed: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, deed)
