"""The scan: over all pairs, the mentors that are worth most to each mentee at given prices.

Mentors that are alike in every table form a class, and classes a tree: one floor for each table, the strictest rules
first. A mentee looks at the mentors who have something they want, one by one, and then walks down the tree, the most
promising branch first, until no branch can beat what was found. A rule cuts off whole branches, and so does a bound on
what is below; inside a class mentors are ordered by price. So most pairs are never looked at, and none that matters is
left out.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from tandem_matching.domain.encoding import Codes, Encoded, Numbers, Table

THREADS = 2
FORBIDDEN = -(2**62)
"""The worth of a pair that is not allowed."""
NOBODY = 2**61
"""The price where there is no mentor."""
BRANCHES = 256
"""Who has a feature is listed by branch of the tree, so that whole branches are passed over; not more than so many."""
TURN = 24
"""Points beyond the tables stay below two to this power; above it stands whose turn it is."""
BARRED = 1 << 23
"""Marks a mentor who must not be paired with the mentee whose turn it is."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Pairs that matter: for mentee i, `mentors[starts[i]:starts[i + 1]]` with their points, in the mentors' order."""

    starts: Numbers
    mentors: Codes
    points: Numbers

    def owners(self) -> Numbers:
        """The mentee of each pair."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))


@dataclass(frozen=True, slots=True)
class Scan:
    """A pool, arranged for scanning."""

    mentees: int
    mentors: int
    mentee_class: Codes
    by_class: Numbers
    """The mentees, those of one class together."""
    mentee_codes: Codes
    mentor_class: Codes
    mentor_rows: Codes
    """The codes of each mentor, floor by floor."""
    node_floors: Numbers
    """The nodes of floor f are `node_floors[f]` to `node_floors[f + 1]`; those of the last floor are the classes."""
    node_codes: Codes
    node_children: Codes
    """The first child of each node; the last one is before the first of the next node."""
    node_classes: Numbers
    """The first class below each node."""
    table_starts: Numbers
    table_widths: Numbers
    table_points: Numbers
    """All tables one after the other; a cell that breaks a rule is `FORBIDDEN`."""
    most_below: Numbers
    """By mentee's class and floor: the most points that the floors below can add."""
    wanted_starts: Numbers
    wanted: Codes
    wanted_weights: Codes
    wanted_shares: Codes
    branch_codes: Codes
    """The codes that lead to each branch: a node of a floor with few nodes."""
    index_starts: Numbers
    """Feature f below branch b is had by the mentors from `index_starts[f * branches + b]` on."""
    index_mentors: Codes
    index_parts: Codes
    single_starts: Numbers
    single_mentors: Codes

    def best(
        self,
        prices: Numbers,
        floors: Numbers,
        *,
        limit: int,
        open_mentors: npt.NDArray[np.bool_],
        only: Numbers | None = None,
    ) -> Candidates:
        """For each mentee the best open mentors, at most `limit`, whose points less price exceed the mentee's floor.

        Which of several equally good mentors are taken differs from mentee to mentee, so that not all want the same.
        `only`: these mentees, those of a class together; the others get nothing. Uses `THREADS` threads; the result
        does not depend on them.
        """
        people = self.by_class if only is None else only
        counts = np.zeros(self.mentees, np.int64)
        found = np.zeros((len(people), limit), np.int32)
        worth = np.zeros((len(people), limit), np.int64)
        members = np.flatnonzero(open_mentors)
        kept = open_mentors[self.index_mentors]
        before = np.concatenate(([0], np.cumsum(kept)))
        index_starts, index_mentors, index_parts = (
            (self.index_starts, self.index_mentors, self.index_parts)
            if kept.all()
            else (before[self.index_starts], self.index_mentors[kept], self.index_parts[kept])
        )
        order = members[np.lexsort((members, prices[members], self.mentor_class[members]))].astype(np.int32)
        classes = int(self.node_floors[-1] - self.node_floors[-2])
        class_starts = np.searchsorted(self.mentor_class[order], np.arange(classes + 1)).astype(np.int64)
        cheapest = self._cheapest(prices, order, class_starts)
        parts = _cuts(self.mentee_class[people], THREADS if len(people) > 500 else 1)

        def work(begin: int, end: int) -> None:
            _best(
                people[begin:end], self.mentee_class, self.mentee_codes, self.mentor_rows,
                self.node_floors, self.node_codes, self.node_children,
                self.table_starts, self.table_widths, self.table_points, self.most_below,
                self.wanted_starts, self.wanted, self.wanted_weights, self.wanted_shares,
                self.branch_codes, index_starts, index_mentors, index_parts,
                self.single_starts, self.single_mentors,
                order, class_starts, cheapest, prices, floors,
                counts, found[begin:end], worth[begin:end],
            )  # fmt: skip

        if len(parts) > 1:
            with ThreadPoolExecutor(len(parts)) as threads:
                list(threads.map(lambda part: work(*part), parts))
        else:
            for part in parts:
                work(*part)
        return _gathered(people, counts, found, worth)

    def of_few(self, prices: Numbers, floors: Numbers, mentors: Numbers, *, only: Numbers) -> Candidates:
        """Of these few mentors all whose points less price exceed a mentee's floor, by looking at every pair."""
        parts = [part for part in np.array_split(mentors, THREADS) if len(part)]
        codes = self.mentee_codes[self.mentee_class[only]]

        def work(part: Numbers) -> tuple[Numbers, Numbers, Numbers]:
            found: tuple[Numbers, Numbers, Numbers] = _of_few(
                part, only, codes, self.mentor_rows,
                self.table_starts, self.table_widths, self.table_points,
                self.wanted_starts, self.wanted, self.wanted_weights, self.wanted_shares,
                *self._features_of(part), prices, floors,
            )  # fmt: skip
            return found

        with ThreadPoolExecutor(max(1, len(parts))) as threads:
            found = list(threads.map(work, parts))
        owners, partners, points = (np.concatenate([one[place] for one in found]) for place in range(3))
        key = owners * np.int64(2**31) + partners
        single = np.repeat(np.arange(self.mentees), np.diff(self.single_starts)) * np.int64(2**31)
        order = np.argsort(key)
        order = order[~np.isin(key[order], single + self.single_mentors)]
        starts = np.concatenate(([0], np.cumsum(np.bincount(owners[order], minlength=self.mentees))))
        return Candidates(starts.astype(np.int64), partners[order].astype(np.int32), points[order])

    def _features_of(self, mentors: Numbers) -> tuple[Numbers, Codes, Codes]:
        """The features that each of these mentors has, and in which part."""
        place = np.full(self.mentors, -1, np.int64)
        place[mentors] = np.arange(len(mentors))
        here = np.flatnonzero(place[self.index_mentors] >= 0)
        here = here[np.argsort(place[self.index_mentors[here]], kind="stable")]
        which = np.searchsorted(self.index_starts, here, side="right") - 1
        starts = np.searchsorted(place[self.index_mentors[here]], np.arange(len(mentors) + 1))
        return starts.astype(np.int64), (which // len(self.branch_codes)).astype(np.int32), self.index_parts[here]

    def _cheapest(self, prices: Numbers, order: Codes, class_starts: Numbers) -> Numbers:
        """The lowest price below each node; beyond everything where nobody is."""
        of_class = np.full(len(class_starts) - 1, NOBODY, np.int64)
        peopled = class_starts[1:] > class_starts[:-1]
        of_class[peopled] = prices[order[class_starts[:-1][peopled]]]
        return np.concatenate(
            [np.minimum.reduceat(of_class, self.node_classes[begin:end]) for begin, end in pairwise(self.node_floors)]
        )


def _cuts(classes: Codes, number: int) -> list[tuple[int, int]]:
    """Parts of about equal size that do not cut through a class, where classes are small."""
    edges = [0]
    for part in range(1, number):
        at = len(classes) * part // number
        later = int(np.searchsorted(classes[at:] != classes[at], True)) if at < len(classes) else 0
        edges.append(at + (later if later < 64 else 0))
    edges.append(len(classes))
    return [(begin, end) for begin, end in pairwise(edges) if end > begin]


def _gathered(people: Numbers, counts: Numbers, found: Codes, worth: Numbers) -> Candidates:
    starts = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    taken = np.arange(found.shape[1])[None, :] < counts[people][:, None]
    owners = np.broadcast_to(people[:, None], found.shape)[taken]
    mentors, points = found[taken], worth[taken]
    order = np.argsort(owners * np.int64(2**31) + mentors)
    return Candidates(starts, mentors[order], points[order])


def arrange(encoded: Encoded) -> Scan:
    """The encoded pool, arranged for scanning."""
    tables = sorted(
        (table for table in encoded.tables if table.points.any() or table.violated.any()), key=_allowed_part
    )
    mentee_rows = np.stack([table.mentee_codes for table in tables], 1) if tables else _one_class(encoded.mentee_ids)
    mentor_rows = np.stack([table.mentor_codes for table in tables], 1) if tables else _one_class(encoded.mentor_ids)
    cells = [np.where(table.violated != 0, FORBIDDEN, table.points.astype(np.int64)) for table in tables]
    if not tables:
        cells = [np.zeros((1, 1), np.int64)]
    mentee_codes, mentee_class = _classes(mentee_rows)
    mentor_codes, mentor_class = _classes(mentor_rows)
    highest = [np.maximum(cell.max(axis=1, initial=0), 0)[mentee_codes[:, floor]] for floor, cell in enumerate(cells)]
    most_below = np.zeros((len(mentee_codes), len(cells)), np.int64)
    for floor in range(len(cells) - 2, -1, -1):
        most_below[:, floor] = most_below[:, floor + 1] + highest[floor + 1]
    node_floors, node_codes, node_children, node_classes = _tree(mentor_codes)
    mentees = len(encoded.mentee_ids)
    wanted: list[Any] = []
    index: list[Any] = []
    features = 0
    for feature in encoded.features:
        counts = np.diff(feature.wanted_starts)
        owners = np.repeat(np.arange(mentees), counts)
        wanted.append(
            (owners, feature.wanted + features, np.full(len(owners), feature.weight), feature.shares()[owners])
        )
        index.append((np.diff(feature.index_starts), feature.index_mentors, feature.index_parts))
        features += len(feature.index_starts) - 1
    owners, codes, weights, shares = _joined(wanted, 4)
    order = np.argsort(owners, kind="stable")
    lengths, index_mentors, index_parts = _joined(index, 3)
    branch_codes, branch = _branches(mentor_codes, mentor_class, node_floors, node_classes)
    key = np.repeat(np.arange(features), lengths) * len(branch_codes) + branch[index_mentors]
    by_branch = np.argsort(key, kind="stable")
    spans = np.bincount(key, minlength=features * len(branch_codes))
    return Scan(
        mentees=mentees,
        mentors=len(encoded.mentor_ids),
        mentee_class=mentee_class,
        by_class=np.argsort(mentee_class, kind="stable").astype(np.int64),
        mentee_codes=mentee_codes,
        mentor_class=mentor_class,
        mentor_rows=np.ascontiguousarray(mentor_rows),
        node_floors=node_floors,
        node_codes=node_codes,
        node_children=node_children,
        node_classes=node_classes,
        table_starts=np.cumsum([0, *(cell.size for cell in cells)], dtype=np.int64),
        table_widths=np.array([cell.shape[1] for cell in cells], np.int64),
        table_points=np.concatenate([cell.ravel() for cell in cells]),
        wanted_starts=np.concatenate(([0], np.cumsum(np.bincount(owners, minlength=mentees)))).astype(np.int64),
        wanted=codes[order].astype(np.int32),
        wanted_weights=weights[order].astype(np.int32),
        wanted_shares=shares[order].astype(np.int32),
        branch_codes=branch_codes,
        index_starts=np.concatenate(([0], np.cumsum(spans))).astype(np.int64),
        index_mentors=index_mentors[by_branch].astype(np.int32),
        index_parts=index_parts[by_branch].astype(np.int32),
        most_below=most_below,
        single_starts=encoded.single_starts,
        single_mentors=encoded.single_mentors,
    )


def _allowed_part(table: Table) -> float:
    """Which part of all pairs a table allows."""
    if not table.violated.any():
        return 1.0
    shape = table.violated.shape
    of_mentees = np.bincount(table.mentee_codes, minlength=shape[0]).astype(float)
    of_mentors = np.bincount(table.mentor_codes, minlength=shape[1]).astype(float)
    allowed = of_mentees @ (table.violated == 0) @ of_mentors
    return float(allowed / max(1.0, of_mentees.sum() * of_mentors.sum()))


def _tree(codes: Codes) -> tuple[Numbers, Codes, Codes, Numbers]:
    """The tree over sorted classes: its floors, and each node's code, first child (with one more) and first class."""
    classes, floors = codes.shape
    starts, node_codes, firsts = [0], [], []
    new = np.zeros(classes, np.bool_)
    new[:1] = True
    for floor in range(floors):
        new[1:] |= codes[1:, floor] != codes[:-1, floor]
        first = np.flatnonzero(new)
        firsts.append(first)
        node_codes.append(codes[first, floor])
        starts.append(starts[-1] + len(first))
    children = [starts[floor + 1] + np.searchsorted(firsts[floor + 1], firsts[floor]) for floor in range(floors - 1)]
    children.append(np.full(starts[-1] - starts[-2], starts[-1]))
    return (
        np.array(starts, np.int64),
        np.concatenate(node_codes).astype(np.int32),
        np.append(np.concatenate(children), starts[-1]).astype(np.int32),
        np.concatenate(firsts).astype(np.int64),
    )


def _branches(
    mentor_codes: Codes, mentor_class: Codes, node_floors: Numbers, node_classes: Numbers
) -> tuple[Codes, Codes]:
    """The nodes of the deepest floor that has few, as the codes that lead there, and the node of each mentor."""
    sizes = np.diff(node_floors)
    few = np.flatnonzero(sizes <= BRANCHES)
    if not len(few):
        return np.zeros((1, 0), np.int32), np.zeros(len(mentor_class), np.int32)
    floor = int(few.max())
    firsts = node_classes[node_floors[floor] : node_floors[floor + 1]]
    branch = np.searchsorted(firsts, mentor_class, side="right") - 1
    return np.ascontiguousarray(mentor_codes[firsts][:, : floor + 1]), branch.astype(np.int32)


def _one_class(people: tuple[Any, ...]) -> Codes:
    return np.zeros((len(people), 1), np.int32)


def _joined(parts: list[Any], width: int) -> list[Numbers]:
    if not parts:
        return [np.zeros(0, np.int64) for _ in range(width)]
    return [np.concatenate([part[column] for part in parts]).astype(np.int64) for column in range(width)]


def _classes(rows: Codes) -> tuple[Codes, Codes]:
    """The different rows, and which of them each row is."""
    if not len(rows):
        return rows[:0], np.zeros(0, np.int32)
    # One number for each row where they fit, which sorts many times faster than rows do.
    key = np.zeros(len(rows), np.int64)
    spans = rows.max(axis=0).astype(np.int64) + 1
    if float(np.prod(spans.astype(float))) < 2.0**62:
        for column, span in enumerate(spans):
            key = key * span + rows[:, column]
        _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
        return rows[first], inverse.astype(np.int32)
    different, inverse = np.unique(rows, axis=0, return_inverse=True)
    return different.astype(np.int32), inverse.ravel().astype(np.int32)


@njit(cache=True, nogil=True)
def _best(  # type: ignore[no-untyped-def]  # compiled: its types are the arrays' # pragma: no cover
    people, mentee_class, mentee_codes, mentor_rows,
    node_floors, node_codes, node_children,
    table_starts, table_widths, table_points, most_below,
    wanted_starts, wanted, wanted_weights, wanted_shares,
    branch_codes, index_starts, index_mentors, index_parts,
    single_starts, single_mentors,
    order, class_starts, cheapest, prices, floors,
    counts, found, worth,
):  # fmt: skip
    tables = mentor_rows.shape[1]
    limit = found.shape[1]
    first_class = node_floors[tables - 1]
    nodes = node_codes.shape[0]
    heap_node = np.empty(nodes, np.int32)
    heap_points = np.empty(nodes, np.int64)
    heap_bound = np.empty(nodes, np.int64)
    ranked = np.empty(class_starts.shape[0], np.int32)
    ranked_points = np.empty(class_starts.shape[0], np.int64)
    rows = np.empty(tables, np.int64)
    branches, depth = branch_codes.shape
    reachable = np.empty(branches, np.int64)
    reached = 0
    # Whose turn it is, and the points beyond the tables, in one number: a mentor costs one look into memory.
    marks = np.zeros(prices.shape[0], np.int64)
    touched = np.empty(prices.shape[0], np.int32)
    net = np.empty(limit, np.int64)
    current, waiting, done, most = -1, 0, 0, np.int64(0)
    for row in range(people.shape[0]):
        mentee = people[row]
        if mentee_class[mentee] != current:
            current = mentee_class[mentee]
            least = floors[mentee]
            ahead = row + 1
            while ahead < people.shape[0] and mentee_class[people[ahead]] == current:
                least = min(least, floors[people[ahead]])
                ahead += 1
            most = most_below[current, 0]
            for table in range(tables):
                rows[table] = table_starts[table] + mentee_codes[current, table] * table_widths[table]
            reached = 0
            for branch in range(branches):
                allowed = True
                for table in range(depth):
                    if table_points[rows[table] + branch_codes[branch, table]] < 0:
                        allowed = False
                        break
                if allowed:
                    reachable[reached] = branch
                    reached += 1
            waiting, done = 0, 0
            highest = np.int64(0)
            for node in range(node_floors[1]):
                points = table_points[rows[0] + node_codes[node]]
                if points >= 0:
                    highest = max(highest, points)
                    bound = points + most_below[current, 0] - cheapest[node]
                    if bound > least:
                        waiting = _push(heap_bound, heap_points, heap_node, waiting, bound, points, node)
            most += highest
        floor = floors[mentee]
        number, touches = 0, 0
        turn = np.int64(row + 1) << TURN
        for position in range(single_starts[mentee], single_starts[mentee + 1]):
            mentor = single_mentors[position]
            marks[mentor] = turn | BARRED
        for want in range(wanted_starts[mentee], wanted_starts[mentee + 1]):
            feature, weight, share = wanted[want], np.int64(wanted_weights[want]), wanted_shares[want]
            for way in range(reached):
                segment = np.int64(feature) * branches + reachable[way]
                for position in range(index_starts[segment], index_starts[segment + 1]):
                    mentor = index_mentors[position]
                    more = weight * index_parts[position] // share
                    mark = marks[mentor]
                    if mark < turn:
                        marks[mentor] = turn + more
                        touched[touches] = mentor
                        touches += 1
                    else:
                        marks[mentor] = mark + more
        for position in range(touches):
            mentor = touched[position]
            points = marks[mentor] - turn
            if points + most - prices[mentor] <= floor:
                continue
            for table in range(tables):
                cell = table_points[rows[table] + mentor_rows[mentor, table]]
                points += cell
                if cell < 0:
                    break
            if points >= 0 and points - prices[mentor] > floor:
                number, floor = _keep(
                    mentor, points, points - prices[mentor], floor, number, limit, net, found[row], worth[row]
                )
        begun = (mentee * 2654435761) & 0x7FFFFFFF
        rank = 0
        while True:
            if rank == done:
                while waiting > 0 and heap_bound[0] > floor and heap_node[0] < first_class:
                    node, above = heap_node[0], heap_points[0]
                    waiting = _pop(heap_bound, heap_points, heap_node, waiting)
                    below = 0
                    while node >= node_floors[below + 1]:
                        below += 1
                    below += 1
                    for child in range(node_children[node], node_children[node + 1]):
                        cell = table_points[rows[below] + node_codes[child]]
                        if cell >= 0:
                            bound = above + cell + most_below[current, below] - cheapest[child]
                            if bound > least:
                                waiting = _push(heap_bound, heap_points, heap_node, waiting, bound, above + cell, child)
                if waiting == 0 or heap_bound[0] <= floor:
                    break
                ranked[done] = heap_node[0] - first_class
                ranked_points[done] = heap_points[0]
                done += 1
                waiting = _pop(heap_bound, heap_points, heap_node, waiting)
            one, points = ranked[rank], ranked_points[rank]
            rank += 1
            begin, end = class_starts[one], class_starts[one + 1]
            lowest = prices[order[begin]]
            if points - lowest <= floor:
                break
            run = 1
            while begin + run < end and prices[order[begin + run]] == lowest and run < 1024:
                run += 1
            for place in range(end - begin):
                mentor = order[begin + (place + begun) % run] if place < run else order[begin + place]
                if points - prices[mentor] <= floor:
                    break
                if marks[mentor] < turn:
                    number, floor = _keep(
                        mentor, points, points - prices[mentor], floor, number, limit, net, found[row], worth[row]
                    )
        counts[mentee] = number


@njit(cache=True, nogil=True)
def _of_few(  # type: ignore[no-untyped-def]  # pragma: no cover
    mentors, people, codes, mentor_rows,
    table_starts, table_widths, table_points,
    wanted_starts, wanted, wanted_weights, wanted_shares,
    had_starts, had, had_parts, prices, floors,
):  # fmt: skip
    room, number = 1024, 0
    owners = np.empty(room, np.int64)
    partners = np.empty(room, np.int64)
    worth = np.empty(room, np.int64)
    tables = mentor_rows.shape[1]
    cells = np.empty(tables, np.int64)
    features = np.int64(0)
    for position in range(had.shape[0]):
        features = max(features, had[position] + 1)
    for position in range(wanted.shape[0]):
        features = max(features, wanted[position] + 1)
    parts = np.zeros(features, np.int64)
    for place in range(mentors.shape[0]):
        mentor = mentors[place]
        for position in range(had_starts[place], had_starts[place + 1]):
            parts[had[position]] = had_parts[position]
        for table in range(tables):
            cells[table] = table_starts[table] + mentor_rows[mentor, table]
        for row in range(people.shape[0]):
            shared = np.int64(0)
            for table in range(tables):
                cell = table_points[cells[table] + codes[row, table] * table_widths[table]]
                if cell < 0:
                    shared = np.int64(-1)
                    break
                shared += cell
            if shared < 0:
                continue
            mentee = people[row]
            points = shared
            for want in range(wanted_starts[mentee], wanted_starts[mentee + 1]):
                points += np.int64(wanted_weights[want]) * parts[wanted[want]] // wanted_shares[want]
            if points - prices[mentor] > floors[mentee]:
                if number == room:
                    owners = np.concatenate((owners, np.empty(room, np.int64)))
                    partners = np.concatenate((partners, np.empty(room, np.int64)))
                    worth = np.concatenate((worth, np.empty(room, np.int64)))
                    room *= 2
                owners[number], partners[number], worth[number] = mentee, mentor, points
                number += 1
        for position in range(had_starts[place], had_starts[place + 1]):
            parts[had[position]] = 0
    return owners[:number], partners[:number], worth[:number]


@njit(cache=True, nogil=True)
def _push(bounds, points, nodes, size, bound, worth, node):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Put a node on a heap whose largest bound is on top."""
    place = size
    while place > 0:
        above = (place - 1) // 2
        if bounds[above] >= bound:
            break
        bounds[place], points[place], nodes[place] = bounds[above], points[above], nodes[above]
        place = above
    bounds[place], points[place], nodes[place] = bound, worth, node
    return size + 1


@njit(cache=True, nogil=True)
def _pop(bounds, points, nodes, size):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Take the node on top off the heap."""
    size -= 1
    bound, worth, node = bounds[size], points[size], nodes[size]
    place = 0
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and bounds[child + 1] > bounds[child]:
            child += 1
        if bounds[child] <= bound:
            break
        bounds[place], points[place], nodes[place] = bounds[child], points[child], nodes[child]
        place = child
    bounds[place], points[place], nodes[place] = bound, worth, node
    return size


@njit(cache=True, nogil=True)
def _keep(mentor, points, value, floor, number, limit, net, found, worth):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Insert into the best so far, sorted from the best; the answer is how many there are and what beats the last."""
    if number == limit:
        if value <= net[limit - 1]:
            return number, floor
        place = limit - 1
    else:
        place = number
        number += 1
    while place > 0 and net[place - 1] < value:
        net[place] = net[place - 1]
        found[place] = found[place - 1]
        worth[place] = worth[place - 1]
        place -= 1
    net[place] = value
    found[place] = mentor
    worth[place] = points
    if number == limit:
        floor = net[limit - 1]
    return number, floor
