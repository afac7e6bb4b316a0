"""Programs with the fallback: peer groups of mentees without a mentor, proposed, changed, published, and left again."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from matching_scene import Scene, Somebody, enrollment, mentee, mentor

from tandem_events.contracts import (
    MatchRunPublished,
    MenteeWaitlisted,
    MentorCapacityChanged,
    PairingCreated,
    PairingEnded,
    PairingMemberLeft,
    PairingState,
    PersonErased,
)
from tandem_events.testing import eventually, tap

FALLBACK = {"fallback": {"peer_group": {"least": 3, "most": 5}}}


async def groups_of(scene: Scene, run: dict[str, Any]) -> list[dict[str, Any]]:
    """The peer groups that a run proposes."""
    return await scene.all(f"/match-runs/{run['run_id']}/peer-groups", scene.manager(UUID(run["program_id"])))


async def line_of(scene: Scene, program_id: UUID) -> list[dict[str, Any]]:
    """A program's line."""
    return await scene.all(f"/programs/{program_id}/waiting-mentees", scene.manager(program_id))


def learners(number: int, **traits: Any) -> list[Somebody]:
    """Mentees who want to learn the same."""
    return [mentee(needs={"negotiation": 3}, **traits) for _ in range(number)]


async def test_mentees_without_a_mentor_are_proposed_a_group_and_stay_unmatched(scene: Scene) -> None:
    boss, juniors = mentor(), learners(5)
    program_id = await scene.program(boss, *juniors, matching=FALLBACK)
    run = await scene.run(program_id)
    assert (run["summary"]["proposals"], run["summary"]["unmatched_mentees"]) == (1, 4)
    assert (run["summary"]["peer_groups"], run["summary"]["in_peer_groups"]) == (1, 4)
    (pair,) = await scene.all(f"/match-runs/{run['run_id']}/proposals", scene.manager(program_id))
    (group,) = await groups_of(scene, run)
    assert group["fallback"] is True
    assert set(group["member_ids"]) == {str(one.person_id) for one in juniors} - {pair["mentee_id"]}
    assert group["reasons"][0]["words"] == "All 4 want to learn negotiation."
    rows = await scene.all(f"/match-runs/{run['run_id']}/unmatched?role=mentee", scene.manager(program_id))
    assert {row["rule"] for row in rows} == {"places"}
    assert {row["meanwhile"] for row in rows} == {
        "Until there is a mentor, a peer group of 4 mentees is proposed to you."
    }
    assert await scene.all(f"/match-runs/{run['run_id']}/circles", scene.manager(program_id)) == []
    stranger = await scene.client.get(
        f"/match-runs/{run['run_id']}/peer-groups", headers=scene.tokens.person(juniors[0].person_id)
    )
    assert stranger.status_code == 404


async def test_a_published_group_is_said_as_a_pairing_of_peers_and_takes_nothing(scene: Scene) -> None:
    boss, juniors = mentor(), learners(5)
    program_id = await scene.program(boss, *juniors, matching=FALLBACK)
    run = await scene.run(program_id)
    (proposed,) = await groups_of(scene, run)
    before = await scene.pool(program_id)
    assert await scene.publish(run) == {"pairings": 2, "unmatched_mentees": 4, "left_out": 0}
    async with tap(scene.settings) as topics:

        def of_program(kind: type) -> list[Any]:
            return [
                one.event
                for one in topics.seen
                if isinstance(one.event, kind) and getattr(one.event, "program_id", None) == program_id
            ]

        await topics.until(
            lambda _: (
                len(of_program(PairingCreated)) == 2
                and len(of_program(PairingState)) == 2
                and len(of_program(MenteeWaitlisted)) == 4
                and len(of_program(MatchRunPublished)) == 1
            )
        )
        (group,) = [one for one in of_program(PairingCreated) if one.format == "peer"]
        (pair,) = [one for one in of_program(PairingCreated) if one.format == "one_to_one"]
        assert {(str(one.person_id), one.role) for one in group.members} == {
            (person, "peer") for person in proposed["member_ids"]
        }
        assert [one.format for one in of_program(PairingState)].count("peer") == 1
        assert str(group.run_id) == run["run_id"]
        (published,) = of_program(MatchRunPublished)
        assert (published.pairings, published.unmatched_mentees) == (2, 4)
        said = [one.event for one in topics.seen if isinstance(one.event, MentorCapacityChanged)]
        peers = {one.person_id for one in group.members}
        assert not any(one.person_id in peers for one in said), "nobody's places in the ledger are touched"
    after = await scene.pool(program_id)
    assert (before["wanted"], after["wanted"]) == (5, 4), "only the pair takes a mentor who was wanted"
    line = await line_of(scene, program_id)
    assert {UUID(one["person_id"]) for one in line} == peers
    assert {one["reason"] for one in line} == {"places"}
    assert all(one["words"].endswith("Until there is a mentor, you have a peer group.") for one in line)
    member = next(iter(peers))
    own = await scene.get("/me/pairings", scene.tokens.person(member))
    assert [(one["format"], one["fallback"]) for one in own["items"]] == [("peer", True)]
    shown = await scene.get(f"/pairings/{group.pairing_id}/reasons", scene.tokens.person(member))
    assert shown["circle"][0]["words"] == "All 4 want to learn negotiation."
    (mentored,) = (one.person_id for one in pair.members if one.role == "mentee")
    other = await scene.get("/me/pairings", scene.tokens.person(mentored))
    assert [one["fallback"] for one in other["items"]] == [False]


