"""Match runs from the outside: asked for, explained, published, told."""

import asyncio
import base64
import json
from uuid import UUID, uuid4

from matching_scene import Scene, mentee, mentor

from tandem_events.contracts import MatchRunPublished, MenteeWaitlisted, PairingCreated, PairingState
from tandem_events.testing import eventually, tap


async def test_a_run_pairs_people_and_says_why_in_words(scene: Scene) -> None:
    boss, junior = mentor(unit="Love", profession="Policy", level=4), mentee(level=3, profession="Policy")
    program_id = await scene.program(boss, junior)
    run = await scene.run(program_id)
    assert run["state"] == "completed"
    assert run["summary"]["proposals"] == 1
    assert len(run["fingerprint"]) == 64
    (pair,) = await scene.all(f"/match-runs/{run['run_id']}/proposals", scene.manager(program_id))
    assert (pair["mentor_id"], pair["mentee_id"]) == (str(boss.person_id), str(junior.person_id))
    words = {reason["criterion"]: reason["words"] for reason in pair["reasons"]}
    assert words["profession"] == "Both work in the profession Policy."
    assert words["level_gap"] == "The mentor is one level above the mentee."
    assert abs(sum(reason["share"] for reason in pair["reasons"]) - 1) < 0.001


async def test_publishing_says_every_pair_and_puts_the_others_in_line(scene: Scene) -> None:
    boss, first, second = mentor(), mentee(), mentee(profession="Security")
    program_id = await scene.program(boss, first, second)
    run = await scene.run(program_id)
    assert await scene.publish(run) == {"pairings": 1, "unmatched_mentees": 1, "left_out": 0}
    async with tap(scene.settings) as topics:
        await topics.until(
            lambda seen: any(
                isinstance(one.event, MatchRunPublished) and one.event.program_id == program_id for one in seen
            )
        )
        told = [one.event for one in topics.seen if getattr(one.event, "program_id", None) == program_id]
    (created,) = [event for event in told if isinstance(event, PairingCreated)]
    assert {member.person_id: member.role for member in created.members} == {
        boss.person_id: "mentor",
        first.person_id: "mentee",
    }
    assert created.run_id == UUID(run["run_id"])
    assert [event.status for event in told if isinstance(event, PairingState)] == ["active"]
    (waiting,) = [event for event in told if isinstance(event, MenteeWaitlisted)]
    assert (waiting.person_id, waiting.position, waiting.reason) == (second.person_id, 1, "places")
    assert await scene.pool(program_id) == {"mentors": 0, "mentees": 1, "places": 0, "wanted": 1, "incomplete": 0}


async def test_everybody_left_alone_is_told_the_rule_that_bound(scene: Scene) -> None:
    senior, same_unit = mentee(level=9), mentee(unit="Love")
    program_id = await scene.program(mentor(), senior, same_unit)
    run = await scene.run(program_id)
    rows = await scene.all(f"/match-runs/{run['run_id']}/unmatched", scene.manager(program_id), limit=1)
    assert {row["person_id"]: row["rule"] for row in rows if row["role"] == "mentee"} == {
        str(senior.person_id): "level_gap",
        str(same_unit.person_id): "unit",
    }
    words = {row["person_id"]: row["words"] for row in rows}
    assert "with a difference of -4, one mentor would fit" in words[str(senior.person_id)]
    assert "your own unit" in words[str(same_unit.person_id)]


async def test_an_identity_wish_is_used_and_never_shown(scene: Scene) -> None:
    asks = {"match_with_similar_identity": True, "identity_to_match": "Gay"}
    same = mentor(confidential={"characteristics": ("Lesbian", "Gay")})
    other = mentor(confidential={"characteristics": ("Transgender",)})
    wishing = mentee(confidential=asks)
    program_id = await scene.program(same, other, wishing)
    run = await scene.run(program_id)
    headers = scene.manager(program_id)
    (pair,) = await scene.all(f"/match-runs/{run['run_id']}/proposals", headers)
    assert pair["mentor_id"] == str(same.person_id)
    told = str([run, pair, await scene.all(f"/match-runs/{run['run_id']}/unmatched", headers)]).lower()
    assert "gay" not in told
    assert {reason["criterion"] for reason in pair["reasons"]} == {"profession", "level_gap"}


async def test_a_run_waits_for_the_launch_and_for_sound_settings(scene: Scene) -> None:
    draft = await scene.program(status="draft")
    answer = await scene.post(f"/programs/{draft}/match-runs", scene.manager(draft), expect=409)
    assert "launch it" in answer["detail"]
    odd = await scene.program(
        matching={"weights": {"skills": 1e308, "luck": 1}, "rules": {"level_gap": {"least": 3, "most": 1}}}
    )
    answer = await scene.post(f"/programs/{odd}/match-runs", scene.manager(odd), expect=422)
    assert {fault["field"] for fault in answer["faults"]} == {"weights.skills", "weights.luck", "rules.level_gap"}


async def test_an_empty_side_fails_the_run_in_words(scene: Scene) -> None:
    program_id = await scene.program(mentee())
    run = await scene.run(program_id)
    assert run["state"] == "failed"
    assert "no mentors with a free place" in run["reason"]


