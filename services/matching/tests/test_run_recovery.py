"""Runs survive what happens to those who compute them, and people can be erased from everything."""

from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from matching_scene import Scene, mentee, mentor

from tandem_events.contracts import MatchingErased, PersonErased
from tandem_events.testing import eventually, tap
from tandem_matching.domain.matching import match
from tandem_matching.domain.relationships import relate
from tandem_matching.domain.rules import Rules
from tandem_matching.domain.vanished import people_of
from tandem_matching.storage import world
from tandem_matching.storage.tables import MatchRun, Person, Proposal
from tandem_matching.use_cases import runs


async def left_behind(scene: Scene, program_id: UUID, *, claimed_until: datetime, takeovers: int = 0) -> UUID:
    """A run that another replica had begun to compute."""
    run_id = uuid4()
    async with scene.app.state.database.transaction() as session:
        session.add(
            MatchRun(
                run_id=run_id,
                program_id=program_id,
                state="running",
                seed=0,
                matching=Rules().as_document(),
                wishes={},
                requested_at=datetime.now(UTC),
                claimed_by=uuid4(),
                claimed_until=claimed_until,
                takeovers=takeovers,
            )
        )
    return run_id


async def confirmed(scene: Scene, person_id: UUID) -> None:
    """Once matching said that it erased somebody."""
    async with tap(scene.settings) as topics:
        await topics.until(
            lambda seen: any(isinstance(one.event, MatchingErased) and one.event.person_id == person_id for one in seen)
        )


async def test_a_run_whose_replica_died_is_taken_over(scene: Scene) -> None:
    program_id = await scene.program(mentor(), mentee())
    run_id = await left_behind(scene, program_id, claimed_until=datetime.now(UTC) - timedelta(seconds=1))
    run = await scene.done(str(run_id), scene.manager(program_id))
    assert (run["state"], run["summary"]["proposals"]) == ("completed", 1)


async def test_a_run_that_was_taken_over_again_and_again_fails_in_words_and_kills_nobody_more(scene: Scene) -> None:
    program_id = await scene.program(mentor(), mentee())
    silent = datetime.now(UTC) - timedelta(seconds=1)
    once_more = await left_behind(scene, program_id, claimed_until=silent, takeovers=1)
    assert (await scene.done(str(once_more), scene.manager(program_id)))["state"] == "completed"
    run_id = await left_behind(scene, program_id, claimed_until=silent, takeovers=2)
    run = await scene.done(str(run_id), scene.manager(program_id))
    assert run["state"] == "failed"
    assert "3 times in a row" in run["reason"]


async def test_a_run_that_is_given_back_at_a_stop_was_not_taken_over(scene: Scene) -> None:
    program_id = await scene.program(mentor(), mentee())
    hour, now = timedelta(hours=1), datetime.now(UTC)
    run_id = await left_behind(scene, program_id, claimed_until=now + hour)
    async with scene.app.state.database.transaction() as session:
        run = await session.get(MatchRun, run_id)
        assert run is not None
        await runs.give_back_claim(session, run_id, cast("UUID", run.claimed_by))
    assert (await scene.done(str(run_id), scene.manager(program_id)))["state"] == "completed"
    async with scene.app.state.database.transaction() as session:
        stored = await session.get(MatchRun, run_id)
        assert stored is not None
        assert stored.takeovers == 0


@pytest.mark.parametrize("program_format", ["one_to_one", "peer", "circle"])
async def test_who_is_erased_while_a_run_is_computed_is_named_nowhere_in_what_it_stores(
    scene: Scene, program_format: str
) -> None:
    matching = {"circle": {"least": 2}, "rules": {"level_gap": {"least": None, "most": None}}}
    people = [mentor(), mentor(), mentee(), mentee()]
    program_id = await scene.program(*people, program_format=program_format, matching=matching)
    run_id = await left_behind(scene, program_id, claimed_until=datetime.now(UTC) + timedelta(hours=1))
    database = scene.app.state.database
    async with database.transaction() as session:
        run = await session.get(MatchRun, run_id)
    assert run is not None
    async with database.transaction() as session:
        claimed = await runs.take_snapshot(session, run)
    on = claimed.requested_at.date()
    found = (
        match(claimed.pool, claimed.rules, seed=0, on=on)
        if program_format == "one_to_one"
        else relate(claimed.pool, claimed.rules, program_format=program_format, seed=0, on=on)
    )
    gone = people[-1].person_id
    assert gone in people_of(found)
    await scene.say(PersonErased(occurred_at=datetime.now(UTC), person_id=gone))
    await confirmed(scene, gone)
    worker = cast("UUID", run.claimed_by)
    async with database.transaction() as session:
        assert await runs.complete_run(session, run_id, worker, found, at=datetime.now(UTC))
    headers = scene.manager(program_id)
    shown = await scene.get(f"/match-runs/{run_id}", headers)
    assert shown["summary"]["erased_meanwhile"] == 1
    for what in ("proposals", "circles", "unmatched"):
        assert str(gone) not in str(await scene.all(f"/match-runs/{run_id}/{what}", headers))


