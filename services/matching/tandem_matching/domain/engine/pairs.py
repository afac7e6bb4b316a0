"""Pair by pair: what pairs are worth, and those that matter among many, compiled."""

import numpy as np
from numba import njit

from tandem_matching.domain.engine.candidates import keep

LEAST = np.int64(-(2**50))
"""Less than any pair is worth beyond a floor."""
NEVER = np.int64(2**60)
"""A floor that no pair is beyond."""


@njit(cache=True, nogil=True)
def beyond(  # type: ignore[no-untyped-def]  # pragma: no cover
    people, mentors, mentee_class, mentee_codes, mentor_rows,
    table_starts, table_widths, table_points,
    wanted_starts, wanted, wanted_weights, wanted_shares,
    had_starts, had, had_parts, features, prices, floors, most_ties,
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
    # Whoever shares no bit shares no feature, which is most.
    gifts = np.zeros(mentors.shape[0], np.uint64)
    for place in range(mentors.shape[0]):
        mentor = mentors[place]
        rows[place], asked[place] = mentor_rows[mentor], prices[mentor]
        rooms[place], falls[place] = mentor_room[mentor], mentor_fall[mentor]
        for position in range(had_starts[mentor], had_starts[mentor + 1]):
            most_parts[had[position]] = max(most_parts[had[position]], had_parts[position])
            gifts[place] |= np.uint64(1) << np.uint64(had[position] % 64)
    bases = np.empty(tables, np.int64)
    for mentee in people:
        floor, own_room, own_fall = floors[mentee], mentee_room[mentee], mentee_fall[mentee]
        ready, most, wishes, ties = False, np.int64(-1), np.uint64(0), 0
        for place in range(mentors.shape[0]):
            if own_room + rooms[place] <= 0:
                break
            if own_fall + falls[place] <= 0:
                continue
            if not ready:
                ready = True
                for table in range(tables):
                    bases[table] = table_starts[table] + mentee_codes[mentee_class[mentee], table] * table_widths[table]
            # To add up all tables is quicker than to ask at each whether it forbids the pair.
            shared = np.int64(0)
            for table in range(tables):
                shared += table_points[bases[table] + rows[place, table]]
            if shared < 0:
                continue
            if most < 0:
                most, wishes = np.int64(0), np.uint64(0)
                for want in range(wanted_starts[mentee], wanted_starts[mentee + 1]):
                    wishes |= np.uint64(1) << np.uint64(wanted[want] % 64)
                    if most_parts[wanted[want]]:
                        most += np.int64(wanted_weights[want]) * most_parts[wanted[want]] // wanted_shares[want]
            shares = wishes & gifts[place] != 0
            if shared + (most if shares else 0) - asked[place] < floor:
                continue
            points, mentor = shared, mentors[place]
            if shares:
                points += _shared_features(
                    mentee, mentor, wanted_starts, wanted, wanted_weights, wanted_shares, had_starts, had, had_parts
                )
            value = points - asked[place]
            if value > floor or (value == floor and ties < most_ties):
                ties += value == floor
                if number == room:
                    owners = np.concatenate((owners, np.empty(room, np.int64)))
                    partners = np.concatenate((partners, np.empty(room, np.int64)))
                    worth = np.concatenate((worth, np.empty(room, np.int64)))
                    room *= 2
                owners[number], partners[number], worth[number] = mentee, mentor, points
                number += 1
    return owners[:number], partners[:number], worth[:number]


@njit(cache=True, nogil=True)
def worth_of(  # type: ignore[no-untyped-def]  # pragma: no cover
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
        worth[mentee] = points + _shared_features(
            mentee, mentor, wanted_starts, wanted, wanted_weights, wanted_shares, had_starts, had, had_parts
        )
    return worth


@njit(cache=True, nogil=True)
def _shared_features(  # type: ignore[no-untyped-def]  # pragma: no cover
    mentee, mentor, wanted_starts, wanted, wanted_weights, wanted_shares, had_starts, had, had_parts
):
    """The points of what the mentee wants and the mentor has."""
    points = np.int64(0)
    for want in range(wanted_starts[mentee], wanted_starts[mentee + 1]):
        for position in range(had_starts[mentor], had_starts[mentor + 1]):
            if had[position] == wanted[want]:
                points += np.int64(wanted_weights[want]) * had_parts[position] // wanted_shares[want]
    return points


@njit(cache=True, nogil=True)
def keenest(  # type: ignore[no-untyped-def]  # pragma: no cover
    mentors, mentee_class, mentee_codes, by_class, mentor_rows,
    table_starts, table_widths, table_points,
    wanted_starts, wanted, wanted_weights, wanted_shares,
    had_starts, had, had_parts, features, single_starts, single_mentors,
    taking, floors, found, worth,
):  # fmt: skip
    """The best mentees for each mentor, into `found` and `worth`; how many, and what none besides has beyond theirs."""
    classes, tables = mentee_codes.shape
    limit = found.shape[1]
    class_starts = np.zeros(classes + 1, np.int64)
    for one in mentee_class:
        class_starts[one + 1] += 1
    for one in range(classes):
        class_starts[one + 1] += class_starts[one]
    # Classes are sorted: where a table bars one, it bars all until the codes up to that table change.
    following = np.empty((classes, tables), np.int64)
    differs = np.zeros(classes + 1, np.int64)
    for one in range(classes - 1, -1, -1):
        if one + 1 < classes:
            while mentee_codes[one, differs[one + 1]] == mentee_codes[one + 1, differs[one + 1]]:
                differs[one + 1] += 1
        for table in range(tables):
            following[one, table] = following[one + 1, table] if table < differs[one + 1] else one + 1
    # What is looked at of the mentees, side by side by class.
    least_of = np.empty(by_class.shape[0], np.int64)
    wish_starts = np.zeros(by_class.shape[0] + 1, np.int64)
    wishes = np.empty(wanted.shape[0], np.int32)
    for position in range(by_class.shape[0]):
        mentee = by_class[position]
        least_of[position] = floors[mentee] if taking[mentee] else NEVER
        place = wish_starts[position]
        for want in range(wanted_starts[mentee], wanted_starts[mentee + 1]):
            wishes[place] = wanted[want]
            place += 1
        wish_starts[position + 1] = place
    counts, most = np.empty(mentors.shape[0], np.int64), np.empty(mentors.shape[0], np.int64)
    net = np.empty(limit, np.int64)
    parts = np.zeros(features, np.int32)
    columns = np.empty(tables, np.int64)
    upto = np.zeros(tables + 1, np.int64)
    for row in range(mentors.shape[0]):
        mentor = mentors[row]
        for position in range(had_starts[mentor], had_starts[mentor + 1]):
            parts[had[position]] = had_parts[position]
        for table in range(tables):
            columns[table] = table_starts[table] + mentor_rows[mentor, table]
        number, least, one = 0, LEAST, 0
        while one < classes:
            bars = -1
            for table in range(differs[one], tables):
                cell = table_points[columns[table] + mentee_codes[one, table] * table_widths[table]]
                if cell < 0:
                    bars = table
                    break
                upto[table + 1] = upto[table] + cell
            if bars >= 0:
                one = following[one, bars]
                continue
            for position in range(class_starts[one], class_starts[one + 1]):
                points = upto[tables]
                for wish in range(wish_starts[position], wish_starts[position + 1]):
                    if parts[wishes[wish]]:
                        want = wanted_starts[by_class[position]] + wish - wish_starts[position]
                        points += np.int64(wanted_weights[want]) * parts[wishes[wish]] // wanted_shares[want]
                if points - least_of[position] <= least:
                    continue
                mentee = by_class[position]
                barred = False
                for single in range(single_starts[mentee], single_starts[mentee + 1]):
                    barred = barred or single_mentors[single] == mentor
                if not barred:
                    number, least = keep(
                        mentee, points, points - least_of[position], least, number, limit, net, found[row], worth[row]
                    )
            one += 1
        counts[row], most[row] = number, least
        for position in range(had_starts[mentor], had_starts[mentor + 1]):
            parts[had[position]] = 0
    return counts, most
