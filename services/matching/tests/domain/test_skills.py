"""How alike skills are as they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_matching.domain import skills
from tandem_matching.domain.encoded import FULL
from tandem_matching.domain.skills import likeness, part_met, plain, serving

SKILLS = st.lists(
    st.lists(st.sampled_from(["public", "speaking", "Speech", "in", "C", "C++", "C#", "négociation", "-"]), min_size=1)
    .map(" ".join)
    .map(plain),
    max_size=12,
)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("word", "two words", 363),  # the example in PostgreSQL's manual: 0.36363637
        ("Public speaking", "speaking, PUBLIC ", FULL),
        ("Public speaking", "speaking in public", 842),  # 16 of 19
        ("Négociation", "négociations", 785),
        ("Python", "Bookkeeping", 0),
        ("C", "C++", 200),
        ("C++", "C#", 166),
        ("--", "--", 0),
    ],
)
def test_skills_are_as_alike_as_their_letters(one: str, other: str, alike: int) -> None:
    assert likeness(one, other) == likeness(other, one) == alike


@given(wanted=SKILLS, offered=SKILLS, alike=st.sampled_from([None, 0.3, 0.6, 1.0]), at_once=st.integers(1, 3))
def test_what_serves_is_what_is_alike_enough_two_by_two(
    wanted: list[str], offered: list[str], alike: float | None, at_once: int
) -> None:
    expected: dict[str, dict[str, int]] = {}
    for one in wanted:
        for other in offered:
            found = FULL if one == other else likeness(one, other)
            if found >= (FULL if alike is None else round(FULL * alike)) and (alike is not None or one == other):
                expected.setdefault(other, {})[one] = found
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(skills, "AT_ONCE", at_once)
        assert serving(wanted, offered, alike=alike) == expected


def test_a_lower_level_and_another_spelling_both_count_in_part() -> None:
    assert part_met(4, 5, FULL) == FULL
    assert part_met(4, 2, FULL) == FULL // 2
    assert part_met(4, 2, 800) == 400