async def test_an_erasure_waits_for_a_run_that_is_being_stored(scene: Scene) -> None:
    """Otherwise what the run says of somebody would be stored after everything about them was erased."""
    junior = mentee()
    await scene.program(mentor(), junior)
    database = scene.app.state.database

    async def waits() -> bool:
        async with database.transaction() as session:
            waiting = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            return bool(await session.scalar(waiting))

    async with database.transaction() as storing:
        await world.hold_off_erasures(storing)
        await scene.say(PersonErased(occurred_at=datetime.now(UTC), person_id=junior.person_id))
        await eventually(waits)
        assert await world.known_among(storing, {junior.person_id})

    async def erased() -> bool:
        async with database.transaction() as session:
            return not await world.known_among(session, {junior.person_id})

    await eventually(erased)


async def test_a_run_that_somebody_else_computes_is_left_to_them(scene: Scene) -> None:
    program_id = await scene.program(mentor(), mentee())
    now = datetime.now(UTC)
    run_id = await left_behind(scene, program_id, claimed_until=now + timedelta(hours=1))
    async with scene.app.state.database.transaction() as session:
        claimed = await runs.claim_run(session, uuid4(), now=now, claim=timedelta(seconds=30))
    assert claimed is None or claimed.run_id != run_id


async def test_a_cancelled_run_is_no_longer_its_workers(scene: Scene) -> None:
    program_id = await scene.program(mentor(), mentee())
    run_id = await left_behind(scene, program_id, claimed_until=datetime.now(UTC) + timedelta(hours=1))
    headers = scene.manager(program_id)
    assert (await scene.post(f"/match-runs/{run_id}/cancellation", headers))["state"] == "cancelled"
    async with scene.app.state.database.transaction() as session:
        kept = await runs.keep_claim(session, run_id, uuid4(), until=datetime.now(UTC), progress=0.5)
    assert not kept
    assert (await scene.get(f"/match-runs/{run_id}", headers))["state"] == "cancelled"


async def test_an_erased_person_is_gone_from_everything_and_that_is_confirmed(scene: Scene) -> None:
    boss, junior = mentor(), mentee()
    program_id = await scene.matched(boss, junior)
    await scene.say(PersonErased(occurred_at=datetime.now(UTC), person_id=junior.person_id))
    await confirmed(scene, junior.person_id)
    async with scene.app.state.database.transaction() as session:
        assert await session.get(Person, junior.person_id) is None
        about = sa.select(sa.func.count()).select_from(Proposal).where(Proposal.mentee_id == junior.person_id)
        assert await session.scalar(about) == 0
    assert await scene.pairings(program_id) == set()
    assert (await scene.pool(program_id))["places"] == 1


async def test_answers_that_are_kept_to_be_repeated_say_nothing_of_who_was_erased(scene: Scene) -> None:
    boss, junior = mentor(), mentee()
    program_id = await scene.program(boss, junior)
    headers = {**scene.tokens.person(junior.person_id), "Idempotency-Key": '"asked once"'}
    body = {"mentor_ids": [str(boss.person_id)], "message": "My own words."}
    await scene.post(f"/programs/{program_id}/match-requests", headers, body, expect=201)

    async def kept() -> int:
        asked = sa.text("SELECT count(*) FROM idempotency_keys WHERE position('My own words.'::bytea IN body) > 0")
        async with scene.app.state.database.transaction() as session:
            return int(await session.scalar(asked))

    assert await kept() == 1
    await scene.say(PersonErased(occurred_at=datetime.now(UTC), person_id=junior.person_id))
    await confirmed(scene, junior.person_id)
    assert await kept() == 0
