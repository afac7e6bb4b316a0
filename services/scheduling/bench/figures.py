"""Figures: what was measured, whether it keeps to its bar, and both as lines and as a table."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What was measured; `held` is nothing where there is no bar."""

    what: str
    found: str
    bar: str = ""
    held: bool | None = None

    @property
    def verdict(self) -> str:
        """Whether the bar is kept to, in a word."""
        return {None: "", True: "within", False: "OVER"}[self.held]


@dataclass(slots=True)
class Figures:
    """Everything that was measured, printed as soon as it is known."""

    figures: list[Figure] = field(default_factory=list)
    platform: str = ""

    def say(self, words: str) -> None:
        """Say what it was measured on."""
        self.platform = f"{self.platform}\n{words}".strip()
        self._print(words)

    def add(self, what: str, found: str, *, bar: str = "", held: bool | None = None) -> None:
        """Keep a figure, and print it."""
        figure = Figure(what=what, found=found, bar=bar, held=held)
        self.figures.append(figure)
        self._print(f"{what:<64} {found}   {figure.verdict} {bar}".rstrip())

    def add_times(self, what: str, milliseconds: Sequence[float], limit: float | None = None) -> None:
        """Keep how long something took, at the middle and at the 99th percentile, which is to stay below the limit."""
        middle, high = percentile(milliseconds, 0.5), percentile(milliseconds, 0.99)
        found = f"p50 {middle:8.2f} ms   p99 {high:8.2f} ms"
        if limit is None:
            self.add(what, found)
        else:
            self.add(what, found, bar=f"p99 below {limit:.0f} ms", held=high < limit)

    @property
    def held(self) -> bool:
        """Whether every bar is kept to."""
        return all(figure.held is not False for figure in self.figures)

    def markdown(self) -> str:
        """Everything as a table for a page."""
        rows = [(one.what.strip(), " ".join(one.found.split()), one.bar, one.verdict) for one in self.figures]
        lines = [" | ".join(("", *row, "")).strip() for row in (("what", "measured", "bar", ""), ("---",) * 4, *rows)]
        return "\n".join((*(f"{line}  " for line in self.platform.splitlines()), "", *lines, ""))

    @staticmethod
    def _print(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def percentile(milliseconds: Sequence[float], share: float) -> float:
    """The value below which this share of the measurements lies."""
    ordered = sorted(milliseconds)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
