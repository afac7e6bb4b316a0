"""The stable mode: where both sides rank, nobody finds a pair outside in which both are better off."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from matching_scene import Scene, Somebody, enrollment, mentee, mentor

from tandem_events.testing import eventually
from tandem_matching.domain.matching import match
from tandem_matching.domain.people import Mentee, Mentor, Pool, Traits
from tandem_matching.domain.rules import Rules
from tandem_matching.domain.stability import Rankings, blocking_pairs, stable_match

STABLE = {"objective": "stable", "rules": {"unit": "any", "level_gap": {"least": None}}}


@st.composite
def ranked_pools(draw: st.DrawFn) -> tuple[Pool, Rankings]:
    """Everybody ranks everybody of the other side."""
    mentees, mentors = draw(st.integers(1, 6)), draw(st.integers(1, 5))
    of_mentees = {one: draw(st.permutations(range(mentors))) for one in range(mentees)}
    of_mentors = {one: draw(st.permutations(range(mentees))) for one in range(mentors)}
    places = {one: draw(st.integers(1, 3)) for one in range(mentors)}

    def named(order: Sequence[int], base: int) -> tuple[UUID, ...]:
        return tuple(UUID(int=base + one) for one in order)

    pool = Pool(
        tuple(
            Mentor(Traits(UUID(int=100 + one), preferred=named(of_mentors[one], 1)), places[one])
            for one in range(mentors)
        ),
        tuple(Mentee(Traits(UUID(int=1 + one), preferred=named(of_mentees[one], 100))) for one in range(mentees)),
    )
    return pool, Rankings(of_mentees, of_mentors, places)


@settings(max_examples=150, deadline=None)
@given(ranked_pools(), st.integers(0, 3))
def test_a_stable_run_is_the_stable_match_that_is_best_for_mentees(drawn: tuple[Pool, Rankings], seed: int) -> None:
    pool, rankings = drawn
    rules = Rules(objective="stable", level_gap_least=None, unit="any")
    found = match(pool, rules, seed=seed, on=date(2026, 3, 2))
    pairs = {one.mentee_id.int - 1: one.mentor_id.int - 100 for one in found.proposals}
    assert pairs == stable_match(rankings)
    assert blocking_pairs(rankings, pairs) == []
    assert found.summary["blocking_pairs"] == 0
    assert not found.summary["proven_optimal"]


async def rank(scene: Scene, program_id: UUID, one: Somebody, *order: Somebody) -> None:
    ids = tuple(other.person_id for other in order)
    await scene.say(enrollment(one, program_id).model_copy(update={"preferred_ids": ids}))


async def test_a_program_that_asks_for_stability_gets_it(scene: Scene) -> None:
    """Both mentees want the first mentor, who wants the second mentee: most points alone would not decide it."""
    first, second, one, other = mentor(level=9), mentor(level=5), mentee(), mentee()
    program_id = await scene.program(first, second, one, other, matching=STABLE)
    await rank(scene, program_id, one, first, second)
    await rank(scene, program_id, other, first, second)
    await rank(scene, program_id, first, other, one)
    await rank(scene, program_id, second, other, one)
    seen: set[tuple[str, str]] = set()

    async def as_ranked() -> bool:
        run = await scene.run(program_id)
        assert (run["summary"]["objective"], run["summary"]["blocking_pairs"]) == ("stable", 0)
        pairs = await scene.all(f"/match-runs/{run['run_id']}/proposals", scene.manager(program_id))
        seen.clear()
        seen.update((pair["mentor_id"], pair["mentee_id"]) for pair in pairs)
        return seen == {
            (str(first.person_id), str(other.person_id)),
            (str(second.person_id), str(one.person_id)),
        }

    await eventually(as_ranked)


async def test_an_unknown_objective_is_refused(scene: Scene) -> None:
    program_id = await scene.program(mentor(), mentee())
    body = {"matching": {"objective": "best"}}
    answer = await scene.post(f"/programs/{program_id}/match-runs", scene.manager(program_id), body, expect=422)
    assert answer["faults"][0]["field"] == "objective"
