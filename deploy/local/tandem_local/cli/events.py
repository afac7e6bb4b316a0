"""`tandem events`: what the services tell each other."""

import asyncio
import json
import os
from typing import TYPE_CHECKING, Annotated

import typer

from tandem_local.cli.endings import ExitCode, said_in_words
from tandem_local.cli.options import AsJson

if TYPE_CHECKING:
    from tandem_local.events import Seen

WIDEST_DATA = 100


def tail(
    topic: Annotated[
        list[str] | None, typer.Option("--topic", "-t", help="Only this topic; may be given several times.")
    ] = None,
    number: Annotated[int, typer.Option("--number", "-n", min=0, help="How many of the last events.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as new ones come, until Ctrl-C.")] = False,
    bootstrap_servers: Annotated[
        str | None,
        typer.Option(help="Another broker than the running platform's.", envvar="KAFKA_BOOTSTRAP_SERVERS"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the last events of all topics, oldest first; with --json one document a line."""
    with said_in_words(as_json=as_json):
        from tandem_local.state import StateDirectory

        servers = bootstrap_servers or StateDirectory.find().running().bootstrap_servers
        try:
            found = asyncio.run(_tail(servers, topic, number=number, follow=follow, as_json=as_json))
        except KeyboardInterrupt:
            return
        if not found:
            raise typer.Exit(ExitCode.IMPOSSIBLE)


async def _tail(servers: str, topics: list[str] | None, *, number: int, follow: bool, as_json: bool) -> bool:
    from rich.console import Console

    from tandem_local.events import Reading, known_topics

    known = await known_topics(servers)
    unknown = [topic for topic in topics or [] if topic not in known]
    if unknown:
        typer.echo(f"There is no topic {unknown[0]}; there are: {', '.join(known) or 'none'}.", err=True)
        return False
    if not known:
        return True
    console = Console(soft_wrap=True, highlight=False)
    async with Reading(servers, topics or known) as reading:
        for event in await reading.last(number):
            _print(event, console, as_json=as_json)
        if follow:
            async for event in reading.following():
                _print(event, console, as_json=as_json)
    return True


def _print(event: "Seen", console: object, *, as_json: bool) -> None:
    from dataclasses import asdict

    from rich.console import Console
    from rich.text import Text

    if as_json:
        print(json.dumps(asdict(event)), flush=True)
        return
    assert isinstance(console, Console)
    data = "(gone)" if event.data is None else json.dumps(event.data, ensure_ascii=False)
    shown = data if len(data) <= WIDEST_DATA or not os.isatty(1) else data[: WIDEST_DATA - 1] + "…"
    line = Text.assemble(
        (f"{event.at[11:23]:<12} ", "dim"),
        (f"{event.topic:<18} ", "cyan"),
        (f"{event.name:<24} ", "bold"),
        (f"{event.key[:8]:<8} ", "yellow"),
        shown,
    )
    console.print(line)