async def test_a_run_is_published_once_also_by_ten_at_the_same_moment(scene: Scene) -> None:
    program_id = await scene.program(mentor(2), mentee(), mentee())
    run = await scene.run(program_id)
    path, headers = f"/match-runs/{run['run_id']}/publication", scene.manager(program_id)
    answers = await asyncio.gather(*(scene.client.post(path, json={}, headers=headers) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
    assert len(await scene.pairings(program_id)) == 2


async def test_a_pool_that_changed_since_the_run_publishes_nothing_by_halves(scene: Scene) -> None:
    leaver, stays, first, second = mentor(), mentor(), mentee(), mentee()
    program_id = await scene.program(leaver, stays, first, second)
    run = await scene.run(program_id)
    await scene.leave(leaver)

    async def has_left() -> bool:
        return bool((await scene.pool(program_id))["mentors"] == 1)

    await eventually(has_left)
    refused = await scene.publish(run, expect=409)
    assert len(refused["faults"]) == 1
    assert await scene.pairings(program_id) == set()
    assert await scene.publish(run, {"leave_out_changed": True}) == {
        "pairings": 1,
        "unmatched_mentees": 1,
        "left_out": 1,
    }


async def test_two_programs_never_give_a_mentor_more_mentees_than_places(scene: Scene) -> None:
    shared = mentor(2)
    one = await scene.program(shared, mentee(), mentee())
    shared_there = mentor(2, person_id=shared.person_id)
    other = await scene.program(shared_there, mentee(), mentee())
    runs = [await scene.run(one), await scene.run(other)]
    answers = await asyncio.gather(
        *(
            scene.client.post(
                f"/match-runs/{run['run_id']}/publication",
                json={"leave_out_changed": True},
                headers=scene.manager(UUID(run["program_id"])),
            )
            for run in runs
        )
    )
    assert {answer.status_code for answer in answers} == {200}
    assert sum(answer.json()["pairings"] for answer in answers) == 2
    assert len(await scene.pairings(one)) + len(await scene.pairings(other)) == 2


async def test_a_run_of_somebody_elses_program_is_not_there(scene: Scene) -> None:
    program_id = await scene.program(mentor(), mentee())
    run = await scene.run(program_id)
    stranger = scene.manager(uuid4())
    for path in ("", "/proposals", "/unmatched"):
        answer = await scene.client.get(f"/match-runs/{run['run_id']}{path}", headers=stranger)
        assert answer.status_code == 404
    answer = await scene.client.post(f"/match-runs/{run['run_id']}/publication", json={}, headers=stranger)
    assert answer.status_code == 404


async def test_a_program_may_let_a_skill_serve_that_is_written_almost_alike(scene: Scene) -> None:
    speaker, other = mentor(skills={"speaking in public": 5}), mentor(skills={"Bookkeeping": 5})
    junior = mentee(needs={"Public speaking": 4})
    settings = {"weights": {"skills": 1}, "skills": {"alike": 0.6}}
    program_id = await scene.program(speaker, other, junior, matching=settings)
    run = await scene.run(program_id)
    (pair,) = await scene.all(f"/match-runs/{run['run_id']}/proposals", scene.manager(program_id))
    assert pair["mentor_id"] == str(speaker.person_id)
    assert pair["reasons"][0]["words"] == (
        "The mentor offers what the mentee wants: speaking in public at expert level (for Public speaking)."
    )
    answer = await scene.post(
        f"/programs/{program_id}/match-runs",
        scene.manager(program_id),
        {"matching": {"skills": {"alike": 2}}},
        expect=422,
    )
    assert [fault["field"] for fault in answer["faults"]] == ["skills.alike"]


async def test_a_cancelled_run_is_not_published(scene: Scene) -> None:
    program_id = await scene.program(mentor(), mentee())
    run = await scene.run(program_id)
    path = f"/match-runs/{run['run_id']}/cancellation"
    assert (await scene.post(path, scene.manager(program_id)))["state"] == "cancelled"
    await scene.publish(run, expect=409)
    await scene.post(path, scene.manager(program_id), expect=409)


async def test_odd_cursors_and_odd_words_are_refused_not_stumbled_over(scene: Scene) -> None:
    program_id = await scene.program(mentor(), mentee())
    run = await scene.run(program_id)
    headers = scene.manager(program_id)
    for position in ([2**40], [-1], ["x"], [None], [1, 2], {"a": 1}):
        cursor = base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")
        for path in (f"/match-runs/{run['run_id']}/proposals", f"/programs/{program_id}/waiting-mentees"):
            assert (await scene.client.get(f"{path}?cursor={cursor}", headers=headers)).status_code == 422
    body = {"matching": {"identity": {"wish": "\u0000"}}}
    await scene.post(f"/programs/{program_id}/match-runs", headers, body, expect=422)
    asked = {"mentor_ids": [str(uuid4())], "message": "\u0000"}
    await scene.post(f"/programs/{program_id}/match-requests", scene.tokens.person(uuid4()), asked, expect=422)
