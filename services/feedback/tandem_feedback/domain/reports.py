"""Reports: numbers about groups of people, none of them small, and none to be found by subtraction.

The people of a program are cut into blocks: by group (a unit, say) and by how far they got. Every block is empty or has
at least `SMALLEST` people, and every number that is shown, of a group, a program or the whole enterprise, is a sum over
whole blocks. Whatever is added or subtracted, what comes out is made of whole blocks again: there is no smaller group.
`docs/reports-and-small-groups.md` explains it for readers of reports.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from tandem_feedback.domain.practices import PRACTICES

SMALLEST = 5
STEPS = ("invited", "applied", "enrolled", "matched", "met", "goal_set", "completed")
BANDS = ("thriving", "steady", "at_risk", "stalled")
OTHERS = "(others)"
UNKNOWN = "(unknown)"


def _zeros(number: int) -> tuple[int, ...]:
    return (0,) * number


@dataclass(frozen=True, slots=True)
class Numbers:
    """What is counted of some people; everything can be added.

    `furthest` counts people by the last step that they reached. `matched_days` sums, over `timed` people, the days from
    enrollment to the match. Everything from `pairs` on is about the relationships of the mentees among them. `bands`
    counts those in each band, and `practices` those in which each practice was seen, among the `observed` ones.
    """

    furthest: tuple[int, ...] = _zeros(len(STEPS))
    timed: int = 0
    matched_days: float = 0.0
    pairs: int = 0
    sessions: int = 0
    cadence: float = 0.0
    asked: int = 0
    answered: int = 0
    bands: tuple[int, ...] = _zeros(len(BANDS))
    observed: tuple[int, ...] = _zeros(len(PRACTICES))
    practices: tuple[int, ...] = _zeros(len(PRACTICES))

    def __add__(self, other: "Numbers") -> "Numbers":
        return added((self, other))

    def __sub__(self, other: "Numbers") -> "Numbers":
        """Only what counts people or relationships."""
        return Numbers(
            furthest=_less(self.furthest, other.furthest),
            timed=self.timed - other.timed,
            pairs=self.pairs - other.pairs,
            bands=_less(self.bands, other.bands),
            observed=_less(self.observed, other.observed),
            practices=_less(self.practices, other.practices),
        )

    @property
    def people(self) -> int:
        """How many people these are."""
        return sum(self.furthest)

    @property
    def funnel(self) -> tuple[int, ...]:
        """How many people reached each step, or a later one."""
        return tuple(sum(self.furthest[step:]) for step in range(len(STEPS)))

    @property
    def is_safe(self) -> bool:
        """Whether every group of people in here is empty or large enough."""
        return all(_is_safe(number) for number in (*self.furthest, self.timed, self.pairs))

    @property
    def has_safe_bands(self) -> bool:
        """Whether in each band there are none, or enough."""
        return all(map(_is_safe, self.bands))

    @property
    def safe_practices(self) -> tuple[bool, ...]:
        """For each practice, whether those in which it was seen, and those in which it was not, are none or enough."""
        return tuple(
            _is_safe(seen) and _is_safe(observed - seen)
            for seen, observed in zip(self.practices, self.observed, strict=True)
        )

    def telling(self, *, bands: bool, practices: Sequence[bool]) -> "Numbers":
        """The same, of bands and practices only what may be told."""
        return replace(
            self,
            bands=self.bands if bands else _zeros(len(self.bands)),
            observed=tuple(number if told else 0 for number, told in zip(self.observed, practices, strict=True)),
            practices=tuple(number if told else 0 for number, told in zip(self.practices, practices, strict=True)),
        )


def _less(mine: tuple[int, ...], yours: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(one - other for one, other in zip(mine, yours, strict=True))


def _is_safe(number: int) -> bool:
    """Less than none is what is left where the larger group tells nothing of it."""
    return number <= 0 or number >= SMALLEST


NOTHING = Numbers()


@dataclass(frozen=True, slots=True)
class Cell:
    """People of one program who share a group in every dimension, and their numbers."""

    groups: Mapping[str, str]
    numbers: Numbers


@dataclass(frozen=True, slots=True)
class Report:
    """Numbers that may be shown: of all, and of the groups of each dimension."""

    total: Numbers
    by: Mapping[str, Mapping[str, Numbers]] = field(default_factory=dict)
    programs: int = 1
    programs_too_small: int = 0


def added(numbers: Iterable[Numbers]) -> Numbers:
    """All of them together."""
    every = list(numbers)
    if not every:
        return Numbers()
    return Numbers(
        furthest=_columns(one.furthest for one in every),
        timed=sum(one.timed for one in every),
        matched_days=sum(one.matched_days for one in every),
        pairs=sum(one.pairs for one in every),
        sessions=sum(one.sessions for one in every),
        cadence=sum(one.cadence for one in every),
        asked=sum(one.asked for one in every),
        answered=sum(one.answered for one in every),
        bands=_columns(one.bands for one in every),
        observed=_columns(one.observed for one in every),
        practices=_columns(one.practices for one in every),
    )


def _columns(rows: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(map(sum, zip(*rows, strict=True)))


def report_of(cells: Sequence[Cell], dimensions: Sequence[str]) -> Report | None:
    """What may be shown of one program; nothing where it has fewer than five people.

    Where fewer than five people stopped at a step, they are counted with the step after it (at the last step: with the
    one before). Pairs, and times to a match, are left out where there are fewer than five. Bands, and each practice,
    are told by a dimension where no group of it has one to four relationships in a band, with the practice or without.
    """
    merged = _merging([cell.numbers for cell in cells])
    safe_cells = [Cell(cell.groups, merged(cell.numbers)) for cell in cells]
    total = added(cell.numbers for cell in safe_cells)
    if total.people < SMALLEST:
        return None
    by: dict[str, Mapping[str, Numbers]] = {}
    shown: list[_Group] = []
    told: list[_Group] = []
    for dimension in dimensions:
        groups = _groups(safe_cells, dimension)
        if not all((other.numbers - one.numbers).is_safe for one, other in _nested(groups, shown)):
            groups = [_Group(OTHERS, (1 << len(safe_cells)) - 1, total)]
        shown.extend(groups)
        telling = _telling(groups, told)
        told.extend(telling)
        by[dimension] = {group.name: group.numbers for group in telling}
    return Report(total.telling(bands=True, practices=total.safe_practices), by)


def _telling(groups: Sequence["_Group"], told: Sequence["_Group"]) -> list["_Group"]:
    """The groups of a dimension with what may be told of bands and practices, beside what was told by other ones."""
    parts = [group.numbers for group in groups]
    parts += [other.numbers - one.numbers for one, other in _nested(groups, told)]
    bands = all(part.has_safe_bands for part in parts)
    practices = [all(told) for told in zip(*(part.safe_practices for part in parts), strict=True)]
    return [replace(group, numbers=group.numbers.telling(bands=bands, practices=practices)) for group in groups]


def _nested(groups: Sequence["_Group"], told: Sequence["_Group"]) -> Iterator[tuple["_Group", "_Group"]]:
    """Each pair of groups of different dimensions of which the first lies within the second."""
    for one, other in product(groups, told):
        if one.cells & other.cells == one.cells:
            yield one, other
        elif one.cells & other.cells == other.cells:
            yield other, one


@dataclass(frozen=True, slots=True)
class _Group:
    """People that are shown together. `cells` has a bit for each cell they are in."""

    name: str
    cells: int
    numbers: Numbers


class _merging:  # noqa: N801 - reads as a verb where it is used
    """Counts the people of small steps with a neighbour, and drops what there is too little of, in every cell alike."""

    def __init__(self, numbers: Sequence[Numbers]) -> None:
        total = added(numbers)
        self._steps = merged_steps(total.furthest)
        self._bands = merged_steps(total.bands)
        self._timed = _is_safe(total.timed)
        self._pairs = _is_safe(total.pairs)

    def __call__(self, numbers: Numbers) -> Numbers:
        furthest = _moved(numbers.furthest, self._steps)
        timed = (numbers.timed, numbers.matched_days) if self._timed else (0, 0.0)
        if not self._pairs:
            return Numbers(furthest, *timed)
        bands = _moved(numbers.bands, self._bands)
        return Numbers(
            furthest,
            *timed,
            numbers.pairs,
            numbers.sessions,
            numbers.cadence,
            numbers.asked,
            numbers.answered,
            bands,
            numbers.observed,
            numbers.practices,
        )


def merged_steps(counts: Sequence[int]) -> tuple[int, ...]:
    """For each position, the one with which it is counted, so that each is empty or large enough.

    Where all together are too few, they are all counted at one.
    """
    goes_to = list(range(len(counts)))
    held = list(counts)
    for position in range(len(counts) - 1):
        if not _is_safe(held[position]):
            _move(goes_to, held, position, position + 1)
    for position in range(len(counts) - 1, 0, -1):
        if not _is_safe(held[position]):
            _move(goes_to, held, position, position - 1)
    return tuple(goes_to)


def _move(goes_to: list[int], held: list[int], source: int, target: int) -> None:
    held[target] += held[source]
    held[source] = 0
    for position, place in enumerate(goes_to):
        if place == source:
            goes_to[position] = target


def _moved(counts: Sequence[int], goes_to: Sequence[int]) -> tuple[int, ...]:
    result = [0] * len(counts)
    for position, count in enumerate(counts):
        result[goes_to[position]] += count
    return tuple(result)


def _groups(cells: Sequence[Cell], dimension: str) -> list[_Group]:
    """The groups of a dimension; those that are too small, and as many more as it takes, are told as others."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for position, cell in enumerate(cells):
        found[cell.groups[dimension]].append(position)
    groups = [
        _Group(name, sum(1 << at for at in places), added(cells[at].numbers for at in places))
        for name, places in found.items()
    ]
    # By size and name, so that the same people always give the same report.
    groups.sort(key=lambda group: (group.numbers.people, group.name))
    others = [group for group in groups if not group.numbers.is_safe]
    shown = [group for group in groups if group.numbers.is_safe]
    while shown and not added(group.numbers for group in others).is_safe:
        others.append(shown.pop(0))
    shown.sort(key=lambda group: group.name)
    if others:
        together = added(group.numbers for group in others)
        shown.append(_Group(OTHERS, sum(group.cells for group in others), together))
    return shown


def enterprise_report(reports: Iterable[Report | None], dimensions: Sequence[str]) -> Report:
    """What may be shown of all programs together: sums of what may be shown of each. Too small ones are left out."""
    every = list(reports)
    shown = [report for report in every if report is not None]
    by: dict[str, dict[str, Numbers]] = {}
    for dimension in dimensions:
        found: defaultdict[str, list[Numbers]] = defaultdict(list)
        for report in shown:
            for group, numbers in report.by[dimension].items():
                found[group].append(numbers)
        by[dimension] = {group: added(numbers) for group, numbers in sorted(found.items())}
    total = added(report.total for report in shown)
    return Report(total, by, programs=len(shown), programs_too_small=len(every) - len(shown))
