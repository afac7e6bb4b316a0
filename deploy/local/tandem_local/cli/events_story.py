"""`tandem events story`: everything that happened to one relationship, over all services."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from tandem_local.cli.endings import KINDS, ExitCode, said_in_words
from tandem_local.cli.options import AsJson
from tandem_local.cli.programs import connected

if TYPE_CHECKING:
    from tandem_local.chronicle import Chronicle, Happening

DEEPEST_SHOWN = 6


def story(
    pairing: Annotated[UUID, typer.Argument(metavar="PAIRING_ID", help="The relationship.")],
    as_json: AsJson = False,
) -> None:
    """Tell what happened to a relationship in all services, causes before effects.

    Where a service is away, the rest is told and stderr says what is missing; exit code 6 then, 5 where one refused.
    """
    with said_in_words(as_json=as_json):
        from tandem_local import chronicle
        from tandem_local.addresses import SERVICES

        with connected() as api:
            told = chronicle.gather(
                lambda service, **narrowed: api.pages(service, "/operations/archive", **narrowed),
                str(pairing),
                SERVICES,
            )
        if as_json:
            print(json.dumps(_document(pairing, told)))
        else:
            _show(pairing, told)
        for away in told.missing.values():
            print(f"The story is not complete: {away}", file=sys.stderr)
        if told.missing:
            codes = {next(code for kind, code in KINDS if isinstance(away, kind)) for away in told.missing.values()}
            raise typer.Exit(max(codes))
        if not told.happenings:
            print(f"No service has said anything of {pairing}.", file=sys.stderr)
            raise typer.Exit(ExitCode.IMPOSSIBLE)


def _document(pairing: UUID, told: "Chronicle") -> dict[str, Any]:
    from tandem_local.chronicle import words

    return {
        "pairing_id": str(pairing),
        "complete": not told.missing,
        "missing": [{"service": service, "reason": str(away)} for service, away in told.missing.items()],
        "happenings": [
            {
                "id": one.id,
                "type": one.type,
                "service": one.service,
                "time": one.time.isoformat(),
                "subject": one.subject,
                "key": one.key,
                "outside": one.outside,
                "correlation_id": one.correlation_id,
                "causation_id": one.causation_id,
                "aggregate_version": one.aggregate_version,
                "words": words(one),
                "data": one.data,
            }
            for one in told.happenings
        ],
    }


def _show(pairing: UUID, told: "Chronicle") -> None:
    from rich.table import Table
    from rich.text import Text

    from tandem_local import chronicle
    from tandem_local.screen import screen

    shown = told.shown()
    if not shown:
        return
    numbers = {one.id: number for number, one in enumerate(shown, start=1)}
    depths = chronicle.depths(shown)
    table = Table(box=None, pad_edge=False, title=f"The story of {pairing}", title_justify="left", title_style="bold")
    table.add_column("", justify="right", no_wrap=True, style="dim")
    for heading in ("when (UTC)", "service"):
        table.add_column(heading, no_wrap=True)
    for heading in ("what happened", "details", "because of"):
        table.add_column(heading, overflow="fold")
    for one in shown:
        indent = "  " * min(depths[one.id], DEEPEST_SHOWN)
        table.add_row(
            str(numbers[one.id]),
            one.time.strftime("%Y-%m-%d %H:%M:%S"),
            one.service,
            Text.assemble(indent, (one.name, "bold" if not one.outside else "italic"), f"  {chronicle.words(one)}"),
            Text(chronicle.details(one), style="dim"),
            Text(_because(one, numbers)),
        )
    screen().print(table)


def _because(one: "Happening", numbers: dict[str, int]) -> str:
    from tandem_local.chronicle import short

    if one.causation_id is None:
        return f"request or timer {short(one.correlation_id)}"
    if one.causation_id in numbers:
        return str(numbers[one.causation_id])
    return f"unknown event {short(one.causation_id)}"
