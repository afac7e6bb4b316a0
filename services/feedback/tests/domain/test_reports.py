"""Reports show no small group, and none can be found by subtraction: shown by attacking them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations, product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tandem_feedback.domain.practices import PRACTICES
from tandem_feedback.domain.reports import (
    BANDS,
    OTHERS,
    SMALLEST,
    STEPS,
    Cell,
    Numbers,
    Report,
    enterprise_report,
    merged_steps,
    report_of,
)

DIMENSIONS = ("unit", "level")


def people(
    unit: str, level: str, *, furthest: dict[int, int], pairs: int = 0, timed: int = 0, seed: int | None = None
) -> Cell:
    """People of a program who share unit and level; `seed` spreads their pairs over bands and practices."""
    counts = tuple(furthest.get(step, 0) for step in range(len(STEPS)))
    groups = {"unit": unit, "level": level}
    if seed is None:
        return Cell(groups, Numbers(counts, timed, pairs=pairs))
    chance = Random(seed)
    bands = [0] * len(BANDS)
    for _ in range(pairs):
        bands[chance.choice((0, 1, 1, 1, 2, 3))] += 1
    practices = tuple(chance.choice((0, pairs, chance.randint(0, pairs))) for _ in PRACTICES)
    observed = (pairs,) * len(PRACTICES)
    return Cell(groups, Numbers(counts, timed, pairs=pairs, bands=tuple(bands), observed=observed, practices=practices))


def funnels(report: Report) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Every number of people that the report shows."""
    yield "total", report.total.funnel
    for dimension, groups in report.by.items():
        for group, numbers in groups.items():
            yield f"{dimension}={group}", numbers.funnel


def counts(numbers: Numbers) -> dict[str, int]:
    """Everything that is told of some people, as numbers of people and relationships. What is withheld is not in it."""
    found = {f"reached {step}": number for step, number in zip(STEPS, numbers.funnel, strict=True)}
    found |= {f"stopped at {step}": number for step, number in zip(STEPS, numbers.furthest, strict=True)}
    found |= {"timed": numbers.timed, "pairs": numbers.pairs}
    if any(numbers.bands):
        found |= {f"in {band}": number for band, number in zip(BANDS, numbers.bands, strict=True)}
    for (name, _), observed, seen in zip(PRACTICES, numbers.observed, numbers.practices, strict=True):
        if observed:
            found |= {f"with {name}": seen, f"without {name}": observed - seen}
    return found


def left(whole: Numbers, known: Sequence[Numbers]) -> dict[str, int]:
    """What somebody finds who takes numbers they know from a larger one."""
    parts = [counts(one) for one in known]
    return {
        what: number - sum(part.get(what, 0) for part in parts)
        for what, number in counts(whole).items()
        # Who is not told of somebody cannot subtract it.
        if all(what in part or not one.pairs for part, one in zip(parts, known, strict=True))
    }


def small(found: dict[str, int]) -> dict[str, int]:
    return {what: number for what, number in found.items() if number != 0 and number < SMALLEST}


def test_a_report_of_large_groups_is_exact() -> None:
    report = report_of(
        [people("Sales", "1", furthest={1: 10, 3: 20}), people("Legal", "1", furthest={3: 7})], DIMENSIONS
    )
    assert report is not None
    assert report.total.funnel == (37, 37, 27, 27, 0, 0, 0)
    assert {name: numbers.people for name, numbers in report.by["unit"].items()} == {"Sales": 30, "Legal": 7}


def test_a_small_group_is_told_as_others_together_with_another_that_would_tell_it() -> None:
    cells = [people(unit, "1", furthest={1: number}) for unit, number in (("A", 3), ("B", 9), ("C", 30))]
    report = report_of(cells, DIMENSIONS)
    assert report is not None
    assert {name: numbers.people for name, numbers in report.by["unit"].items()} == {"C": 30, OTHERS: 12}


def test_few_people_who_stopped_at_a_step_are_counted_with_the_next() -> None:
    report = report_of([people("A", "1", furthest={1: 2, 2: 20})], DIMENSIONS)
    assert report is not None
    assert report.total.funnel == (22, 22, 22, 0, 0, 0, 0)


