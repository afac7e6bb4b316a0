"""Programs of other formats than one-to-one: groups, juniors who mentor seniors, peers, circles, rotations."""

from collections import Counter
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from matching_scene import Scene, enrollment, mentee, mentor

from tandem_events.contracts import PairingCreated, PairingEnded, PairingMemberLeft, PersonDeparted, PersonErased
from tandem_events.testing import eventually, tap
from tandem_matching.storage.tables import Pairing

ANY_LEVEL = {"rules": {"level_gap": {"least": None}}}


async def test_a_group_program_makes_one_relationship_of_a_mentor_and_all_their_mentees(scene: Scene) -> None:
    boss, juniors = mentor(3), [mentee() for _ in range(3)]
    program_id = await scene.matched(boss, *juniors, program_format="group")
    (group,) = await scene.all(f"/programs/{program_id}/pairings", scene.manager(program_id))
    assert group["format"] == "group"
    assert {UUID(one["person_id"]) for one in group["members"]} == {
        boss.person_id,
        *(one.person_id for one in juniors),
    }
    assert (await scene.pool(program_id))["places"] == 0


async def test_a_group_goes_on_without_a_mentee_who_leaves_and_ends_with_its_mentor(scene: Scene) -> None:
    boss, first, second = mentor(2), mentee(), mentee()
    program_id = await scene.matched(boss, first, second, program_format="group")
    await scene.leave(first)
    async with tap(scene.settings) as topics:

        def told(kind: type) -> list[object]:
            return [
                one.event
                for one in topics.seen
                if isinstance(one.event, kind) and getattr(one.event, "program_id", None) == program_id
            ]

        await topics.until(lambda _: bool(told(PairingMemberLeft)))
        assert (await scene.pool(program_id))["places"] == 1
        assert await scene.pairings(program_id) == {(boss.person_id, second.person_id)}
        await scene.leave(boss)
        await topics.until(lambda _: bool(told(PairingEnded)))
        assert len(told(PairingCreated)) == 1
    line = (await scene.get(f"/programs/{program_id}/waiting-mentees", scene.manager(program_id)))["items"]
    assert [one["person_id"] for one in line] == [str(second.person_id)]


async def test_in_a_reverse_program_juniors_mentor_seniors(scene: Scene) -> None:
    junior, senior = mentor(level=2), mentee(level=8)
    program_id = await scene.matched(junior, senior, program_format="reverse")
    assert await scene.pairings(program_id) == {(junior.person_id, senior.person_id)}


def members_of(pairing: Any) -> set[tuple[str, str]]:
    return {(one["person_id"], one["role"]) for one in pairing["members"]}


async def test_peers_are_paired_within_one_pool_with_words_that_name_no_mentor(scene: Scene) -> None:
    first, second = mentee(skills={"sql": 4}, needs={"negotiation": 3}), mentee(unit="Love", skills={"negotiation": 5})
    third, fourth = mentee(unit="Joy"), mentor(1, unit="Hope", level=3)
    program_id = await scene.program(first, second, third, fourth, program_format="peer", matching=ANY_LEVEL)
    run = await scene.run(program_id)
    assert (run["summary"]["relationships"], run["summary"]["proven_optimal"]) == (2, True)
    pairs = await scene.all(f"/match-runs/{run['run_id']}/proposals", scene.manager(program_id))
    together = {frozenset((pair["mentor_id"], pair["mentee_id"])) for pair in pairs}
    assert frozenset((str(first.person_id), str(second.person_id))) in together
    assert "mentor" not in str([reason["words"] for pair in pairs for reason in pair["reasons"]])
    assert (await scene.publish(run))["pairings"] == 2
    rows = await scene.all(f"/programs/{program_id}/pairings", scene.manager(program_id))
    assert {role for row in rows for _, role in members_of(row)} == {"peer"}
    again = await scene.run(program_id)
    assert again["state"] == "failed", "everybody has the one peer they wanted"


async def test_a_peer_whose_peer_leaves_is_first_in_line_for_another(scene: Scene) -> None:
    leaver, stays = mentee(), mentee(unit="Love")
    program_id = await scene.matched(leaver, stays, program_format="peer", matching=ANY_LEVEL)
    await scene.leave(leaver)

    async def first_in_line() -> bool:
        line = (await scene.get(f"/programs/{program_id}/waiting-mentees", scene.manager(program_id)))["items"]
        return [(one["person_id"], one["position"]) for one in line] == [(str(stays.person_id), 1)]

    await eventually(first_in_line)
    newcomer, other = mentee(unit="Hope"), mentee(unit="Joy")
    await scene.join(program_id, newcomer, other)
    run = await scene.run(program_id)
    (pair,) = await scene.all(f"/match-runs/{run['run_id']}/proposals", scene.manager(program_id))
    assert str(stays.person_id) in (pair["mentor_id"], pair["mentee_id"])


