"""Pulses and calls for help from the outside."""

from datetime import timedelta
from uuid import uuid4

from feedback_world import Pair, World

from tandem_events.contracts import PairingCreated, PulseSubmitted
from tandem_events.testing import eventually, tap


async def test_a_pulse_is_taken_every_two_weeks_and_only_its_author_sees_it(world: World) -> None:
    pair = await world.pair()
    path = f"/pairings/{pair.pairing_id}/pulses"
    await world.post(path, pair.as_mentee, listening=5, interest=4)
    await world.post(path, pair.as_mentee, 409, listening=5, interest=4)
    await world.post(path, pair.as_mentee, 422, listening=6, interest=4)
    await world.post(path, world.tokens.person(uuid4()), 404, listening=5, interest=4)
    assert len((await world.get(path, pair.as_mentee))["items"]) == 1
    assert (await world.get(path, pair.as_mentor))["items"] == []
    await world.get(path, pair.as_manager, 404)
    async with tap(world.settings) as topics:
        said = await topics.first(PulseSubmitted)
        assert "listening" not in said.model_dump()


async def test_pulses_point_somewhere_and_tell_no_member_where_the_others_point(world: World) -> None:
    pair = await world.pair()
    path = f"/pairings/{pair.pairing_id}/pulse-trend"
    manages_and_mentors = world.tokens.manager(pair.program_id, person_id=pair.mentor)

    async def seen() -> list[tuple[str, str]]:
        callers = (pair.as_mentee, pair.as_mentor, manages_and_mentors, pair.as_manager)
        trends = [await world.get(path, headers) for headers in callers]
        return [(one["of"], one["trend"]) for one in trends]

    try:
        for number, value in enumerate((5, 5, 2, 1)):
            world.clock.ahead = timedelta(days=15 * number)
            await world.post(f"/pairings/{pair.pairing_id}/pulses", pair.as_mentee, listening=value, interest=value)
        alone = [("me", "falling"), ("me", "unknown"), ("me", "unknown"), ("members", "unknown")]
        assert await seen() == alone, "what one member alone has said is told to nobody else"
        await world.post(f"/pairings/{pair.pairing_id}/pulses", pair.as_mentor, listening=1, interest=1)
        assert await seen() == [*alone[:3], ("members", "falling")]
    finally:
        world.clock.ahead = timedelta()
    await world.get(path, world.tokens.person(uuid4()), 404)


async def test_a_pulse_is_due_two_weeks_after_the_beginning_and_after_each_pulse_until_the_end(world: World) -> None:
    pair = await world.pair()
    second = Pair(world, pair.program_id, uuid4(), uuid4(), pair.mentee, world.now())
    await world.hear(
        PairingCreated(
            pairing_id=second.pairing_id,
            program_id=second.program_id,
            format="one_to_one",
            members=second.members,
            occurred_at=world.now() - timedelta(days=1),
        )
    )
    await eventually(second.known)

    async def due(query: str = "") -> list[str]:
        return [one["pairing_id"] for one in (await world.get(f"/me/pulses-due{query}", pair.as_mentee))["items"]]

    assert await due() == []
    try:
        world.clock.ahead = timedelta(days=14)
        both = sorted([str(pair.pairing_id), str(second.pairing_id)])
        assert await due() == both
        first_page = await world.get("/me/pulses-due?limit=1", pair.as_mentee)
        assert await due(f"?limit=1&cursor={first_page['next_cursor']}") == both[1:]
        await world.post(f"/pairings/{pair.pairing_id}/pulses", pair.as_mentee, listening=5, interest=4)
        assert await due() == [str(second.pairing_id)]
        await second.ended()
        assert await due() == []
        world.clock.ahead = timedelta(days=28)
        assert await due() == [str(pair.pairing_id)]
        assert len((await world.get("/me/pulses-due", pair.as_mentor))["items"]) == 1, (
            "who never answered is asked still"
        )
    finally:
        world.clock.ahead = timedelta()


async def test_a_call_for_help_reaches_the_programs_managers_and_nobody_else(world: World) -> None:
    pair = await world.pair()
    call = await world.post(f"/pairings/{pair.pairing_id}/calls-for-help", pair.as_mentee, words="We do not click.")
    inbox = f"/programs/{pair.program_id}/calls-for-help"
    assert [one["words"] for one in (await world.get(inbox, pair.as_manager))["items"]] == ["We do not click."]
    for headers in (pair.as_mentor, world.tokens.admin(), world.tokens.manager(uuid4())):
        await world.get(inbox, headers, 403)
    assert (await world.get("/me/calls-for-help", pair.as_mentor))["items"] == []
    path = f"/calls-for-help/{call['call_id']}/settlement"
    await world.post(path, pair.as_mentor, 404, answer="No")
    await world.post(path, pair.as_manager, answer="Let us talk tomorrow.")
    await world.post(path, pair.as_manager, 409, answer="Again")
    assert (await world.get("/me/calls-for-help", pair.as_mentee))["items"][0]["answer"] == "Let us talk tomorrow."
