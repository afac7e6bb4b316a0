"""PrefLib: reads rankings as the research community keeps them, and matches by them."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import numpy as np

from tandem_chassis.errors import Fault, Invalid
from tandem_matching.domain.assignment import assign
from tandem_matching.domain.encoded import Encoded, Table
from tandem_matching.domain.stability import Rankings, stable_match


class RankingsMalformed(Invalid):
    """A file of rankings or places cannot be read; `faults` names each line."""


def read_rankings(text: str) -> list[tuple[int, ...]]:
    """The rankings of a `.soi` or `.soc` file, one for each voter, as numbers of alternatives, the best first.

    A line `2: 3,1` stands for two voters.

    Raises:
        RankingsMalformed: a line is no strict ranking.
    """
    rankings: list[tuple[int, ...]] = []
    faults: list[Fault] = []
    for row, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        count, colon, order = line.partition(":")
        try:
            ranking = tuple(int(one) for one in order.split(",") if one.strip())
            number = int(count)
        except ValueError:
            faults.append(Fault(row=row, reason="is not of the form 'how many: first, second, ...' without ties"))
            continue
        if not colon or number < 1 or len(set(ranking)) != len(ranking):
            faults.append(Fault(row=row, reason="names an alternative twice, or counts no voters"))
            continue
        rankings += [ranking] * number
    if faults or not rankings:
        raise RankingsMalformed("These are no strict rankings in PrefLib's format.", faults=faults)
    return rankings


def read_places(text: str) -> dict[int, int]:
    """Places by alternative, from lines such as `3, 2`. Raises `RankingsMalformed`."""
    places: dict[int, int] = {}
    faults: list[Fault] = []
    for row, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, number = line.partition(",")
        if not name.strip().isdigit() or not number.strip().isdigit() or int(name) in places:
            faults.append(Fault(row=row, reason="is not 'alternative, places', or names an alternative again"))
        else:
            places[int(name)] = int(number)
    if faults:
        raise RankingsMalformed("These are no places of alternatives.", faults=faults)
    return places


def least_ranks(rankings: Sequence[Sequence[int]], places: Mapping[int, int]) -> dict[int, int]:
    """The alternative of each voter (numbered from 1): as many as possible matched, then the least sum of ranks."""
    alternatives = sorted(places)
    column = {name: index for index, name in enumerate(alternatives)}
    longest = max(map(len, rankings))
    points = np.zeros((len(rankings), len(alternatives)), np.int32)
    barred = np.ones(points.shape, np.int32)
    for voter, ranking in enumerate(rankings):
        for rank, name in enumerate(ranking):
            if name in column:
                points[voter, column[name]] = longest - rank
                barred[voter, column[name]] = 0
    pool = Encoded(
        mentee_ids=tuple(UUID(int=voter) for voter in range(len(rankings))),
        mentor_ids=tuple(UUID(int=name) for name in alternatives),
        wanted=np.ones(len(rankings), np.int64),
        places=np.array([places[name] for name in alternatives], np.int64),
        first_in_line=np.zeros(len(rankings), np.bool_),
        tables=(
            Table(
                "ranking",
                np.arange(len(rankings), dtype=np.int32),
                np.arange(len(alternatives), dtype=np.int32),
                {},
                points,
                barred,
            ),
        ),
        features=(),
        single_starts=np.zeros(len(rankings) + 1, np.int64),
        single_mentors=np.zeros(0, np.int32),
        single_violated=np.zeros(0, np.int32),
    )
    found = assign(pool)
    return {
        voter + 1: alternatives[index]
        for voter, index in sorted(zip(found.mentees.tolist(), found.mentors.tolist(), strict=True))
    }


def stable(
    residents: Sequence[Sequence[int]], hospitals: Sequence[Sequence[int]], places: Mapping[int, int]
) -> dict[int, int]:
    """The hospital of each resident (both numbered from 1): stable, and the best stable match for residents."""
    of_residents = dict(enumerate(residents, start=1))
    of_hospitals = dict(enumerate(hospitals, start=1))
    return dict(sorted(stable_match(Rankings(of_residents, of_hospitals, places)).items()))
