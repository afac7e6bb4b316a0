"""Matching without a program: `python -m tandem_matching preflib rankings.soi --places places.csv`."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from tandem_matching.rankings import FilesUnreadable, match_files

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]


@app.callback()
def begin() -> None:
    """Match by rankings in files."""


@app.command()
def preflib(
    rankings: File,
    places: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="Lines 'alternative, places'.")],
    other_side: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="The alternatives' rankings of the voters.")
    ] = None,
) -> None:
    """Print who gets what, as JSON. With rankings of both sides the match is stable and best for the voters."""
    try:
        answer = match_files(rankings, places, other_side)
    except FilesUnreadable as unreadable:
        sys.stderr.write(f"{unreadable}\n")
        raise typer.Exit(65) from unreadable
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    app()
