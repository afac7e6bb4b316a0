"""`tandem import` and `tandem match`: what a program manager does, from the terminal."""

import json
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from tandem_local.cli.endings import ExitCode, said_in_words
from tandem_local.cli.options import AsJson
from tandem_local.screen import screen

if TYPE_CHECKING:
    from tandem_local.api import Api
    from tandem_local.refusals import Refused

FAULTS_SHOWN = 50
CHUNK_BYTES = 65_536


class Role(StrEnum):
    """As what the people of a sheet sign up."""

    MENTOR = "mentor"
    MENTEE = "mentee"


def import_sheet(
    sheet: Annotated[Path, typer.Argument(help="The sign-up sheet: CSV.", exists=True, dir_okay=False, readable=True)],
    program: Annotated[UUID, typer.Option(help="The program that they sign up for.")],
    role: Annotated[Role, typer.Option(help="As what.")],
    encoding: Annotated[
        str | None, typer.Option(help="The sheet's encoding where it is not UTF-8, such as windows-1252.")
    ] = None,
    partial: Annotated[bool, typer.Option(help="Store the good rows although others have faults.")] = False,
    as_json: AsJson = False,
) -> None:
    """Import a sign-up sheet. Every fault is listed with its row, column and reason; nothing is stored then."""
    with said_in_words(as_json=as_json):
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

        from tandem_local.refusals import Refused

        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
        size = sheet.stat().st_size
        with connected() as api, Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("Sending", total=size)

            def content() -> Iterator[bytes]:
                with sheet.open("rb") as file:
                    while chunk := file.read(CHUNK_BYTES):
                        yield chunk
                        progress.advance(task, len(chunk))
                progress.update(task, description="Checking and storing")

            try:
                report = api.post(
                    "profiles",
                    f"/programs/{program}/sign-up-sheets",
                    content=content(),
                    headers={"content-type": _content_type(sheet, encoding), "content-length": str(size)},
                    role=role.value,
                    partial=str(partial).lower(),
                )
            except Refused as refusal:
                progress.stop()
                if not as_json:
                    _show_faults(refusal)
                raise
        if as_json:
            print(json.dumps(report))
        else:
            _show_report(report)


class Source(StrEnum):
    """Where the people who are matched, and what they wish, come from."""

    PROGRAM = "program"
    PREFLIB = "preflib"


def match(
    what: Annotated[str, typer.Argument(help="The program whose people are to be paired, or a file of rankings.")],
    publish: Annotated[bool, typer.Option(help="Make the proposed pairs real, and tell them.")] = False,
    source: Annotated[
        Source, typer.Option("--format", help="preflib: match by PrefLib's strict rankings (.soi), without a program.")
    ] = Source.PROGRAM,
    capacities: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, readable=True, help="With preflib: lines 'alternative, places'."),
    ] = None,
    other_side: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            readable=True,
            help="With preflib: the alternatives' rankings of the voters; the match is stable then.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a match and show who would be paired and why; with --publish, pair them."""
    if source is Source.PREFLIB:
        _match_rankings(Path(what), capacities, other_side, as_json=as_json)
        return
    if capacities or other_side:
        raise typer.BadParameter("--capacities and --other-side go with --format preflib.")
    try:
        program = UUID(what)
    except ValueError:
        raise typer.BadParameter(f"{what!r} is not the id of a program.") from None
    with said_in_words(as_json=as_json):
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

        from tandem_local import matching

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        with connected() as api:
            with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
                task = progress.add_task("Matching", total=1.0)
                run = matching.run(api, program, progress=lambda share: progress.update(task, completed=share))
            found = matching.outcome(api, run)
            if publish:
                matching.publish(api, run)
            if as_json:
                print(json.dumps(matching.as_document(found, published=publish)))
                return
            called = matching.names(api, matching.shown_people(found))
        console = screen()
        matching.show(found, called, console)
        done = "they are paired now" if publish else "nobody was told; --publish pairs them"
        groups = f", {len(found.peer_groups)} peer groups of mentees among them" if found.peer_groups else ""
        console.print(f"{len(found.pairs)} pairs, {len(found.unmatched)} people without one{groups}; {done}.")


def _match_rankings(rankings: Path, capacities: Path | None, other_side: Path | None, *, as_json: bool) -> None:
    """Match by files; the platform need not run."""
    from tandem_matching.rankings import FilesUnreadable, match_files

    if not rankings.is_file():
        raise typer.BadParameter(f"There is no file {str(rankings)!r}.")
    if capacities is None:
        raise typer.BadParameter("--format preflib needs --capacities: a file of lines 'alternative, places'.")
    try:
        found = match_files(rankings, capacities, other_side)
    except FilesUnreadable as unreadable:
        document = json.dumps({"error": str(unreadable), "exit_code": int(ExitCode.REFUSED)})
        typer.echo(document if as_json else str(unreadable), err=True)
        raise typer.Exit(ExitCode.REFUSED) from unreadable
    if as_json:
        print(json.dumps(found))
        return
    console = screen()
    for voter, given in found["match"].items():
        console.print(f"{voter}: {given}")
    console.print(
        f"{found['matched']} matched, {found['unmatched']} not; the sum of their ranks is {found['sum_of_ranks']}."
    )


def connected() -> "Api":
    """The services of the platform that runs here, or of the addresses given, called as an administrator."""
    import os

    from tandem_local.access import admin_token
    from tandem_local.addresses import SERVICES, Addresses
    from tandem_local.api import Api
    from tandem_local.state import StateDirectory

    state = StateDirectory.find()
    elsewhere = all(f"TANDEM_{service.upper()}_URL" in os.environ for service in SERVICES[:2])
    addresses = Addresses() if elsewhere else Addresses(state.running().base_port)
    return Api(addresses, token=lambda: admin_token(state, addresses))


def _content_type(sheet: Path, encoding: str | None) -> str:
    if sheet.suffix.casefold() == ".xlsx":
        return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return f"text/csv; charset={encoding}" if encoding is not None else "text/csv"


def _show_faults(refusal: "Refused") -> None:
    if not refusal.faults:
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("row", justify="right")
    table.add_column("column")
    table.add_column("what is wrong")
    for fault in refusal.faults[:FAULTS_SHOWN]:
        table.add_row(str(fault.get("row", "")), str(fault.get("column") or ""), str(fault.get("reason", "")))
    console = Console(stderr=True)
    console.print(table)
    named = len(refusal.faults)
    number = refusal.problem.get("fault_count", named)
    if number > min(FAULTS_SHOWN, named):
        listed = "them" if number == named else f"the first {named}"
        console.print(f"... and {number - min(FAULTS_SHOWN, named)} more; --json lists {listed}.")


def _show_report(report: dict[str, Any]) -> None:
    console = screen()
    for name, value in report.items():
        if isinstance(value, (int, str, float)):
            console.print(f"{name.replace('_', ' ')}: {value}")
