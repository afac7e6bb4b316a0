"""Blocking: over all pairs, those in which both would have more points than with whom they were given."""

import numpy as np
from numba import njit

from tandem_matching.domain.encoded import Numbers
from tandem_matching.domain.engine.scan import Scan

NEVER = -(2**61)


def count_blocking(
    scan: Scan, own: Numbers, worst: Numbers, pairs: tuple[Numbers, Numbers], shown: int
) -> tuple[int, Numbers, Numbers]:
    """How many pairs (apart from `pairs`) have more points than the mentee's `own` and the mentor's `worst`.

    With the first `shown` of them, as mentees and mentors.
    """
    order = np.argsort(scan.mentor_class, kind="stable")
    classes = int(scan.node_floors[-1] - scan.node_floors[-2])
    class_starts = np.searchsorted(scan.mentor_class[order], np.arange(classes + 1)).astype(np.int64)
    by_mentee = np.argsort(pairs[0], kind="stable")
    pair_starts = np.searchsorted(pairs[0][by_mentee], np.arange(scan.mentees + 1)).astype(np.int64)
    found = np.zeros((shown, 2), np.int64)
    number = _count(
        scan.by_class, scan.mentee_class, scan.mentee_codes, scan.mentor_rows[order[class_starts[:-1]]],
        scan.table_starts, scan.table_widths, scan.table_points,
        scan.wanted_starts, scan.wanted, scan.wanted_weights, scan.wanted_shares,
        scan.index_rows, scan.index_starts, scan.index_mentors, scan.index_parts,
        scan.single_starts, scan.single_mentors, pair_starts, pairs[1][by_mentee],
        order, class_starts, own, worst, found,
    )  # fmt: skip
    found = found[: min(number, shown)]
    return int(number), found[:, 0], found[:, 1]


@njit(cache=True, nogil=True)
def _count(  # type: ignore[no-untyped-def]  # pragma: no cover
    people, mentee_class, mentee_codes, class_rows,
    table_starts, table_widths, table_points,
    wanted_starts, wanted, wanted_weights, wanted_shares,
    index_rows, index_starts, index_mentors, index_parts,
    single_starts, single_mentors, pair_starts, pair_mentors,
    order, class_starts, own, worst, found,
):  # fmt: skip
    tables = class_rows.shape[1]
    classes = class_starts.shape[0] - 1
    class_points = np.empty(classes, np.int64)
    marks = np.zeros(worst.shape[0], np.int64)
    current, number = -1, 0
    for mentee in people:
        if mentee_class[mentee] != current:
            current = mentee_class[mentee]
            for one in range(classes):
                points = np.int64(0)
                for table in range(tables):
                    cell = table_points[
                        table_starts[table]
                        + mentee_codes[current, table] * table_widths[table]
                        + class_rows[one, table]
                    ]
                    if cell < 0:
                        points = np.int64(-1)
                        break
                    points += cell
                class_points[one] = points
        for want in range(wanted_starts[mentee], wanted_starts[mentee + 1]):
            first, last = index_rows[wanted[want]], index_rows[wanted[want] + 1]
            for position in range(index_starts[first], index_starts[last]):
                more = np.int64(wanted_weights[want]) * index_parts[position] // wanted_shares[want]
                marks[index_mentors[position]] += more
        for position in range(single_starts[mentee], single_starts[mentee + 1]):
            marks[single_mentors[position]] += NEVER
        for position in range(pair_starts[mentee], pair_starts[mentee + 1]):
            marks[pair_mentors[position]] += NEVER
        for one in range(classes):
            if class_points[one] < 0:
                continue
            for place in range(class_starts[one], class_starts[one + 1]):
                mentor = order[place]
                points = class_points[one] + marks[mentor]
                if points > own[mentee] and points > worst[mentor] and points >= 0:
                    if number < found.shape[0]:
                        found[number, 0], found[number, 1] = mentee, mentor
                    number += 1
        for want in range(wanted_starts[mentee], wanted_starts[mentee + 1]):
            first, last = index_rows[wanted[want]], index_rows[wanted[want] + 1]
            for position in range(index_starts[first], index_starts[last]):
                marks[index_mentors[position]] = 0
        for position in range(single_starts[mentee], single_starts[mentee + 1]):
            marks[single_mentors[position]] = 0
        for position in range(pair_starts[mentee], pair_starts[mentee + 1]):
            marks[pair_mentors[position]] = 0
    return number
