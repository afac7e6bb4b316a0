"""Arranging a pool for the scan: mentors who are alike in every table form a class, and classes a tree."""

from functools import partial
from typing import Any

import numpy as np
from numba import njit

from tandem_matching.domain.encoded import Codes, Encoded, Numbers, Table
from tandem_matching.domain.engine.candidates import grouped
from tandem_matching.domain.engine.scan import Scan
from tandem_matching.domain.engine.threads import together

FORBIDDEN = -(2**50)
"""The worth of a pair that is not allowed: below zero whatever other tables add, and many of them can be added."""
BRANCHES = 256
"""Who has a feature is listed by branch of the tree, so that whole branches are passed over; not more than so many."""
RARE = 16
"""So few mentors who have a feature are in one list."""


def arrange(encoded: Encoded) -> Scan:
    """The encoded pool, arranged for scanning."""
    tables = sorted(
        (table for table in encoded.tables if table.points.any() or table.violated.any()), key=_allowed_part
    )
    cells = [np.where(table.violated != 0, FORBIDDEN, table.points.astype(np.int64)) for table in tables]
    if not tables:
        cells = [np.zeros((1, 1), np.int64)]
    of_mentees, of_mentors = together(
        partial(_side_of_mentees, encoded, tables, cells), partial(_side_of_mentors, encoded, tables)
    )
    return Scan(
        mentees=len(encoded.mentee_ids),
        mentors=len(encoded.mentor_ids),
        table_starts=np.cumsum([0, *(cell.size for cell in cells)], dtype=np.int64),
        table_widths=np.array([cell.shape[1] for cell in cells], np.int64),
        table_points=np.concatenate([cell.ravel() for cell in cells]),
        single_starts=encoded.single_starts,
        single_mentors=encoded.single_mentors,
        **of_mentees,
        **of_mentors,
    )


def _side_of_mentees(encoded: Encoded, tables: list[Table], cells: list[Numbers]) -> dict[str, Any]:
    """What a scan knows of mentees: their classes, and the features they want."""
    mentees = len(encoded.mentee_ids)
    rows = np.stack([table.mentee_codes for table in tables], 1) if tables else _one_class(encoded.mentee_ids)
    codes, classes, by_class = _classes(rows)
    highest = [np.maximum(cell.max(axis=1, initial=0), 0)[codes[:, floor]] for floor, cell in enumerate(cells)]
    most_below = np.zeros((len(codes), len(cells)), np.int64)
    for floor in range(len(cells) - 2, -1, -1):
        most_below[:, floor] = most_below[:, floor + 1] + highest[floor + 1]
    wanted: list[Any] = []
    features = 0
    for feature in encoded.features:
        owners = np.repeat(np.arange(mentees), np.diff(feature.wanted_starts))
        each = np.full(len(owners), feature.weight, np.int32)
        wanted.append((owners, feature.wanted + np.int32(features), each, feature.shares()[owners]))
        features += len(feature.index_starts) - 1
    owners, features_of, weights, shares = _joined(wanted, 4)
    starts, order = grouped(owners, mentees)
    return {
        "mentee_class": classes,
        "by_class": by_class,
        "mentee_codes": codes,
        "most_below": most_below,
        "wanted_starts": starts,
        "wanted": features_of[order].astype(np.int32),
        "wanted_weights": weights[order].astype(np.int32),
        "wanted_shares": shares[order].astype(np.int32),
    }


