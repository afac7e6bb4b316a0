"""The walk of the scan, compiled: what a thread does for its mentees."""

import numpy as np
from numba import njit

from tandem_matching.domain.engine.candidates import keep

TURN = 24
"""Points beyond the tables stay below two to this power; above it stands whose turn it is."""
BARRED = 1 << 23
"""Marks a mentor who must not be paired with the mentee whose turn it is."""


@njit(cache=True, nogil=True)
def best(  # type: ignore[no-untyped-def]  # compiled: its types are the arrays' # pragma: no cover
    people, mentee_class, mentee_codes, mentor_rows,
    node_floors, node_codes, node_children,
    table_starts, table_widths, table_points, most_below,
    wanted_starts, wanted, wanted_weights, wanted_shares,
    branch_codes, index_rows, index_starts, index_mentors, index_parts,
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
            weight, share = np.int64(wanted_weights[want]), wanted_shares[want]
            begin = index_rows[wanted[want]]
            by_branch = index_rows[wanted[want] + 1] - begin > 1
            for way in range(reached if by_branch else 1):
                segment = begin + reachable[way] if by_branch else begin
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
                number, floor = keep(
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
                    number, floor = keep(
                        mentor, points, points - prices[mentor], floor, number, limit, net, found[row], worth[row]
                    )
        counts[mentee] = number


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
