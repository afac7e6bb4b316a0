"""A small world around the feedback service: other services' events, and people who call it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
from fastapi import FastAPI

from tandem_chassis.testing import Tokens
from tandem_events.contracts import (
    Member,
    PairingCreated,
    PairingEnded,
    PersonState,
    ProgramState,
    SessionCompleted,
    SessionScheduled,
)
from tandem_events.contracts.contract import Event
from tandem_events.envelope import to_tombstone
from tandem_events.testing import eventually, publish, publish_messages
from tandem_feedback.settings import Settings


@dataclass
class Clock:
    """A clock that tests can move."""

    ahead: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        """Now, as the service sees it."""
        return datetime.now(UTC) + self.ahead


@dataclass
class World:
    """A running service, and other services' events for it."""

    client: httpx2.AsyncClient
    settings: Settings
    tokens: Tokens
    clock: Clock
    app: FastAPI

    def now(self) -> datetime:
        """The service's time."""
        return self.clock()

    async def hear(self, *events: Event) -> None:
        """Let the service hear events."""
        await publish(self.settings, *events)

    async def hear_gone(self, person_id: UUID) -> None:
        """Let the service hear that a person was erased."""
        gone = to_tombstone(PersonState, person_id, occurred_at=self.now(), version=2)
        await publish_messages(self.settings, gone)

    async def program(self, **policies: Any) -> UUID:
        """A program that the service has heard of."""
        program_id = policies.pop("program_id", None) or uuid4()
        state: dict[str, Any] = {"name": "Mentoring", "format": "one_to_one", "status": "running", **policies}
        await self.hear(ProgramState(program_id=program_id, occurred_at=self.now(), **state))
        path, manager = f"/programs/{program_id}/health-weights", self.tokens.manager(program_id)

        async def known() -> bool:
            return (await self.client.get(path, headers=manager)).status_code == 200

        await eventually(known)
        return program_id

    async def pair(self, program_id: UUID | None = None, *, days_ago: float = 0) -> "Pair":
        """A relationship that the service follows."""
        pair = Pair(self, program_id or await self.program(), uuid4(), uuid4(), uuid4(), self.now())
        await self.hear(
            PairingCreated(
                pairing_id=pair.pairing_id,
                program_id=pair.program_id,
                format="one_to_one",
                members=pair.members,
                occurred_at=self.now() - timedelta(days=days_ago),
            )
        )
        await eventually(pair.known)
        return pair

    async def get(self, path: str, headers: dict[str, str], status: int = 200) -> Any:
        """The answer to a GET, which must have this status."""
        answer = await self.client.get(path, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def post(self, path: str, headers: dict[str, str], status: int = 201, **body: Any) -> Any:
        """The answer to a POST, which must have this status."""
        answer = await self.client.post(path, headers=headers, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()


@dataclass
class Pair:
    """A mentor and a mentee."""

    world: World
    program_id: UUID
    pairing_id: UUID
    mentor: UUID
    mentee: UUID
    since: datetime

    @property
    def members(self) -> tuple[Member, ...]:
        """Both, as an event names them."""
        return (Member(person_id=self.mentor, role="mentor"), Member(person_id=self.mentee, role="mentee"))

    @property
    def as_mentor(self) -> dict[str, str]:
        """The mentor's headers."""
        return self.world.tokens.person(self.mentor)

    @property
    def as_mentee(self) -> dict[str, str]:
        """The mentee's headers."""
        return self.world.tokens.person(self.mentee)

    @property
    def as_manager(self) -> dict[str, str]:
        """The headers of the program's manager."""
        return self.world.tokens.manager(self.program_id)

    async def known(self) -> bool:
        """Whether the service follows this relationship by now."""
        path = f"/pairings/{self.pairing_id}/health"
        return (await self.world.client.get(path, headers=self.as_mentor)).status_code == 200

    async def meet(
        self, *, number: int = 1, days_ago: float = 0, attended: tuple[UUID, ...] | None = None, items: int = 2
    ) -> UUID:
        """A completed session."""
        session_id = uuid4()
        ends_at = self.world.now() - timedelta(days=days_ago)
        shared: dict[str, Any] = {
            "session_id": session_id,
            "pairing_id": self.pairing_id,
            "program_id": self.program_id,
            "starts_at": ends_at - timedelta(hours=1),
            "ends_at": ends_at,
        }
        await self.world.hear(
            SessionScheduled(
                attendees=(self.mentor, self.mentee),
                way_of_meeting="video",
                occurred_at=ends_at - timedelta(hours=2),
                **shared,
            ),
            SessionCompleted(
                attended=attended if attended is not None else (self.mentor, self.mentee),
                completed_sessions=number,
                agenda_items=items,
                agenda_items_done=items,
                occurred_at=ends_at,
                **shared,
            ),
        )
        return session_id

    async def end(self, reason: Any = "completed") -> None:
        """The end of the relationship."""
        await self.world.hear(
            PairingEnded(
                pairing_id=self.pairing_id,
                program_id=self.program_id,
                members=self.members,
                reason=reason,
                occurred_at=self.world.now(),
            )
        )

    async def ended(self) -> None:
        """The end of the relationship, once the service has heard of it."""
        await self.end()
        path = f"/pairings/{self.pairing_id}/closing"

        async def heard() -> bool:
            return (await self.world.client.get(path, headers=self.as_mentor)).status_code == 200

        await eventually(heard)

    async def requests(self, headers: dict[str, str], at_least: int = 1) -> list[dict[str, Any]]:
        """The open requests for feedback of a member in this relationship, once there are so many."""
        found: list[dict[str, Any]] = []

        async def there() -> bool:
            page = await self.world.get("/me/feedback-requests?state=open&limit=500", headers)
            found[:] = [one for one in page["items"] if one["pairing_id"] == str(self.pairing_id)]
            return len(found) >= at_least

        await eventually(there)
        return found
