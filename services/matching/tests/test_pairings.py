"""Pairings from the outside: seen by whom they concern, ended, and what follows when somebody leaves."""

from datetime import UTC, datetime
from uuid import uuid4

from matching_scene import Scene, enrollment, mentee, mentor, person_state

from tandem_events.contracts import (
    EnrollmentWithdrawn,
    MenteeWaitlisted,
    MentorCandidateSuggested,
    MentorCapacityChanged,
    PairingEnded,
    PairingState,
    RematchRequested,
)
from tandem_events.testing import Seen, eventually, tap


async def test_members_and_managers_see_a_pairing_and_nobody_else(scene: Scene) -> None:
    boss, junior = mentor(), mentee()
    program_id = await scene.matched(boss, junior)
    (pairing,) = (await scene.get("/me/pairings", scene.tokens.person(junior.person_id)))["items"]
    path = f"/pairings/{pairing['pairing_id']}"
    for headers in (scene.tokens.person(boss.person_id), scene.manager(program_id), scene.tokens.admin()):
        assert (await scene.get(path, headers))["status"] == "active"
    for headers in (scene.tokens.person(uuid4()), scene.manager(uuid4())):
        assert (await scene.client.get(path, headers=headers)).status_code == 404
    assert (
        await scene.client.get(f"/programs/{program_id}/pairings", headers=scene.tokens.person(boss.person_id))
    ).status_code == 403


async def test_a_no_fault_rematch_frees_the_place_and_puts_the_mentee_first_in_line(scene: Scene) -> None:
    boss, junior, waiting = mentor(), mentee(), mentee(profession="Security")
    program_id = await scene.matched(boss, junior, waiting)
    (pairing,) = (await scene.get("/me/pairings", scene.tokens.person(junior.person_id)))["items"]
    path = f"/pairings/{pairing['pairing_id']}/end"
    await scene.post(path, scene.tokens.person(junior.person_id), {"reason": "misconduct"}, expect=403)
    ended = await scene.post(path, scene.tokens.person(junior.person_id), {"reason": "no_fault_rematch"})
    assert ended["status"] == "ended"
    await scene.post(path, scene.manager(program_id), {"reason": "completed"}, expect=409)
    line = (await scene.get(f"/programs/{program_id}/waiting-mentees", scene.manager(program_id)))["items"]
    assert [one["person_id"] for one in line] == [str(junior.person_id), str(waiting.person_id)]
    assert (await scene.pool(program_id))["places"] == 1
    run = await scene.run(program_id)
    (again,) = await scene.all(f"/match-runs/{run['run_id']}/proposals", scene.manager(program_id))
    assert again["mentee_id"] == str(waiting.person_id), "the ended pair is not repeated"


async def test_when_a_mentor_leaves_their_pairings_end_and_their_mentees_come_first(scene: Scene) -> None:
    boss, first, second = mentor(2), mentee(), mentee()
    program_id = await scene.matched(boss, first, second)
    await scene.leave(boss)
    async with tap(scene.settings) as topics:

        def told() -> list[object]:
            return [one.event for one in topics.seen if getattr(one.event, "program_id", None) == program_id]

        await topics.until(lambda _: sum(isinstance(event, MenteeWaitlisted) for event in told()) == 2)
        ended = [event for event in told() if isinstance(event, PairingEnded)]
        states = [event.status for event in told() if isinstance(event, PairingState)]
        waiting = [event for event in told() if isinstance(event, MenteeWaitlisted)]
    assert [event.reason for event in ended] == ["left", "left"]
    assert sorted(states) == ["active", "active", "ended", "ended"]
    assert {event.reason for event in waiting} == {"mentor_left"}
    assert await scene.pairings(program_id) == set()
    newcomer = mentee(profession="Policy")
    replacement = mentor(1)
    await scene.join(program_id, newcomer, replacement)
    run = await scene.run(program_id)
    (pair,) = await scene.all(f"/match-runs/{run['run_id']}/proposals", scene.manager(program_id))
    assert pair["mentee_id"] in {str(first.person_id), str(second.person_id)}


async def test_a_mentee_who_withdraws_gives_the_place_back(scene: Scene) -> None:
    boss, junior = mentor(), mentee()
    program_id = await scene.matched(boss, junior)
    await scene.say(
        EnrollmentWithdrawn(
            occurred_at=datetime.now(UTC),
            enrollment_id=junior.enrollment_id,
            program_id=program_id,
            person_id=junior.person_id,
            reason="changed_mind",
        )
    )

    async def is_free() -> bool:
        return bool((await scene.pool(program_id))["places"] == 1)

    await eventually(is_free)
    assert await scene.pairings(program_id, "ended") == {(boss.person_id, junior.person_id)}
    assert (await scene.get(f"/programs/{program_id}/waiting-mentees", scene.manager(program_id)))["items"] == []


