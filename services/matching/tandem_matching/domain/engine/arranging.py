"""Arranging a pool for the scan: mentors who are alike in every table form a class, and classes a tree."""

from typing import Any

import numpy as np

from tandem_matching.domain.encoded import Codes, Encoded, Numbers, Table
from tandem_matching.domain.engine.looking import grouped
from tandem_matching.domain.engine.scan import Scan

FORBIDDEN = -(2**62)
"""The worth of a pair that is not allowed."""
BRANCHES = 256
"""Who has a feature is listed by branch of the tree, so that whole branches are passed over; not more than so many."""
RARE = 16
"""So few mentors who have a feature are in one list."""


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
    wanted_starts, order = grouped(owners, mentees)
    lengths, index_mentors, index_parts = _joined(index, 3)
    branch_codes, branch = _branches(mentor_codes, mentor_class, node_floors, node_classes)
    which = np.repeat(np.arange(features), lengths)
    had_starts, by_mentor = grouped(index_mentors, len(encoded.mentor_ids))
    # By feature, then by branch, then by mentor: each sorting keeps the order of the one before.
    _, by_branch = grouped(branch[index_mentors], len(branch_codes))
    by_branch = by_branch[grouped(which[by_branch], features)[1]]
    index_rows, index_starts = _starts(which[by_branch], branch[index_mentors[by_branch]], features, len(branch_codes))
    return Scan(
        mentees=mentees,
        mentors=len(encoded.mentor_ids),
        mentee_class=mentee_class,
        by_class=grouped(mentee_class, len(mentee_codes))[1],
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
        wanted_starts=wanted_starts,
        wanted=codes[order].astype(np.int32),
        wanted_weights=weights[order].astype(np.int32),
        wanted_shares=shares[order].astype(np.int32),
        branch_codes=branch_codes,
        index_rows=index_rows,
        index_starts=index_starts,
        index_mentors=index_mentors[by_branch].astype(np.int32),
        index_parts=index_parts[by_branch].astype(np.int32),
        had_starts=had_starts,
        had=which[by_mentor].astype(np.int32),
        had_parts=index_parts[by_mentor].astype(np.int32),
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
