"""One whole mentoring program, driven by HTTP alone: from sign-up sheets to feedback and health."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, TypeVar
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx2

from tandem_local.addresses import Addresses

Made = TypeVar("Made")
AT_ONCE = 12
HOME = ZoneInfo("Europe/London")
LENGTH = timedelta(minutes=5)


SIZES = {"small": 50, "large": 500}
"""How many mentors, and how many mentees, signed up on the sheets of each size."""

REAL_SHEETS = Path(__file__).parent.parent.parent / "shared" / "data" / "signup"
"""Where sheets of a real program may lie, beside the project."""


class Platform(Protocol):
    """Where the services listen, and who gives tokens for them: processes of this machine, or containers."""

    @property
    def addresses(self) -> Addresses:
        """Where each service listens."""

    def token(self, *, admin: bool = False, programs: tuple[UUID, ...] = (), person_id: UUID | None = None) -> str:
        """A token for whoever this describes. Blocks."""


class Refused(AssertionError):
    """A service refused what the thread asked for."""


@dataclass
class Pair:
    """A pairing on its way through the thread."""

    pairing_id: str
    mentor_id: str
    mentee_id: str
    agreement_id: str = ""
    session_id: str = ""
    agenda_item_id: str = ""
    place_in_line: int = 0
    starts_at: datetime = field(default_factory=lambda: datetime.now(UTC))


class Thread:
    """A person at the keyboard, many times over. Every call is repeated with the same key while a service is away."""

    def __init__(self, platform: Platform, *, patience_seconds: float = 60) -> None:
        """`patience_seconds` is how long a service may be away, and what was said may take to be heard."""
        self._platform = platform
        self._patience_seconds = patience_seconds
        self._stack = AsyncExitStack()
        self._headers: dict[str, dict[str, str]] = {}
        self._turn = asyncio.Semaphore(AT_ONCE)
        self.program_id = ""
        self.pairs: list[Pair] = []

    async def __aenter__(self) -> "Thread":
        self._client = await self._stack.enter_async_context(httpx2.AsyncClient(timeout=60, trust_env=False))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def call(
        self, caller: str, method: str, service: str, path: str, *, json: Any = None, content: bytes | None = None
    ) -> Any:
        """The answer's document; `caller` is "manager", "admin", or a person's id. Waits while the service is away."""
        headers = {**await self._headers_of(caller), "Idempotency-Key": f'"{uuid4()}"'}
        if content is not None:
            headers["Content-Type"] = "text/csv"
        url = f"http://127.0.0.1:{self._platform.addresses.service_port(service)}{path}"
        deadline = asyncio.get_running_loop().time() + self._patience_seconds
        while True:
            try:
                answer = await self._client.request(method, url, headers=headers, json=json, content=content)
            except httpx2.TransportError:
                answer = None  # the service is away: the same call again, with the same key
            in_flight = answer is not None and answer.status_code == 409 and "still being worked on" in answer.text
            if answer is not None and answer.status_code not in (502, 503) and not in_flight:
                if answer.is_success:
                    return answer.json()
                raise Refused(f"{method} {service}{path}: {answer.status_code} {answer.text[:2000]}")
            if asyncio.get_running_loop().time() > deadline:
                raise Refused(
                    f"{method} {service}{path}: no answer for {self._patience_seconds:g} s ({answer and answer.text})"
                )
            await asyncio.sleep(0.05)

    async def _headers_of(self, caller: str) -> dict[str, str]:
        if caller not in self._headers:
            wish: dict[str, Any] = {"person_id": None}
            if caller == "admin":
                wish = {"admin": True}
            elif caller == "manager":
                wish = {"programs": (UUID(self.program_id),), "person_id": uuid4()}
            else:
                wish = {"person_id": UUID(caller)}
            token = await asyncio.to_thread(lambda: self._platform.token(**wish))
            self._headers[caller] = {"Authorization": f"Bearer {token}"}
        return self._headers[caller]

    async def items(self, caller: str, service: str, path: str) -> list[dict[str, Any]]:
        """Every item of a list that comes in pages."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            separator = "&" if "?" in path else "?"
            page = await self.call(caller, "GET", service, f"{path}{separator}limit=200{cursor}")
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    async def until(
        self,
        look: Callable[[], Awaitable[Made]],
        holds: Callable[[Made], object],
        *,
        within_seconds: float | None = None,
    ) -> Made:
        """What `look` finds, once it holds."""
        within_seconds = self._patience_seconds if within_seconds is None else within_seconds
        deadline = asyncio.get_running_loop().time() + within_seconds
        while True:
            try:
                found = await look()
            except Refused as not_yet:
                if ": 404 " not in str(not_yet) or asyncio.get_running_loop().time() > deadline:
                    raise
            else:
                if holds(found):
                    return found
                if asyncio.get_running_loop().time() > deadline:
                    raise TimeoutError(f"does not hold after {within_seconds} s: {str(found)[:500]}")
            await asyncio.sleep(0.05)

    @property
    def meeting_now(self) -> list[Pair]:
        """The pairs that meet at once; whoever is in several pairs meets one now and the others in the coming hours."""
        return [pair for pair in self.pairs if not pair.place_in_line]

    async def for_each(self, pairs: Iterable[Pair], step: Callable[[Pair], Awaitable[None]]) -> None:
        """Take these pairs one step further, some at once."""

        async def in_turn(pair: Pair) -> None:
            async with self._turn:
                await step(pair)

        async with asyncio.TaskGroup() as group:
            for pair in pairs:
                group.create_task(in_turn(pair))

    async def create_program(self, name: str) -> None:
        """An administrator creates a program and launches it."""
        program = await self.call("admin", "POST", "profiles", "/programs", json={"name": name, "format": "one_to_one"})
        self.program_id = program["program_id"]
        await self.call("manager", "POST", "profiles", f"/programs/{self.program_id}/launch")

    async def import_sheets(self, sheets: dict[str, bytes]) -> dict[str, Any]:
        """The manager imports the sheets, by role; the answer is what each import said."""
        return {
            role: await self.call(
                "manager",
                "POST",
                "profiles",
                f"/programs/{self.program_id}/sign-up-sheets?role={role}",
                content=content,
            )
            for role, content in sheets.items()
        }

    async def until_the_pool_is_complete(self) -> None:
        """Matching has heard of everyone who takes part, in each of their roles."""
        enrolled = await self.items("manager", "profiles", f"/programs/{self.program_id}/enrollments")
        mentors, mentees = (sum(role in one["roles"] for one in enrolled) for role in ("mentor", "mentee"))
        await self.until(
            lambda: self.call("manager", "GET", "matching", f"/programs/{self.program_id}/pool"),
            lambda pool: (pool["mentors"], pool["mentees"], pool["incomplete"]) == (mentors, mentees, 0),
        )

    async def match(self) -> dict[str, Any]:
        """The manager runs a match; the answer is the completed run."""
        run = await self.call(
            "manager", "POST", "matching", f"/programs/{self.program_id}/match-runs", json={"seed": 0}
        )
        return await self.until(
            lambda: self.call("manager", "GET", "matching", f"/match-runs/{run['run_id']}"),
            lambda seen: seen["state"] == "completed",
        )

    async def publish(self, run_id: str) -> list[dict[str, Any]]:
        """The manager publishes the run; the answer is its proposals."""
        proposals = await self.items("manager", "matching", f"/match-runs/{run_id}/proposals")
        await self.call("manager", "POST", "matching", f"/match-runs/{run_id}/publication")
        pairings = await self.items("manager", "matching", f"/programs/{self.program_id}/pairings")
        self.pairs = [
            Pair(pairing["pairing_id"], member(pairing, "mentor"), member(pairing, "mentee")) for pairing in pairings
        ]
        busy: set[str] = set()
        for place, pair in enumerate(self.pairs):
            people = {pair.mentor_id, pair.mentee_id}
            pair.place_in_line = place + 1 if people & busy else 0
            busy |= people
        return proposals

    async def sign(self, pair: Pair) -> None:
        """Both sign the agreement that scheduling proposed."""
        agreement = await self.until(
            lambda: self.call(pair.mentor_id, "GET", "scheduling", f"/pairings/{pair.pairing_id}/agreement"), bool
        )
        pair.agreement_id = agreement["agreement_id"]
        for person in (pair.mentor_id, pair.mentee_id):
            await self.call(person, "POST", "scheduling", f"/agreements/{pair.agreement_id}/signatures", json={})

    async def schedule(self, pair: Pair) -> None:
        """The mentee books a session, which begins in a moment where it can, and says what it should be about."""
        session = await self._book(pair)
        pair.session_id = session["session_id"]
        item = await self.call(
            pair.mentee_id,
            "POST",
            "scheduling",
            f"/sessions/{pair.session_id}/agenda-items",
            json={"words": "How did you begin in your first year?"},
        )
        pair.agenda_item_id = item["agenda_item_id"]

    async def _book(self, pair: Pair) -> Any:
        """Book the session; where the service was away for so long that its beginning passed, choose another one.

        A booking that was made is answered as made, however late the question comes again with its key.
        """
        while True:
            pair.starts_at = begin_of(pair, datetime.now(UTC))
            try:
                return await self.call(
                    pair.mentee_id,
                    "POST",
                    "scheduling",
                    f"/pairings/{pair.pairing_id}/sessions",
                    json={
                        "starts_at": pair.starts_at.isoformat(),
                        "ends_at": (pair.starts_at + LENGTH).isoformat(),
                        "way_of_meeting": "video",
                    },
                )
            except Refused as refused:
                if "begins in the past" not in str(refused):
                    raise

    async def complete(self, pair: Pair) -> None:
        """They met: the agenda is done and something was agreed."""
        await asyncio.sleep(max(0.0, (pair.starts_at - datetime.now(UTC)).total_seconds() + 0.05))
        await self.call(
            pair.mentor_id,
            "POST",
            "scheduling",
            f"/sessions/{pair.session_id}/completion",
            json={
                "attended": [pair.mentor_id, pair.mentee_id],
                "agenda_items_done": [pair.agenda_item_id],
                "action_items": [{"words": "Write down three questions.", "owner_id": pair.mentee_id}],
            },
        )

    async def give_feedback(self, pair: Pair) -> None:
        """Both are asked, and answer."""
        for person in (pair.mentor_id, pair.mentee_id):
            requests = await self.until(partial(self._requests_of, person, pair), bool)
            await self.call(
                person,
                "POST",
                "feedback",
                f"/feedback-requests/{requests[0]['feedback_request_id']}/answers",
                json={
                    "praise": "You listened.",
                    "to_change": "More examples.",
                    "helpfulness": 5,
                    "visibility": "counterpart",
                },
            )

    async def _requests_of(self, person: str, pair: Pair) -> list[dict[str, Any]]:
        found = await self.items(person, "feedback", "/me/feedback-requests")
        return [request for request in found if request["pairing_id"] == pair.pairing_id]

    async def health(self, pair: Pair) -> dict[str, Any]:
        """How the relationship is, once feedback knows that both answered."""
        document: dict[str, Any] = await self.call("manager", "GET", "feedback", f"/pairings/{pair.pairing_id}/health")
        return document

    async def run_to_the_end(self) -> None:
        """From published pairings to feedback given."""
        for step in (self.sign, self.schedule):
            await self.for_each(self.pairs, step)
        for step in (self.complete, self.give_feedback):
            await self.for_each(self.meeting_now, step)


