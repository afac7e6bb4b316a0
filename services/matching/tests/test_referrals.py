"""A mentor who says no names a colleague, who is asked first: the mentee learns of them with their yes, and answers."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from matching_scene import Scene, Somebody, enrollment, mentee, mentor

from tandem_events.contracts import MentorReferred, PersonDeparted
from tandem_events.testing import eventually, tap
from tandem_matching.storage.tables import MatchRequest


async def asked(scene: Scene, program_id: UUID, asker: Somebody, whom: Somebody) -> Any:
    body = {"mentor_ids": [str(whom.person_id)], "message": "I would like to learn from you."}
    path = f"/programs/{program_id}/match-requests"
    (made,) = (await scene.post(path, scene.tokens.person(asker.person_id), body, expect=201))["items"]
    return made


async def refer(scene: Scene, request: Any, who: Somebody, to: UUID, expect: int = 200) -> Any:
    body = {"reason": "no_time", "referred_to": str(to)}
    path = f"/match-requests/{request['match_request_id']}/declination"
    return await scene.post(path, scene.tokens.person(who.person_id), body, expect=expect)


async def answer(scene: Scene, request: Any, who: Somebody, how: str, expect: int, body: Any = None) -> Any:
    path = f"/match-requests/{request['match_request_id']}/referral/{how}"
    return await scene.post(path, scene.tokens.person(who.person_id), body, expect=expect)


async def seen_by(scene: Scene, request: Any, who: Somebody) -> Any:
    return await scene.get(f"/match-requests/{request['match_request_id']}", scene.tokens.person(who.person_id))


async def named(scene: Scene, who: Somebody) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = (await scene.get("/me/referrals", scene.tokens.person(who.person_id)))["items"]
    return found


async def said(scene: Scene, program_id: UUID, number: int) -> list[MentorReferred]:
    """So many referrals of a program, and no more up to now."""
    found: list[MentorReferred] = []
    async with tap(scene.settings) as topics:

        def all_there(seen: Any) -> bool:
            events = [one.event for one in seen if isinstance(one.event, MentorReferred)]
            found[:] = [event for event in events if event.program_id == program_id]
            return len(found) >= number

        await topics.until(all_there)
    assert "Let us try" not in str([one.event for one in topics.seen])
    return found


async def test_a_colleague_who_is_named_agrees_before_the_mentee_learns_of_them_and_decides(scene: Scene) -> None:
    boss, colleague, asker = mentor(), mentor(), mentee()
    program_id = await scene.program(boss, colleague, asker)
    request = await asked(scene, program_id, asker, boss)
    declined = await refer(scene, request, boss, colleague.person_id)
    assert declined["referred_to"] == str(colleague.person_id)
    headers = scene.tokens.person(asker.person_id)
    for path in ("/me/match-requests", "/me/mentor-offers", f"/match-requests/{request['match_request_id']}"):
        assert str(colleague.person_id) not in str(await scene.get(path, headers))
    (waiting,) = await named(scene, colleague)
    assert (waiting["mentee_id"], waiting["referrer_id"]) == (str(asker.person_id), str(boss.person_id))
    assert "learn from you" not in str(waiting)
    assert await scene.pairings(program_id) == set()

    offer = await answer(scene, request, colleague, "acceptance", 201, {"message": "Let us try."})
    assert (offer["state"], offer["mentee_id"]) == ("open", str(asker.person_id))
    assert await named(scene, colleague) == []
    assert (await seen_by(scene, request, asker))["referred_to"] == str(colleague.person_id)
    (received,) = (await scene.get("/me/mentor-offers", headers))["items"]
    assert (received["mentor_id"], received["message"]) == (str(colleague.person_id), "Let us try.")
    assert await scene.pairings(program_id) == set()

    await scene.post(f"/mentor-offers/{offer['mentor_offer_id']}/acceptance", headers)
    assert await scene.pairings(program_id) == {(colleague.person_id, asker.person_id)}
    told = await said(scene, program_id, 2)
    assert [(one.consent, one.candidate_id) for one in told] == [
        ("asked", colleague.person_id),
        ("agreed", colleague.person_id),
    ]
    assert [str(one.mentor_offer_id) for one in told] == ["None", offer["mentor_offer_id"]]


async def test_without_the_colleagues_yes_nobody_is_paired_and_the_mentee_never_learns_of_them(scene: Scene) -> None:
    boss, colleague, asker = mentor(), mentor(), mentee()
    program_id = await scene.program(boss, colleague, asker)
    request = await asked(scene, program_id, asker, boss)
    await refer(scene, request, boss, colleague.person_id)
    for stranger in (boss, asker, mentor()):
        await answer(scene, request, stranger, "acceptance", 404)
        await answer(scene, request, stranger, "declination", 404)
    await answer(scene, request, colleague, "declination", 200)
    for how in ("acceptance", "declination"):
        assert "answered already" in (await answer(scene, request, colleague, how, 409))["detail"]
    assert await named(scene, colleague) == []
    assert (await seen_by(scene, request, asker))["referred_to"] is None
    assert (await scene.get("/me/mentor-offers", scene.tokens.person(asker.person_id)))["items"] == []
    assert await scene.pairings(program_id) == set()
    assert [one.consent for one in await said(scene, program_id, 2)] == ["asked", "declined"]


async def test_of_a_yes_and_a_no_at_the_same_moment_one_holds(scene: Scene) -> None:
    boss, colleague, asker = mentor(), mentor(), mentee()
    program_id = await scene.program(boss, colleague, asker)
    request = await asked(scene, program_id, asker, boss)
    await refer(scene, request, boss, colleague.person_id)
    headers = scene.tokens.person(colleague.person_id)
    path = f"/match-requests/{request['match_request_id']}/referral"
    answers = await asyncio.gather(
        *(scene.client.post(f"{path}/{how}", json={}, headers=headers) for how in ("acceptance", "declination") * 3)
    )
    assert sorted(one.status_code for one in answers)[1:] == [409] * 5
    agreed = any(one.status_code == 201 for one in answers)
    offers = (await scene.get("/me/mentor-offers", scene.tokens.person(asker.person_id)))["items"]
    assert len(offers) == agreed
    assert ((await seen_by(scene, request, asker))["referred_to"] is not None) is agreed


async def test_a_referral_that_is_not_answered_in_time_is_over(scene: Scene) -> None:
    boss, colleague, asker = mentor(), mentor(), mentee()
    program_id = await scene.program(boss, colleague, asker)
    request = await asked(scene, program_id, asker, boss)
    await refer(scene, request, boss, colleague.person_id)
    (waiting,) = await named(scene, colleague)
    days = datetime.fromisoformat(waiting["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=6.9) < days <= timedelta(days=7)
    async with scene.app.state.database.transaction() as session:
        # A week passes.
        long_ago = sa.update(MatchRequest).values(referral_until=datetime.now(UTC) - timedelta(seconds=1))
        await session.execute(long_ago.where(MatchRequest.match_request_id == UUID(request["match_request_id"])))
    assert await named(scene, colleague) == []
    assert "is over" in (await answer(scene, request, colleague, "acceptance", 409))["detail"]
    assert (await seen_by(scene, request, asker))["referred_to"] is None


async def test_a_referral_goes_to_nobody_who_cannot_mentor_this_mentee(scene: Scene) -> None:
    boss, junior_colleague, avoided, avoiding, gone, full = (mentor(), mentor(level=1), *(mentor() for _ in range(4)))
    manager, other = mentor(), mentee()
    asker = mentee(traits={"manager_id": manager.person_id})
    program_id = await scene.program(boss, junior_colleague, avoided, avoiding, gone, full, manager, asker, other)
    await scene.say(
        enrollment(asker, program_id).model_copy(update={"excluded_ids": (avoided.person_id,)}),
        enrollment(avoiding, program_id).model_copy(update={"excluded_ids": (asker.person_id,)}),
        PersonDeparted(occurred_at=datetime.now(UTC), person_id=gone.person_id, left_on=date(2026, 1, 31)),
    )
    taking = await asked(scene, program_id, other, full)
    path = f"/match-requests/{taking['match_request_id']}/acceptance"
    await scene.post(path, scene.tokens.person(full.person_id))

    async def known() -> bool:
        found = await scene.get(f"/programs/{program_id}/suggested-mentors", scene.tokens.person(asker.person_id))
        return [one["mentor_id"] for one in found["items"]] == [str(boss.person_id)]

    await eventually(known)
    request = await asked(scene, program_id, asker, boss)
    for candidate in (
        boss.person_id,
        asker.person_id,
        other.person_id,
        uuid4(),
        *(one.person_id for one in (junior_colleague, avoided, avoiding, gone, full, manager)),
    ):
        refused = await refer(scene, request, boss, candidate, expect=409)
        assert "has no free place in this program, its rules keep them and the mentee apart" in refused["detail"]
    assert (await seen_by(scene, request, asker))["state"] == "open"


async def test_referrals_go_to_nobody_twice_and_in_no_circle(scene: Scene) -> None:
    first, second, third, asker = mentor(), mentor(), mentor(), mentee()
    program_id = await scene.program(first, second, third, asker)
    request = await asked(scene, program_id, asker, first)
    await refer(scene, request, first, second.person_id)
    await answer(scene, request, second, "declination", 200)
    # Who was named and asks nobody further may still be asked by the mentee, who never learned of it.
    request = await asked(scene, program_id, asker, second)
    refused = await refer(scene, request, second, first.person_id, expect=409)
    assert "asked for this mentee before" in refused["detail"]
    await refer(scene, request, second, third.person_id)
    request = await asked(scene, program_id, asker, third)
    for candidate in (first, second, third):
        await refer(scene, request, third, candidate.person_id, expect=409)
    assert await scene.pairings(program_id) == set()


async def test_who_agrees_when_it_is_too_late_is_told_so_and_stays_unnamed(scene: Scene) -> None:
    boss, colleague, other, asker = mentor(), mentor(), mentor(), mentee()
    program_id = await scene.program(boss, colleague, other, asker)
    request = await asked(scene, program_id, asker, boss)
    await refer(scene, request, boss, colleague.person_id)
    taken = await asked(scene, program_id, asker, other)
    path = f"/match-requests/{taken['match_request_id']}/acceptance"
    await scene.post(path, scene.tokens.person(other.person_id))
    refused = await answer(scene, request, colleague, "acceptance", 409)
    assert "wants no mentor" in refused["detail"]
    assert (await seen_by(scene, request, asker))["referred_to"] is None
    assert await scene.pairings(program_id) == {(other.person_id, asker.person_id)}
