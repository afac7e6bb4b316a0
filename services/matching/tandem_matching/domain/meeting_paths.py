"""Meeting paths: the plan of meetings itself, by shortest augmenting paths; plain code that a compiler takes too.

Each mentee has a price for their time, each mentor one for a place. A meeting that is made is worth at least the two
prices together, one that is not made at most; mentors with a free place cost nothing, and a mentee's price is what the
last meeting they have, or the next they lack, is worth to them. Mentees come one by one and look for the cheapest chain
of changes that gives them one more meeting. In the end the prices prove the plan (complementary slackness).
"""

from heapq import heappop, heappush
from typing import Any

import numpy as np

from tandem_matching.domain.encoded import Codes, Numbers

FAR = 2**62


def plan_meetings(
    starts: Numbers, mentors: Codes, points: Numbers, capacities: Numbers, stakes: Numbers, *, small: bool
) -> tuple[Numbers, Numbers, Numbers]:
    """The meetings that are made, as positions among the candidates; mentees' prices; mentors' prices.

    Candidates of mentee i are `mentors[starts[i]:starts[i + 1]]`, with `points`. `stakes[k]` is what a mentee's meeting
    number k is worth besides its points, never rising. `small`: too little to wait for a compiler.
    """
    people, count = len(starts) - 1, len(capacities)
    owners = np.repeat(np.arange(people), np.diff(starts))
    back = np.argsort(mentors, kind="stable")
    back_starts = np.searchsorted(mentors[back], np.arange(count + 1)).astype(np.int64)
    given = (starts, mentors.astype(np.int64), points, owners, back_starts, back, capacities, stakes)
    state = (
        np.zeros(len(mentors), np.bool_),
        np.zeros(people, np.int64),
        np.zeros(count, np.int64),
        np.zeros(people, np.int64),
        np.zeros(count, np.int64),
        np.full(people + count, FAR, np.int64),
        np.zeros(people + count, np.int64),
    )
    if small:
        lists = tuple(one.tolist() for one in state)
        plan(*(one.tolist() for one in given), *lists)
        made, _, _, gains, prices = (np.array(one) for one in lists[:5])
    else:
        from tandem_matching.domain.engine.rotations import compiled_plan

        compiled_plan(*given, *state)
        made, _, _, gains, prices = state[:5]
    return np.flatnonzero(made), gains.astype(np.int64), prices.astype(np.int64)


def plan(
    starts: Any, mentors: Any, points: Any, owners: Any, back_starts: Any, back: Any, capacities: Any, stakes: Any,
    made: Any, degree: Any, load: Any, gains: Any, prices: Any, far: Any, via: Any,
) -> None:  # fmt: skip
    """Fill `made`, `gains` and `prices`; the other arrays are room to work in, zero and `FAR` at first.

    Nodes are mentees, then mentors; `via` is the candidate by which a node was reached.
    """
    people, rounds = len(starts) - 1, len(stakes)
    for mentee in range(people):
        best = -stakes[0]
        for edge in range(starts[mentee], starts[mentee + 1]):
            best = max(best, points[edge])
        gains[mentee] = best
    for source in range(people):
        while degree[source] < rounds:
            limit = gains[source] + stakes[degree[source]]
            if limit <= 0:
                break
            end = -1
            far[source] = 0
            seen = [source]
            heap = [(0, source)]
            while len(heap) > 0:
                distance, node = heappop(heap)
                if distance >= limit:
                    break
                if distance != far[node]:
                    continue
                if node < people:
                    if node != source:
                        leave = distance + gains[node] + stakes[degree[node] - 1]
                        if leave < limit:
                            limit, end = leave, node
                    for edge in range(starts[node], starts[node + 1]):
                        if made[edge]:
                            continue
                        mentor = mentors[edge]
                        reach = distance + gains[node] + prices[mentor] - points[edge]
                        other = people + mentor
                        if reach < limit and reach < far[other]:
                            if far[other] == FAR:
                                seen.append(other)
                            far[other] = reach
                            via[other] = edge
                            if load[mentor] < capacities[mentor]:
                                limit, end = reach, other
                            else:
                                heappush(heap, (reach, other))
                else:
                    mentor = node - people
                    for position in range(back_starts[mentor], back_starts[mentor + 1]):
                        edge = back[position]
                        if not made[edge]:
                            continue
                        other = owners[edge]
                        reach = distance + points[edge] - prices[mentor] - gains[other]
                        if reach < limit and reach < far[other]:
                            if far[other] == FAR:
                                seen.append(other)
                            far[other] = reach
                            via[other] = edge
                            heappush(heap, (reach, other))
            for node in seen:
                if far[node] < limit:
                    if node < people:
                        gains[node] -= limit - far[node]
                    else:
                        prices[node - people] += limit - far[node]
                far[node] = FAR
            if end < 0:
                break
            if end < people:
                degree[end] -= 1
                edge = via[end]
                made[edge] = False
                mentor = mentors[edge]
            else:
                mentor = end - people
                load[mentor] += 1
            while True:
                edge = via[people + mentor]
                made[edge] = True
                if owners[edge] == source:
                    break
                edge = via[owners[edge]]
                made[edge] = False
                mentor = mentors[edge]
            degree[source] += 1
