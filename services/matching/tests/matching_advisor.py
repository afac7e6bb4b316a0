"""An advisor for tests: a real HTTP service whose answers a test decides."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

Opinions = list[dict[str, Any]]


@dataclass
class TestAdvisor:
    """What it is asked, and how it answers."""

    __test__ = False

    url: str = ""
    answer: Callable[[dict[str, Any]], Any] = lambda _: {"opinions": []}
    """Given the question: a document, or bytes that are sent as they are, or None to stay silent."""
    status: int = 200
    questions: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def begin_again(self) -> None:
        """Nothing to say, nothing remembered."""
        self.answer, self.status = (lambda _: {"opinions": []}), 200
        self.questions.clear()
        self.headers.clear()

    def opinions(self, **of: Callable[[dict[str, str]], dict[str, Any] | None]) -> None:
        """Answer with what this function says of each pair; nothing is said where it gives None."""
        (of_pair,) = of.values()

        def answer(question: dict[str, Any]) -> Any:
            said = [{**pair, **opinion} for pair in question["pairs"] if (opinion := of_pair(pair)) is not None]
            return {"opinions": said}

        self.answer = answer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request of one connection."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            headers = {
                name.strip().lower(): value.strip()
                for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:] if line)
            }
            question = json.loads(await reader.readexactly(int(headers["content-length"])))
            self.questions.append(question)
            self.headers.append(headers)
            said = self.answer(question)
            if said is None:
                await reader.read()  # until the other side gives up
                return
            body = said if isinstance(said, bytes) else json.dumps(said).encode()
            head = f"HTTP/1.1 {self.status} Something\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def advising() -> AsyncIterator[TestAdvisor]:
    """An advisor on a port of its own, gone at the end of the block."""
    advisor = TestAdvisor()
    server = await asyncio.start_server(advisor.serve, "127.0.0.1", 0, limit=2**24)
    advisor.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/opinions"
    try:
        yield advisor
    finally:
        server.close()
