"""Swapping: few people who could change places among each other take the fairest of all ways.

Plain code that a compiler takes too.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from tandem_matching.domain.encoded import Codes, Numbers

PAIRS, WAYS, SMALL_WAYS = 64, 10_000, 200
"""Groups of so many pairs and ways are tried; fewer ways where there is too little to wait for a compiler."""


def swap_fairly(
    match: Codes, owners: Numbers, mentors: Numbers, points: Numbers, starts: Numbers, *, small: bool
) -> npt.NDArray[np.bool_]:
    """Change places in `match` itself, so that the lowest points are the highest there can be, then the next lowest.

    Group g has the pairs `starts[g]` to `starts[g + 1]`, in the mentees' order; those of `match` are among them. All
    its mentees stay matched, every place taken. The answer says of each group whether it was few enough to be tried.
    """
    tried = np.zeros(len(starts) - 1, np.bool_)
    arrays: list[Any] = [owners, mentors, points, starts, match, tried]
    arrays += [np.zeros(PAIRS + 1, np.int64) for _ in range(8)]
    if small:
        lists = [one.tolist() for one in arrays]
        swap(SMALL_WAYS, *lists)
        match[:], tried[:] = lists[4:6]
    else:
        from tandem_matching.domain.engine.swaps import compiled_swap

        compiled_swap(WAYS, *arrays)
    return tried


def swap(
    most_ways: int, owners: Any, mentors: Any, points: Any, starts: Any, match: Any, tried: Any,
    firsts: Any, places: Any, free: Any, chosen: Any, holds: Any, levels: Any, best: Any, best_levels: Any,
) -> None:  # fmt: skip
    """Change `match` and fill `tried`; the other arrays are room to work in.

    A group's people are taken one after the other, each with one pair after the other for which a place is left; who
    would have less than the worst-off have in the best way so far need not be looked at.
    """
    for group in range(len(starts) - 1):
        begin, end = starts[group], starts[group + 1]
        if end - begin > len(firsts) - 1:
            continue
        people, ways, options = 0, 1, 0
        for pair in range(begin, end):
            if pair == begin or owners[pair] != owners[pair - 1]:
                firsts[people] = pair
                people += 1
                ways, options = min(ways * max(options, 1), most_ways + 1), 0
            options += 1
            # A mentor's free places are counted at the first pair that they are in.
            place = begin
            while mentors[place] != mentors[pair]:
                place += 1
            places[pair - begin] = place - begin
            free[pair - begin] = 0
        firsts[people] = end
        if ways * options > most_ways:
            continue
        tried[group] = True
        for person in range(people):
            for pair in range(firsts[person], firsts[person + 1]):
                if match[owners[pair]] == mentors[pair]:
                    free[places[pair - begin]] += 1
                    best[person] = pair
                    place = person
                    while place > 0 and best_levels[place - 1] > points[pair]:
                        best_levels[place] = best_levels[place - 1]
                        place -= 1
                    best_levels[place] = points[pair]
        person = 0
        chosen[0], holds[0] = begin - 1, False
        while person >= 0:
            if holds[person]:
                free[places[chosen[person] - begin]] += 1
                holds[person] = False
            chosen[person] += 1
            pair = chosen[person]
            if pair == firsts[person + 1]:
                person -= 1
                continue
            if free[places[pair - begin]] == 0 or points[pair] < best_levels[0]:
                continue
            free[places[pair - begin]] -= 1
            holds[person] = True
            if person < people - 1:
                person += 1
                chosen[person], holds[person] = firsts[person] - 1, False
                continue
            for one in range(people):
                place = one
                while place > 0 and levels[place - 1] > points[chosen[one]]:
                    levels[place] = levels[place - 1]
                    place -= 1
                levels[place] = points[chosen[one]]
            one = 0
            while one < people - 1 and levels[one] == best_levels[one]:
                one += 1
            if levels[one] > best_levels[one]:
                for one in range(people):
                    best[one], best_levels[one] = chosen[one], levels[one]
        for person in range(people):
            match[owners[best[person]]] = mentors[best[person]]
