"""The compiled part of the scan: what a thread does for its mentees."""

import numpy as np
from numba import njit

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
def beyond(  # type: ignore[no-untyped-def]  # pragma: no cover
    people, mentors, mentee_class, mentee_codes, mentor_rows,
    table_starts, table_widths, table_points,
    wanted_starts, wanted, wanted_weights, wanted_shares,
    had_starts, had, had_parts, features, prices, floors,
    mentee_room, mentor_room, mentee_fall, mentor_fall,
):  # fmt: skip
    room, number = 1024, 0
    owners = np.empty(room, np.int64)
    partners = np.empty(room, np.int64)
    worth = np.empty(room, np.int64)
    tables = mentor_rows.shape[1]
    # What is looked at of the mentors, side by side in their order.
    rows = np.empty((mentors.shape[0], tables), np.int32)
    asked = np.empty(mentors.shape[0], np.int64)
    rooms = np.empty(mentors.shape[0], np.int64)
    falls = np.empty(mentors.shape[0], np.int64)
    most_parts = np.zeros(features, np.int64)
    for place in range(mentors.shape[0]):
        mentor = mentors[place]
        rows[place], asked[place] = mentor_rows[mentor], prices[mentor]
        rooms[place], falls[place] = mentor_room[mentor], mentor_fall[mentor]
        for position in range(had_starts[mentor], had_starts[mentor + 1]):
            most_parts[had[position]] = max(most_parts[had[position]], had_parts[position])
    bases = np.empty(tables, np.int64)
    most_fall = falls.max() if mentors.shape[0] else np.int64(0)
    for mentee in people:
        if not mentors.shape[0] or mentee_room[mentee] + rooms[0] <= 0 or mentee_fall[mentee] + most_fall <= 0:
            continue
        for table in range(tables):
            bases[table] = table_starts[table] + mentee_codes[mentee_class[mentee], table] * table_widths[table]
        most = np.int64(0)
        for want in range(wanted_starts[mentee], wanted_starts[mentee + 1]):
            most += np.int64(wanted_weights[want]) * most_parts[wanted[want]] // wanted_shares[want]
        floor, own_room, own_fall = floors[mentee], mentee_room[mentee], mentee_fall[mentee]
        for place in range(mentors.shape[0]):
            if own_room + rooms[place] <= 0:
                break
            if own_fall + falls[place] <= 0:
                continue
            shared = np.int64(0)
            for table in range(tables):
                cell = table_points[bases[table] + rows[place, table]]
                if cell < 0:
                    shared = np.int64(-1)
                    break
                shared += cell
            if shared < 0 or shared + most - asked[place] <= floor:
                continue
            points = shared
            for want in range(wanted_starts[mentee], wanted_starts[mentee + 1]):
                for position in range(had_starts[mentors[place]], had_starts[mentors[place] + 1]):
                    if had[position] == wanted[want]:
                        points += np.int64(wanted_weights[want]) * had_parts[position] // wanted_shares[want]
            if points - asked[place] > floor:
                if number == room:
                    owners = np.concatenate((owners, np.empty(room, np.int64)))
                    partners = np.concatenate((partners, np.empty(room, np.int64)))
                    worth = np.concatenate((worth, np.empty(room, np.int64)))
                    room *= 2
                owners[number], partners[number], worth[number] = mentee, mentors[place], points
                number += 1
    return owners[:number], partners[:number], worth[:number]


@njit(cache=True, nogil=True)
def pairs(  # type: ignore[no-untyped-def]  # pragma: no cover
    match, mentee_class, mentee_codes, mentor_rows,
    table_starts, table_widths, table_points,
    wanted_starts, wanted, wanted_weights, wanted_shares,
    had_starts, had, had_parts, single_starts, single_mentors,
):  # fmt: skip
    """The points of each mentee's pair; below zero where there is none or a rule forbids it."""
    worth = np.full(match.shape[0], np.int64(-1))
    for mentee in range(match.shape[0]):
        mentor = match[mentee]
        if mentor < 0:
            continue
        points = np.int64(0)
        for table in range(mentor_rows.shape[1]):
            code = mentee_codes[mentee_class[mentee], table]
            cell = table_points[table_starts[table] + code * table_widths[table] + mentor_rows[mentor, table]]
            if cell < 0:
                points = np.int64(-1)
                break
            points += cell
        for position in range(single_starts[mentee], single_starts[mentee + 1]):
            if single_mentors[position] == mentor:
                points = np.int64(-1)
        if points < 0:
            continue
        for want in range(wanted_starts[mentee], wanted_starts[mentee + 1]):
            for position in range(had_starts[mentor], had_starts[mentor + 1]):
                if had[position] == wanted[want]:
                    points += np.int64(wanted_weights[want]) * had_parts[position] // wanted_shares[want]
        worth[mentee] = points
    return worth


@njit(cache=True, nogil=True)
def gathered(people, counts, found, worth):  # type: ignore[no-untyped-def]  # pragma: no cover
    """What was found, as one list: where each mentee's begins, and mentors in order with their points."""
    starts = np.zeros(counts.shape[0] + 1, np.int64)
    for mentee in range(counts.shape[0]):
        starts[mentee + 1] = starts[mentee] + counts[mentee]
    mentors = np.empty(starts[-1], np.int32)
    points = np.empty(starts[-1], np.int64)
    for row in range(people.shape[0]):
        begin = starts[people[row]]
        for column in range(counts[people[row]]):
            place = begin + column
            while place > begin and mentors[place - 1] > found[row, column]:
                mentors[place], points[place] = mentors[place - 1], points[place - 1]
                place -= 1
            mentors[place], points[place] = found[row, column], worth[row, column]
    return starts, mentors, points


@njit(cache=True, nogil=True)
def merged(  # type: ignore[no-untyped-def]  # pragma: no cover
    starts, mentors, points, more_starts, more_mentors, more_points
):
    """Two lists in the mentors' order as one, each pair once, with the points of the second where both have it."""
    all_starts = np.zeros(starts.shape[0], np.int64)
    all_mentors = np.empty(mentors.shape[0] + more_mentors.shape[0], np.int32)
    all_points = np.empty(mentors.shape[0] + more_mentors.shape[0], np.int64)
    number = 0
    for mentee in range(starts.shape[0] - 1):
        other, end = more_starts[mentee], more_starts[mentee + 1]
        for one in range(starts[mentee], starts[mentee + 1]):
            while other < end and more_mentors[other] < mentors[one]:
                all_mentors[number], all_points[number] = more_mentors[other], more_points[other]
                number += 1
                other += 1
            all_mentors[number], all_points[number] = mentors[one], points[one]
            if other < end and more_mentors[other] == mentors[one]:
                all_points[number] = more_points[other]
                other += 1
            number += 1
        while other < end:
            all_mentors[number], all_points[number] = more_mentors[other], more_points[other]
            number += 1
            other += 1
        all_starts[mentee + 1] = number
    return all_starts, all_mentors[:number].copy(), all_points[:number].copy()


@njit(cache=True, nogil=True)
def grouped(codes, number):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Where each code's positions begin, and the positions, those of one code together and in their order."""
    starts = np.zeros(number + 1, np.int64)
    for code in codes:
        starts[code + 1] += 1
    for code in range(number):
        starts[code + 1] += starts[code]
    filled = starts[:-1].copy()
    order = np.empty(codes.shape[0], np.int64)
    for position in range(codes.shape[0]):
        order[filled[codes[position]]] = position
        filled[codes[position]] += 1
    return starts, order


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
