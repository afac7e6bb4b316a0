"""A platform team's advisor vetoes and recommends; slow, dead or talking nonsense, it stops a run only if wanted."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from matching_advisor import TestAdvisor, advising
from matching_scene import Scene, Somebody, mentee, mentor, own_settings, started
from pydantic import HttpUrl

from tandem_chassis.testing import Tokens
from tandem_matching.advisor import Advisor, Unheard
from tandem_matching.domain import advised

ASKING = {"advisor": {"ask": True}}
STRICT = {"advisor": {"ask": True, "fail_unheard": True}}


@pytest.fixture(scope="module")
async def serving() -> AsyncIterator[TestAdvisor]:
    async with advising() as one:
        yield one


@pytest.fixture(scope="module")
async def scene(
    new_database: Any, template: str, broker: Any, tokens: Tokens, serving: TestAdvisor
) -> AsyncIterator[Scene]:
    """The service with an advisor."""
    settings = own_settings(
        new_database,
        template,
        broker,
        match_advisor_url=serving.url,
        match_advisor_token="open sesame",
        match_advisor_deadline_seconds=3,
    )
    async with started(settings, tokens) as service:
        yield service


@pytest.fixture
def advisor(serving: TestAdvisor) -> TestAdvisor:
    """The advisor, with nothing to say and nothing remembered."""
    serving.begin_again()
    return serving


def only(one: Somebody, other: Somebody, **opinion: Any) -> Any:
    """An opinion of one pair alone."""
    pair = {"mentor_id": str(one.person_id), "mentee_id": str(other.person_id)}
    return lambda asked: opinion if asked == pair else None


async def test_a_veto_keeps_two_people_apart_and_says_whose_it_was(scene: Scene, advisor: TestAdvisor) -> None:
    boss, junior = mentor(), mentee()
    program_id = await scene.program(boss, junior, matching=ASKING)
    advisor.opinions(of=only(boss, junior, veto=True))
    run = await scene.run(program_id)
    assert run["summary"]["advisor"] == {
        "state": "heard",
        "asked": 1,
        "vetoed": 1,
        "recommended": 0,
        "proposed_unasked": 0,
    }
    rows = await scene.all(f"/match-runs/{run['run_id']}/unmatched", scene.manager(program_id))
    assert {row["rule"] for row in rows} == {"advisor"}
    assert all("the veto of the program's advisor" in row["words"] for row in rows)


async def test_the_words_of_a_veto_are_told_to_whoever_is_left_alone_by_it(scene: Scene, advisor: TestAdvisor) -> None:
    boss, junior = mentor(), mentee()
    program_id = await scene.program(boss, junior, matching=ASKING)
    advisor.opinions(of=only(boss, junior, veto=True, words="They report to the same project."))
    run = await scene.run(program_id)
    rows = await scene.all(f"/match-runs/{run['run_id']}/unmatched", scene.manager(program_id))
    assert len(rows) == 2
    assert all(row["words"].endswith("The advisor says: They report to the same project.") for row in rows)


async def test_a_recommendation_counts_with_its_weight_and_its_words_are_among_the_reasons(
    scene: Scene, advisor: TestAdvisor
) -> None:
    near, far, junior = mentor(level=5), mentor(level=8), mentee(level=3)
    weights = {"weights": {"level_gap": 1, "advisor": 3}}
    program_id = await scene.program(near, far, junior, matching={**ASKING, **weights})
    before = await scene.run(program_id)
    (pair,) = await scene.all(f"/match-runs/{before['run_id']}/proposals", scene.manager(program_id))
    assert pair["mentor_id"] == str(near.person_id)
    advisor.opinions(of=only(far, junior, value=1.0, words="They built the same product once."))
    after = await scene.run(program_id, {"compared_to": before["run_id"]})
    (pair,) = await scene.all(f"/match-runs/{after['run_id']}/proposals", scene.manager(program_id))
    assert pair["mentor_id"] == str(far.person_id)
    reason = pair["reasons"][0]
    assert (reason["criterion"], reason["words"], reason["value"], reason["weight"]) == (
        "advisor",
        "They built the same product once.",
        1.0,
        0.75,
    )
    assert advisor.headers[-1]["authorization"] == "Bearer open sesame"
    assert after["fingerprint"] != before["fingerprint"]


@pytest.mark.parametrize("all_at_once", [0, 900])
async def test_it_is_asked_until_every_proposed_pair_was_asked_about(
    scene: Scene, advisor: TestAdvisor, monkeypatch: pytest.MonkeyPatch, all_at_once: int
) -> None:
    """Everybody's best mentors are the same few, so the match needs pairs beyond the first questions."""
    monkeypatch.setattr(advised, "ALL_AT_ONCE", all_at_once)
    people = [*(mentor(level=4 + number % 5) for number in range(30)), *(mentee() for _ in range(30))]
    program_id = await scene.program(*people, matching=ASKING)
    asked: set[tuple[str, str]] = set()

    def every_third(pair: dict[str, str]) -> dict[str, Any] | None:
        asked.add((pair["mentor_id"], pair["mentee_id"]))
        return {"veto": True} if int(pair["mentor_id"][-1], 16) % 3 == 0 else None

    advisor.opinions(of=every_third)
    run = await scene.run(program_id)
    pairs = await scene.all(f"/match-runs/{run['run_id']}/proposals", scene.manager(program_id))
    assert run["summary"]["advisor"]["state"] == "heard"
    assert run["summary"]["advisor"]["proposed_unasked"] == 0
    assert {(one["mentor_id"], one["mentee_id"]) for one in pairs} <= asked
    assert not [one for one in pairs if int(one["mentor_id"][-1], 16) % 3 == 0]


