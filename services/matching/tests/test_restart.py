"""A run survives its service: killed in the middle of a computation, started again, and nothing is there twice."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from matching_advisor import TestAdvisor, advising
from matching_scene import Scene, mentee, mentor, own_settings, started

from tandem_chassis.testing import Tokens
from tandem_events.testing import eventually
from tandem_matching import workers
from tandem_matching.domain.advised import Found
from tandem_matching.domain.people import Pool
from tandem_matching.settings import Settings
from tandem_matching.use_cases.runs import Claimed

ASKING = {"advisor": {"ask": True}}


@pytest.fixture
async def advisor() -> AsyncIterator[TestAdvisor]:
    async with advising() as one:
        yield one


@pytest.fixture
def settings(new_database: Any, template: str, broker: Any, advisor: TestAdvisor) -> Settings:
    return own_settings(
        new_database,
        template,
        broker,
        match_advisor_url=advisor.url,
        match_advisor_deadline_seconds=120,
        match_run_claim_seconds=2,
    )


@asynccontextmanager
async def process_of(settings: Settings) -> AsyncIterator[asyncio.subprocess.Process]:
    """The service as a process of its own, on a port that is free."""
    told = settings.model_copy(update={"http_port": 0}).model_dump(mode="json", exclude_unset=True)
    environment = {f"TANDEM_{name.upper()}": str(value) for name, value in told.items() if value is not None}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tandem_chassis", "serve", "tandem_matching"),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_run_whose_service_is_killed_is_computed_by_the_next_and_stored_once(
    settings: Settings, tokens: Tokens, advisor: TestAdvisor
) -> None:
    """The advisor keeps the run in the middle of its computation until the service is killed."""
    async with started(settings, tokens) as scene:
        program_id = await scene.program(mentor(2), mentor(), mentee(), mentee(), mentee(), matching=ASKING)
        undisturbed = await scene.run(program_id, {"seed": 5})
        advisor.begin_again()
        advisor.answer = lambda _: None
        asked = await scene.post(
            f"/programs/{program_id}/match-runs", scene.manager(program_id), {"seed": 5}, expect=202
        )
        await eventually(lambda: bool(advisor.questions))
    # Stopped in order, it gave the run back: the process takes it up, and is killed in the middle.
    advisor.questions.clear()
    async with process_of(settings) as process:
        await eventually(lambda: bool(advisor.questions), within_seconds=60)
        process.send_signal(signal.SIGKILL)
        assert await process.wait() == -signal.SIGKILL
    advisor.begin_again()
    async with started(settings, tokens) as scene:
        run = await scene.done(asked["run_id"], scene.manager(program_id))
        assert run["state"] == "completed"
        assert run["fingerprint"] == undisturbed["fingerprint"]
        pairs = await scene.all(f"/match-runs/{run['run_id']}/proposals", scene.manager(program_id))
        assert len(pairs) == len({pair["mentee_id"] for pair in pairs}) == 3
        assert (await scene.publish(run))["pairings"] == 3


async def test_several_programs_run_at_once_and_one_can_be_cancelled_in_the_middle(
    settings: Settings, tokens: Tokens, advisor: TestAdvisor
) -> None:
    async with started(settings, tokens) as scene:
        programs = [await scene.program(mentor(), mentee(), matching=ASKING) for _ in range(2)]
        free = await scene.program(mentor(), mentee())
        advisor.answer = lambda _: None
        runs = [await scene.post(f"/programs/{one}/match-runs", scene.manager(one), expect=202) for one in programs]
        await eventually(lambda: len(advisor.questions) == 2)
        states = [
            (await scene.get(f"/match-runs/{run['run_id']}", scene.manager(one)))["state"]
            for run, one in zip(runs, programs, strict=True)
        ]
        assert states == ["running", "running"]
        for run, one in zip(runs, programs, strict=True):
            path = f"/match-runs/{run['run_id']}/cancellation"
            assert (await scene.post(path, scene.manager(one)))["state"] == "cancelled"
        assert await _computed(scene, free), "the workers are free again"
        for run, one in zip(runs, programs, strict=True):
            shown = await scene.get(f"/match-runs/{run['run_id']}", scene.manager(one))
            assert shown["state"] == "cancelled"
            assert await scene.all(f"/match-runs/{run['run_id']}/proposals", scene.manager(one)) == []


async def test_a_cancelled_computation_ends_and_its_worker_takes_another_run(
    settings: Settings, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both workers are in the middle of computing, in threads of their own, until they hear that nobody waits."""
    computing: list[UUID] = []

    def never_done(claimed: Claimed, _: Pool, progress: Any) -> Found:
        computing.append(claimed.run_id)
        while True:
            progress.given_up.wait()
            progress(0.5)

    async with started(settings, tokens) as scene:
        programs = [await scene.program(mentor(), mentee()) for _ in range(2)]
        with monkeypatch.context() as patched:
            patched.setattr(workers, "_match", never_done)
            runs = [await scene.post(f"/programs/{one}/match-runs", scene.manager(one), expect=202) for one in programs]
            await eventually(lambda: len(computing) == 2)
        waiting = await scene.post(f"/programs/{programs[0]}/match-runs", scene.manager(programs[0]), expect=202)
        for run, one in zip(runs, programs, strict=True):
            await scene.post(f"/match-runs/{run['run_id']}/cancellation", scene.manager(one))
        done = await scene.done(waiting["run_id"], scene.manager(programs[0]))
        assert done["state"] == "completed"
        states = [
            (await scene.get(f"/match-runs/{run['run_id']}", scene.manager(one)))["state"]
            for run, one in zip(runs, programs, strict=True)
        ]
        assert states == ["cancelled", "cancelled"]
        assert len(computing) == 2, "what was cancelled is not taken up again"


async def _computed(scene: Scene, program_id: Any) -> bool:
    return bool((await scene.run(program_id))["state"] == "completed")
