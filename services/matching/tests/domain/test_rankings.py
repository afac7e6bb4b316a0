"""Matching by rankings: least ranks against another solver, stable matches against another implementation."""

import json
import random
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ortools.graph.python import min_cost_flow
from typer.testing import CliRunner

from tandem_matching.__main__ import app
from tandem_matching.domain.preflib import RankingsMalformed, least_ranks, read_places, read_rankings
from tandem_matching.domain.stability import Rankings, blocking_pairs, stable_match


def drawn(seed: int, voters: int, alternatives: int, most: int) -> tuple[list[tuple[int, ...]], dict[int, int]]:
    draw = random.Random(seed)
    names = list(range(1, alternatives + 1))
    rankings = [tuple(draw.sample(names, draw.randint(1, alternatives))) for _ in range(voters)]
    return rankings, {name: draw.randint(0, most) for name in names}


def by_flow(rankings: list[tuple[int, ...]], places: dict[int, int]) -> tuple[int, int]:
    flow = min_cost_flow.SimpleMinCostFlow()
    voters, sink = len(rankings), len(rankings) + len(places) + 1
    stake = 1000
    arcs = []
    for voter, ranking in enumerate(rankings):
        flow.add_arc_with_capacity_and_unit_cost(sink + 1, voter, 1, 0)
        for rank, name in enumerate(ranking, start=1):
            arcs.append(
                (flow.add_arc_with_capacity_and_unit_cost(voter, voters + name, 1, rank - stake * voters), rank)
            )
    for name, number in places.items():
        flow.add_arc_with_capacity_and_unit_cost(voters + name, sink, number, 0)
    flow.add_arc_with_capacity_and_unit_cost(sink + 1, sink, voters, 0)
    flow.set_node_supply(sink + 1, voters)
    flow.set_node_supply(sink, -voters)
    assert flow.solve() == flow.OPTIMAL
    used = [rank for arc, rank in arcs if flow.flow(arc)]
    return len(used), sum(used)


@pytest.mark.parametrize("seed", range(10))
def test_as_many_as_possible_are_matched_and_then_ranks_are_least(seed: int) -> None:
    rankings, places = drawn(seed, voters=40, alternatives=15, most=4)
    match = least_ranks(rankings, places)
    ranks = [rankings[voter - 1].index(name) + 1 for voter, name in match.items()]
    assert (len(match), sum(ranks)) == by_flow(rankings, places)


def both_sides(seed: int) -> Rankings:
    draw = random.Random(seed)
    mentees, mentors = range(1, 13), range(1, 6)
    accept = {(mentee, mentor) for mentee in mentees for mentor in mentors if draw.random() < 0.7}
    accept |= {(mentee, draw.choice(mentors)) for mentee in mentees} | {(draw.choice(mentees), one) for one in mentors}

    def shuffled(names: list[int]) -> list[int]:
        return draw.sample(names, len(names))

    return Rankings(
        {one: shuffled([other for other in mentors if (one, other) in accept]) for one in mentees},
        {one: shuffled([other for other in mentees if (other, one) in accept]) for one in mentors},
        {one: draw.randint(1, 3) for one in mentors},
    )


@pytest.mark.parametrize("seed", range(10))
def test_the_stable_match_is_the_one_that_another_implementation_finds(seed: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the other implementation warns about its own instances
        from matching.games import HospitalResident

        rankings = both_sides(seed)
        game = HospitalResident.create_from_dictionaries(
            {f"m{one}": [f"h{other}" for other in order] for one, order in rankings.of_mentees.items()},
            {f"h{one}": [f"m{other}" for other in order] for one, order in rankings.of_mentors.items()},
            {f"h{one}": places for one, places in rankings.places.items()},
        )
        solved = game.solve(optimal="resident")
    theirs = {int(one.name[1:]): int(hospital.name[1:]) for hospital, held in solved.items() for one in held}
    assert stable_match(rankings) == theirs


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_no_pair_blocks_a_stable_match(seed: int) -> None:
    rankings = both_sides(seed)
    match = stable_match(rankings)
    assert blocking_pairs(rankings, match) == []
    for mentor in rankings.of_mentors:
        assert list(match.values()).count(mentor) <= rankings.places[mentor]


def test_a_pair_that_would_rather_have_each_other_is_found() -> None:
    rankings = Rankings({1: [1, 2], 2: [1, 2]}, {1: [1, 2], 2: [1, 2]}, {1: 1, 2: 1})
    assert blocking_pairs(rankings, {1: 2, 2: 1}) == [(1, 1)]


def test_files_are_read_and_matched_from_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "voters.soi").write_text("# TITLE: three\n2: 1,2\n1: 1\n")
    (tmp_path / "places.csv").write_text("1, 1\n2, 1\n")
    arguments = ["preflib", str(tmp_path / "voters.soi"), "--places", str(tmp_path / "places.csv")]
    answer = json.loads(CliRunner().invoke(app, arguments).output)
    assert (answer["matched"], answer["unmatched"]) == (2, 1)
    (tmp_path / "schools.soi").write_text("1: 3,2,1\n1: 1,2\n")
    answer = json.loads(CliRunner().invoke(app, [*arguments, "--other-side", str(tmp_path / "schools.soi")]).output)
    assert answer["match"] == {"1": 2, "3": 1}


def test_a_file_that_is_no_ranking_is_refused_by_line() -> None:
    with pytest.raises(RankingsMalformed) as refused:
        read_rankings("1: 1,2\n1: 1,{2,3}\n1: 2,2\n")
    assert [fault.row for fault in refused.value.faults] == [2, 3]
    with pytest.raises(RankingsMalformed):
        read_places("1, many\n")


def test_a_file_that_cannot_be_read_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "voters.soi").write_bytes(b"\xff\xfe1: 1")
    (tmp_path / "places.csv").write_text("1, 1\n")
    arguments = ["preflib", str(tmp_path / "voters.soi"), "--places", str(tmp_path / "places.csv")]
    answer = CliRunner().invoke(app, arguments)
    assert answer.exit_code == 65
    assert "not UTF-8" in answer.output