NONSENSE: dict[str, Any] = {
    "no JSON": b"<html>hello</html>",
    "another document": {"verdicts": []},
    "not a number": b'{"opinions": [{"mentor_id": "%(mentor)s", "mentee_id": "%(mentee)s", "value": NaN}]}',
    "too much": b'{"opinions": [], "filling": "' + b"x" * 200_000 + b'"}',
    "too deep": b'{"opinions": ' + b"[" * 50_000,
    "strangers": {"opinions": [{"mentor_id": "0" * 32, "mentee_id": "1" * 32, "veto": True}]},
    "out of range": {"opinions": [{"mentor_id": "%(mentor)s", "mentee_id": "%(mentee)s", "value": 1e308}]},
    "veto in words": {"opinions": [{"mentor_id": "%(mentor)s", "mentee_id": "%(mentee)s", "veto": "perhaps"}]},
    "twice": {"opinions": [{"mentor_id": "%(mentor)s", "mentee_id": "%(mentee)s", "veto": veto} for veto in (0, 1)]},
}


@pytest.mark.parametrize("kind", NONSENSE)
async def test_nonsense_is_not_used_and_the_run_says_so(scene: Scene, advisor: TestAdvisor, kind: str) -> None:
    boss, junior = mentor(), mentee()
    program_id = await scene.program(boss, junior, matching=ASKING)
    ids = {"mentor": str(boss.person_id), "mentee": str(junior.person_id)}
    said = NONSENSE[kind]

    def answer(_: Any) -> Any:
        if isinstance(said, bytes):
            return said.replace(b"%(mentor)s", ids["mentor"].encode()).replace(b"%(mentee)s", ids["mentee"].encode())
        return {
            name: [{key: _filled(value, ids) for key, value in one.items()} for one in v] for name, v in said.items()
        }

    advisor.answer = answer
    run = await scene.run(program_id)
    assert (run["state"], run["summary"]["proposals"]) == ("completed", 1)
    assert run["summary"]["advisor"]["state"] == "nonsense"
    assert advisor.questions, "it was asked"


def _filled(value: Any, ids: dict[str, str]) -> Any:
    return value % ids if isinstance(value, str) else value


