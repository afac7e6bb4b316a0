"""Rules and criteria on wishes, answers, what mentors learn, interests and load: each decides, in words or unseen."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from tandem_matching.domain.matching import Match, match
from tandem_matching.domain.memory import recall
from tandem_matching.domain.people import Mentee, Mentor, Pool, Traits, Wish
from tandem_matching.domain.refusals import SettingsMalformed
from tandem_matching.domain.settings_document import rules_from

DAY = date(2026, 3, 2)


def mentor(number: int, places: int = 1, **traits: Any) -> Mentor:
    return Mentor(Traits(UUID(int=1000 + number), **{"level": 5, "unit": "Love", **traits}), places)


def mentee(number: int, **traits: Any) -> Mentee:
    return Mentee(Traits(UUID(int=number), **{"level": 3, "unit": "Peace", **traits}))


def matched(mentors: list[Mentor], mentees: list[Mentee], **settings: Any) -> Match:
    return match(Pool(tuple(mentors), tuple(mentees)), rules_from(settings), seed=0, on=DAY)


def pairs(found: Match) -> set[tuple[int, int]]:
    return {(one.mentor_id.int - 1000, one.mentee_id.int) for one in found.proposals}


@pytest.mark.parametrize(
    ("wish", "chosen"),
    [
        (Wish("unit", "is", "Joy"), 2),
        (Wish("unit", "is_not", "love"), 2),
        (Wish("location", "same"), 2),
        (Wish("location", "different"), 1),
        (Wish("level", "higher"), 1),
        (Wish("languages", "same"), 2),
        (Wish("languages", "is", "pt-BR"), 1),
        (Wish("profession", "is", "Law"), 2),
    ],
)
@pytest.mark.parametrize("must", [True, False])
def test_what_somebody_wishes_of_the_other_side_decides(wish: Wish, chosen: int, must: bool) -> None:
    first = mentor(1, unit="Love", location="Rome", level=7, languages=("pt",), profession="Policy")
    second = mentor(2, unit="Joy", location="Oslo", level=4, languages=("en-GB",), profession="Law")
    one = Wish(wish.attribute, wish.wish, wish.value, must=must)
    junior = mentee(1, level=4, location="Oslo", languages=("en-US",), wishes=(one,))
    found = matched([first, second], [junior], rules={"level_gap": {"least": 0}}, weights={"wishes": 1})
    assert pairs(found) == {(chosen, 1)}


def test_a_must_of_either_side_keeps_people_apart_and_says_so() -> None:
    insists = Wish("profession", "same", must=True)
    for ours, theirs in (((insists,), ()), ((), (insists,))):
        found = matched(
            [mentor(1, profession="Law", wishes=theirs)],
            [mentee(1, profession="Policy", wishes=ours)],
        )
        assert found.proposals == ()
        assert {one.rule for one in found.unmatched} == {"wishes"}
        assert "what you or they insist on" in found.unmatched[0].words


def test_wishes_met_are_counted_without_telling_whose_they_are() -> None:
    found = matched(
        [mentor(1, wishes=(Wish("unit", "is", "Joy"),))],
        [mentee(1, wishes=(Wish("unit", "different"), Wish("level", "higher", must=True)))],
        weights={"wishes": 1},
    )
    (reason,) = found.proposals[0].reasons
    assert reason.words == "2 of 3 wishes for the other side are met."
    assert reason.value == 0.5


def test_what_mentors_want_to_learn_counts_and_is_said() -> None:
    curious, other = mentor(1, needs={"Budgets": 3}), mentor(2, needs={"Law": 1})
    found = matched([curious, other], [mentee(1, skills={"budgets": 5})], weights={"reciprocity": 1})
    assert pairs(found) == {(1, 1)}
    (reason,) = found.proposals[0].reasons
    assert reason.words == "The mentee can give what the mentor wants to learn: Budgets at expert level."
    assert reason.value == 1.0


@pytest.mark.parametrize(("wish", "chosen"), [("same", 2), ("different", 1)])
def test_answers_to_a_question_are_the_same_or_different_and_never_shown(wish: str, chosen: int) -> None:
    first, second = mentor(1, confidential={"shift": "night"}), mentor(2, confidential={"shift": "Day"})
    rules = {"answers": [{"question": "shift", "wish": wish}]}
    found = matched([first, second], [mentee(1, confidential={"shift": "day"})], rules=rules)
    assert pairs(found) == {(chosen, 1)}
    alone = matched([mentor(3, confidential={"shift": "night"}), first], [mentee(1, confidential={"shift": "dusk"})],
                    rules={"answers": [{"question": "shift", "wish": "same"}]})  # fmt: skip
    assert {one.rule for one in alone.unmatched} == {"answers"}
    assert not any(word in str(alone.unmatched) for word in ("night", "dusk", "shift"))


@pytest.mark.parametrize(("boundary", "chosen"), [("inside", 1), ("outside", 2)])
def test_mentors_come_from_inside_or_outside(boundary: str, chosen: int) -> None:
    found = matched([mentor(1), mentor(2, confidential={"guest": True})], [mentee(1)], rules={"boundary": boundary})
    assert pairs(found) == {(chosen, 1)}


def test_interests_in_common_count_and_are_neither_shown_nor_in_the_score() -> None:
    alike = mentor(1, confidential={"interests": ("Chess", "rowing")})
    found = matched(
        [mentor(2), alike],
        [mentee(1, confidential={"interests": "chess, opera"})],
        weights={"interests": 1, "level_gap": 1},
    )
    assert pairs(found) == {(1, 1)}
    assert [reason.criterion for reason in found.proposals[0].reasons] == ["level_gap"]
    assert found.proposals[0].score == 100.0


def test_load_spreads_mentees_over_mentors() -> None:
    liked, other = mentor(1, places=4, profession="Law"), mentor(2, places=4)
    juniors = [mentee(one, profession="Law") for one in range(1, 5)]
    packed = matched([liked, other], juniors, weights={"profession": 1})
    assert {one for one, _ in pairs(packed)} == {1}
    spread = matched([liked, other], juniors, weights={"profession": 1, "load": 10})
    assert sorted(one for one, _ in pairs(spread)) == [1, 1, 2, 2]
    assert spread.summary["proven_optimal"]
    assert all(reason.criterion != "load" for one in spread.proposals for reason in one.reasons)


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"rules": {"boundary": "beside"}}, "rules.boundary"),
        ({"rules": {"answers": {"question": "x"}}}, "rules.answers"),
        ({"rules": {"answers": [{"question": "x", "wish": "like"}]}}, "rules.answers[0].wish"),
        ({"rules": {"answers": [{"wish": "same"}]}}, "rules.answers[0].question"),
        ({"circle": {"least": 9, "most": 3}}, "circle"),
        ({"circle": {"shared": "shoe size"}}, "circle.shared"),
        ({"circle": {"mix": ["unit"]}}, "circle.mix"),
        ({"skills": {"alike": 0.1}}, "skills.alike"),
        ({"skills": {"alike": True}}, "skills.alike"),
        ({"flash": {"rounds": 0}}, "flash.rounds"),
        ({"flash": {"seats": 1.5}}, "flash.seats"),
        ({"questions": {"guest": ""}}, "questions.guest"),
    ],
)
def test_settings_that_cannot_be_used_are_named(document: dict[str, Any], field: str) -> None:
    with pytest.raises(SettingsMalformed) as refused:
        rules_from(document)
    assert [fault.field for fault in refused.value.faults] == [field]


@pytest.mark.parametrize("program_format", ["one_to_one", "group", "reverse", "peer", "circle", "flash"])
def test_every_formats_settings_are_read_back_as_they_were_said(program_format: str) -> None:
    rules = rules_from(
        {
            "rules": {"answers": [{"question": "shift", "wish": "different"}], "boundary": "inside"},
            "circle": {"least": 5, "most": 9, "shared": "unit", "mix": None},
            "flash": {"rounds": 7, "seats": 3},
        },
        program_format=program_format,
    )
    assert rules_from(rules.as_document(), program_format=program_format) == rules


def test_a_match_remembers_who_changed_and_keeps_pairs_as_stickiness_asks() -> None:
    rules = rules_from({"rules": {"unit": "any"}, "weights": {"profession": 1}, "stickiness": 0.5})
    mentors = [mentor(one, profession=f"P{one % 2}") for one in range(6)]
    mentees = [mentee(one, profession=f"P{one % 2}") for one in range(6)]
    before = match(Pool(tuple(mentors), tuple(mentees)), rules, seed=0, on=DAY, keep_memory=True)
    assert before.memory is not None
    mentees[2] = mentee(2, profession="P1")
    kept = frozenset((one.mentor_id, one.mentee_id) for one in before.proposals)
    pool = Pool(tuple(mentors), (*mentees[:5], mentee(9, profession="P1")), earlier_pairs=kept)
    warm = recall(before.memory, pool, rules, on=DAY)
    assert [one.person_id.int for one, new in zip(pool.mentees, warm.mentees.tolist(), strict=True) if new] == [2, 9]
    assert not warm.mentors.any()
    cold = match(pool, rules, seed=0, on=DAY)
    again = match(pool, rules, seed=0, on=DAY, memory=before.memory)
    assert again.summary == cold.summary
    assert again.summary["kept_from_earlier"] == 5
    other_rules = rules_from({"rules": {"unit": "other"}, "weights": {"profession": 1}})
    assert recall(before.memory, pool, other_rules, on=DAY).mentees.all()


@pytest.mark.parametrize(("fall", "values"), [(None, [1.0, 0.8, 0.4]), (0.5, [1.0, 0.5, 0.0]), (0, [1.0, 1.0, 1.0])])
def test_how_fast_a_level_gap_counts_less_is_a_setting(fall: float | None, values: list[float]) -> None:
    gap = {"least": 1, "best": 2} | ({} if fall is None else {"fall": fall})
    found = [
        matched([mentor(1, level=3 + number)], [mentee(1)], rules={"level_gap": gap}, weights={"level_gap": 1})
        for number in (2, 3, 5)
    ]
    assert [one.proposals[0].reasons[0].value for one in found] == values
    with pytest.raises(SettingsMalformed):
        rules_from({"rules": {"level_gap": {"fall": 1.5}}})


def test_a_skill_that_is_written_almost_alike_counts_where_the_program_says_so() -> None:
    other = mentor(1, skills={"Bookkeeping": 5})
    same_in_other_words = mentor(2, skills={"speaking in public": 5, "Public relations": 5})
    junior = mentee(1, needs={"Public speaking": 4})
    strict = matched([same_in_other_words], [junior], weights={"skills": 1})
    assert strict.proposals[0].score == 0
    assert strict.proposals[0].reasons[0].words == "The mentee wants Public speaking, and the mentor offers none of it."
    found = matched([other, same_in_other_words], [junior], weights={"skills": 1}, skills={"alike": 0.6})
    assert pairs(found) == {(2, 1)}
    assert found.proposals[0].score == 84.2
    assert found.proposals[0].reasons[0].words == (
        "The mentor offers what the mentee wants: speaking in public at expert level (for Public speaking)."
    )


def test_of_skills_that_serve_the_one_that_meets_most_counts_and_is_named() -> None:
    junior = mentee(1, needs={"Public speaking": 4})
    senior = mentor(1, skills={"public speaking": 2, "speaking in public": 4})
    found = matched([senior], [junior], weights={"skills": 1}, skills={"alike": 0.6})
    assert found.proposals[0].score == 84.2
    assert "speaking in public at advanced level (for Public speaking)" in found.proposals[0].reasons[0].words
    strict = matched([senior], [junior], weights={"skills": 1})
    assert strict.proposals[0].score == 50
    assert "Public speaking at basic level (advanced wanted)" in strict.proposals[0].reasons[0].words