def test_a_program_of_four_people_is_in_no_number() -> None:
    assert report_of([people("A", "1", furthest={1: 4})], DIMENSIONS) is None
    large = report_of([people("A", "1", furthest={1: 40})], DIMENSIONS)
    both = enterprise_report([large, None], DIMENSIONS)
    assert (both.total.people, both.programs, both.programs_too_small) == (40, 1, 1)


def test_a_group_within_another_dimensions_group_does_not_tell_the_few_between_them() -> None:
    cells = [people("A", "junior", furthest={1: 10}), people("A", "senior", furthest={1: 3})]
    cells += [people("B", "senior", furthest={1: 20})]
    report = report_of(cells, DIMENSIONS)
    assert report is not None
    assert set(report.by["unit"]) == {"A", "B"}
    assert set(report.by["level"]) == {OTHERS}, "all juniors are in A: A less the juniors would be three people"


@pytest.mark.parametrize(
    ("counts", "merged"),
    [
        ((0, 0), (0, 0)),
        ((2, 9), (0, 11)),
        ((9, 2), (11, 0)),
        ((2, 2, 2), (0, 0, 6)),
        ((9, 1, 0, 1), (11, 0, 0, 0)),
        ((2, 1), (3, 0)),
    ],
)
def test_merged_steps_are_empty_or_large(counts: tuple[int, ...], merged: tuple[int, ...]) -> None:
    held = [0] * len(counts)
    for position, place in enumerate(merged_steps(counts)):
        held[place] += counts[position]
    assert tuple(held) == merged


Programs = dict[str, list[Cell]]

