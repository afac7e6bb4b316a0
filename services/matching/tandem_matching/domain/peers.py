"""Peers: pairs within one pool, where everybody may be paired with everybody; as many as possible, the best, proven."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tandem_matching.domain.assignment import DENSE_CELLS, FREE, Round, best_round
from tandem_matching.domain.blossoms import Blossoms
from tandem_matching.domain.encoded import Codes, Encoded, Features, Numbers, Table
from tandem_matching.domain.rules import Rule

NEAR = 16
"""So many possible peers are kept for everybody at first: those that cost least at the prices."""


@dataclass(frozen=True, slots=True)
class PeerRound:
    """One round's proof: twice the worth of its pairs, and twice what no other pairs can exceed."""

    pairs: int
    total: int
    bound: int


@dataclass(frozen=True, slots=True)
class PeerAssignment:
    """Who is paired with whom, as indices into the pool, the smaller one first."""

    first: Numbers
    second: Numbers
    points: Numbers
    """What each pair is worth to the two together."""
    rounds: tuple[PeerRound, ...]


def assign_peers(encoded: Encoded, *, dense_cells: int = DENSE_CELLS) -> PeerAssignment:
    """The best pairs: as many as possible, those first in line before others, then the most points of both together.

    Both sides of the pool are the same people in the same order. Who wants several peers gets the second one when
    everybody had the chance of a first; each round is the best there is after the rounds before. Whom one round leaves
    alone the next one looks at again: others may have room for one more then.
    """
    pool = symmetric(encoded)
    wanted = encoded.wanted.copy()
    first, second, rounds = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], []
    while (wanted > 0).sum() > 1:
        here = wanted > 0
        mates, proof = _round(pool, here, dense_cells)
        one = np.flatnonzero((mates != FREE) & (mates > np.arange(len(mates))))
        other = mates[one]
        rounds.append(proof)
        if not len(one):
            break
        first.append(one)
        second.append(other)
        wanted[one] -= 1
        wanted[other] -= 1
        if (wanted > 0).sum() > 1:
            pool = _parted(pool, one, other)
    ours, theirs = np.concatenate(first), np.concatenate(second)
    return PeerAssignment(ours, theirs, symmetric(encoded, line=False).points_of(ours, theirs), tuple(rounds))


