"""Pins: pairs that a manager wants whatever the rules say, taken out of the pool before the rest is matched."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID

import numpy as np

from tandem_chassis.errors import Fault
from tandem_matching.domain.assignment import without
from tandem_matching.domain.encoded import Encoded, Numbers
from tandem_matching.domain.people import Pool
from tandem_matching.domain.refusals import PinsContradict
from tandem_matching.domain.rules import Rule

Pair = tuple[UUID, UUID]


def check_wishes(pinned: Iterable[Pair], forbidden: Iterable[Pair], *, either_order: bool = False) -> None:
    """Raises `PinsContradict` for what can be told from the pairs (mentor, mentee) alone.

    `either_order`: a pair of peers is the same whoever is named first.
    """
    wanted, unwanted = set(pinned), set(forbidden)
    if either_order:
        unwanted |= {pair[::-1] for pair in unwanted}
    faults = [Fault(reason="is pinned and forbidden at once", field=_named(pair)) for pair in sorted(wanted & unwanted)]
    faults += [
        Fault(reason="nobody can mentor themselves", field=_named(pair))
        for pair in sorted(wanted)
        if pair[0] == pair[1]
    ]
    _refuse(faults)


def pin_peers(pool: Pool, encoded: Encoded) -> tuple[Numbers, Numbers, Encoded]:
    """The pinned pairs of peers as indices, and the pool that is left.

    Raises:
        PinsContradict: somebody is not in the pool, or would get more peers than wanted; or two people are paired
            already, or one of them wants never to be paired with the other.
    """
    index = {person: place for place, person in enumerate(encoded.mentee_ids)}
    pairs = sorted({(min(pair), max(pair)) for pair in pool.pinned_pairs})
    known = [pair for pair in pairs if pair[0] in index and pair[1] in index and pair[0] != pair[1]]
    faults = [
        Fault(reason="one of the two takes no part in this program, or has all the peers they want", field=_named(pair))
        for pair in pairs
        if pair not in known
    ]
    faults += [
        Fault(reason="the two are paired already", field=_named(pair))
        for pair in known
        if pair in pool.current_pairs or pair[::-1] in pool.current_pairs
    ]
    faults += [
        Fault(reason="these two cannot be paired", field=_named(pair))
        for pair in known
        if _excluded(encoded, index[pair[0]], index[pair[1]]) or _excluded(encoded, index[pair[1]], index[pair[0]])
    ]
    for person, number in sorted(Counter(person for pair in known for person in pair).items()):
        wanted = int(encoded.wanted[index[person]])
        if number > wanted:
            faults.append(Fault(reason=f"is pinned to {number} peers and wants {wanted}", field=str(person)))
    _refuse(faults)
    first = np.array([index[one] for one, _ in known], np.int64)
    second = np.array([index[other] for _, other in known], np.int64)
    wishes = encoded.wanted.copy()
    np.subtract.at(wishes, first, 1)
    np.subtract.at(wishes, second, 1)
    rest = replace(encoded, wanted=wishes)
    return first, second, without(rest, first, second) if len(first) else rest


@dataclass(frozen=True, slots=True)
class Pinned:
    """The pinned pairs as indices, and the pool that is left."""

    mentees: Numbers
    mentors: Numbers
    rest: Encoded


def pin(pool: Pool, encoded: Encoded) -> Pinned:
    """Take the pinned pairs, with their places, out of the encoded pool.

    Raises:
        PinsContradict: somebody is not in the pool, a mentor would get more mentees than places, a mentee more mentors
            than wanted, or two people are paired already.
    """
    mentors = {person: index for index, person in enumerate(encoded.mentor_ids)}
    mentees = {person: index for index, person in enumerate(encoded.mentee_ids)}
    pairs = sorted(pool.pinned_pairs)
    faults = [
        Fault(reason="the mentor has no free place in this program", field=_named(pair))
        for pair in pairs
        if pair[0] not in mentors
    ]
    faults += [
        Fault(reason="the mentee wants no mentor in this program", field=_named(pair))
        for pair in pairs
        if pair[1] not in mentees
    ]
    faults += [
        Fault(reason="the two are paired already", field=_named(pair)) for pair in pairs if pair in pool.current_pairs
    ]
    # A manager may overrule a program's rules, but not what people have a right to; who of the two it was is not told.
    faults += [
        Fault(reason="these two cannot be paired", field=_named(pair))
        for pair in pairs
        if pair[0] in mentors and pair[1] in mentees and _excluded(encoded, mentees[pair[1]], mentors[pair[0]])
    ]
    of_mentors, of_mentees = Counter(pair[0] for pair in pairs), Counter(pair[1] for pair in pairs)
    for person, number in sorted(of_mentors.items()):
        if person in mentors and number > encoded.places[mentors[person]]:
            free = int(encoded.places[mentors[person]])
            faults.append(Fault(reason=f"is pinned to {number} mentees and has {free} free places", field=str(person)))
    for person, number in sorted(of_mentees.items()):
        if person in mentees and number > encoded.wanted[mentees[person]]:
            wanted = int(encoded.wanted[mentees[person]])
            faults.append(Fault(reason=f"is pinned to {number} mentors and wants {wanted}", field=str(person)))
    _refuse(faults)
    rows = np.array([mentees[pair[1]] for pair in pairs], np.int64)
    columns = np.array([mentors[pair[0]] for pair in pairs], np.int64)
    places, wishes = encoded.places.copy(), encoded.wanted.copy()
    np.subtract.at(places, columns, 1)
    np.subtract.at(wishes, rows, 1)
    rest = without(replace(encoded, places=places, wanted=wishes), rows, columns) if pairs else encoded
    return Pinned(rows, columns, rest)


def _excluded(encoded: Encoded, mentee: int, mentor: int) -> bool:
    """Whether one of the two is never to be paired with the other."""
    span = slice(encoded.single_starts[mentee], encoded.single_starts[mentee + 1])
    broken = encoded.single_violated[span][encoded.single_mentors[span] == mentor]
    return bool((broken & int(Rule.EXCLUDED)).any())


def _named(pair: Pair) -> str:
    return f"{pair[0]} and {pair[1]}"


def _refuse(faults: list[Fault]) -> None:
    if faults:
        raise PinsContradict(
            "The pinned and forbidden pairs cannot be had like this: "
            + "; ".join(f"{fault.field}: {fault.reason}" for fault in faults[:5])
            + ".",
            faults=faults,
        )
