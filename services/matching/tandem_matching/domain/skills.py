"""Skills: when one that is offered serves for one that is wanted."""

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache

import numpy as np
from scipy.sparse import csr_array

from tandem_matching.domain.encoded import FULL

AT_ONCE = 200
"""So many wanted skills are compared with all offered ones at a time, which bounds the memory."""
SIGNS = "+#"
"""C, C++ and C# are three."""


def plain(word: str) -> str:
    """How words are compared: case and spaces at the ends tell nothing apart."""
    return word.strip().casefold()


def likeness(wanted: str, offered: str) -> int:
    """How alike two skills are as they are written, 0 to `FULL`.

    By their groups of three letters, word by word and whatever the words' order: those that both have, of all that
    either has (the similarity of PostgreSQL's pg_trgm).
    """
    one, other = _trigrams(plain(wanted)), _trigrams(plain(offered))
    shared = len(one & other)
    return FULL * shared // (len(one) + len(other) - shared) if shared else 0


def serving(wanted: Collection[str], offered: Collection[str], *, alike: float | None) -> dict[str, dict[str, int]]:
    """For each skill that is offered, the wanted ones that it serves for, and how alike the two are, up to `FULL`.

    Skills are given as `plain` gives them. `alike` is how alike they must be, 0 to 1; None: they must be the same.
    """
    served = {one: {one: FULL} for one in set(offered) & set(wanted)}
    if alike is None:
        return served
    ours, theirs = sorted(set(wanted)), sorted(set(offered))
    codes: dict[str, int] = {}
    for skill in (*ours, *theirs):
        for trigram in sorted(_trigrams(skill)):
            codes.setdefault(trigram, len(codes))
    columns = _incidence(theirs, codes)
    transposed = columns.T.tocsr()
    of_theirs = np.diff(columns.indptr)
    for begin in range(0, len(ours), AT_ONCE):
        rows = _incidence(ours[begin : begin + AT_ONCE], codes)
        shared = (rows @ transposed).tocoo()
        row, column = shared.coords
        alikeness = FULL * shared.data // (np.diff(rows.indptr)[row] + of_theirs[column] - shared.data)
        for place in np.flatnonzero(alikeness >= round(FULL * alike)).tolist():
            served.setdefault(theirs[column[place]], {}).setdefault(ours[begin + row[place]], int(alikeness[place]))
    return served


def part_met(level: int, offered: int, alike: int) -> int:
    """Which part of a skill wanted at a level one that is so alike and offered at another level meets, 0 to `FULL`."""
    return FULL * min(offered, level) // level * alike // FULL


def _incidence(skills: Sequence[str], codes: Mapping[str, int]) -> csr_array:
    """Which trigrams each of these skills has."""
    columns = [[codes[trigram] for trigram in sorted(_trigrams(one))] for one in skills]
    indices = np.array([code for one in columns for code in one], np.int32)
    starts = np.cumsum([0, *map(len, columns)], dtype=np.int32)
    return csr_array((np.ones(len(indices), np.int64), indices, starts), shape=(len(skills), max(1, len(codes))))


@lru_cache(maxsize=50_000)
def _trigrams(skill: str) -> frozenset[str]:
    words = "".join(letter if letter.isalnum() or letter in SIGNS else " " for letter in skill).split()
    padded = [f"  {word} " for word in words]
    return frozenset(word[place : place + 3] for word in padded for place in range(len(word) - 2))
