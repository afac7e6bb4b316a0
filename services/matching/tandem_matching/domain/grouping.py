"""Grouping: people who suit each other into groups of a few, as many people as can be, those most alike together.

Of a few people every group that the rules allow is looked at, and for every part of them the best choice among these is
known (dynamic programming over sets): nothing can be better. More people are grouped a few at a time, the most alike
together; then groups and whoever is left over are chosen anew together, where that seats somebody more or brings those
who are more alike together.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from tandem_matching.domain.assignment import unwatched
from tandem_matching.domain.encoded import Numbers

AT_ONCE = 10
"""So many people are grouped at once at most."""
CELLS = 250_000
"""Up to so many pairs are looked at as one matrix, so that memory stays small whatever the number of people."""
LOOKS, LOOKS_ALIKE = 40, 2
"""So many handfuls of groups are looked at to seat somebody who is left over, and to seat somebody better."""

Group = tuple[int, ...]


class Likeness(Protocol):
    """Who may be in a group with whom, and how alike they are. Symmetric; nobody may be in a group with themselves."""

    def between(self, rows: Numbers, columns: Numbers) -> tuple[Numbers, npt.NDArray[np.bool_]]:
        """Points (0 to a few thousand; 0 where they may not) and permission, rows by columns."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """Who is in a group with whom, as indices; whoever is in none is left over."""

    groups: tuple[Group, ...]
    proven: bool
    """Whether nobody more can be seated."""


def group(likeness: Likeness, people: int, *, least: int, most: int, step: Callable[[], None] = unwatched) -> Grouping:
    """Groups of `least` to `most` of these people, all members of a group allowed to each other.

    Up to ten people the answer is the best there is: as many as possible sit, then the sum over people of the
    mean points with the others of their group is the most. Of more people it is a good one, and `proven` says whether
    as many sit as can. `step` is called between the steps of the search, and may raise to end it.
    """
    if people < least:
        return Grouping((), True)
    if people <= AT_ONCE:
        return Grouping(tuple(sorted(_best(likeness, np.arange(people), least, most)[0])), True)
    suiting = _suiting(likeness, people)
    able = np.flatnonzero(suiting >= least - 1)
    seating = _Seating(likeness, least, most, step)
    seating.begin(sorted(able.tolist(), key=lambda one: (suiting[one], one)))
    seating.seat_left_over()
    seating.bring_together()
    return Grouping(tuple(sorted(seating.groups)), seating.seated() == _seats(len(able), least, most))


def _seats(people: int, least: int, most: int) -> int:
    """How many of so many people sit in groups if all suit each other."""
    groups = people // least
    return min(people, groups * most)


def _suiting(likeness: Likeness, people: int) -> Numbers:
    """With how many others everybody may be in a group."""
    everybody = np.arange(people)
    blocks = np.array_split(everybody, -(-(people**2) // CELLS))
    return np.concatenate([likeness.between(rows, everybody)[1].sum(axis=1) for rows in blocks])


def _best(likeness: Likeness, people: Numbers, least: int, most: int) -> tuple[list[Group], int, int]:
    """The best groups of a few people, how many sit, and what that is worth.

    For every part of the people, from the last one on, the best there is: their first one sits with some of the others,
    or with nobody.
    """
    points, allowed = likeness.between(people, people)
    number = len(people)
    beyond = 1 + number * int(points.max(initial=0))
    by_first: list[list[tuple[int, int]]] = [[] for _ in people]
    for members, inside in _groups(points, allowed, least, most):
        others = sum(1 << one - members[0] - 1 for one in members[1:])
        by_first[members[0]].append((others, len(members) * beyond + inside // (len(members) - 1)))
    best = [np.zeros(1, np.int64)]
    for first in reversed(range(number)):
        after = best[-1]
        parts = np.arange(len(after))
        sits = after
        if by_first[first]:
            added, counts = (np.array(each)[:, None] for each in zip(*by_first[first], strict=True))
            held = (parts & added) == added
            sits = np.maximum(after, np.where(held, counts + after[np.where(held, parts ^ added, 0)], 0).max(axis=0))
        best.append(np.stack((after, sits), axis=1).ravel())
    best.reverse()
    found: list[Group] = []
    part = len(best[0]) - 1
    for first in range(number):
        here, rest = int(best[first][part]), part >> 1
        if part & 1 and here != best[first + 1][rest]:
            taken = next(
                others
                for others, worth in by_first[first]
                if rest & others == others and worth + best[first + 1][rest ^ others] == here
            )
            found.append((first, *(one for one in range(first + 1, number) if taken >> one - first - 1 & 1)))
            rest ^= taken
        part = rest
    sit, worth = divmod(int(best[0][-1]), beyond)
    return [tuple(sorted(people[list(members)].tolist())) for members in found], sit, worth


def _groups(points: Numbers, allowed: npt.NDArray[np.bool_], least: int, most: int) -> Iterable[tuple[Group, int]]:
    """Every group in which all may be with each other, with the points of everybody with everybody."""
    suits = [set(np.flatnonzero(row).tolist()) for row in allowed]
    alike = points.tolist()

    def larger(members: Group, inside: int, open_to: Sequence[int]) -> Iterable[tuple[Group, int]]:
        if len(members) >= least:
            yield members, inside
        if len(members) == most or len(members) + len(open_to) < least:
            return
        for place, one in enumerate(open_to):
            more = 2 * sum(alike[one][other] for other in members)
            still = [other for other in open_to[place + 1 :] if other in suits[one]]
            yield from larger((*members, one), inside + more, still)

    return larger((), 0, range(len(allowed)))


class _Seating:
    """Groups on their way to be better, a few people at a time."""

    def __init__(self, likeness: Likeness, least: int, most: int, step: Callable[[], None]) -> None:
        self._likeness, self._least, self._most, self._step = likeness, least, most, step
        self.groups: list[Group] = []
        self._left: list[int] = []

    def seated(self) -> int:
        """How many sit."""
        return sum(map(len, self.groups))

    def begin(self, waiting: list[int]) -> None:
        """Seat people, whoever suits the fewest first, each with those who are most like them."""
        while len(waiting) >= self._least:
            self._step()
            one, *others = waiting
            near = self._nearest(one, np.array(others, np.int64))[: AT_ONCE - 1]
            found, _, _ = _best(self._likeness, np.array([one, *near]), self._least, self._most)
            # The others have people who are more like them elsewhere, unless these are all.
            kept = found if len(waiting) <= AT_ONCE else [members for members in found if one in members]
            sit = {person for members in kept for person in members}
            self.groups += kept
            if one not in sit:
                self._left.append(one)
            waiting = [person for person in others if person not in sit]
        self._left += waiting

    def seat_left_over(self) -> None:
        """Choose the groups that could take somebody in anew, together with whoever is left over."""
        for one in tuple(self._left):
            if one not in self._left or not self.groups:
                continue
            suiting = set(self._nearest(one, np.array(self._left, np.int64))[: self._least - 1].tolist())
            with_one = [one, *(person for person in self._left if person in suiting)][: AT_ONCE - self._most]
            for handful in self._handfuls(one, len(with_one))[:LOOKS]:
                if self._choose_anew(handful, with_one):
                    break

    def bring_together(self) -> None:
        """Choose the group of everybody anew together with those that are most like them, while it helps."""
        for one in sorted(person for members in self.groups for person in members):
            own = next(members for members in self.groups if one in members)
            for handful in self._handfuls(one, len(own), alike_first=True)[:LOOKS_ALIKE]:
                if self._choose_anew([own, *handful], []):
                    break

    def _nearest(self, one: int, others: Numbers) -> Numbers:
        """Those of the others who may be in a group with somebody, the most alike first."""
        if not len(others):
            return others
        points, allowed = self._likeness.between(np.array([one]), others)
        order = np.argsort(-points[0], kind="stable")
        near: Numbers = others[order[allowed[0][order]]]
        return near

    def _handfuls(self, one: int, besides: int, *, alike_first: bool = False) -> list[list[Group]]:
        """The other groups with anybody who may be with this one, so many together as can be chosen at once.

        Those come first in which the most suit this one, or who are the most alike.
        """
        people = np.concatenate([np.array(members) for members in self.groups])
        points, allowed = self._likeness.between(np.array([one]), people)
        starts = np.cumsum([0, *map(len, self.groups)])[:-1]
        suits = np.add.reduceat(allowed[0].astype(np.int64), starts)
        alike = np.add.reduceat(np.where(allowed[0], points[0], 0), starts)
        keys = np.stack((-alike, -suits) if alike_first else (-suits, -alike), axis=1).tolist()
        handfuls: list[list[Group]] = []
        room = 0
        for place in sorted(range(len(starts)), key=lambda place: (keys[place], place)):
            members = self.groups[place]
            if not suits[place] or one in members or len(members) > AT_ONCE - besides:
                continue
            if len(members) > room:
                handfuls.append([])
                room = AT_ONCE - besides
            handfuls[-1].append(members)
            room -= len(members)
        return handfuls

    def _choose_anew(self, handful: list[Group], more: list[int]) -> bool:
        """Choose these groups anew with more people. False: they stay, because nothing better was found."""
        self._step()
        people = np.array(sorted({*more, *(person for members in handful for person in members)}), np.int64)
        found, sit, worth = _best(self._likeness, people, self._least, self._most)
        before = sum(map(len, handful))
        # Who is left over takes nobody's seat, however alike they are.
        if sit == before and (more or worth <= sum(self._worth(members) for members in handful)):
            return False
        seated = {person for members in found for person in members}
        self.groups = [members for members in self.groups if members not in handful] + found
        self._left = [person for person in self._left if person not in seated]
        self._left += [person for members in handful for person in members if person not in seated]
        return True

    def _worth(self, members: Group) -> int:
        points, _ = self._likeness.between(np.array(members), np.array(members))
        return int(points.sum()) // (len(members) - 1)
