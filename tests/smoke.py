"""`python -m tests.smoke`: the whole thread through a platform in containers, once in peace and once under kills.

`deploy/smoke.sh` builds and starts the containers and calls this. The two runs must end in the same result.
"""

import argparse
import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from tandem_local.access import Wish, request_token
from tandem_local.addresses import Addresses
from tandem_local.refusals import NotAnswering
from tandem_local.state import CLIENT_SECRET_FILE, StateDirectory
from tandem_profiles.domain.sample_sheets import mentee_sheet, mentor_sheet
from tests import outsider
from tests.thread import Thread

SEED = 8
PATIENCE_SECONDS = 300
AWAY_SECONDS = 1.0

OF_THE_THREAD = (
    "program.launched",
    "enrollment.submitted",
    "enrollment.approved",
    "match_run.published",
    "pairing.created",
    "mentee.waitlisted",
    "agreement.proposed",
    "agreement.signed",
    "session.scheduled",
    "agenda.prepared",
    "session.completed",
    "action_item.agreed",
    "feedback.requested",
    "feedback.submitted",
)
"""The facts that one run of the thread says, whenever it runs; what clocks alone bring is not compared."""


@dataclass(frozen=True)
class Containers:
    """A platform that deploy/compose.yaml runs on this machine."""

    project: str
    addresses: Addresses
    secret_file: Path

    def token(self, *, admin: bool = False, programs: tuple[UUID, ...] = (), person_id: UUID | None = None) -> str:
        """A token of the trial's identity provider; asks again while it is away."""
        wish = Wish(admin=admin, programs=programs, person_id=person_id)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                environment = {CLIENT_SECRET_FILE: str(self.secret_file)}
                return str(request_token(StateDirectory(Path()), self.addresses, wish, environment)["access_token"])
            except NotAnswering:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def kill(self, service: str) -> None:
        """End the service's container with SIGKILL, as a crash or a lost machine would. Blocks until it is dead."""
        docker("kill", "--signal", "KILL", self._container(service))
        docker("wait", self._container(service))

    def start(self, service: str) -> None:
        """Start the container again, with the volumes it had. Does not wait until it is ready."""
        docker("start", self._container(service))

    def health(self, service: str) -> str:
        """What the engine says of the container: starting, healthy, unhealthy."""
        return docker("inspect", "--format", "{{.State.Health.Status}}", self._container(service))

    def _container(self, service: str) -> str:
        project, name = f"com.docker.compose.project={self.project}", f"com.docker.compose.service={service}"
        return docker("ps", "--all", "--quiet", "--filter", f"label={project}", "--filter", f"label={name}")


def docker(*arguments: str) -> str:
    """What the engine's client answers. Blocks; raises `CalledProcessError` where it refuses."""
    answer = subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True, timeout=120)
    return answer.stdout.strip()


@dataclass
class Result:
    """What a run of the thread came to. Ids and times differ between runs; nothing in here may."""

    accepted: dict[str, int] = field(default_factory=dict)
    scores: list[float] = field(default_factory=list)
    """Of each pair, the best first. Who meets whom may differ where two matches are equally good: ids decide then."""
    sessions: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    assessed: int = 0
    events: dict[str, int] = field(default_factory=dict)


class Striker:
    """Kills one container at the beginning of each step, and starts it a second later."""

    def __init__(self, platform: Containers) -> None:
        self._platform = platform
        self._threads = ThreadPoolExecutor(1)
        self.struck: list[str] = []

    async def during(self, step: str, victims: tuple[str, ...], work: Callable[[], Awaitable[Any]]) -> Any:
        """The step's answer; its victims are dead when it begins, and come back one after the other while it runs."""
        # Threads of its own: those of the event loop may all be waiting for whom this brings back.
        loop = asyncio.get_running_loop()
        for victim in victims:
            await loop.run_in_executor(self._threads, self._platform.kill, victim)
        back = asyncio.create_task(self._come_back(victims))
        began = time.monotonic()
        answer = await work()
        await back
        for victim in victims:
            self.struck.append(victim)
            say(f"    {step}: {victim} killed, and back; the step took {time.monotonic() - began:.1f} s")
        return answer

    async def _come_back(self, victims: tuple[str, ...]) -> None:
        loop = asyncio.get_running_loop()
        for victim in victims:
            await asyncio.sleep(AWAY_SECONDS)
            await loop.run_in_executor(self._threads, self._platform.start, victim)
            deadline = time.monotonic() + PATIENCE_SECONDS
            while await loop.run_in_executor(self._threads, self._platform.health, victim) != "healthy":
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{victim} is not healthy again after {PATIENCE_SECONDS} s")
                await asyncio.sleep(0.5)


class Peace:
    """Leaves every container alone."""

    async def during(self, _step: str, _victims: tuple[str, ...], work: Callable[[], Awaitable[Any]]) -> Any:
        """The step's answer."""
        return await work()