async def test_an_enrollment_may_arrive_before_its_person(scene: Scene) -> None:
    program_id = await scene.program(mentor())
    late = mentee()
    await scene.say(enrollment(late, program_id))

    async def incomplete() -> bool:
        return bool((await scene.pool(program_id))["incomplete"] == 1)

    await eventually(incomplete)
    await scene.say(person_state(late, program_id))

    async def complete() -> bool:
        return bool((await scene.pool(program_id))["mentees"] == 1)

    await eventually(complete)


async def test_a_rematch_says_who_asked_and_what_mentors_carry(scene: Scene) -> None:
    boss, junior = mentor(3), mentee()
    program_id = await scene.matched(boss, junior)
    (pairing,) = (await scene.get("/me/pairings", scene.tokens.person(junior.person_id)))["items"]
    path = f"/pairings/{pairing['pairing_id']}/end"
    await scene.post(path, scene.tokens.person(junior.person_id), {"reason": "no_fault_rematch"})
    async with tap(scene.settings) as topics:
        carried: list[tuple[int, int]] = []

        def told_all(seen: list[Seen]) -> bool:
            carried[:] = [
                (one.event.places, one.event.taken)
                for one in seen
                if isinstance(one.event, MentorCapacityChanged) and one.event.person_id == boss.person_id
            ]
            return len(carried) == 3

        await topics.until(told_all)
        asked = [one.event for one in topics.seen if isinstance(one.event, RematchRequested)]
    assert carried == [(3, 0), (3, 1), (3, 0)]
    assert [event.requested_by for event in asked if event.program_id == program_id] == [junior.person_id]


async def test_a_mentee_who_saw_it_through_is_suggested_as_a_mentor(scene: Scene) -> None:
    boss, junior = mentor(), mentee()
    program_id = await scene.matched(boss, junior)
    (pairing,) = (await scene.get("/me/pairings", scene.tokens.person(junior.person_id)))["items"]
    await scene.post(f"/pairings/{pairing['pairing_id']}/end", scene.manager(program_id), {"reason": "completed"})
    found = await scene.all(f"/programs/{program_id}/mentor-candidates", scene.manager(program_id))
    assert found == [{"person_id": str(junior.person_id), "completed": 1}]
    async with tap(scene.settings) as topics:
        assert (await topics.first(MentorCandidateSuggested)).person_id == junior.person_id


async def test_misconduct_is_seen_by_managers_and_told_to_nobody(scene: Scene) -> None:
    boss, junior = mentor(), mentee()
    program_id = await scene.matched(boss, junior)
    (pairing,) = (await scene.get("/me/pairings", scene.tokens.person(junior.person_id)))["items"]
    path = f"/pairings/{pairing['pairing_id']}"
    ended = await scene.post(f"{path}/end", scene.manager(program_id), {"reason": "misconduct"})
    assert ended["end_reason"] == "misconduct"
    assert (await scene.get(path, scene.manager(program_id)))["end_reason"] == "misconduct"
    for member in (boss, junior):
        headers = scene.tokens.person(member.person_id)
        assert (await scene.get(path, headers))["end_reason"] == "left"
        (own,) = (await scene.get("/me/pairings?status=ended", headers))["items"]
        assert own["end_reason"] == "left"
    async with tap(scene.settings) as topics:
        await topics.until(
            lambda seen: any(
                isinstance(one.event, PairingState)
                and one.event.program_id == program_id
                and one.event.status == "ended"
                for one in seen
            )
        )
        reasons = {
            getattr(one.event, "reason", None) or getattr(one.event, "end_reason", None)
            for one in topics.seen
            if getattr(one.event, "program_id", None) == program_id
            and isinstance(one.event, PairingEnded | PairingState)
        }
    assert reasons == {"left", None}


async def test_when_a_manager_says_that_a_mentor_left_the_mentee_is_first_in_line(scene: Scene) -> None:
    boss, junior, waiting = mentor(), mentee(), mentee(profession="Security")
    program_id = await scene.matched(boss, junior, waiting)
    (pairing,) = (await scene.get("/me/pairings", scene.tokens.person(junior.person_id)))["items"]
    await scene.post(f"/pairings/{pairing['pairing_id']}/end", scene.manager(program_id), {"reason": "left"})
    line = (await scene.get(f"/programs/{program_id}/waiting-mentees", scene.manager(program_id)))["items"]
    assert [(one["person_id"], one["reason"]) for one in line] == [
        (str(junior.person_id), "mentor_left"),
        (str(waiting.person_id), "places"),
    ]
