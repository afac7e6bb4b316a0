"""Comparisons with people alike: the same as SciPy's where it has them, and right as often as they say."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from numpy.random import Generator, default_rng
from scipy import stats

from tandem_feedback.domain.hr_sheets import EMPLOYEES, SALARIES, TITLES, SheetRefused, read
from tandem_feedback.domain.outcomes import SMALLEST, Quarter, Sample, Stratum, compare, strata_of

EFFECT = 0.15


def sample(values: np.ndarray) -> Sample:
    return Sample(len(values), float(values.sum()), float((values**2).sum()))


def simulated(draw: Generator) -> tuple[list[Stratum], float]:
    """Promotions with a known effect of taking part, where those who are promoted more often also take part more often.

    The second answer is what a comparison without strata would find.
    """
    strata, all_participants, all_others = [], [], []
    for promoted, takes_part in ((0.05, 0.05), (0.15, 0.15), (0.30, 0.35), (0.45, 0.55)):
        for _ in range(4):
            people = draw.integers(60, 140)
            chosen = draw.random(people) < takes_part
            values = (draw.random(people) < promoted + EFFECT * chosen).astype(float)
            all_participants.append(values[chosen])
            all_others.append(values[~chosen])
            strata.append(Stratum(sample(values[chosen]), sample(values[~chosen])))
    return strata, float(np.concatenate(all_participants).mean() - np.concatenate(all_others).mean())


def test_the_interval_covers_a_known_effect_as_often_as_it_says() -> None:
    draw = default_rng(20260301)
    covered, naive = 0, []
    for _ in range(200):
        strata, without_strata = simulated(draw)
        comparison = compare(strata)
        assert comparison is not None
        covered += comparison.low <= EFFECT <= comparison.high
        naive.append(without_strata)
    assert covered >= 0.93 * 200, f"covered in {covered} of 200 runs"
    assert np.mean(naive) > EFFECT + 0.08, "without strata the comparison would be wrong"


def test_with_one_stratum_it_is_welchs_interval_as_scipy_computes_it() -> None:
    draw = default_rng(7)
    one, other = draw.normal(5, 2, 40), draw.normal(4, 3, 70)
    comparison = compare([Stratum(sample(one), sample(other))])
    interval = stats.ttest_ind(one, other, equal_var=False).confidence_interval(0.95)
    assert comparison is not None
    assert comparison.difference == pytest.approx(one.mean() - other.mean())
    assert (comparison.low, comparison.high) == pytest.approx((interval.low, interval.high))


def test_strata_without_anybody_to_compare_with_are_left_out() -> None:
    draw = default_rng(1)
    both = Stratum(sample(draw.normal(0, 1, 10)), sample(draw.normal(0, 1, 10)))
    alone = Stratum(sample(draw.normal(100, 1, 10)), Sample(0, 0, 0))
    assert compare([both, alone]) == compare([both])


@pytest.mark.parametrize(("participants", "others"), [(0, 50), (4, 50), (50, 4)])
def test_with_too_few_people_nothing_is_said(participants: int, others: int) -> None:
    ones = [np.ones(participants), np.ones(others)]
    assert compare([Stratum(sample(ones[0]), sample(ones[1]))]) is None


def test_where_everybody_fared_alike_the_difference_is_nothing() -> None:
    comparison = compare([Stratum(sample(np.ones(20)), sample(np.ones(30)))])
    assert comparison is not None
    assert (comparison.difference, comparison.low, comparison.high) == (0, 0, 0)


def test_hr_sheets_are_read_and_every_fault_is_named() -> None:
    good = b"\xef\xbb\xbfemployee_number,job_title,from_date,to_date\n1,Engineer,2020-01-01,\n\n"
    assert [row[:2] for row in read(good, TITLES)] == [("1", "Engineer")]
    with pytest.raises(SheetRefused) as refused:
        read(b"employee_number,annual_salary,from_date,to_date\n,12x,2020-13-01,\n2,5,2020-01-01,soon\n", SALARIES)
    assert [(fault.row, fault.column) for fault in refused.value.faults] == [
        (2, "employee_number"),
        (2, "annual_salary"),
        (2, "from_date"),
        (3, "to_date"),
    ]
    for broken in (b"", b"employee_number\n1\n", b"\xff\xfe", b'employee_number,"x\n'):
        with pytest.raises(SheetRefused):
            read(broken, EMPLOYEES)


def alike(number: int, stratum: str) -> Sample:
    """So many people, whose values add up to a number from which each stratum can be told."""
    value = {"A": 1, "B": 1_000, "C": 1_000_000}[stratum]
    return Sample(number, number * value, number * value**2)


samples = some.dictionaries(some.sampled_from("ABC"), some.integers(0, 9), max_size=3).map(
    lambda numbers: {stratum: alike(number, stratum) for stratum, number in numbers.items()}
)


@settings(max_examples=300, deadline=None)
@given(some.lists(samples, min_size=1, max_size=4), samples)
def test_all_programs_less_some_of_them_are_whole_programs_of_five(
    programs: list[dict[str, Sample]], others: dict[str, Sample]
) -> None:
    """The attacker knows the exact numbers of every comparison, over all programs and over each."""

    def told(strata: list[Stratum]) -> int:
        return sum(stratum.participants.number for stratum in strata)

    over_all = told(strata_of(programs, others))
    each = [told(strata_of([program], others)) for program in programs]
    assert over_all == sum(each)
    for size in range(len(each) + 1):
        for known in combinations(each, size):
            assert over_all - sum(known) == 0 or over_all - sum(known) >= SMALLEST
    compared_with = {stratum.others.number for one in programs for stratum in strata_of([one], others)}
    assert all(number >= SMALLEST for number in compared_with)


def test_the_attack_finds_whoever_is_alone_in_a_program_when_programs_are_only_added_up() -> None:
    programs = [{"A": alike(9, "A")}, {"A": alike(1, "A")}]
    others = {"A": alike(20, "A")}
    naive = sum(program["A"].number for program in programs)
    [stratum] = strata_of(programs, others)
    assert naive - programs[0]["A"].number == 1
    assert stratum.participants == programs[0]["A"]


def test_quarters_share_no_day_and_leave_none_out() -> None:
    quarters = [Quarter.parse(f"{year}-Q{number}") for year in (2025, 2026) for number in (1, 2, 3, 4)]
    assert [str(one.begins) for one in quarters[:5]] == [
        "2025-01-01",
        "2025-04-01",
        "2025-07-01",
        "2025-10-01",
        "2026-01-01",
    ]
    assert [one.ends for one in quarters[:-1]] == [one.begins for one in quarters[1:]]
    assert str(quarters[3].months_later(12)) == "2026-10-01"
