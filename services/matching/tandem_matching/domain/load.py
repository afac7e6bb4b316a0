"""Load: mentees spread over mentors, so that nobody is stretched while others have time."""

from dataclasses import replace

import numpy as np

from tandem_matching.domain.assignment import Assignment, assign
from tandem_matching.domain.encoded import FULL, Encoded, Features, Numbers, Table
from tandem_matching.domain.rules import LOAD


def assign_spread(encoded: Encoded, *, weight: int) -> Assignment:
    """The best assignment where a mentor's first mentee counts more than the second, and that more than the third.

    Of a mentor with n places the first counts in full, the second (n - 1) / n of it, and so on, with n the most places
    that anybody has. The rounds' totals and bounds hold these points, the assignment's points do not.
    """
    owners = np.repeat(np.arange(len(encoded.mentor_ids)), np.minimum(encoded.places, len(encoded.mentee_ids)))
    found = assign(_by_place(encoded, owners, weight), owners=owners)
    mentors = owners[found.mentors]
    return replace(found, mentors=mentors, points=encoded.points_of(found.mentees, mentors))


def _by_place(encoded: Encoded, owners: Numbers, weight: int) -> Encoded:
    """The pool in which every place of a mentor is a mentor of its own."""
    places = np.bincount(owners, minlength=len(encoded.mentor_ids))
    starts = np.cumsum(places) - places
    turn = np.arange(len(owners)) - starts[owners]
    most = int(places.max(initial=1))
    load = Table(
        LOAD,
        np.zeros(len(encoded.mentee_ids), np.int32),
        turn.astype(np.int32),
        {},
        (weight * FULL * np.arange(most, 0, -1) // most)[None, :].astype(np.int32),
        np.zeros((1, most), np.int32),
    )
    single_of, single = _copied(encoded.single_mentors.astype(np.int64), places, starts)
    counts = np.add.reduceat(np.append(places[encoded.single_mentors], 0), encoded.single_starts[:-1])
    counts[np.diff(encoded.single_starts) == 0] = 0
    return replace(
        encoded,
        mentor_ids=tuple(encoded.mentor_ids[owner] for owner in owners.tolist()),
        places=np.ones(len(owners), np.int64),
        tables=(*(replace(one, mentor_codes=one.mentor_codes[owners]) for one in encoded.tables), load),
        features=tuple(_features(one, places, starts) for one in encoded.features),
        single_starts=np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        single_mentors=single.astype(np.int32),
        single_violated=encoded.single_violated[single_of],
    )


def _features(feature: Features, places: Numbers, starts: Numbers) -> Features:
    which, mentors = _copied(feature.index_mentors.astype(np.int64), places, starts)
    before = np.concatenate(([0], np.cumsum(places[feature.index_mentors])))
    return replace(
        feature,
        index_starts=before[feature.index_starts].astype(np.int64),
        index_mentors=mentors.astype(np.int32),
        index_parts=feature.index_parts[which],
    )


def _copied(mentors: Numbers, places: Numbers, starts: Numbers) -> tuple[Numbers, Numbers]:
    """Each of these mentors as all their places: which of them each place is of, and the places."""
    counts = places[mentors]
    which = np.repeat(np.arange(len(mentors)), counts)
    turn = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
    return which, starts[mentors[which]] + turn