async def test_a_later_run_matches_members_of_a_group_to_mentors_in_the_order_of_the_line(scene: Scene) -> None:
    juniors = learners(3)
    program_id = await scene.matched(*juniors, matching=FALLBACK)
    again = await scene.run(program_id)
    assert (again["summary"]["peer_groups"], again["summary"]["unmatched_mentees"]) == (0, 3)
    line = await line_of(scene, program_id)
    bosses = [mentor(1) for _ in range(2)]
    await scene.join(program_id, *bosses)
    run = await scene.run(program_id)
    assert (run["summary"]["proposals"], run["summary"]["unmatched_mentees"]) == (2, 1)
    await scene.publish(run)
    pairs = await scene.pairings(program_id)
    assert {mentor_id for mentor_id, _ in pairs} == {one.person_id for one in bosses}
    left = await line_of(scene, program_id)
    paired = {str(mentee_id) for _, mentee_id in pairs}
    assert [one["person_id"] for one in left] == [one["person_id"] for one in line if one["person_id"] not in paired]
    rows = await scene.all(f"/programs/{program_id}/pairings?status=active", scene.manager(program_id))
    assert sorted(row["format"] for row in rows) == ["one_to_one", "one_to_one", "peer"], "the group goes on"


async def test_who_sat_in_a_group_together_may_be_mentor_and_mentee_of_each_other(scene: Scene) -> None:
    juniors = [mentee(level=level, unit=unit) for level, unit in ((3, "Peace"), (3, "Joy"), (4, "Hope"))]
    grouped = await scene.matched(*juniors, matching=FALLBACK)
    (group,) = await scene.all(f"/programs/{grouped}/pairings", scene.manager(grouped))
    for ended in (False, True):
        if ended:
            await scene.post(f"/pairings/{group['pairing_id']}/end", scene.manager(grouped), {"reason": "completed"})
        one, other = juniors[2], juniors[0]
        lasting = await scene.program(
            mentor(2, person_id=one.person_id, level=4, unit="Hope"), mentee(2, person_id=other.person_id)
        )
        run = await scene.run(lasting)
        assert run["summary"]["proposals"] == 1
        seen = await scene.get(f"/programs/{lasting}/suggested-mentors", scene.tokens.person(other.person_id))
        assert [row["mentor_id"] for row in seen["items"]] == [str(one.person_id)]
        if ended:
            assert (await scene.publish(run))["pairings"] == 1


async def test_groups_without_any_mentor_and_too_few_for_one(scene: Scene) -> None:
    program_id = await scene.program(*learners(2), matching=FALLBACK)
    run = await scene.run(program_id)
    assert (run["state"], run["summary"]["peer_groups"]) == ("completed", 0)
    rows = await scene.all(f"/match-runs/{run['run_id']}/unmatched", scene.manager(program_id))
    assert {row["rule"] for row in rows} == {"nobody"}
    assert {row["meanwhile"] for row in rows} == {
        "No peer group is proposed: the program's groups need at least 3 mentees without a mentor, and there are 2."
    }
    assert await scene.publish(run) == {"pairings": 0, "unmatched_mentees": 2, "left_out": 0}
    assert len(await line_of(scene, program_id)) == 2


async def test_a_manager_keeps_people_apart_takes_them_out_and_leaves_groups_out(scene: Scene) -> None:
    juniors = learners(6)
    program_id = await scene.program(*juniors, matching=FALLBACK)
    one, other = (str(each.person_id) for each in juniors[:2])
    run = await scene.run(program_id, {"forbidden": [{"mentor_id": one, "mentee_id": other}]})
    groups = await groups_of(scene, run)
    assert [len(group["member_ids"]) for group in groups] == [3, 3]
    assert not any({one, other} <= set(group["member_ids"]) for group in groups)
    without = await scene.run(program_id, {"without": [one]})
    assert not any(one in group["member_ids"] for group in await groups_of(scene, without))
    none = await scene.run(program_id, {"matching": {"fallback": None}})
    assert (none["state"], await groups_of(scene, none)) == ("failed", [])
    dropped, kept = groups
    done = await scene.publish(run, {"leave_out": [dropped["proposal_id"]]})
    assert done == {"pairings": 1, "unmatched_mentees": 6, "left_out": 1}
    words = {row["person_id"]: row["words"] for row in await line_of(scene, program_id)}
    assert {person for person, said in words.items() if "peer group" in said} == set(kept["member_ids"])
    again = await scene.run(program_id)
    (group,) = await groups_of(scene, again)
    assert set(group["member_ids"]) == set(dropped["member_ids"])


