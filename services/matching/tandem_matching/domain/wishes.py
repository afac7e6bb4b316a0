"""Wishes: what people ask of the other side, as must or as nice to have, compared trait by trait."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tandem_matching.domain.people import Traits, Wish

Codes = npt.NDArray[np.int32]

Value = Hashable
"""What a trait is compared by; None where it is not known, and then no wish is broken or met."""


@dataclass(frozen=True, slots=True)
class WishTable:
    """The wishes of one side about one trait of the other: which part of all their nice ones is met, which musts not.

    The codes number the wishing side's wishes and the other side's values.
    """

    attribute: str
    wishing_codes: Codes
    wished_codes: Codes
    met: Codes
    broken: npt.NDArray[np.bool_]


def spoken(traits: Traits) -> frozenset[str]:
    """The languages of a person, without regions: who speaks en-GB speaks with who speaks en-US."""
    return frozenset(tag.split("-")[0].lower() for tag in traits.languages)


def _word(value: str | None) -> str | None:
    return value.strip().casefold() if value else None


_VALUES: dict[str, Callable[[Traits], Value]] = {
    "unit": lambda one: _word(one.unit),
    "profession": lambda one: _word(one.profession),
    "location": lambda one: _word(one.location),
    "time_zone": lambda one: _word(one.time_zone),
    "languages": lambda one: spoken(one) or None,
    "level": lambda one: None if one.level is None else (one.level, _word(one.level_name)),
}


def wish_tables(wishing: Sequence[Traits], wished: Sequence[Traits], *, full: int) -> list[WishTable]:
    """A table for each trait that somebody wishes something about. A person's nice wishes count `full` together."""
    tables = []
    nice = [sum(not wish.must for wish in one.wishes if wish.attribute in _VALUES) for one in wishing]
    for attribute, value_of in _VALUES.items():
        kinds: dict[Any, int] = {(None, (), 0): 0}
        codes = np.zeros(len(wishing), np.int32)
        for row, one in enumerate(wishing):
            own = tuple(wish for wish in one.wishes if wish.attribute == attribute)
            if own:
                codes[row] = kinds.setdefault((value_of(one), own, nice[row]), len(kinds))
        if len(kinds) == 1:
            continue
        values: dict[Value, int] = {}
        other = np.array([values.setdefault(value_of(one), len(values)) for one in wished], np.int32)
        met = np.zeros((len(kinds), max(1, len(values))), np.int32)
        broken = np.zeros(met.shape, np.bool_)
        for (mine, wishes, number), row in kinds.items():
            for value, column in values.items():
                if value is None:
                    continue
                fits = [(wish, _fits(wish, mine, value)) for wish in wishes]
                met[row, column] = sum(full // number for wish, fit in fits if fit and not wish.must)
                broken[row, column] = any(fit is False and wish.must for wish, fit in fits)
        tables.append(WishTable(attribute, codes, other, met, broken))
    return tables


def _fits(wish: Wish, mine: Any, value: Any) -> bool | None:
    """Whether somebody with this value is what is wished; None where that cannot be told."""
    if wish.wish in ("is", "is_not"):
        named = _word(wish.value)
        if named is None:
            return None
        if isinstance(value, frozenset):
            found = named.split("-")[0] in value
        elif isinstance(value, tuple):
            found = named in (str(value[0]), value[1])
        else:
            found = named == value
        return found if wish.wish == "is" else not found
    if mine is None:
        return None
    if wish.wish == "higher":
        return bool(value[0] > mine[0]) if isinstance(value, tuple) else None
    if isinstance(value, frozenset):
        same = bool(value & mine)
    elif isinstance(value, tuple):
        same = value[0] == mine[0]
    else:
        same = value == mine
    return same if wish.wish == "same" else not same


def wishes_met(one: Traits, other: Traits) -> tuple[int, int]:
    """How many of somebody's wishes, must or nice, another person meets, of how many that can be told."""
    told: Counter[bool] = Counter()
    for wish in one.wishes:
        value_of = _VALUES.get(wish.attribute)
        value = value_of(other) if value_of else None
        if value_of and value is not None:
            fits = _fits(wish, value_of(one), value)
            if fits is not None:
                told[fits] += 1
    return told[True], told.total()
