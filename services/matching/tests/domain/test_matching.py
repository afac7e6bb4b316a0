"""Settings are read strictly, reasons and advice are words that people understand, and a match can be repeated."""

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from tandem_matching.domain.matching import Match, match
from tandem_matching.domain.people import Mentee, Mentor, Pool, Traits
from tandem_matching.domain.refusals import PinsContradict, PoolEmpty, SettingsMalformed
from tandem_matching.domain.rules import Rules
from tandem_matching.domain.settings_document import changed, rules_from

DAY = date(2026, 3, 2)


def somebody(number: int, **traits: Any) -> Traits:
    return Traits(UUID(int=number), **{"level": 3, "unit": "Peace", "profession": "Policy", **traits})


def mentor(number: int, places: int = 1, **traits: Any) -> Mentor:
    return Mentor(somebody(1000 + number, **{"level": 5, "unit": "Love", **traits}), places)


def mentee(number: int, **traits: Any) -> Mentee:
    return Mentee(somebody(number, **traits))


def matched(mentors: list[Mentor], mentees: list[Mentee], rules: Rules | None = None, **pool: Any) -> Match:
    return match(Pool(tuple(mentors), tuple(mentees), **pool), rules or Rules(), seed=0, on=DAY)


def words(found: Match) -> dict[str, str]:
    return {reason.criterion: reason.words for reason in found.proposals[0].reasons}


