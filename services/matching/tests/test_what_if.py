"""What a manager tries before publishing: other weights, rules, places, people, pinned and forbidden pairs."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from matching_scene import Scene, enrollment, mentee, mentor

from tandem_events.contracts import EnrollmentPaused, PersonErased
from tandem_events.contracts.enrollments import Preference
from tandem_events.testing import eventually


def pair(one: object, other: object) -> dict[str, str]:
    return {"mentor_id": str(getattr(one, "person_id", one)), "mentee_id": str(getattr(other, "person_id", other))}


async def test_another_weight_shows_who_gains_and_who_loses(scene: Scene) -> None:
    colleague, near = mentor(profession="Policy", level=9), mentor(profession="Security", level=5)
    junior = mentee(profession="Policy", level=3)
    program_id = await scene.program(colleague, near, junior)
    first = await scene.run(program_id)
    other = await scene.run(
        program_id, {"matching": {"weights": {"profession": 0, "level_gap": 1}}, "compared_to": first["run_id"]}
    )
    (change,) = await scene.all(f"/match-runs/{other['run_id']}/differences", scene.manager(program_id))
    assert change["mentor_before"] == str(colleague.person_id)
    assert change["mentor_after"] == str(near.person_id)
    assert change["score_after"] == 100.0
    assert change["gain"] == round(100.0 - change["score_before"], 2)
    backwards = f"/match-runs/{first['run_id']}/differences?to={other['run_id']}"
    (undone,) = await scene.all(backwards, scene.manager(program_id), limit=1)
    assert undone["gain"] == -change["gain"]
    sums = await scene.get(f"/match-runs/{other['run_id']}/comparison", scene.manager(program_id))
    assert sums == {
        "compared_to": first["run_id"],
        "mentees_changed": 1,
        "gaining": 1,
        "losing": 0,
        "newly_matched": 0,
        "no_longer_matched": 0,
        "gained": change["gain"],
        "lost": 0.0,
        "change": change["gain"],
    }
    assert await scene.pairings(program_id) == set(), "nothing is published by looking"


async def test_a_pinned_pair_is_proposed_and_a_forbidden_one_is_not(scene: Scene) -> None:
    boss, other, junior, second = mentor(), mentor(profession="Security"), mentee(), mentee()
    program_id = await scene.program(boss, other, junior, second)
    run = await scene.run(program_id, {"pinned": [pair(other, junior)], "forbidden": [pair(boss, second)]})
    (only,) = await scene.all(f"/match-runs/{run['run_id']}/proposals", scene.manager(program_id))
    assert only["pinned"]
    assert (only["mentor_id"], only["mentee_id"]) == (str(other.person_id), str(junior.person_id))
    rules = {
        row["rule"] for row in await scene.all(f"/match-runs/{run['run_id']}/unmatched", scene.manager(program_id))
    }
    assert "forbidden_pair" in rules or "places" in rules
    assert (await scene.publish(run))["pairings"] == 1


async def test_pins_that_contradict_are_named(scene: Scene) -> None:
    boss, junior, second = mentor(), mentee(), mentee()
    program_id = await scene.program(boss, junior, second)
    both = {"pinned": [pair(boss, junior)], "forbidden": [pair(boss, junior)]}
    answer = await scene.post(f"/programs/{program_id}/match-runs", scene.manager(program_id), both, expect=422)
    assert "pinned and forbidden" in answer["faults"][0]["reason"]
    run = await scene.run(program_id, {"pinned": [pair(boss, junior), pair(boss, second)]})
    assert run["state"] == "failed"
    assert "is pinned to 2 mentees and has 1 free places" in run["reason"]
    run = await scene.run(program_id, {"pinned": [pair(uuid4(), junior)]})
    assert run["state"] == "failed"
    assert "no free place" in run["reason"]


async def test_a_run_on_assumed_places_shows_what_would_be_and_cannot_be_published(scene: Scene) -> None:
    boss, junior, second = mentor(), mentee(), mentee()
    program_id = await scene.program(boss, junior, second)
    first = await scene.run(program_id)
    more = await scene.run(
        program_id, {"places": [{"person_id": str(boss.person_id), "places": 2}], "compared_to": first["run_id"]}
    )
    assert more["summary"]["proposals"] == 2
    (gained,) = await scene.all(f"/match-runs/{more['run_id']}/differences", scene.manager(program_id))
    assert gained["mentor_before"] is None
    sums = await scene.get(f"/match-runs/{more['run_id']}/comparison", scene.manager(program_id))
    assert (sums["newly_matched"], sums["no_longer_matched"], sums["gained"]) == (1, 0, gained["score_after"])
    path = f"/match-runs/{first['run_id']}/comparison"
    assert (await scene.client.get(path, headers=scene.manager(program_id))).status_code == 404
    await scene.publish(more, expect=409)
    fewer = await scene.run(program_id, {"without": [str(junior.person_id), str(second.person_id)]})
    assert fewer["state"] == "failed"


async def test_places_are_assumed_also_for_a_mentor_who_has_none_free(scene: Scene) -> None:
    booked, first, second = mentor(), mentee(), mentee()
    program_id = await scene.matched(booked, first)
    await scene.join(program_id, second)
    assert (await scene.run(program_id))["state"] == "failed", "nobody has a free place"
    one_more = await scene.run(program_id, {"places": [{"person_id": str(booked.person_id), "places": 1}]})
    (found,) = await scene.all(f"/match-runs/{one_more['run_id']}/proposals", scene.manager(program_id))
    assert (found["mentor_id"], found["mentee_id"]) == (str(booked.person_id), str(second.person_id))


async def test_peers_are_assumed_to_want_fewer_or_more(scene: Scene) -> None:
    popular, others = mentee(2), [mentee(unit="Love"), mentee(unit="Joy")]
    program_id = await scene.program(popular, *others, program_format="peer")
    for number, pairs in ((0, 1), (1, 1), (2, 2)):
        run = await scene.run(
            program_id,
            {
                "places": [{"person_id": str(popular.person_id), "places": number}],
                "forbidden": [pair(*others)] if number else [],
            },
        )
        assert run["summary"]["relationships"] == pairs, number


async def test_of_whom_nothing_can_be_assumed_is_named(scene: Scene) -> None:
    boss, junior, stranger = mentor(), mentee(), uuid4()
    program_id = await scene.program(boss, junior)
    path, headers = f"/programs/{program_id}/match-runs", scene.manager(program_id)
    for wishes in (
        {"places": [{"person_id": str(stranger), "places": 1}]},
        {"without": [str(stranger)]},
        {"people": [{"person_id": str(stranger), "level": 3}]},
    ):
        refused = await scene.post(path, headers, wishes, expect=422)
        assert [(one["field"], one["reason"]) for one in refused["faults"]] == [
            (str(stranger), "takes no part in this program")
        ]
    refused = await scene.post(
        path, headers, {"places": [{"person_id": str(junior.person_id), "places": 1}]}, expect=422
    )
    assert "not as a mentor" in refused["faults"][0]["reason"]
    await scene.post(path, headers, {"people": [{"person_id": str(boss.person_id), "name": "x"}]}, expect=422)


async def test_somebody_who_pauses_is_assumed_to_take_part_and_traits_to_be_others(scene: Scene) -> None:
    pausing, junior = mentor(), mentee()
    program_id = await scene.program(pausing, junior)
    ids = {"enrollment_id": pausing.enrollment_id, "program_id": program_id, "person_id": pausing.person_id}
    await scene.say(EnrollmentPaused(occurred_at=datetime.now(UTC), reason="stretched_thin", **ids))

    async def paused() -> bool:
        return bool((await scene.pool(program_id))["mentors"] == 0)

    await eventually(paused)
    back = await scene.run(program_id, {"people": [{"person_id": str(pausing.person_id)}]})
    assert back["summary"]["proposals"] == 1
    await scene.publish(back, expect=409)
    moved = await scene.run(program_id, {"people": [{"person_id": str(pausing.person_id), "unit": "Peace"}]})
    rows = await scene.all(f"/match-runs/{moved['run_id']}/unmatched", scene.manager(program_id))
    assert {row["rule"] for row in rows} == {"unit"}
    assert moved["wishes"]["people"] == [{"person_id": str(pausing.person_id), "unit": "Peace"}]
    await scene.say(PersonErased(occurred_at=datetime.now(UTC), person_id=pausing.person_id))

    async def forgotten() -> bool:
        run = await scene.get(f"/match-runs/{moved['run_id']}", scene.manager(program_id))
        return bool(run["wishes"]["people"] == [])

    await eventually(forgotten)


async def test_meeting_virtually_is_a_rule_that_a_program_says_and_a_run_can_leave_out(scene: Scene) -> None:
    def says(how: str, place: str) -> dict[str, Any]:
        return {"open_answers": {"how": how}, "traits": {"location": place}}

    here, far = mentor(**says("In person", "Lisbon")), mentor(**says("Online", "Porto"))
    junior, other = mentee(**says("Either", "Tomar")), mentee(**says("In person", "Tomar"))
    meeting = {"question": "how", "in_person": ["In person", "Either"], "virtually": ["Online", "Either"]}
    program_id = await scene.program(here, far, junior, other, matching={"rules": {"meeting": meeting}})
    headers = scene.manager(program_id)
    run = await scene.run(program_id, {"costs": True})
    (pair,) = await scene.all(f"/match-runs/{run['run_id']}/proposals", headers)
    assert (pair["mentor_id"], pair["mentee_id"]) == (str(far.person_id), str(junior.person_id))
    assert pair["reasons"][-1]["words"] == "Both can meet virtually."
    assert ("meeting", 1) in {(one["rule"], one["pairs"]) for one in run["summary"]["rule_prices"]}
    rows = {row["person_id"]: row for row in await scene.all(f"/match-runs/{run['run_id']}/unmatched", headers)}
    assert rows[str(other.person_id)]["words"] == (
        "No mentor who would otherwise fit shares a way of meeting with you; "
        "if you could meet virtually, one mentor would fit."
    )
    asked = {"mentor_ids": [str(here.person_id)]}
    path = f"/programs/{program_id}/match-requests"
    refused = await scene.post(path, scene.tokens.person(other.person_id), asked, expect=409)
    assert "rules keep the two of you apart" in refused["detail"]
    without = await scene.run(program_id, {"matching": {"rules": {"meeting": None}}, "compared_to": run["run_id"]})
    assert without["summary"]["proposals"] == 2
    await scene.publish(run)
    waiting = await scene.get("/me/waiting", scene.tokens.person(other.person_id))
    assert "could meet virtually" in str(waiting)
    wrong = {"matching": {"rules": {"meeting": {"question": "how", "in_person": [], "virtually": [1]}}}}
    refused = await scene.post(f"/programs/{program_id}/match-runs", headers, wrong, expect=422)
    assert [one["field"] for one in refused["faults"]] == ["rules.meeting.in_person", "rules.meeting.virtually[0]"]


async def test_stickiness_keeps_the_pairs_of_the_run_before(scene: Scene) -> None:
    people = [mentor(profession="Policy"), mentor(profession="Policy"), mentee(), mentee()]
    program_id = await scene.program(*people)
    first = await scene.run(program_id)
    for seed in range(4):
        again = await scene.run(
            program_id, {"seed": seed, "matching": {"stickiness": 0.1}, "compared_to": first["run_id"]}
        )
        assert again["summary"]["kept_from_earlier"] == 2


async def test_the_same_seed_gives_the_same_fingerprint_and_the_result_decides_it(scene: Scene) -> None:
    program_id = await scene.program(*(mentor() for _ in range(4)), *(mentee() for _ in range(4)))
    first, again, other = [await scene.run(program_id, {"seed": seed}) for seed in (7, 7, 8)]
    assert first["fingerprint"] == again["fingerprint"]
    assert first["fingerprint"] != other["fingerprint"]
    assert first["summary"]["proven_optimal"]


async def test_an_unknown_wish_is_refused(scene: Scene) -> None:
    program_id = await scene.program(mentor(), mentee())
    await scene.post(f"/programs/{program_id}/match-runs", scene.manager(program_id), {"wish": 1}, expect=422)
    await scene.post(
        f"/programs/{program_id}/match-runs",
        scene.manager(program_id),
        {"matching": {"weights": {"skills": -1}}},
        expect=422,
    )


async def test_a_manager_leaves_single_proposals_out_and_their_mentees_wait(scene: Scene) -> None:
    people = [mentor(), mentor(), mentee(), mentee()]
    program_id = await scene.program(*people)
    run = await scene.run(program_id)
    dropped, kept = await scene.all(f"/match-runs/{run['run_id']}/proposals", scene.manager(program_id))
    refused = await scene.publish(run, {"leave_out": [str(uuid4()), dropped["proposal_id"]]}, expect=422)
    assert len(refused["faults"]) == 1
    assert await scene.publish(run, {"leave_out": [dropped["proposal_id"]]}) == {
        "pairings": 1,
        "unmatched_mentees": 1,
        "left_out": 1,
    }
    assert [str(one) for pair in await scene.pairings(program_id) for one in pair] == [
        kept["mentor_id"],
        kept["mentee_id"],
    ]
    (waits,) = (await scene.get("/me/waiting", scene.tokens.person(dropped["mentee_id"])))["items"]
    assert (waits["reason"], waits["position"]) == ("left_out", 1)


async def test_the_price_of_each_rule_and_the_pairs_that_would_rather_have_each_other_are_reported(
    scene: Scene,
) -> None:
    """One mentee is in the only free mentor's unit: without that rule there would be one pair more."""
    taken, own_unit = mentor(unit="Love"), mentor(unit="Peace")
    program_id = await scene.program(taken, own_unit, mentee(), mentee())
    run = await scene.run(program_id, {"costs": True})
    prices = {one["rule"]: one["pairs"] for one in run["summary"]["rule_prices"]}
    assert prices["unit"] == 1
    assert all(pairs == 0 for rule, pairs in prices.items() if rule != "unit")
    assert run["summary"]["blocking"] == {"pairs": 0, "first": []}
    near, far = mentor(profession="Policy"), mentor(profession="Security", level=4)
    apart = await scene.program(near, far, mentee(level=3), mentee(level=4))
    stood_back = (await scene.run(apart, {"costs": True}))["summary"]
    assert stood_back["proposals"] == 2
    assert stood_back["blocking"]["pairs"] == len(stood_back["blocking"]["first"]) == 1


