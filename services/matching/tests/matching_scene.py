"""A program with people in it, told to matching by the events that profiles would send."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx2
from fastapi import FastAPI

from tandem_chassis.testing import Tokens, running, settings_for
from tandem_events.contracts import EnrollmentApproved, PersonDeparted, PersonState, ProgramState
from tandem_events.contracts.contract import Event
from tandem_events.contracts.people import SkillLevel
from tandem_events.testing import eventually, own_namespace, publish
from tandem_matching.main import create_app
from tandem_matching.settings import Settings


@dataclass(frozen=True)
class Somebody:
    """A person of a scene, as mentor, mentee, or both."""

    level: int | None = 3
    unit: str | None = "Peace"
    profession: str | None = "Policy"
    places: int = 0
    wanted: int = 0
    skills: Mapping[str, int] = field(default_factory=dict)
    needs: Mapping[str, int] = field(default_factory=dict)
    confidential: Mapping[str, Any] = field(default_factory=dict)
    open_answers: Mapping[str, Any] = field(default_factory=dict)
    traits: Mapping[str, Any] = field(default_factory=dict)
    person_id: UUID = field(default_factory=uuid4)
    enrollment_id: UUID = field(default_factory=uuid4)


def mentor(places: int = 1, **traits: Any) -> Somebody:
    """Somebody with places, above most mentees and in another unit."""
    return Somebody(**{"level": 5, "unit": "Love", **traits}, places=places)


def mentee(wanted: int = 1, **traits: Any) -> Somebody:
    """Somebody who wants a mentor."""
    return Somebody(**traits, wanted=wanted)


def person_state(one: Somebody, program_id: UUID) -> PersonState:
    """What profiles says of somebody."""
    return PersonState(
        occurred_at=datetime.now(UTC),
        person_id=one.person_id,
        given_name="Given",
        family_name="Family",
        email="somebody@example.test",
        level=one.level,
        unit=one.unit,
        profession=one.profession,
        skills_offered=tuple(SkillLevel(skill=skill, level=level) for skill, level in one.skills.items()),
        confidential_answers={program_id: dict(one.confidential)} if one.confidential else {},
        open_answers={program_id: dict(one.open_answers)} if one.open_answers else {},
        **one.traits,
    )


def enrollment(one: Somebody, program_id: UUID) -> EnrollmentApproved:
    """What profiles says of somebody's part in a program."""
    roles: Any = tuple(role for role, number in (("mentor", one.places), ("mentee", one.wanted)) if number)
    return EnrollmentApproved(
        occurred_at=datetime.now(UTC),
        enrollment_id=one.enrollment_id,
        program_id=program_id,
        person_id=one.person_id,
        roles=roles,
        mentor_places=one.places,
        wanted_mentors=one.wanted,
        needs=tuple(SkillLevel(skill=skill, level=level) for skill, level in one.needs.items()),
    )