cells_of_a_program = some.lists(
    some.builds(
        lambda unit, level, furthest, pairs, timed, seed: people(
            unit, level, furthest=furthest, pairs=pairs, timed=timed, seed=seed
        ),
        some.sampled_from("ABCDE"),
        some.sampled_from("123"),
        some.dictionaries(some.integers(0, len(STEPS) - 1), some.integers(0, 12), max_size=4),
        some.one_of(some.integers(0, 8), some.integers(8, 40)),
        some.integers(0, 8),
        some.integers(0, 2**32),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda cell: (cell.groups["unit"], cell.groups["level"]),
)


@settings(max_examples=60, deadline=None)
@given(some.lists(cells_of_a_program, min_size=1, max_size=4))
def test_no_difference_of_two_numbers_of_any_reports_is_a_small_group(programs: list[list[Cell]]) -> None:
    """The attacker has every report: of each program, and of the enterprise; and subtracts whatever lies within."""
    reports = [report_of(cells, DIMENSIONS) for cells in programs]
    enterprise = enterprise_report(reports, DIMENSIONS)
    for report in (*(one for one in reports if one is not None), enterprise):
        for name, funnel in funnels(report):
            # Within a group: those who stopped between any two steps, and those who reached any step.
            for early, late in combinations((*funnel, 0), 2):
                assert early - late == 0 or early - late >= SMALLEST, name
        for dimension in report.by:
            # Between a total and all but some of its groups, step by step.
            groups = [numbers.funnel for numbers in report.by[dimension].values()]
            for size in range(len(groups)):
                for known in combinations(groups, size):
                    rest = [whole - sum(one[step] for one in known) for step, whole in enumerate(report.total.funnel)]
                    assert all(one == 0 or one >= SMALLEST for one in rest), (dimension, rest)


@settings(max_examples=150, deadline=None)
@given(some.lists(cells_of_a_program, min_size=1, max_size=3))
def test_nothing_that_is_told_nor_any_difference_of_it_is_about_few_people_or_relationships(
    programs: list[list[Cell]],
) -> None:
    """Steps, times to a match, relationships, bands, practices and their absence: in each report, between a total and
    all but some of its groups, and between the enterprise and any of its programs."""
    reports = [one for one in (report_of(cells, DIMENSIONS) for cells in programs) if one is not None]
    enterprise = enterprise_report(reports, DIMENSIONS)
    for report in (*reports, enterprise):
        for groups in report.by.values():
            for known in subsets(list(groups.values())):
                assert not small(left(report.total, known))
            for numbers in groups.values():
                assert not small(counts(numbers))
    for known in subsets([report.total for report in reports]):
        assert not small(left(enterprise.total, known))
    for dimension in DIMENSIONS:
        for group, numbers in enterprise.by[dimension].items():
            for known in subsets([one.by[dimension][group] for one in reports if group in one.by[dimension]]):
                assert not small(left(numbers, known))


@settings(max_examples=150, deadline=None)
@given(cells_of_a_program)
def test_no_few_are_told_between_a_group_and_one_of_another_dimension_within_it(cells: list[Cell]) -> None:
    report = report_of(cells, DIMENSIONS)
    if report is None:
        return
    for (unit, one), (level, other) in product(report.by["unit"].items(), report.by["level"].items()):
        if OTHERS in (unit, level):
            continue
        of_unit, of_level = (
            {place for place, cell in enumerate(cells) if cell.groups[dimension] == name}
            for dimension, name in (("unit", unit), ("level", level))
        )
        if of_unit <= of_level:
            assert not small(left(other, [one]))
        if of_level <= of_unit:
            assert not small(left(one, [other]))


def subsets(numbers: list[Numbers]) -> Iterator[tuple[Numbers, ...]]:
    for size in range(len(numbers) + 1):
        yield from combinations(numbers, size)


def test_a_practice_of_one_relationship_is_told_of_no_group() -> None:
    """Not even of the group without it: the total less all the others would tell who has it."""
    cells = [
        Cell(
            {"unit": unit, "level": "1"},
            Numbers(
                (0, 0, 0, 12, 0, 0, 0),
                pairs=6,
                bands=(0, 6, 0, 0),
                observed=(6,) * len(PRACTICES),
                practices=(number, 6, 0, *(0,) * (len(PRACTICES) - 3)),
            ),
        )
        for unit, number in (("A", 1), ("B", 6), ("C", 0))
    ]
    report = report_of(cells, DIMENSIONS)
    assert report is not None
    assert [one.observed[:3] for one in report.by["unit"].values()] == [(0, 6, 6)] * 3
    assert (report.total.observed[:3], report.total.practices[:3]) == ((18, 18, 18), (7, 18, 0))
    assert [one.bands for one in report.by["unit"].values()] == [(0, 6, 0, 0)] * 3


@settings(max_examples=40, deadline=None)
@given(some.lists(cells_of_a_program, min_size=2, max_size=4))
def test_no_small_group_is_found_between_the_enterprise_and_its_programs(programs: list[list[Cell]]) -> None:
    reports = [one for one in (report_of(cells, DIMENSIONS) for cells in programs) if one is not None]
    enterprise = enterprise_report(reports, DIMENSIONS)
    for dimension in DIMENSIONS:
        for group, numbers in enterprise.by[dimension].items():
            parts = [report.by[dimension][group].funnel for report in reports if group in report.by[dimension]]
            for size, step in product(range(len(parts)), range(len(STEPS))):
                for known in combinations(parts, size):
                    left = numbers.funnel[step] - sum(one[step] for one in known)
                    assert left == 0 or left >= SMALLEST, (dimension, group, step)


def naive(cells: list[Cell]) -> dict[str, int]:
    """A report that only leaves out small groups, as one might write it first."""
    found: defaultdict[str, int] = defaultdict(int)
    for cell in cells:
        found[cell.groups["unit"]] += cell.numbers.people
    return {unit: number for unit, number in found.items() if number >= SMALLEST} | {"total": sum(found.values())}


def test_the_attack_finds_the_small_group_of_a_report_that_only_leaves_it_out() -> None:
    cells = [people("A", "1", furthest={1: 3}), people("B", "1", furthest={1: 9}), people("C", "1", furthest={1: 30})]
    shown = naive(cells)
    assert shown["total"] - shown["B"] - shown["C"] == 3