def _side_of_mentors(encoded: Encoded, tables: list[Table]) -> dict[str, Any]:
    """What a scan knows of mentors: their classes and the tree over them, and who has which feature."""
    rows = np.stack([table.mentor_codes for table in tables], 1) if tables else _one_class(encoded.mentor_ids)
    codes, classes, _ = _classes(rows)
    node_floors, node_codes, node_children, node_classes = _tree(codes)
    lengths, mentors, parts = _joined(
        [(np.diff(one.index_starts), one.index_mentors, one.index_parts) for one in encoded.features], 3
    )
    which = np.repeat(np.arange(len(lengths)), lengths)
    had_starts, by_mentor = grouped(mentors, len(encoded.mentor_ids))
    branch_codes, branch = _branches(codes, classes, node_floors, node_classes)
    # By feature, then by branch, then by mentor: each sorting keeps the order of the one before.
    _, order = grouped(branch[mentors], len(branch_codes))
    order = order[grouped(which[order], len(lengths))[1]]
    index_mentors = mentors[order]
    index_rows, index_starts = _starts(which, branch[index_mentors], len(lengths), len(branch_codes))
    return {
        "mentor_class": classes,
        "mentor_rows": np.ascontiguousarray(rows),
        "node_floors": node_floors,
        "node_codes": node_codes,
        "node_children": node_children,
        "node_classes": node_classes,
        "branch_codes": branch_codes,
        "index_rows": index_rows,
        "index_starts": index_starts,
        "index_mentors": index_mentors.astype(np.int32),
        "index_parts": parts[order].astype(np.int32),
        "had_starts": had_starts,
        "had": which[by_mentor].astype(np.int32),
        "had_parts": parts[by_mentor].astype(np.int32),
    }


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
    of_class = np.repeat(np.arange(len(firsts), dtype=np.int32), np.diff(np.append(firsts, len(mentor_codes))))
    return np.ascontiguousarray(mentor_codes[firsts][:, : floor + 1]), of_class[mentor_class]


def _starts(features: Numbers, branches: Codes, number: int, width: int) -> tuple[Numbers, Numbers]:
    """Where each feature's starts are, and the starts, of entries sorted by feature and branch.

    A feature that few have has one start for all of them: to look at each takes less than to look at every branch.
    """
    counts = np.bincount(features, minlength=number)
    rows = np.where(counts > RARE, width, 1)
    index_rows = np.concatenate(([0], np.cumsum(rows))).astype(np.int64)
    place = index_rows[features] + np.where(rows[features] > 1, branches, 0)
    starts = np.concatenate(([0], np.cumsum(np.bincount(place, minlength=int(index_rows[-1])))))
    return index_rows, starts.astype(np.int64)


def _one_class(people: tuple[Any, ...]) -> Codes:
    return np.zeros((len(people), 1), np.int32)


def _joined(parts: list[Any], width: int) -> list[Numbers]:
    if not parts:
        return [np.zeros(0, np.int64) for _ in range(width)]
    return [np.concatenate([part[column] for part in parts]).astype(np.int64) for column in range(width)]


def _classes(rows: Codes) -> tuple[Codes, Codes, Numbers]:
    """The different rows, sorted; which of them each row is; and the rows' numbers, those that are alike together."""
    if not len(rows):
        return rows[:0], np.zeros(0, np.int32), np.zeros(0, np.int64)
    firsts, classes, order = _sorted_rows(rows)
    return rows[firsts], classes, order


@njit(cache=True, nogil=True)
def _sorted_rows(rows):  # type: ignore[no-untyped-def]  # pragma: no cover
    people, columns = rows.shape
    order, other = np.arange(people), np.empty(people, np.int64)
    for column in range(columns - 1, -1, -1):
        codes = rows[:, column].max() + 1
        places = np.zeros(codes + 1, np.int64)
        for person in range(people):
            places[rows[person, column] + 1] += 1
        for code in range(codes):
            places[code + 1] += places[code]
        for person in order:
            code = rows[person, column]
            other[places[code]] = person
            places[code] += 1
        order, other = other, order
    firsts = np.empty(people, np.int64)
    classes = np.empty(people, np.int32)
    number = 0
    for place in range(people):
        person = order[place]
        new = place == 0
        for column in range(columns):
            new = new or rows[person, column] != rows[order[place - 1], column]
        if new:
            firsts[number] = person
            number += 1
        classes[person] = number - 1
    return firsts[:number], classes, order