async def test_a_slow_and_a_refusing_advisor_stop_no_run_and_the_run_says_so(
    scene: Scene, advisor: TestAdvisor
) -> None:
    program_id = await scene.program(mentor(), mentee(), matching=ASKING)
    advisor.status = 503
    refused = await scene.run(program_id)
    advisor.answer = lambda _: None
    late = await scene.run(program_id)
    assert [run["summary"]["advisor"]["state"] for run in (refused, late)] == ["refused", "late"]
    assert [run["summary"]["proposals"] for run in (refused, late)] == [1, 1]


@pytest.mark.parametrize(("url", "why"), [(None, "not_configured"), (HttpUrl("http://127.0.0.1:9/"), "unreachable")])
async def test_a_dead_advisor_is_no_more_than_unheard(scene: Scene, url: HttpUrl | None, why: str) -> None:
    asked = Advisor(scene.settings.model_copy(update={"match_advisor_url": url}))
    with pytest.raises(Unheard, match=why):
        await asked.ask(uuid4(), uuid4(), [(uuid4(), uuid4())])


@pytest.mark.parametrize(("url", "why"), [(None, "not_configured"), ("http://127.0.0.1:9/", "unreachable")])
async def test_a_run_goes_on_without_an_advisor_that_is_dead_and_says_so(
    new_database: Any, template: str, broker: Any, tokens: Tokens, url: str | None, why: str
) -> None:
    async with started(own_settings(new_database, template, broker, match_advisor_url=url), tokens) as service:
        program_id = await service.program(mentor(), mentee(), matching=ASKING)
        run = await service.run(program_id)
        assert (run["state"], run["summary"]["proposals"]) == ("completed", 1)
        assert run["summary"]["advisor"]["state"] == why
        strict = await service.run(program_id, {"matching": STRICT})
        assert strict["state"] == "failed"
        assert f"was not heard ({why})" in strict["reason"]


async def test_the_deadline_is_that_of_all_questions_together(scene: Scene, advisor: TestAdvisor) -> None:
    asked = Advisor(scene.settings.model_copy(update={"match_advisor_deadline_seconds": 0.2}))
    pair = [(uuid4(), uuid4())]
    advisor.answer = lambda _: None
    with pytest.raises(Unheard, match="late"):
        await asked.ask(uuid4(), uuid4(), pair)
    advisor.begin_again()
    with pytest.raises(Unheard, match="late"):
        await asked.ask(uuid4(), uuid4(), pair)


async def test_where_the_program_wants_it_heard_a_run_without_it_fails_in_words_and_proposes_nothing(
    scene: Scene, advisor: TestAdvisor
) -> None:
    program_id = await scene.program(mentor(), mentee(), matching=STRICT)
    advisor.status = 500
    run = await scene.run(program_id)
    assert run["state"] == "failed"
    assert "was not heard (refused)" in run["reason"]
    assert await scene.all(f"/match-runs/{run['run_id']}/proposals", scene.manager(program_id)) == []
    await scene.publish(run, expect=409)


async def test_what_it_said_before_it_fell_silent_still_holds(
    scene: Scene, advisor: TestAdvisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advised, "ALL_AT_ONCE", 0)
    mentors, junior = [mentor(level=5) for _ in range(9)], mentee()
    program_id = await scene.program(*mentors, junior, matching=ASKING)

    def veto_all_then_die(question: dict[str, Any]) -> Any:
        if len(advisor.questions) > 1:
            return b"the end"
        return {"opinions": [{**pair, "veto": True} for pair in question["pairs"]]}

    advisor.answer = veto_all_then_die
    run = await scene.run(program_id)
    assert run["summary"]["advisor"] == {
        "state": "nonsense",
        "asked": 8,
        "vetoed": 8,
        "recommended": 0,
        "proposed_unasked": 1,
    }
    assert run["summary"]["proposals"] == 1


async def test_an_advisor_that_nobody_asks_is_not_asked(scene: Scene, advisor: TestAdvisor) -> None:
    program_id = await scene.program(mentor(), mentee())
    run = await scene.run(program_id)
    assert "advisor" not in run["summary"]
    assert advisor.questions == []