async def test_where_costs_are_not_counted_a_run_says_so(scene: Scene) -> None:
    for program_format in ("peer", "circle", "flash"):
        program_id = await scene.program(mentor(), mentee(), mentee(), program_format=program_format)
        asked, unasked = await scene.run(program_id, {"costs": True}), await scene.run(program_id)
        assert asked["state"] == "completed", asked
        assert "mentors' pairs only" in asked["summary"]["costs_unknown"]
        assert "costs_unknown" not in unasked["summary"]
    for matching, words in (({"objective": "stable"}, "stable"), ({"weights": {"load": 1, "skills": 1}}, "spread")):
        program_id = await scene.program(mentor(), mentee(), matching=matching)
        summary = (await scene.run(program_id, {"costs": True}))["summary"]
        assert words in summary["rule_prices_unknown"]
        assert "blocking" in summary


async def test_must_haves_keep_apart_and_nice_to_haves_decide(scene: Scene) -> None:
    here, there = mentor(traits={"location": "Leeds"}), mentor(traits={"location": "York"})
    demanding, wishing = mentee(traits={"location": "Leeds"}), mentee(traits={"location": "York"})
    program_id = await scene.program(here, there, demanding, wishing, matching={"weights": {"wishes": 1}})
    must = Preference(attribute="location", wish="different", must=True)
    nice = Preference(attribute="location", wish="is", value="York")
    await scene.say(
        enrollment(demanding, program_id).model_copy(update={"preferences": (must,)}),
        enrollment(wishing, program_id).model_copy(update={"preferences": (nice,)}),
    )
    pairs: set[tuple[str, str]] = set()

    async def as_wished() -> bool:
        run = await scene.run(program_id, {"forbidden": [pair(there, wishing)]})
        rows = await scene.all(f"/match-runs/{run['run_id']}/proposals", scene.manager(program_id))
        pairs.clear()
        pairs.update((row["mentor_id"], row["mentee_id"]) for row in rows)
        return pairs == {
            (str(there.person_id), str(demanding.person_id)),
            (str(here.person_id), str(wishing.person_id)),
        }

    await eventually(as_wished)

    async def insists() -> bool:
        only_own = await scene.run(program_id, {"without": [str(there.person_id), str(wishing.person_id)]})
        rows = await scene.all(f"/match-runs/{only_own['run_id']}/unmatched", scene.manager(program_id))
        return (str(demanding.person_id), "wishes") in {(row["person_id"], row["rule"]) for row in rows}

    await eventually(insists)


async def test_a_pin_overrules_rules_but_not_that_somebody_never_wants_to_meet_somebody(scene: Scene) -> None:
    own_unit, avoided, junior = mentor(unit="Peace"), mentor(), mentee()
    program_id = await scene.program(own_unit, avoided, junior)
    before = await scene.run(program_id)
    avoiding = enrollment(junior, program_id).model_copy(update={"excluded_ids": (avoided.person_id,)})
    await scene.say(avoiding)

    async def refused() -> bool:
        run = await scene.run(program_id, {"pinned": [pair(avoided, junior)]})
        return bool(run["state"] == "failed" and "cannot be paired" in run["reason"])

    await eventually(refused)
    stale = await scene.publish(before, expect=409)
    assert "cannot be paired any more" in stale["faults"][0]["reason"]
    overruling = await scene.run(program_id, {"pinned": [pair(own_unit, junior)]})
    assert (overruling["state"], overruling["summary"]["proposals"]) == ("completed", 1)