async def test_circles_are_balanced_have_a_facilitator_and_go_on_when_somebody_leaves(scene: Scene) -> None:
    seniors = [mentor(1, unit=unit, level=6) for unit in ("Love", "Hope", "Love", "Hope")]
    juniors = [mentee(unit=unit, level=2) for unit in ("Joy", "Peace") for _ in range(4)]
    terms = {"circle": {"least": 4, "most": 6, "mix": "unit"}}
    program_id = await scene.program(*seniors, *juniors, program_format="circle", matching=terms)
    run = await scene.run(program_id)
    circles = await scene.all(f"/match-runs/{run['run_id']}/circles", scene.manager(program_id))
    assert [len(one["members"]) for one in circles] == [6, 6]
    for circle in circles:
        roles = Counter(one["role"] for one in circle["members"])
        assert (roles["facilitator"], roles["mentor"], roles["mentee"]) == (1, 1, 4)
        assert circle["reasons"]
    assert (await scene.publish(run))["pairings"] == 2
    assert (await scene.pool(program_id))["places"] == 0
    rows = await scene.all(f"/programs/{program_id}/pairings", scene.manager(program_id))
    member = next(one for one in rows[0]["members"] if one["role"] == "mentee")
    shown = await scene.get(f"/pairings/{rows[0]['pairing_id']}/reasons", scene.tokens.person(member["person_id"]))
    assert shown["circle"]
    leaver = next(one for one in rows[0]["members"] if one["role"] == "facilitator")
    await scene.say(
        PersonDeparted(occurred_at=datetime.now(UTC), person_id=UUID(leaver["person_id"]), left_on=date(2026, 1, 31))
    )

    async def smaller() -> bool:
        now = await scene.get(f"/pairings/{rows[0]['pairing_id']}", scene.manager(program_id))
        return (now["status"], len(now["members"])) == ("active", 5)

    await eventually(smaller)


async def test_in_rotations_everybody_meets_different_people_and_no_place_is_taken(scene: Scene) -> None:
    seniors, juniors = [mentor(1) for _ in range(3)], [mentee() for _ in range(3)]
    terms = {"flash": {"rounds": 3, "seats": 1}}
    program_id = await scene.program(*seniors, *juniors, program_format="flash", matching=terms)
    run = await scene.run(program_id)
    meetings = await scene.all(f"/match-runs/{run['run_id']}/proposals", scene.manager(program_id))
    assert len({(one["mentor_id"], one["mentee_id"]) for one in meetings}) == 9, "everybody meets everybody once"
    for side in ("mentor_id", "mentee_id"):
        assert len({(one[side], one["turn"]) for one in meetings}) == 9, "and nobody two people at a time"
    assert {one["turn"] for one in meetings} == {1, 2, 3}
    assert (await scene.publish(run))["pairings"] == 9
    rows = await scene.all(f"/programs/{program_id}/pairings", scene.manager(program_id))
    assert {row["turn"] for row in rows} == {1, 2, 3}
    elsewhere = await scene.program(mentor(1, person_id=seniors[0].person_id), mentee())
    assert (await scene.pool(elsewhere))["places"] == 1, "short meetings take no place of a mentor"
    await scene.post(f"/pairings/{rows[0]['pairing_id']}/end", scene.manager(program_id), {"reason": "completed"})
    assert (await scene.pool(elsewhere))["places"] == 1


async def test_who_met_in_a_rotation_can_be_paired_where_it_lasts_during_and_after_it(scene: Scene) -> None:
    boss, junior = mentor(3), mentee(3)
    rotation = await scene.matched(boss, junior, program_format="flash", matching={"flash": {"rounds": 1}})
    (meeting,) = await scene.all(f"/programs/{rotation}/pairings", scene.manager(rotation))
    ended = scene.tokens.person(junior.person_id)
    for end in (False, True):
        if end:
            await scene.post(f"/pairings/{meeting['pairing_id']}/end", scene.manager(rotation), {"reason": "completed"})
        there = mentor(3, person_id=boss.person_id), mentee(3, person_id=junior.person_id)
        lasting = await scene.program(*there)
        seen = await scene.get(f"/programs/{lasting}/suggested-mentors", ended)
        assert [one["mentor_id"] for one in seen["items"]] == [str(boss.person_id)]
        run = await scene.run(lasting)
        assert await scene.publish(run) == {"pairings": 1, "unmatched_mentees": 0, "left_out": 0}
        (pair,) = await scene.all(f"/programs/{lasting}/pairings", scene.manager(lasting))
        await scene.post(f"/pairings/{pair['pairing_id']}/end", scene.manager(lasting), {"reason": "completed"})
        async with scene.app.state.database.transaction() as session:
            # A pair that lasted is history for the next program, so this one is taken out of it.
            await session.execute(sa.delete(Pairing).where(Pairing.program_id == lasting))
    again = await scene.run(rotation)
    assert again["summary"]["relationships"] == 0, "in rotations nobody meets the same person twice"


