"""Mentees ask mentors by name; mentors say yes or no; what no longer stands is closed and the next choice is asked."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from matching_scene import Scene, Somebody, enrollment, mentee, mentor, person_state

from tandem_events.contracts import (
    EnrollmentPaused,
    EnrollmentResumed,
    MatchRequestAccepted,
    MatchRequestClosed,
    MatchRequestDeclined,
    MatchRequestExpired,
    MatchRequestMade,
    PairingCreated,
)
from tandem_events.testing import eventually, tap


async def ask(scene: Scene, program_id: UUID, asker: Somebody, *asked: Somebody, expect: int = 201) -> Any:
    body = {"mentor_ids": [str(one.person_id) for one in asked], "message": "I would like to learn from you."}
    path = f"/programs/{program_id}/match-requests"
    return await scene.post(path, scene.tokens.person(asker.person_id), body, expect=expect)


async def answer(scene: Scene, request: Any, who: Somebody, how: str, body: Any = None, expect: int = 200) -> Any:
    path = f"/match-requests/{request['match_request_id']}/{how}"
    return await scene.post(path, scene.tokens.person(who.person_id), body, expect=expect)


async def seen_by(scene: Scene, request: Any, who: Somebody) -> Any:
    return await scene.get(f"/match-requests/{request['match_request_id']}", scene.tokens.person(who.person_id))


async def test_a_mentee_sees_mentors_ranked_with_reasons(scene: Scene) -> None:
    skilled = mentor(skills={"Negotiation": 5}, profession="Policy")
    other, own_unit = mentor(profession="Security"), mentor(unit="Peace")
    asker = mentee(needs={"negotiation": 4})
    program_id = await scene.program(skilled, other, own_unit, asker)
    found = await scene.get(f"/programs/{program_id}/suggested-mentors", scene.tokens.person(asker.person_id))
    assert [one["mentor_id"] for one in found["items"]] == [str(skilled.person_id), str(other.person_id)]
    assert found["items"][0]["reasons"][0]["words"] == (
        "The mentor offers what the mentee wants: negotiation at expert level."
    )


async def test_the_order_of_mentors_tells_nothing_of_what_they_answered_in_confidence(scene: Scene) -> None:
    """Were the order by all points, whoever changes their wish would see who it is that rises."""
    mentors = [
        mentor(level=5 + number % 2, confidential={"characteristics": (word,), "interests": (word,)})
        for number, word in enumerate(("Gay", "Deaf", "Gay", "Deaf"))
    ]
    asker = mentee()
    matching = {"weights": {"level_gap": 1, "identity": 20, "interests": 20}}
    program_id = await scene.program(*mentors, asker, matching=matching)
    headers = scene.tokens.person(asker.person_id)
    seen = []
    for wish in ("Gay", "Deaf"):
        answers = {"match_with_similar_identity": True, "identity_to_match": wish, "interests": [wish]}
        await scene.say(person_state(replace(asker, confidential=answers), program_id))

        async def decides(wish: str = wish) -> bool:
            run = await scene.run(program_id)
            (pair,) = await scene.all(f"/match-runs/{run['run_id']}/proposals", scene.manager(program_id))
            wished = [one for one in mentors if wish in one.confidential["characteristics"]]
            return pair["mentor_id"] in {str(one.person_id) for one in wished}

        await eventually(decides)
        seen.append(await scene.get(f"/programs/{program_id}/suggested-mentors", headers))
    assert len(seen[0]["items"]) == len(mentors)
    assert seen[0] == seen[1]


async def test_a_yes_begins_the_pairing_and_closes_the_other_choices(scene: Scene) -> None:
    first, second, asker = mentor(), mentor(), mentee()
    program_id = await scene.program(first, second, asker)
    made = (await ask(scene, program_id, asker, first, second))["items"]
    assert [one["state"] for one in made] == ["open", "queued"]
    await answer(scene, made[1], second, "acceptance", expect=404)
    accepted = await answer(scene, made[0], first, "acceptance")
    assert accepted["state"] == "accepted"
    assert await scene.pairings(program_id) == {(first.person_id, asker.person_id)}
    assert (await seen_by(scene, made[1], asker))["state"] == "closed"
    await answer(scene, made[0], first, "acceptance", expect=409)
    async with tap(scene.settings) as topics:
        await topics.all_of(MatchRequestAccepted)
        await topics.until(
            lambda seen: any(
                getattr(one.event, "program_id", None) == program_id and isinstance(one.event, MatchRequestClosed)
                for one in seen
            )
        )
        told = [type(one.event) for one in topics.seen if getattr(one.event, "program_id", None) == program_id]
    assert told.count(MatchRequestMade) == 1
    assert PairingCreated in told


async def test_a_no_asks_the_next_choice_and_its_words_stay_here(scene: Scene) -> None:
    first, second, asker = mentor(), mentor(), mentee()
    program_id = await scene.program(first, second, asker)
    made = (await ask(scene, program_id, asker, first, second))["items"]
    body = {"reason": "no_time", "words": "After the summer, gladly."}
    await answer(scene, made[0], first, "declination", body)
    assert (await seen_by(scene, made[1], second))["state"] == "open"
    told = await seen_by(scene, made[0], asker)
    assert (told["state"], told["words"]) == ("declined", "After the summer, gladly.")
    async with tap(scene.settings) as topics:
        assert (await topics.first(MatchRequestDeclined)).reason == "no_time"
    assert b"summer" not in b"".join(str(one.event).encode() for one in topics.seen)


async def test_a_request_expires_and_moves_on_to_the_next_choice(scene: Scene) -> None:
    first, second, asker = mentor(), mentor(), mentee()
    program_id = await scene.program(first, second, asker, matching={"requests": {"days": 0.000001}})
    made = (await ask(scene, program_id, asker, first, second))["items"]

    async def both_expired() -> bool:
        return all([(await seen_by(scene, one, asker))["state"] == "expired" for one in made])

    await eventually(both_expired)
    async with tap(scene.settings) as topics:
        expired = await topics.all_of(MatchRequestExpired, at_least=2)
    assert [event.mentor_id for event in expired] == [first.person_id, second.person_id]


async def test_ten_simultaneous_acceptances_never_exceed_a_mentors_places(scene: Scene) -> None:
    popular = mentor(3)
    askers = [mentee() for _ in range(10)]
    program_id = await scene.program(popular, *askers)
    made = [(await ask(scene, program_id, asker, popular))["items"][0] for asker in askers]
    headers = scene.tokens.person(popular.person_id)
    answers = await asyncio.gather(
        *(
            scene.client.post(f"/match-requests/{one['match_request_id']}/acceptance", json={}, headers=headers)
            for one in made
        )
    )
    assert sorted(one.status_code for one in answers) == [200] * 3 + [409] * 7
    assert len(await scene.pairings(program_id)) == 3

    async def others_closed() -> bool:
        page = await scene.get("/me/match-requests?as=mentor&state=open", headers)
        return not page["items"]

    await eventually(others_closed)


async def test_when_a_mentor_leaves_their_invitations_close_and_the_next_choice_is_asked(scene: Scene) -> None:
    leaver, second, asker = mentor(), mentor(), mentee()
    program_id = await scene.program(leaver, second, asker)
    made = (await ask(scene, program_id, asker, leaver, second))["items"]
    await scene.leave(leaver)

    async def second_is_asked() -> bool:
        return bool((await seen_by(scene, made[1], asker))["state"] == "open")

    await eventually(second_is_asked)
    assert (await seen_by(scene, made[0], asker))["reason"] == "left"


async def test_what_may_not_be_asked_is_refused_with_a_sentence(scene: Scene) -> None:
    boss, peer, asker = mentor(), mentor(level=1), mentee()
    program_id = await scene.program(boss, peer, asker, matching={"requests": {"at_most": 1}})
    assert "rules keep" in (await ask(scene, program_id, asker, peer, expect=409))["detail"]
    await ask(scene, program_id, asker, boss)
    assert "1 mentors can be asked" in (await ask(scene, program_id, asker, boss, expect=409))["detail"]
    await ask(scene, program_id, boss, boss, expect=409)


async def test_a_request_is_seen_by_the_two_it_concerns_and_can_be_withdrawn(scene: Scene) -> None:
    boss, asker, stranger = mentor(), mentee(), mentee()
    program_id = await scene.program(boss, asker, stranger)
    (made,) = (await ask(scene, program_id, asker, boss))["items"]
    await answer(scene, made, stranger, "withdrawal", expect=404)
    await answer(scene, made, boss, "withdrawal", expect=404)
    await answer(scene, made, asker, "acceptance", expect=404)
    assert (await answer(scene, made, asker, "withdrawal"))["state"] == "withdrawn"
    await answer(scene, made, boss, "acceptance", expect=409)


async def test_whom_somebody_excludes_after_asking_cannot_say_yes_and_is_not_told_why(scene: Scene) -> None:
    boss, asker = mentor(), mentee()
    program_id = await scene.program(boss, asker)
    (made,) = (await ask(scene, program_id, asker, boss))["items"]
    await scene.say(enrollment(asker, program_id).model_copy(update={"excluded_ids": (boss.person_id,)}))

    async def excluded() -> bool:
        headers = scene.tokens.person(asker.person_id)
        return not (await scene.get(f"/programs/{program_id}/suggested-mentors", headers))["items"]

    await eventually(excluded)
    refused = await answer(scene, made, boss, "acceptance", expect=409)
    assert "cannot be paired any more" in refused["detail"]
    assert await scene.pairings(program_id) == set()


async def test_a_paused_mentor_is_given_nobody_new_until_they_resume(scene: Scene) -> None:
    boss = mentor()
    program_id = await scene.program(boss, mentee())
    ids = {"enrollment_id": boss.enrollment_id, "program_id": program_id, "person_id": boss.person_id}

    async def mentors(number: int) -> None:
        async def so_many() -> bool:
            return bool((await scene.pool(program_id))["mentors"] == number)

        await eventually(so_many)

    await scene.say(EnrollmentPaused(occurred_at=datetime.now(UTC), reason="stretched_thin", **ids))
    await mentors(0)
    await scene.say(EnrollmentResumed(occurred_at=datetime.now(UTC), **ids))
    await mentors(1)
