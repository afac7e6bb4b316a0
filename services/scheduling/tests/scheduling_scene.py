"""The scene of scheduling's tests: the running service, a clock that tests set, pairs that others would have made."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx2
from fastapi import FastAPI

from tandem_chassis.testing import Tokens, running, settings_for
from tandem_events.contracts import Member, PairingCreated, PersonState, ProgramState
from tandem_events.contracts.contract import Event
from tandem_events.testing import Seen, eventually, own_namespace, publish, tap
from tandem_scheduling.main import create_app
from tandem_scheduling.settings import Settings

EventType = TypeVar("EventType", bound=Event)

MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
"""When tests begin, unless they say otherwise."""


@dataclass
class SetClock:
    """A clock that stands still until a test moves it."""

    at: datetime = MONDAY

    def __call__(self) -> datetime:
        return self.at


@dataclass
class Scheduling:
    """The running service as a test talks to it."""

    app: FastAPI
    client: httpx2.AsyncClient
    settings: Settings
    tokens: Tokens
    clock: SetClock

    async def ask(
        self, method: str, path: str, who: UUID | dict[str, str], *, status: int = 200, json: Any = None, **more: Any
    ) -> Any:
        """Send a request as a person, and require this status; the answer is its document."""
        headers = who if isinstance(who, dict) else self.tokens.person(who)
        headers = {**headers, **more.pop("headers", {})}
        answer = await self.client.request(method, path, json=json, headers=headers, **more)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        if answer.content and answer.headers.get("content-type", "").startswith(
            ("application/json", "application/problem+json")
        ):
            return answer.json()
        return answer.text


@dataclass
class Pair:
    """A pairing that scheduling heard of."""

    mentor: UUID = field(default_factory=uuid4)
    mentee: UUID = field(default_factory=uuid4)
    pairing_id: UUID = field(default_factory=uuid4)
    program_id: UUID = field(default_factory=uuid4)

    @property
    def members(self) -> tuple[Member, ...]:
        return (Member(person_id=self.mentor, role="mentor"), Member(person_id=self.mentee, role="mentee"))


@asynccontextmanager
async def started(settings: Settings, tokens: Tokens) -> AsyncIterator[Scheduling]:
    """The service on these settings."""
    clock = SetClock()
    app = create_app(settings, clock=clock)
    async with running(app, tokens) as client:
        yield Scheduling(app, client, settings, tokens, clock)


def own_settings(new_database: Any, template: str, broker: Any, **more: Any) -> Settings:
    """Settings with a database and topics of their own."""
    made: Settings = settings_for(
        Settings,
        database=new_database(template=template),
        broker=broker,
        namespace=own_namespace(),
        **{"due_poll_milliseconds": 50, **more},
    )
    return made


NewPair = Callable[..., Awaitable[Pair]]


def beginning(pair: Pair, *, zones: tuple[str, str] = ("UTC", "UTC"), **policy: Any) -> list[Any]:
    """What the other services say of a new pair."""
    program = ProgramState(
        program_id=pair.program_id,
        name="Pilot",
        format="one_to_one",
        status="running",
        occurred_at=MONDAY - timedelta(days=1),
        **policy,
    )
    people = [
        PersonState(
            person_id=person_id,
            given_name=name,
            family_name="Example",
            email=f"{name.lower()}-{person_id}@example.org",
            time_zone=zone,
            occurred_at=MONDAY - timedelta(days=1),
        )
        for person_id, name, zone in ((pair.mentor, "Mara", zones[0]), (pair.mentee, "Noor", zones[1]))
    ]
    created = PairingCreated(
        pairing_id=pair.pairing_id,
        program_id=pair.program_id,
        format="one_to_one",
        members=pair.members,
        occurred_at=MONDAY - timedelta(hours=1),
    )
    return [program, *people, created]


async def knows(scheduling: Scheduling, pair: Pair) -> bool:
    """Whether the service heard of a pairing and of its people."""
    answer = await scheduling.client.get(
        f"/pairings/{pair.pairing_id}/agreement", headers=scheduling.tokens.person(pair.mentor)
    )
    return answer.status_code == 200


async def sign(scheduling: Scheduling, pair: Pair, *members: UUID) -> None:
    """The members sign the newest version; without names, the mentor and the mentee."""
    agreement = await scheduling.ask("GET", f"/pairings/{pair.pairing_id}/agreement", pair.mentor)
    for member in members or (pair.mentor, pair.mentee):
        await scheduling.ask("POST", f"/agreements/{agreement['agreement_id']}/signatures", member, status=201, json={})


async def several(scheduling: Scheduling, program_format: Any, *, zone: str = "UTC", **members: Sequence[UUID]) -> Pair:
    """A relationship of more than two, whose members have all signed: `mentor=[...], mentee=[...]`, in their roles."""
    roles: list[tuple[UUID, Any]] = [(one, role) for role, people in members.items() for one in people]
    pair = Pair(mentor=roles[0][0], mentee=roles[-1][0])
    program, known, _, created = beginning(pair)
    people = [
        known.model_copy(
            update={
                "person_id": one,
                "given_name": role,
                "family_name": str(number),
                "email": f"{role}-{one}@example.org",
                "time_zone": zone,
            }
        )
        for number, (one, role) in enumerate(roles)
    ]
    told = tuple(Member(person_id=one, role=role) for one, role in roles)
    begun = created.model_copy(update={"format": program_format, "members": told})
    await publish(scheduling.settings, program, *people, begun)
    await eventually(lambda: knows(scheduling, pair))
    await sign(scheduling, pair, *(one for one, _ in roles))
    return pair


async def said_about(
    scheduling: Scheduling, pair: Pair, kind: type[EventType], *, at_least: int = 1
) -> list[EventType]:
    """What was said of this kind about a pair, once it is so many."""

    def about(seen: list[Seen]) -> list[EventType]:
        mine = [one.event for one in seen if isinstance(one.event, kind)]
        return [event for event in mine if getattr(event, "pairing_id", None) == pair.pairing_id]

    async with tap(scheduling.settings) as topics:
        return about(await topics.until(lambda seen: len(about(seen)) >= at_least))


def at(moment: datetime, *, minutes: int = 60, **more: Any) -> dict[str, Any]:
    """A request for a session from this moment on."""
    ends = moment + timedelta(minutes=minutes)
    return {"starts_at": moment.isoformat(), "ends_at": ends.isoformat(), "way_of_meeting": "video", **more}