async def test_who_sat_in_a_circle_with_its_facilitator_is_not_paired_with_them_again(scene: Scene) -> None:
    facilitator, juniors = mentor(2, level=6), [mentee(2, level=2) for _ in range(3)]
    await scene.matched(facilitator, *juniors, program_format="circle", matching={"circle": {"mix": None}})
    lasting = await scene.program(
        mentor(2, person_id=facilitator.person_id, level=6), mentee(2, person_id=juniors[0].person_id, level=2)
    )
    run = await scene.run(lasting)
    rows = await scene.all(f"/match-runs/{run['run_id']}/unmatched", scene.manager(lasting))
    assert run["summary"]["proposals"] == 0
    assert {row["rule"] for row in rows} == {"nobody"}


async def test_a_veto_holds_between_peers_in_whichever_order_they_are_named(scene: Scene) -> None:
    one, other = mentee(), mentee(unit="Love")
    program_id = await scene.program(one, other, program_format="peer", matching=ANY_LEVEL)
    for first, second in ((one, other), (other, one)):
        pair = {"mentor_id": str(first.person_id), "mentee_id": str(second.person_id)}
        run = await scene.run(program_id, {"forbidden": [pair]})
        assert run["summary"]["relationships"] == 0


async def test_pins_of_peers_hold_in_either_order_and_overrule_no_right_of_theirs(scene: Scene) -> None:
    one, other, third = mentee(3), mentee(3, unit="Love"), mentee(3, unit="Joy")
    program_id = await scene.program(one, other, third, program_format="peer", matching=ANY_LEVEL)
    headers, path = scene.manager(program_id), f"/programs/{program_id}/match-runs"

    def pair(first: Any, second: Any) -> dict[str, str]:
        return {"mentor_id": str(first.person_id), "mentee_id": str(second.person_id)}

    both = {"pinned": [pair(one, other)], "forbidden": [pair(other, one)]}
    refused = await scene.post(path, headers, both, expect=422)
    assert "pinned and forbidden at once" in refused["detail"]
    await scene.say(enrollment(one, program_id).model_copy(update={"excluded_ids": (other.person_id,)}))
    for first, second in ((one, other), (other, one)):

        async def cannot(first: Any = first, second: Any = second) -> bool:
            run = await scene.run(program_id, {"pinned": [pair(first, second)]})
            return bool(run["state"] == "failed" and "these two cannot be paired" in run["reason"])

        await eventually(cannot)
    pinned = await scene.run(program_id, {"pinned": [pair(third, one)]})
    assert pinned["summary"]["pinned"] == 1
    await scene.publish(pinned, {"leave_out_changed": True})
    again = await scene.run(program_id, {"pinned": [pair(one, third)]})
    assert again["state"] == "failed"
    assert "paired already" in again["reason"]


async def test_only_pairs_can_be_pinned(scene: Scene) -> None:
    boss, junior = mentor(), mentee()
    program_id = await scene.program(boss, junior, program_format="flash")
    pair = {"mentor_id": str(boss.person_id), "mentee_id": str(junior.person_id)}
    run = await scene.run(program_id, {"pinned": [pair]})
    assert run["state"] == "failed"
    assert "Only pairs can be pinned" in run["reason"]


async def test_nothing_proposed_names_an_erased_person_any_more(scene: Scene) -> None:
    people = [*(mentor(1, level=6) for _ in range(2)), *(mentee(level=2) for _ in range(4))]
    program_id = await scene.program(*people, program_format="circle")
    run = await scene.run(program_id)
    path = f"/match-runs/{run['run_id']}/circles"
    assert await scene.all(path, scene.manager(program_id))
    await scene.say(PersonErased(occurred_at=datetime.now(UTC), person_id=people[-1].person_id))

    async def gone() -> bool:
        return not await scene.all(path, scene.manager(program_id))

    await eventually(gone)
