"""Runs the parts of the platform: starts them in order, restarts what crashes, stops everything."""

import asyncio
import concurrent.futures
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tandem_local.parts import Part
from tandem_local.refusals import CannotStart
from tandem_local.state import PartRecord, RunRecord, StateDirectory

POLL_SECONDS = 0.25
HEALTH_EVERY_SECONDS = 10.0
UNHEALTHY_ANSWERS_BEFORE_RESTART = 3
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
STEADY_AFTER_SECONDS = 60.0
LONGEST_START_WAITED_FOR = 4.0


@dataclass
class _Watched:
    """What the supervisor remembers about a part."""

    part: Part
    record: PartRecord
    started_at: float = 0.0
    pause_seconds: float = FIRST_PAUSE_SECONDS
    unhealthy_answers: int = 0
    restarting: asyncio.Task[None] | None = field(default=None, repr=False)


class Supervisor:
    """Owns the processes of one platform. Children end with it, however it ends (on Linux)."""

    def __init__(
        self,
        state: StateDirectory,
        stages: Sequence[Sequence[Part]],
        *,
        base_port: int,
        bootstrap_servers: str,
        say: Callable[[str], None],
    ) -> None:
        """`stages` are started one after another, the parts of one together; `say` tells a person what happens."""
        self._state = state
        self._stages = [[_Watched(part, _record_of(part)) for part in stage] for stage in stages]
        self._say = say
        self._stop_wanted = asyncio.Event()
        # Threads of its own, alive until the end: on Linux a child ends with the thread that started it.
        self._threads = concurrent.futures.ThreadPoolExecutor(32, thread_name_prefix="part")
        self._under_way: set[concurrent.futures.Future[None]] = set()
        self.record = RunRecord(
            pid=os.getpid(),
            base_port=base_port,
            phase="starting",
            bootstrap_servers=bootstrap_servers,
            parts=[watched.record for watched in self._all()],
        )

    def _all(self) -> list[_Watched]:
        return [watched for stage in self._stages for watched in stage]

    async def start(self) -> None:
        """Start every part and return when all work; where one does not, stop those that do.

        Raises:
            CannotStart: and nothing is left running.
        """
        try:
            for watched in self._all():
                watched.part.require_ports()
            for stage in self._stages:
                starts = [asyncio.create_task(self._first_start(watched)) for watched in stage]
                await self._all_or_stop(starts)
        except (CannotStart, asyncio.CancelledError):
            await self.stop()
            raise
        self._enter("running")

    async def _all_or_stop(self, starts: list[asyncio.Task[None]]) -> None:
        """Wait for all starts; give up at the first refusal, or when a stop is wanted meanwhile."""
        stop = asyncio.create_task(self._stop_wanted.wait())
        try:
            pending: set[asyncio.Task[None]] = set(starts)
            while pending:
                done, _ = await asyncio.wait({*pending, stop}, return_when=asyncio.FIRST_COMPLETED)
                if stop in done:
                    raise Stopped("Stopped before everything had started.")
                for task in done & pending:
                    task.result()
                pending -= done
        finally:
            stop.cancel()
            for task in starts:
                task.cancel()

    async def _first_start(self, watched: _Watched) -> None:
        began = time.monotonic()
        self._note(watched, "starting")
        await self._in_thread(watched.part.start)
        watched.started_at = time.monotonic()
        self._note(watched, "running")
        seconds = watched.started_at - began
        self._say(f"{watched.part.name:<11} {watched.part.address:<24} {watched.part.description} ({seconds:.1f} s)")

    async def watch(self) -> None:
        """Restart what crashes or says that it must be restarted, until a stop is wanted."""
        next_health = time.monotonic() + HEALTH_EVERY_SECONDS
        while not self._stop_wanted.is_set():
            for watched in self._all():
                process = watched.part.process
                if watched.restarting is None and process is not None and process.exit_code is not None:
                    self._restart(watched, process.ended().args[0])
            if time.monotonic() >= next_health:
                next_health = time.monotonic() + HEALTH_EVERY_SECONDS
                await self._check_health()
            try:
                await asyncio.wait_for(self._stop_wanted.wait(), POLL_SECONDS)
            except TimeoutError:
                continue

    async def _check_health(self) -> None:
        steady = [watched for watched in self._all() if watched.restarting is None]
        answers = await asyncio.gather(*(asyncio.to_thread(watched.part.why_unhealthy) for watched in steady))
        for watched, reason in zip(steady, answers, strict=True):
            watched.unhealthy_answers = watched.unhealthy_answers + 1 if reason is not None else 0
            if reason is not None and watched.unhealthy_answers >= UNHEALTHY_ANSWERS_BEFORE_RESTART:
                self._restart(watched, f"{watched.part.name} says that it is not well: {reason}.")

    def _restart(self, watched: _Watched, reason: str) -> None:
        if watched.started_at and time.monotonic() - watched.started_at > STEADY_AFTER_SECONDS:
            watched.pause_seconds = FIRST_PAUSE_SECONDS
        self._say(f"{reason} Starting it again in {watched.pause_seconds:g} s.")
        watched.restarting = asyncio.create_task(self._restarted(watched))

    async def _restarted(self, watched: _Watched) -> None:
        """Start it until it works, each time after a longer pause, then those that rely on what it lost."""
        while True:
            watched.unhealthy_answers = 0
            watched.record.restarts += 1
            self._note(watched, "restarting")
            await asyncio.sleep(watched.pause_seconds)
            watched.pause_seconds = min(watched.pause_seconds * 2, LONGEST_PAUSE_SECONDS)
            try:
                await self._in_thread(watched.part.stop)
                await self._in_thread(watched.part.start)
            except CannotStart as refusal:
                self._say(f"{refusal} Trying again in {watched.pause_seconds:g} s.")
                continue
            break
        watched.started_at = time.monotonic()
        self._note(watched, "running")
        self._say(f"{watched.part.name} runs again.")
        watched.restarting = None
        for other in self._all():
            if other.part.name in watched.part.restarts_with_it and other.restarting is None:
                other.pause_seconds = FIRST_PAUSE_SECONDS
                self._restart(other, f"{other.part.name} relies on what the {watched.part.name} has lost.")

    def want_stop(self) -> None:
        """Ask for the end; `start` and `watch` return soon. For signal handlers."""
        self._stop_wanted.set()

    async def stop(self) -> None:
        """Stop everything, the last stage first, the parts of a stage together. Takes less than 10 s."""
        self._stop_wanted.set()
        self._enter("stopping")
        restarts = [watched.restarting for watched in self._all() if watched.restarting is not None]
        for task in restarts:
            task.cancel()
        under_way = set(self._under_way)
        await self._stop_parts()
        if under_way:
            # A start that was under way cannot be interrupted, and may have made a process behind our back.
            await asyncio.to_thread(concurrent.futures.wait, under_way, timeout=LONGEST_START_WAITED_FOR)
            await self._stop_parts()
        self._enter("stopped")
        self._threads.shutdown(wait=False)

    async def _stop_parts(self) -> None:
        for stage in reversed(self._stages):
            await asyncio.gather(*(asyncio.to_thread(watched.part.stop) for watched in stage))
            for watched in stage:
                self._note(watched, "stopped")

    async def _in_thread(self, work: Callable[[], None]) -> None:
        """Wait for `work`, and remember while it runs that it does: its thread goes on when the wait is cancelled."""
        future = self._threads.submit(work)
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        await asyncio.wrap_future(future)

    def _enter(self, phase: str) -> None:
        self.record.phase = phase
        self._state.write_record(self.record)

    def _note(self, watched: _Watched, state: str) -> None:
        process = watched.part.process
        watched.record.state = state
        watched.record.pid = process.pid if process is not None else None
        self._state.write_record(self.record)


class Stopped(CannotStart):
    """A stop was asked for while the platform was starting."""


def _record_of(part: Part) -> PartRecord:
    return PartRecord(name=part.name, description=part.description, address=part.address)