async def test_a_group_whose_members_changed_since_the_run_is_not_published_by_halves(scene: Scene) -> None:
    boss, juniors = mentor(), learners(4)
    program_id = await scene.program(*juniors, matching=FALLBACK)
    first, second = [await scene.run(program_id) for _ in range(2)]
    await scene.publish(first)
    refused = await scene.publish(second, expect=409)
    assert [fault["reason"] for fault in refused["faults"]] == ["one of them found a mentor, or another peer group"]
    assert await scene.publish(second, {"leave_out_changed": True}) == {
        "pairings": 0,
        "unmatched_mentees": 4,
        "left_out": 1,
    }
    others = learners(3)
    elsewhere = await scene.program(*others, matching=FALLBACK)
    run = await scene.run(elsewhere)
    excluding = enrollment(others[0], elsewhere).model_copy(update={"excluded_ids": (others[1].person_id,)})
    await scene.say(excluding)
    await scene.join(elsewhere, boss)

    async def refused_now() -> bool:
        again = await scene.run(elsewhere)
        return bool(again["summary"]["peer_groups"] == 0)

    await eventually(refused_now)
    refused = await scene.publish(run, expect=409)
    assert [fault["reason"] for fault in refused["faults"]] == ["cannot be paired any more"]


async def test_a_group_goes_on_without_a_member_and_its_end_moves_nobody_in_the_line(scene: Scene) -> None:
    juniors = learners(4)
    program_id = await scene.matched(*juniors, matching=FALLBACK)
    newcomer = mentee(needs={"negotiation": 3})
    await scene.join(program_id, newcomer)
    await scene.publish(await scene.run(program_id))
    line = [one["person_id"] for one in await line_of(scene, program_id)]
    assert line[-1] == str(newcomer.person_id)
    leaver, stays = juniors[0], juniors[1:]
    await scene.leave(leaver)
    async with tap(scene.settings) as topics:

        def told(kind: type) -> list[Any]:
            return [
                one.event
                for one in topics.seen
                if isinstance(one.event, kind) and getattr(one.event, "program_id", None) == program_id
            ]

        await topics.until(lambda _: bool(told(PairingMemberLeft)))
        (left,) = told(PairingMemberLeft)
        assert {one.person_id for one in left.members} == {one.person_id for one in stays}
        (group,) = await scene.all(f"/programs/{program_id}/pairings?status=active", scene.manager(program_id))
        member = scene.tokens.person(stays[0].person_id)
        await scene.post(f"/pairings/{group['pairing_id']}/end", member, {"reason": "no_fault_rematch"})
        await topics.until(lambda _: bool(told(PairingEnded)))
    after = [one["person_id"] for one in await line_of(scene, program_id)]
    assert [person for person in after if person != str(leaver.person_id)] == [
        person for person in line if person != str(leaver.person_id)
    ]
    assert (await scene.pool(program_id))["wanted"] == 4
    again = await scene.run(program_id)
    (proposed,) = await groups_of(scene, again)
    assert len(proposed["member_ids"]) == 4, "who has no group any more may get another"


async def test_in_a_group_program_the_fallback_stands_beside_the_groups_of_mentors(scene: Scene) -> None:
    boss, juniors = mentor(2), learners(5)
    program_id = await scene.matched(boss, *juniors, program_format="group", matching=FALLBACK)
    rows = await scene.all(f"/programs/{program_id}/pairings", scene.manager(program_id))
    assert sorted((row["format"], len(row["members"]), row["fallback"]) for row in rows) == [
        ("group", 3, False),
        ("peer", 3, True),
    ]
    assert len(await line_of(scene, program_id)) == 3


async def test_no_group_that_is_proposed_names_an_erased_person_any_more(scene: Scene) -> None:
    juniors = learners(3)
    program_id = await scene.program(*juniors, matching=FALLBACK)
    run = await scene.run(program_id)
    assert await groups_of(scene, run)
    await scene.say(PersonErased(occurred_at=datetime.now(UTC), person_id=juniors[0].person_id))

    async def gone() -> bool:
        return not await groups_of(scene, run)

    await eventually(gone)


async def test_a_fallback_that_cannot_be_used_is_refused_in_words(scene: Scene) -> None:
    program_id = await scene.program(mentor(), mentee())
    headers, path = scene.manager(program_id), f"/programs/{program_id}/match-runs"
    body = {"matching": {"fallback": {"peer_group": {"least": 0, "most": "many", "level_gap": -1, "size": 3}}}}
    refused = await scene.post(path, headers, body, expect=422)
    assert {fault["field"]: fault["reason"] for fault in refused["faults"]} == {
        "fallback.peer_group.size": "is not known; known are least, most, level_gap",
        "fallback.peer_group.least": "must be a whole number from 2 to 8",
        "fallback.peer_group.most": "must be a whole number from 2 to 8",
        "fallback.peer_group.level_gap": "must be a whole number from 0 to 100",
    }
    peers = await scene.program(mentee(), mentee(), program_format="peer", matching=FALLBACK)
    refused = await scene.post(f"/programs/{peers}/match-runs", scene.manager(peers), expect=422)
    assert [fault["field"] for fault in refused["faults"]] == ["fallback.peer_group"]
