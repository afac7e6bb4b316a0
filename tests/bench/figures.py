"""Figures: what a bench measured and whether it keeps to its bar, printed as soon as it is known, kept on a page."""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.machine import describe_machine

VERDICTS = {None: "", True: "held", False: "MISSED"}


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured; `held` is nothing where there is no bar."""

    what: str
    found: str
    bar: str
    held: bool | None


@dataclass(slots=True)
class Figures:
    """Everything that a bench measured, in order."""

    section: str
    """The heading under which they stand on a page."""
    quiet: bool = False
    figures: list[Figure] = field(default_factory=list)
    circumstances: list[str] = field(default_factory=list)

    def say(self, words: str) -> None:
        """Keep what it was measured on, beside the day and the machine."""
        self.circumstances.append(words)
        self._print(words)

    def add(self, what: str, found: str, *, bar: str = "", held: bool | None = None) -> None:
        """Keep a figure."""
        one = Figure(what, found, bar, held)
        self.figures.append(one)
        self._print(f"{what:<60} {found}   {VERDICTS[held]} {bar}".rstrip())

    def add_times(self, what: str, milliseconds: Sequence[float], *, limit: float | None = None) -> None:
        """Keep how long something took, at the middle and at the 99th percentile, which is to stay below the limit."""
        middle, high = percentile(milliseconds, 0.5), percentile(milliseconds, 0.99)
        found = f"median {middle:.1f} ms, 99th percentile {high:.1f} ms, {len(milliseconds):,} times"
        if limit is None:
            self.add(what, found)
        else:
            self.add(what, found, bar=f"99th percentile below {limit:.0f} ms", held=high < limit)

    @property
    def held(self) -> bool:
        """Whether every bar is kept to."""
        return all(one.held is not False for one in self.figures)

    def markdown(self) -> str:
        """Everything as a table, under the day and the machine."""
        rows = [(one.what, one.found, one.bar, VERDICTS[one.held]) for one in self.figures]
        table = [" | ".join(("", *row, "")).strip() for row in (("what", "measured", "bar", ""), ("---",) * 4, *rows)]
        return "\n".join(("; ".join((_circumstances(), *self.circumstances)) + ".", "", *table, ""))

    def _print(self, line: str) -> None:
        if not self.quiet:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


def _circumstances() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}, {describe_machine()}"


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def options(what: str | None) -> argparse.ArgumentParser:
    """What every bench takes on its command line."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--page", type=Path, help="write them into this page too, in place of those of the last run")
    parser.add_argument("--json", action="store_true", help="print one document instead of lines")
    return parser


def finish(figures: Figures, given: argparse.Namespace) -> None:
    """Write the figures where they are wanted, and leave: with 1 where a bar was missed."""
    if given.json:
        document = {"on": _circumstances(), "figures": [asdict(one) for one in figures.figures]}
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    if given.page is not None:
        write_section(given.page, figures.section, figures.markdown())
    sys.exit(0 if figures.held else 1)


def write_section(page: Path, section: str, text: str) -> None:
    """Put a text under a heading of a page, in place of what is there, or at the end where there is no such heading."""
    before = page.read_text()
    heading = f"## {section}\n"
    whole = f"{heading}\n{text.strip()}\n"
    if heading not in before:
        page.write_text(f"{before.rstrip()}\n\n{whole}")
        return
    page.write_text(
        re.sub(rf"(?ms)^{re.escape(heading)}.*?(?=^## |\Z)", lambda _: f"{whole}\n", before).rstrip() + "\n"
    )
