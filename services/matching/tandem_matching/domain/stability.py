"""Stable matches: where both sides rank, nobody finds a pair outside in which both would be better off."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush


@dataclass(frozen=True, slots=True)
class Rankings:
    """Who finds whom acceptable, the best first, and how many each on the other side takes. Ids are whole numbers."""

    of_mentees: Mapping[int, Sequence[int]]
    of_mentors: Mapping[int, Sequence[int]]
    places: Mapping[int, int]


def stable_match(rankings: Rankings) -> dict[int, int]:
    """The mentor of each matched mentee: stable, and of all stable matches the best for every mentee.

    Deferred acceptance with mentees proposing (Gale and Shapley 1962). Somebody who does not rank the other is not
    acceptable to them.
    """
    rank = {mentor: {one: place for place, one in enumerate(order)} for mentor, order in rankings.of_mentors.items()}
    held: dict[int, list[tuple[int, int]]] = {mentor: [] for mentor in rankings.of_mentors}
    following = dict.fromkeys(rankings.of_mentees, 0)
    free = sorted(rankings.of_mentees, reverse=True)
    while free:
        mentee = free.pop()
        order = rankings.of_mentees[mentee]
        while following[mentee] < len(order):
            mentor = order[following[mentee]]
            following[mentee] += 1
            places = rankings.places.get(mentor, 0)
            if mentee not in rank.get(mentor, {}) or places < 1:
                continue
            # The worst one held is on top: ranks are stored negative.
            heappush(held[mentor], (-rank[mentor][mentee], mentee))
            if len(held[mentor]) > places:
                _, rejected = heappop(held[mentor])
                if rejected == mentee:
                    continue
                free.append(rejected)
            break
    return {mentee: mentor for mentor, kept in held.items() for _, mentee in kept}


def blocking_pairs(rankings: Rankings, match: Mapping[int, int]) -> list[tuple[int, int]]:
    """Pairs (mentee, mentor) that would both rather have each other than what the match gives them."""
    rank = {mentor: {one: place for place, one in enumerate(order)} for mentor, order in rankings.of_mentors.items()}
    held: dict[int, list[int]] = {}
    for mentee, mentor in match.items():
        held.setdefault(mentor, []).append(rank[mentor][mentee])
    blocking = []
    for mentee, order in rankings.of_mentees.items():
        for mentor in order:
            if match.get(mentee) == mentor:
                break
            mine = rank.get(mentor, {}).get(mentee)
            kept = held.get(mentor, [])
            if mine is not None and (len(kept) < rankings.places.get(mentor, 0) or any(other > mine for other in kept)):
                blocking.append((mentee, mentor))
    return blocking