@pytest.mark.parametrize(
    ("document", "fields"),
    [
        ({"weights": {"skills": 1e308}}, ["weights.skills"]),
        ({"weights": {"skills": float("nan")}}, ["weights.skills"]),
        ({"weights": {"skills": float("inf")}}, ["weights.skills"]),
        ({"weights": {"skills": -1}}, ["weights.skills"]),
        ({"weights": {"skills": True}}, ["weights.skills"]),
        ({"weights": {"skills": 0, "hours": 0}}, ["weights"]),
        ({"weights": {"luck": 1}}, ["weights.luck"]),
        ({"weights": []}, ["weights"]),
        ({"rules": {"unit": "near"}}, ["rules.unit"]),
        ({"rules": {"level_gap": {"least": 2, "most": 1}}}, ["rules.level_gap"]),
        ({"rules": {"common_hours": 25, "common_language": "yes"}}, ["rules.common_language", "rules.common_hours"]),
        ({"stickiness": 2}, ["stickiness"]),
        ({"requests": {"at_most": 99}}, ["requests.at_most"]),
        ({"ruels": {}}, ["matching.ruels"]),
    ],
)
def test_settings_that_cannot_be_used_are_refused_field_by_field(document: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(SettingsMalformed) as refused:
        rules_from(document)
    assert sorted(fault.field or "" for fault in refused.value.faults) == sorted(fields)


def test_settings_are_read_back_as_they_were_said() -> None:
    rules = rules_from({"rules": {"level_gap": {"least": None, "most": 4}, "unit": "same"}, "weights": {"hours": 2}})
    assert rules_from(rules.as_document()) == rules
    assert rules_from({}) == Rules()


def test_changes_are_laid_over_settings_without_losing_the_rest() -> None:
    before = {"rules": {"unit": "same", "common_hours": 2}, "weights": {"skills": 1}}
    assert changed(before, {"rules": {"unit": "any"}}) == {
        "rules": {"unit": "any", "common_hours": 2},
        "weights": {"skills": 1},
    }


def test_reasons_say_what_is_offered_at_which_level_and_what_is_missing() -> None:
    found = matched(
        [mentor(1, skills={"Negotiation": 5, "Budgets": 2})],
        [mentee(1, needs={"negotiation": 4, "budgets": 3, "French": 1})],
    )
    assert words(found)["skills"] == (
        "The mentor offers what the mentee wants: budgets at basic level (skilled wanted) and negotiation at expert "
        "level; not French."
    )
    assert found.proposals[0].score > 0


def test_common_hours_are_counted_across_time_zones() -> None:
    rules = Rules(weights={"hours": 1.0})
    found = matched([mentor(1, time_zone="Europe/Berlin")], [mentee(1, time_zone="Europe/London")], rules)
    assert words(found) == {"hours": "7 common working hours a day."}
    far = matched(
        [mentor(1, time_zone="Asia/Tokyo")], [mentee(1, time_zone="Europe/London")], replace(rules, common_hours=2.0)
    )
    assert far.proposals == ()
    assert far.unmatched[0].rule == "common_hours"


def test_the_smallest_change_is_named_with_how_many_would_fit() -> None:
    french = [mentor(number, languages=("fr-CA",)) for number in range(3)]
    found = matched(french, [mentee(1, languages=("pt",))], Rules(common_language=True))
    advice = found.unmatched[0]
    assert (advice.rule, advice.would_fit) == ("common_language", 3)
    assert advice.words == (
        "No mentor who would otherwise fit speaks a language of yours; with fr, 3 mentors would fit."
    )


def test_the_language_that_most_would_share_is_named_with_how_many_speak_it() -> None:
    tags = [("cs",), ("da",), ("de-AT", "da"), ("fr",), ("en-GB",), ("en-US",), ("en",), ("en", "fr")]
    found = matched(
        [mentor(number, languages=languages) for number, languages in enumerate(tags)],
        [mentee(1, languages=("pt-BR",))],
        Rules(common_language=True),
    )
    advice = found.unmatched[0]
    assert (advice.rule, advice.would_fit) == ("common_language", 4)
    assert advice.words.endswith("; with en, 4 mentors would fit.")
    of_mentor = next(one for one in found.unmatched if one.person_id == UUID(int=1002))
    assert of_mentor.words.endswith("; with pt, one mentee would fit.")


def test_the_most_hours_that_somebody_shares_are_named_with_how_many_share_them() -> None:
    zones = ["Asia/Tokyo", "Asia/Kolkata", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Dubai", "America/New_York"]
    mentors = [mentor(number, time_zone=zone) for number, zone in enumerate(zones)]
    found = matched(mentors[:4], [mentee(1, time_zone="UTC")], Rules(common_hours=4))
    assert (found.unmatched[0].rule, found.unmatched[0].would_fit) == ("common_hours", 2)
    assert found.unmatched[0].words == (
        "Nobody who would otherwise fit shares 4 working hours with you; if 2.5 were enough, 2 mentors would fit."
    )
    apart = matched(mentors[:1], [mentee(1, time_zone="UTC")], Rules(common_hours=1))
    assert apart.unmatched[0].words.endswith("if none were asked, one mentor would fit.")


def test_of_several_rules_that_bind_alone_the_one_is_named_whose_change_helps_most() -> None:
    """Five mentors speak as many languages and two are in the mentee's unit: to allow the unit matches with more."""
    strangers = [mentor(number, languages=(tag,)) for number, tag in enumerate(("cs", "da", "de", "fr", "it"))]
    neighbours = [mentor(10 + number, unit="Peace", languages=("pt",)) for number in range(2)]
    found = matched([*strangers, *neighbours], [mentee(1, languages=("pt",))], Rules(common_language=True))
    assert (found.unmatched[0].rule, found.unmatched[0].would_fit) == ("unit", 2)


def test_two_rules_at_once_are_both_named() -> None:
    found = matched([mentor(1, level=1, unit="Peace")], [mentee(1)])
    assert found.unmatched[0].rule == "several"
    assert "the rule on levels and the rule on units" in found.unmatched[0].words


def test_one_is_never_paired_with_oneself_ones_manager_or_whom_one_excludes() -> None:
    both = somebody(1, level=None, unit=None)
    manager = mentor(2)
    excluded = mentor(3)
    found = matched(
        [Mentor(both, 1), manager, excluded],
        [
            Mentee(replace(both, manager_id=manager.person_id, excluded=(excluded.person_id,))),
        ],
    )
    assert found.proposals == ()
    assert found.unmatched[0].rule == "reporting_line"
    assert "exclu" not in str(found.unmatched).lower()


def test_whom_people_hope_for_counts() -> None:
    hoped = mentor(2, profession="Security")
    found = matched([mentor(1, profession="Security"), hoped], [mentee(1, preferred=(hoped.person_id,))])
    assert found.proposals[0].mentor_id == hoped.person_id
    assert words(found)["preferences"] == "One hoped for the other."


def test_past_pairs_are_repeated_only_where_the_program_says_so() -> None:
    past = frozenset({(UUID(int=1001), UUID(int=1))})
    assert matched([mentor(1)], [mentee(1)], past_pairs=past).unmatched[0].rule == "past_pair"
    assert len(matched([mentor(1)], [mentee(1)], Rules(repeat_pairs=True), past_pairs=past).proposals) == 1


def test_the_order_of_the_pool_changes_nothing() -> None:
    mentors = [mentor(number, profession=f"P{number % 3}") for number in range(12)]
    mentees = [mentee(number, profession=f"P{number % 4}") for number in range(14)]
    first, second = matched(mentors, mentees), matched(mentors[::-1], mentees[::-1])
    assert first.fingerprint == second.fingerprint
    assert first.proposals == second.proposals
    assert first.summary["proven_optimal"]


def test_an_empty_side_and_impossible_pins_are_refused_in_words() -> None:
    with pytest.raises(PoolEmpty, match="no mentees who want a mentor"):
        matched([mentor(1)], [])
    with pytest.raises(PoolEmpty, match="no mentors with a free place"):
        matched([mentor(1, places=0)], [mentee(1)])
    pinned = frozenset({(UUID(int=1001), UUID(int=1)), (UUID(int=1001), UUID(int=2))})
    with pytest.raises(PinsContradict, match="is pinned to 2 mentees and has 1 free places"):
        matched([mentor(1)], [mentee(1), mentee(2)], pinned_pairs=pinned)


def test_nobody_allowed_gives_no_pairs_and_advice_for_everybody() -> None:
    found = matched([mentor(number, level=1) for number in range(3)], [mentee(number) for number in range(4)])
    assert found.proposals == ()
    assert {one.rule for one in found.unmatched} == {"level_gap"}
    assert len(found.unmatched) == 7