def begin_of(pair: Pair, now: datetime) -> datetime:
    """In a moment, but not over midnight where the people live; for pairs that wait, an hour of a day of their own."""
    if pair.place_in_line:
        day, hour = divmod(pair.place_in_line, 10)
        return now.replace(hour=8 + hour, minute=0, second=0, microsecond=0) + timedelta(days=1 + day)
    begin = (now + timedelta(seconds=2)).astimezone(HOME)
    if (begin + LENGTH).date() != begin.date():
        begin = datetime.combine(begin.date() + timedelta(days=1), time.min, tzinfo=HOME)
    return begin.astimezone(UTC)


def member(pairing: dict[str, Any], role: str) -> str:
    """The person who has this role in a pairing."""
    found: Iterable[str] = (one["person_id"] for one in pairing["members"] if one["role"] == role)
    return next(iter(found))


def sheets(folder: Path, size: str, *, company: str = "gov.uk") -> dict[str, bytes]:
    """The sign-up sheets of a size, small or large, by role, as if the people worked for this company.

    Real sheets name one government's addresses, invented ones an example's.

    A mentor's places are counted over all programs, so a program that is to find its mentors free needs its own people.
    """
    return {
        role: (folder / f"{size}_{role}s.csv")
        .read_bytes()
        .replace(b"@gov.uk", f"@{company}".encode())
        .replace(b"@example.org", f"@{company}".encode())
        for role in ("mentor", "mentee")
    }
