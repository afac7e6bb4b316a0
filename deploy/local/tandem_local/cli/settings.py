"""`tandem settings`: everything that can be set, from the services' own declarations."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from tandem_local.cli.endings import ExitCode


def settings(
    write: Annotated[
        Path | None, typer.Option("--write", help="Write the page into this file.", dir_okay=False)
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit code 1 if the file is not as it would be written.")
    ] = False,
) -> None:
    """Print every setting of the services with its default, what is allowed, and its meaning; in Markdown."""
    from tandem_local.addresses import SERVICES
    from tandem_local.settings_page import page

    made = page(SERVICES)
    if write is None:
        print(made, end="")
        return
    if write.exists() and write.read_text(encoding="utf-8") == made:
        return
    if check:
        print(f"{write} is stale; run make generate.", file=sys.stderr)
        raise typer.Exit(ExitCode.IMPOSSIBLE)
    write.write_text(made, encoding="utf-8")
    print(f"{write} written.")