def symmetric(encoded: Encoded, *, scale: int = 1, line: bool = True) -> Encoded:
    """The pool in which a pair's points are both people's together, and a rule that either breaks forbids it.

    `scale` multiplies all points. `line`: whoever is first in line adds more than all points of all pairs.
    """
    people = np.arange(len(encoded.mentee_ids))
    tables = [
        Table(
            one.trait,
            one.mentee_codes,
            one.mentor_codes,
            {},
            scale * (one.points + one.points.T),
            one.violated | one.violated.T,
        )
        for one in encoded.tables
        if (one.mentee_codes == one.mentor_codes).all()
    ]
    for one in encoded.tables:
        if (one.mentee_codes != one.mentor_codes).any():
            tables.append(replace(one, values={}, points=scale * one.points))
            tables.append(
                Table(one.trait, one.mentor_codes, one.mentee_codes, {}, scale * one.points.T, one.violated.T)
            )
    features = [
        turned(feature, scale=scale)
        for feature in encoded.features
        for turned in (_straight, _turned)
        if len(feature.wanted)
    ]
    if line and encoded.first_in_line.any():
        most = sum(int(table.points.max(initial=0)) for table in tables) + sum(one.most() for one in features)
        beyond = (most + 1) * (len(people) // 2 + 1)
        beyond += beyond % 2  # halves of doubled points stay whole
        codes = encoded.first_in_line.astype(np.int32)
        points: Any = beyond * np.array([[0, 1], [1, 2]], np.int64)
        tables.append(Table("first_in_line", codes, codes, {}, points, np.zeros((2, 2), np.int32)))
    owners = np.repeat(people, np.diff(encoded.single_starts))
    rows = np.concatenate((owners, encoded.single_mentors, people))
    columns = np.concatenate((encoded.single_mentors, owners, people))
    broken = np.concatenate(
        (encoded.single_violated, encoded.single_violated, np.full(len(people), int(Rule.SAME_PERSON), np.int32))
    )
    return _with_singles(
        replace(
            encoded,
            places=np.minimum(encoded.wanted, 1),
            first_in_line=np.zeros(len(people), np.bool_),
            tables=tuple(tables),
            features=tuple(features),
        ),
        rows,
        columns,
        broken,
    )


def _with_singles(encoded: Encoded, rows: Any, columns: Any, broken: Any) -> Encoded:
    """The pool in which just these single pairs are forbidden; a pair that comes twice breaks all it is named with."""
    key = rows.astype(np.int64) * len(encoded.mentor_ids) + columns
    pairs, inverse = np.unique(key, return_inverse=True)
    together = np.zeros(len(pairs), np.int32)
    np.bitwise_or.at(together, inverse, broken.astype(np.int32))
    counts = np.bincount(pairs // len(encoded.mentor_ids), minlength=len(encoded.mentee_ids))
    return replace(
        encoded,
        single_starts=np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        single_mentors=(pairs % len(encoded.mentor_ids)).astype(np.int32),
        single_violated=together,
    )


def _parted(pool: Encoded, first: Numbers, second: Numbers) -> Encoded:
    """The pool in which these pairs are not made again."""
    owners = np.repeat(np.arange(len(pool.mentee_ids)), np.diff(pool.single_starts))
    again = np.full(2 * len(first), int(Rule.CURRENT_PAIR), np.int32)
    return _with_singles(
        pool,
        np.concatenate((owners, first, second)),
        np.concatenate((pool.single_mentors, second, first)),
        np.concatenate((pool.single_violated, again)),
    )


def _straight(feature: Features, *, scale: int) -> Features:
    """The feature with its points rounded as they are, whatever they are multiplied with."""
    shares = feature.shares()[np.repeat(np.arange(len(feature.wanted_starts) - 1), np.diff(feature.wanted_starts))]
    kinds, wanted = np.unique(feature.wanted.astype(np.int64) * (shares.max() + 1) + shares, return_inverse=True)
    codes, shared = kinds // (shares.max() + 1), kinds % (shares.max() + 1)
    which, position = _spans(feature.index_starts, codes)
    return Features(
        feature.criterion,
        scale,
        feature.wanted_starts,
        wanted.astype(np.int32),
        np.concatenate(([0], np.cumsum(np.diff(feature.index_starts)[codes]))).astype(np.int64),
        feature.index_mentors[position],
        (feature.weight * feature.index_parts[position].astype(np.int64) // shared[which]).astype(np.int32),
        divided=False,
    )


def _turned(feature: Features, *, scale: int) -> Features:
    """The feature seen from the other side: what somebody has, wanted by others."""
    people = len(feature.wanted_starts) - 1
    codes = np.repeat(np.arange(len(feature.index_starts) - 1), np.diff(feature.index_starts))
    step = int(feature.index_parts.max(initial=0)) + 1
    kinds, has = np.unique(codes * step + feature.index_parts, return_inverse=True)
    order = np.argsort(feature.index_mentors, kind="stable")
    wanters = np.argsort(feature.wanted, kind="stable")
    owners = np.repeat(np.arange(people), np.diff(feature.wanted_starts))[wanters]
    starts = np.searchsorted(feature.wanted[wanters], np.arange(len(feature.index_starts))).astype(np.int64)
    which, position = _spans(starts, kinds // step)
    parts = (kinds % step)[which] * feature.weight // feature.shares()[owners[position]]
    return Features(
        feature.criterion,
        scale,
        np.concatenate(([0], np.cumsum(np.bincount(feature.index_mentors, minlength=people)))).astype(np.int64),
        has[order].astype(np.int32),
        np.concatenate(([0], np.cumsum(np.diff(starts)[kinds // step]))).astype(np.int64),
        owners[position].astype(np.int32),
        parts.astype(np.int32),
        divided=False,
    )


def _spans(starts: Numbers, chosen: Numbers) -> tuple[Numbers, Numbers]:
    """For the spans chosen one after the other: which of them each element is of, and where it is."""
    lengths = np.diff(starts)[chosen]
    which = np.repeat(np.arange(len(chosen)), lengths)
    position = np.arange(len(which)) - np.repeat(np.cumsum(lengths) - lengths, lengths) + starts[chosen][which]
    return which, position


class _Doubled:
    """The pairs that matter at given prices, in doubled points: from the matrix of all, or by the engine's scan."""

    def __init__(self, pool: Encoded, stake: int, here: npt.NDArray[np.bool_], *, dense: bool) -> None:
        self._stake, self._here = 2 * stake, here
        self._worth: Numbers | None = None
        self._scan: Any = None
        if dense:
            points, violated = pool.dense()
            allowed = (violated == 0) & here[:, None] & here[None, :]
            self._worth = np.where(allowed, 2 * (points + stake), -(2**62))
        else:
            from tandem_matching.domain.engine.arranging import arrange

            self._scan = arrange(_twice(pool))

    def near(self, prices: Numbers, *, limit: int, beyond: bool) -> tuple[Numbers, Numbers, Numbers]:
        """Pairs and twice their worth: for everybody the `limit` that cost least; `beyond`: worth more than prices."""
        if self._worth is not None:
            slack = np.where(self._worth > 0, prices[:, None] + prices[None, :] - self._worth, 2**62)
            limit = min(limit, len(prices))
            columns = np.argpartition(slack, limit - 1, axis=1)[:, :limit]
            rows = np.broadcast_to(np.arange(len(prices))[:, None], columns.shape)
            kept = slack[rows, columns] < (0 if beyond else 2**61)
            return rows[kept], columns[kept], self._worth[rows[kept], columns[kept]]
        people = self._scan.by_class[self._here[self._scan.by_class]]
        floors = prices - self._stake if beyond else np.full(len(prices), -(2**60))
        found = self._scan.best(prices, floors, limit=limit, open_mentors=self._here, only=people)
        return found.owners(), found.mentors.astype(np.int64), found.points + self._stake


def _twice(pool: Encoded) -> Encoded:
    return replace(
        pool,
        tables=tuple(replace(one, points=2 * one.points) for one in pool.tables),
        features=tuple(replace(one, weight=2 * one.weight) for one in pool.features),
    )


def _round(pool: Encoded, here: npt.NDArray[np.bool_], dense_cells: int) -> tuple[Numbers, PeerRound]:
    """Everybody's mate, or `FREE`."""
    # Everybody chooses and is chosen, as if the two had nothing to do with each other: the prices of this match are
    # right for pairs too, and only odd rings of choices have to be untied.
    rings: Round = best_round(pool, here, here.astype(np.int64), dense_cells=dense_cells)
    prices = rings.gains + rings.prices
    stake = int(rings.stake.max())
    doubled = _Doubled(pool, stake, here, dense=int(here.sum()) ** 2 <= dense_cells)
    known: dict[tuple[int, int], int] = {}
    begin = _untied(rings.match)
    chosen = np.flatnonzero(rings.match != FREE)
    _know(known, chosen, rings.match[chosen].astype(np.int64), _worth_of(pool, stake, chosen, rings.match[chosen]))
    _know(known, *doubled.near(prices, limit=NEAR, beyond=False))
    while True:
        edges: list[list[tuple[int, int]]] = [[] for _ in prices]
        for (one, other), worth in known.items():
            edges[one].append((other, worth))
            edges[other].append((one, worth))
        blossoms = Blossoms(edges, prices.tolist(), begin)
        blossoms.finish()
        before = len(known)
        # Pairs outside that are worth more than the two prices could improve the match, unless a blossom pays for it.
        _know(known, *doubled.near(np.array(blossoms.prices(), np.int64), limit=NEAR, beyond=True))
        if len(known) == before:
            break
    mates = np.array(blossoms.mates, np.int64)
    paired = np.flatnonzero(mates > np.arange(len(mates)))
    total = sum(known[pair] for pair in zip(paired.tolist(), mates[paired].tolist(), strict=True))
    return mates, PeerRound(len(paired), total, blossoms.bound())


def _worth_of(pool: Encoded, stake: int, first: Numbers, second: Codes) -> Numbers:
    return 2 * (pool.points_of(first, second.astype(np.int64)) + stake)


def _know(known: dict[tuple[int, int], int], first: Numbers, second: Numbers, worth: Numbers) -> None:
    pairs = zip(np.minimum(first, second).tolist(), np.maximum(first, second).tolist(), worth.tolist(), strict=True)
    known.update({(one, other): value for one, other, value in pairs})


def _untied(match: Sequence[int] | Codes) -> list[int]:
    """Mates from choices: a chain or ring of choices is cut into pairs; of an odd one, somebody is left alone."""
    follows = [int(one) for one in match]
    mates = [FREE] * len(follows)
    chosen = set(follows)
    seen: set[int] = set()
    for begin in (*(one for one in range(len(follows)) if one not in chosen), *range(len(follows))):
        ring: list[int] = []
        one = begin
        while one != FREE and one not in seen:
            seen.add(one)
            ring.append(one)
            one = follows[one]
        for first, second in zip(ring[::2], ring[1::2], strict=False):
            mates[first], mates[second] = second, first
    return mates