async def run(platform: Containers, strikes: Striker | Peace, *, company: str, people: int) -> Result:
    """The thread from sign-up sheets to feedback and health, with people of their own."""
    result = Result()
    content = {
        "mentor": mentor_sheet(people, SEED).replace("@example.org", f"@{company}").encode(),
        "mentee": mentee_sheet(people, SEED).replace("@example.org", f"@{company}").encode(),
    }
    async with Thread(platform, patience_seconds=PATIENCE_SECONDS) as thread:
        await thread.create_program(f"Smoke at {company}")
        reports = await strikes.during("sign-up sheets", ("profiles",), lambda: thread.import_sheets(content))
        result.accepted = {role: report["accepted"] for role, report in reports.items()}
        await strikes.during("the pool fills from events", ("kafka",), thread.until_the_pool_is_complete)
        match = await strikes.during("match run", ("matching",), thread.match)
        proposals = await strikes.during("publication", ("postgres",), lambda: thread.publish(match["run_id"]))
        result.scores = sorted((one["score"] for one in proposals), reverse=True)
        if len(thread.pairs) != len(proposals):
            raise AssertionError(f"{len(proposals)} pairs were proposed and {len(thread.pairs)} made")
        await strikes.during("agreements", ("identity", "kafka"), lambda: thread.for_each(thread.pairs, thread.sign))
        await strikes.during("bookings", ("scheduling",), lambda: thread.for_each(thread.pairs, thread.schedule))
        await strikes.during(
            "sessions held", ("postgres",), lambda: thread.for_each(thread.meeting_now, thread.complete)
        )
        await strikes.during(
            "feedback", ("feedback",), lambda: thread.for_each(thread.meeting_now, thread.give_feedback)
        )
        for pair in thread.pairs:
            held = await thread.items(pair.mentor_id, "scheduling", f"/pairings/{pair.pairing_id}/sessions")
            result.sessions.update(str(session["state"]) for session in held)
            for person in (pair.mentor_id, pair.mentee_id):
                requests = await thread.items(person, "feedback", "/me/feedback-requests")
                result.answered.update(str(one["state"]) for one in requests if one["pairing_id"] == pair.pairing_id)
        for pair in thread.meeting_now:
            seen = await thread.until(partial(thread.health, pair), lambda seen: len(seen["reasons"]) > 0)
            result.assessed += bool(seen["band"])
        result.events = await thread.until(
            lambda: events_of(platform, thread.program_id),
            lambda events: events["feedback.submitted"] >= 2 * len(thread.meeting_now),
        )
    return result


async def events_of(platform: Containers, program_id: str) -> dict[str, int]:
    """How many events of each kind Kafka holds about this program, doubles counted once; each fits its schema."""
    read = await asyncio.to_thread(outsider.read_all, f"127.0.0.1:{platform.addresses.broker_port}")
    ids: dict[str, set[str]] = {f"tandem.{name}.v1": set() for name in OF_THE_THREAD}
    for one in read:
        kind = one.event.get_type()
        if kind in ids and isinstance(one.data, dict) and one.data.get("program_id") == program_id:
            outsider.validator(kind).validate(one.data)
            ids[kind].add(one.event.get_id())
    return {kind.removeprefix("tandem.").removesuffix(".v1"): len(found) for kind, found in ids.items()}


def say(sentence: str) -> None:
    """Print at once: whoever waits wants to see how far it is."""
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def differences(calm: Result, struck: Result) -> list[str]:
    """In what the two runs differ, in words."""
    return [
        f"{name}: {getattr(calm, name)} in peace, {getattr(struck, name)} under kills"
        for name in Result.__dataclass_fields__
        if getattr(calm, name) != getattr(struck, name)
    ]


async def both(platform: Containers, people: int) -> bool:
    """Whether the run under kills ended like the one in peace."""
    say(f"  In peace: {people} mentors and {people} mentees")
    began = time.monotonic()
    calm = await run(platform, Peace(), company="peace.example", people=people)
    say(f"    {time.monotonic() - began:.1f} s: {len(calm.scores)} pairs, sessions {dict(calm.sessions)}, ")
    say(f"    feedback {dict(calm.answered)}, health of {calm.assessed}; events {calm.events}")
    if not calm.scores or not calm.assessed:
        say("  FAILED: nobody was paired, or no relationship was assessed")
        return False
    say("  The same people at another company, and containers are killed")
    striker = Striker(platform)
    began = time.monotonic()
    struck = await run(platform, striker, company="kills.example", people=people)
    say(f"    {time.monotonic() - began:.1f} s; killed: {', '.join(striker.struck)}")
    found = differences(calm, struck)
    for difference in found:
        say(f"  DIFFERENT {difference}")
    if not found:
        say("    the result is the same: accepted, the pairs' scores, sessions, feedback, health, events")
    return not found


def main() -> None:
    """Run both and exit with 1 where they differ."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--project", default="tandem", help="The project's name in Compose.")
    options.add_argument("--base-port", type=int, default=8100)
    options.add_argument("--secret-file", type=Path, required=True, help="The identity provider's client secret.")
    options.add_argument("--people", type=int, default=25, help="So many mentors, and as many mentees.")
    given = options.parse_args()
    platform = Containers(given.project, Addresses(given.base_port), given.secret_file)
    sys.exit(0 if asyncio.run(both(platform, given.people)) else 1)


if __name__ == "__main__":
    main()