@dataclass
class Scene:
    """The running service, and what can be done with it."""

    settings: Settings
    app: FastAPI
    client: httpx2.AsyncClient
    tokens: Tokens

    async def say(self, *events: Event) -> None:
        """Say these events as their senders would."""
        await publish(self.settings, *events)

    async def program(
        self,
        *people: Somebody,
        matching: Mapping[str, Any] | None = None,
        status: Any = "running",
        program_format: Any = "one_to_one",
    ) -> UUID:
        """A program with these people, once matching knows all of them."""
        program_id = uuid4()
        state = ProgramState(
            occurred_at=datetime.now(UTC),
            program_id=program_id,
            name="A program",
            format=program_format,
            status=status,
            matching=dict(matching or {}),
        )
        await self.say(state)
        await self.join(program_id, *people)
        await eventually(lambda: self._knows(program_id))
        return program_id

    async def _knows(self, program_id: UUID) -> bool:
        answer = await self.client.get(f"/programs/{program_id}/pool", headers=self.manager(program_id))
        return answer.status_code == 200

    async def join(self, program_id: UUID, *people: Somebody) -> None:
        """More people in a program, once matching knows them."""
        before = await self.pool(program_id) if people and await self._knows(program_id) else None
        await self.say(
            *(event for one in people for event in (person_state(one, program_id), enrollment(one, program_id)))
        )
        mentors = sum(one.places > 0 for one in people) + (before["mentors"] if before else 0)
        mentees = sum(one.wanted > 0 for one in people) + (before["mentees"] if before else 0)

        async def all_here() -> bool:
            if not people:
                return True
            if not await self._knows(program_id):
                return False
            now = await self.pool(program_id)
            return bool(now["incomplete"] == 0 and now["mentors"] >= mentors and now["mentees"] >= mentees)

        await eventually(all_here, within_seconds=20 + len(people) / 10)

    async def leave(self, one: Somebody) -> None:
        """Somebody leaves the company."""
        await self.say(
            PersonDeparted(occurred_at=datetime.now(UTC), person_id=one.person_id, left_on=date(2026, 1, 31))
        )

    def manager(self, program_id: UUID) -> dict[str, str]:
        """The headers of a manager of the program."""
        return self.tokens.manager(program_id)

    async def pool(self, program_id: UUID) -> dict[str, Any]:
        """How many can be paired."""
        return await self.get(f"/programs/{program_id}/pool", self.manager(program_id))

    async def get(self, path: str, headers: Mapping[str, str]) -> dict[str, Any]:
        """What a page says."""
        answer = await self.client.get(path, headers=dict(headers))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def post(self, path: str, headers: Mapping[str, str], body: Any = None, *, expect: int = 200) -> Any:
        """What a page answers to this body."""
        answer = await self.client.post(path, headers=dict(headers), json=body if body is not None else {})
        assert answer.status_code == expect, answer.text
        return answer.json()

    async def all(self, path: str, headers: Mapping[str, str], limit: int = 500) -> list[dict[str, Any]]:
        """Everything on all pages of a list."""
        items: list[dict[str, Any]] = []
        cursor = ""
        while True:
            separator = "&" if "?" in path else "?"
            page = await self.get(f"{path}{separator}limit={limit}{cursor}", headers)
            items += page["items"]
            if not page["next_cursor"]:
                return items
            cursor = f"&cursor={page['next_cursor']}"

    async def run(self, program_id: UUID, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """A match run of the program, once it is done."""
        headers = self.manager(program_id)
        run = await self.post(f"/programs/{program_id}/match-runs", headers, dict(body or {}), expect=202)
        return await self.done(run["run_id"], headers)

    async def done(self, run_id: str, headers: Mapping[str, str]) -> dict[str, Any]:
        """A run, once it is no longer being computed."""
        seen: dict[str, Any] = {}

        async def is_done() -> bool:
            seen.update(await self.get(f"/match-runs/{run_id}", headers))
            return seen["state"] not in ("queued", "running")

        await eventually(is_done)
        return seen

    async def publish(self, run: Mapping[str, Any], body: Any = None, *, expect: int = 200) -> Any:
        """Publish a run."""
        headers = self.manager(UUID(run["program_id"]))
        return await self.post(f"/match-runs/{run['run_id']}/publication", headers, body, expect=expect)

    async def matched(self, *people: Somebody, **program: Any) -> UUID:
        """A program with these people, matched and published."""
        program_id = await self.program(*people, **program)
        run = await self.run(program_id)
        assert run["state"] == "completed", run
        await self.publish(run)
        return program_id

    async def pairings(self, program_id: UUID, status: str = "active") -> set[tuple[UUID, UUID]]:
        """The pairs (mentor, mentee) of a program."""
        rows = await self.all(f"/programs/{program_id}/pairings?status={status}", self.manager(program_id))
        return {
            (UUID(first["person_id"]), UUID(second["person_id"]))
            for row in rows
            for first in row["members"]
            for second in row["members"]
            if first["role"] == "mentor" and second["role"] == "mentee"
        }


def own_settings(new_database: Any, template: str, broker: Any, **more: Any) -> Settings:
    """Settings of a service with a database and a namespace of its own, that looks often."""
    settings: Settings = settings_for(
        Settings,
        database=new_database(template=template),
        broker=broker,
        namespace=own_namespace(),
        **{"match_run_poll_milliseconds": 20, "request_sweep_milliseconds": 50, **more},
    )
    return settings


@asynccontextmanager
async def started(settings: Settings, tokens: Tokens) -> AsyncIterator[Scene]:
    """The service running with these settings; stopped at the end of the block."""
    app = create_app(settings)
    async with running(app, tokens) as client:
        yield Scene(settings, app, client, tokens)


def persons(people: Sequence[Somebody]) -> list[UUID]:
    """Their ids."""
    return [one.person_id for one in people]
