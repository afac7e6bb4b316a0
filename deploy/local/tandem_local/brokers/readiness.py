"""Whether a broker can be worked with, which is more than that its port is open."""

import asyncio
import logging
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")
GROUP_ASKED_ABOUT = "tandem-readiness"


def answers(bootstrap_servers: str) -> bool:
    """Whether it gives metadata and names a coordinator for a consumer group. Blocks for 4 s at most."""
    return _run(_answers(bootstrap_servers))


def takes_idempotent_producers(bootstrap_servers: str) -> bool:
    """Whether it hands out producer ids, which idempotent producers need. Blocks for 6 s at most."""
    return _run(_takes_idempotent_producers(bootstrap_servers))


async def _answers(bootstrap_servers: str) -> bool:
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.errors import KafkaError

    with _quiet_client():
        client = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=3000)
        try:
            async with asyncio.timeout(4):
                await client.start()
                await client.find_coordinator(GROUP_ASKED_ABOUT)
        except (KafkaError, OSError, TimeoutError, RuntimeError):
            return False
        finally:
            await client.close()
    return True


async def _takes_idempotent_producers(bootstrap_servers: str) -> bool:
    from aiokafka import AIOKafkaProducer
    from aiokafka.errors import KafkaError

    with _quiet_client():
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers, enable_idempotence=True)
        try:
            async with asyncio.timeout(6):
                await producer.start()
        except (KafkaError, OSError, TimeoutError, AttributeError):
            return False
        finally:
            async with asyncio.timeout(3):
                await producer.stop()
    return True


class _quiet_client:  # noqa: N801 - reads as a statement: with _quiet_client()
    """Silences the client's log while we ask: a broker that is still starting is no error worth a line."""

    def __enter__(self) -> None:
        self._logger = logging.getLogger("aiokafka")
        self._before = self._logger.level
        self._logger.setLevel(logging.CRITICAL + 1)

    def __exit__(self, *_: object) -> None:
        self._logger.setLevel(self._before)


def _run(work: Coroutine[Any, Any, Result]) -> Result:
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
