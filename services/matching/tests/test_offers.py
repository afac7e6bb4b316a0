"""Mentors offer themselves; mentees say yes or no; an offer that no longer stands is closed and said."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from matching_scene import Scene, Somebody, mentee, mentor, person_state

from tandem_events.contracts import MentorOfferClosed, MentorOfferMade, PairingCreated
from tandem_events.testing import eventually, tap


async def offer(scene: Scene, program_id: UUID, who: Somebody, to: Somebody, expect: int = 201) -> Any:
    body = {"mentee_id": str(to.person_id), "message": "I could show you how negotiations go."}
    path = f"/programs/{program_id}/mentor-offers"
    return await scene.post(path, scene.tokens.person(who.person_id), body, expect=expect)


async def answer(scene: Scene, made: Any, who: Somebody, how: str, expect: int = 200) -> Any:
    path = f"/mentor-offers/{made['mentor_offer_id']}/{how}"
    return await scene.post(path, scene.tokens.person(who.person_id), expect=expect)


async def test_a_mentor_sees_mentees_ranked_with_reasons_and_never_those_the_rules_keep_apart(scene: Scene) -> None:
    boss = mentor(skills={"negotiation": 5})
    wanting, other, own_unit = mentee(needs={"negotiation": 4}), mentee(profession="Security"), mentee(unit="Love")
    program_id = await scene.program(boss, wanting, other, own_unit)
    found = await scene.get(f"/programs/{program_id}/suggested-mentees", scene.tokens.person(boss.person_id))
    assert [one["mentee_id"] for one in found["items"]] == [str(wanting.person_id), str(other.person_id)]
    assert found["items"][0]["reasons"][0]["words"].endswith("negotiation at expert level.")
    path = f"/programs/{program_id}/suggested-mentees"
    assert (await scene.client.get(path, headers=scene.tokens.person(wanting.person_id))).status_code == 409


async def test_the_order_of_mentees_tells_nothing_of_what_they_wish_in_confidence(scene: Scene) -> None:
    def asking(word: str, level: int) -> Somebody:
        answers = {"match_with_similar_identity": True, "identity_to_match": word, "interests": (word,)}
        return mentee(level=level, confidential=answers)

    juniors = [asking(word, 3 - number % 2) for number, word in enumerate(("Gay", "Deaf", "Gay", "Deaf"))]
    boss = mentor(confidential={"characteristics": ("Gay",), "interests": ("Gay",)})
    matching = {"weights": {"level_gap": 1, "identity": 20, "interests": 20}}
    program_id = await scene.program(boss, *juniors, matching=matching)
    path, headers = f"/programs/{program_id}/suggested-mentees", scene.tokens.person(boss.person_id)
    before = await scene.get(path, headers)
    answers = {"characteristics": ("Deaf",), "interests": ("Deaf",)}
    await scene.say(person_state(replace(boss, confidential=answers), program_id))

    async def decides() -> bool:
        run = await scene.run(program_id)
        (pair,) = await scene.all(f"/match-runs/{run['run_id']}/proposals", scene.manager(program_id))
        return pair["mentee_id"] in {str(juniors[1].person_id), str(juniors[3].person_id)}

    await eventually(decides)
    assert len(before["items"]) == len(juniors)
    assert await scene.get(path, headers) == before


async def test_a_yes_to_an_offer_begins_the_pairing_and_is_said(scene: Scene) -> None:
    boss, junior = mentor(), mentee()
    program_id = await scene.program(boss, junior)
    made = await offer(scene, program_id, boss, junior)
    (received,) = (await scene.get("/me/mentor-offers", scene.tokens.person(junior.person_id)))["items"]
    assert received["message"] == "I could show you how negotiations go."
    await answer(scene, made, boss, "acceptance", expect=404)
    accepted = await answer(scene, made, junior, "acceptance")
    assert await scene.pairings(program_id) == {(boss.person_id, junior.person_id)}
    await answer(scene, made, junior, "declination", expect=409)
    async with tap(scene.settings) as topics:

        def told(kind: type) -> list[Any]:
            return [
                one.event
                for one in topics.seen
                if isinstance(one.event, kind) and getattr(one.event, "program_id", None) == program_id
            ]

        await topics.until(lambda _: bool(told(MentorOfferClosed)))
        (closed,) = told(MentorOfferClosed)
    assert (closed.outcome, str(closed.pairing_id)) == ("accepted", accepted["pairing_id"])
    assert len(told(MentorOfferMade)) == len(told(PairingCreated)) == 1
    assert "negotiations" not in str([one.event for one in topics.seen])


async def test_an_offer_is_declined_without_a_reason_or_withdrawn(scene: Scene) -> None:
    boss, first, second, stranger = mentor(2), mentee(), mentee(), mentee()
    program_id = await scene.program(boss, first, second, stranger)
    declined, withdrawn = await offer(scene, program_id, boss, first), await offer(scene, program_id, boss, second)
    await answer(scene, declined, stranger, "declination", expect=404)
    assert (await answer(scene, declined, first, "declination"))["state"] == "declined"
    await answer(scene, withdrawn, second, "withdrawal", expect=404)
    assert (await answer(scene, withdrawn, boss, "withdrawal"))["state"] == "withdrawn"
    await answer(scene, withdrawn, second, "acceptance", expect=409)
    path = f"/mentor-offers/{declined['mentor_offer_id']}"
    assert (await scene.client.get(path, headers=scene.tokens.person(stranger.person_id))).status_code == 404
    page = await scene.get("/me/mentor-offers?as=mentor&state=declined", scene.tokens.person(boss.person_id))
    assert [one["mentor_offer_id"] for one in page["items"]] == [declined["mentor_offer_id"]]


async def test_an_offer_expires_and_one_that_no_longer_stands_is_closed(scene: Scene) -> None:
    boss, junior = mentor(), mentee()
    program_id = await scene.program(boss, junior, matching={"requests": {"days": 0.000001}})
    brief = await offer(scene, program_id, boss, junior)
    one, other, wanted = mentor(), mentor(), mentee()
    lasting_id = await scene.program(one, other, wanted)
    taken, overtaken = await offer(scene, lasting_id, one, wanted), await offer(scene, lasting_id, other, wanted)
    await answer(scene, taken, wanted, "acceptance")

    async def reason(made: Any, who: Somebody) -> str:
        seen = await scene.get(f"/mentor-offers/{made['mentor_offer_id']}", scene.tokens.person(who.person_id))
        return str(seen["reason"])

    async def both_closed() -> bool:
        return (await reason(brief, junior), await reason(overtaken, wanted)) == ("expired", "matched")

    await eventually(both_closed)


async def test_what_may_not_be_offered_is_refused_with_a_sentence(scene: Scene) -> None:
    boss, junior, own_unit, second = mentor(3), mentee(), mentee(unit="Love"), mentee()
    program_id = await scene.program(boss, junior, own_unit, second, matching={"requests": {"at_most": 1}})
    assert "keep the two of you apart" in (await offer(scene, program_id, boss, own_unit, expect=409))["detail"]
    assert "no part" in (await offer(scene, program_id, junior, second, expect=409))["detail"]
    await offer(scene, program_id, boss, junior)
    assert "1 offers" in (await offer(scene, program_id, boss, second, expect=409))["detail"]


async def test_where_a_run_puts_people_together_nobody_is_asked_by_name(scene: Scene) -> None:
    boss, junior = mentor(3), mentee()
    program_id = await scene.program(boss, junior, program_format="group")
    assert "format group" in (await offer(scene, program_id, boss, junior, expect=409))["detail"]
    asked = {"mentor_ids": [str(boss.person_id)]}
    headers = scene.tokens.person(junior.person_id)
    answered = await scene.post(f"/programs/{program_id}/match-requests", headers, asked, expect=409)
    assert "format group" in answered["detail"]
    assert (await scene.client.get(f"/programs/{program_id}/suggested-mentors", headers=headers)).status_code == 409
