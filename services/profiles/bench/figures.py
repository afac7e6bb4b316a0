"""Figures: what a benchmark found and whether it keeps to its bar, as lines while it runs and as a table for a page."""

import argparse
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.machine import describe_machine


@dataclass(slots=True)
class Figures:
    """Each figure is printed as soon as it is known; `held` is whether all kept to their bars."""

    rows: list[tuple[str, str, str, str]] = field(default_factory=list)
    held: bool = True

    def add(self, what: str, found: str, *, bar: str = "", held: bool = True) -> None:
        """Keep a figure, and print it. Without a bar nothing is held against it."""
        verdict = ("within" if held else "OVER") if bar else ""
        self.rows.append((what, found, bar, verdict))
        self.held = self.held and held
        sys.stdout.write(f"{what:<52} {found}   {verdict} {bar}".rstrip() + "\n")
        sys.stdout.flush()

    def markdown(self) -> str:
        """Everything as a table, under the day and the machine."""
        rows = [("what", "measured", "bar", ""), ("---",) * 4, *self.rows]
        table = [" | ".join(("", *row, "")).strip() for row in rows]
        return "\n".join((f"{datetime.now(UTC):%Y-%m-%d}, {describe_machine()}", "", *table, ""))


def options(what: str | None) -> argparse.ArgumentParser:
    """What every benchmark here takes on its command line."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--markdown", type=Path, help="where the figures are written as a table")
    return parser


def finish(figures: Figures, markdown: Path | None) -> None:
    """Write the table where one is wanted, and leave: with 1 where a bar was missed."""
    if markdown is not None:
        markdown.write_text(figures.markdown())
    sys.exit(0 if figures.held else 1)
