"""`tandem events republish` and `tandem events replay`: give a broker its log back, give a service its picture back."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from tandem_local.addresses import SERVICES
from tandem_local.cli.endings import ExitCode, said_in_words
from tandem_local.cli.options import AsJson

Since = Annotated[str | None, typer.Option(help="Only events from this moment on, such as 2026-03-01T12:00:00.")]


def republish(
    service: Annotated[
        list[str] | None, typer.Option(help="Only this service's archive; all where none is named.")
    ] = None,
    since: Since = None,
    until: Annotated[str | None, typer.Option(help="Only events before this moment.")] = None,
    event_type: Annotated[list[str] | None, typer.Option("--type", help="Only this, such as pairing.created.")] = None,
    key: Annotated[str | None, typer.Option(help="Only events of this key, such as a pairing's id.")] = None,
    as_json: AsJson = False,
) -> None:
    """Send archived events again, to a broker that lost them; whoever saw them before passes them over."""
    options = _given(since=since, until=until, key=key, type=event_type)
    with said_in_words(as_json=as_json):
        sent = {name: _followed(name, "republish", options, what="sent", as_json=as_json) for name in _named(service)}
        _say({name: last["sent"] for name, last in sent.items()}, "{} events of {} sent again", as_json=as_json)


def replay(
    service: Annotated[str, typer.Option(help="The service that rebuilds what it knows of the others.")],
    model: Annotated[str | None, typer.Option(help="Which read model; without it, they are listed.")] = None,
    since: Annotated[
        str | None, typer.Option("--from", "--since", help="From this moment; else from the beginning.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Rebuild a read model of a service from the topics while it runs, and switch over; or list what there is."""
    with said_in_words(as_json=as_json):
        name = _named([service])[0]
        if model is None:
            _list_models(name, as_json=as_json)
            return
        last = _followed(name, "replay", _given(since=since, model=model), what="read", as_json=as_json)
        if as_json:
            print(json.dumps(last))
        else:
            rows = ", ".join(f"{number} rows in {table}" for table, number in last["rows"].items())
            typer.echo(f"{last['applied']} events applied: {rows}. {service} works with them now.")


def _list_models(service: str, *, as_json: bool) -> None:
    for document in _documents(service, "replay", []):
        if as_json:
            print(json.dumps(document))
            continue
        for model in document["models"]:
            typer.echo(f"{model['name']}: {', '.join(model['tables'])}, from {', '.join(model['events'])}")
        typer.echo("Say --model with one of them to rebuild it." if document["models"] else f"{service} has none.")


def _named(services: list[str] | None) -> list[str]:
    for name in services or []:
        if name not in SERVICES:
            raise typer.BadParameter(f"There is no service {name}; there are: {', '.join(SERVICES)}.")
    return services or list(SERVICES)


def _given(**options: str | list[str] | None) -> list[str]:
    arguments: list[str] = []
    for name, value in options.items():
        for one in [value] if isinstance(value, str) else value or []:
            arguments += [f"--{name}", one]
    return arguments


def _followed(service: str, command: str, options: list[str], *, what: str, as_json: bool) -> dict[str, Any]:
    """Run a command of a service with its own settings and show its progress; the answer is what it said last."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=as_json) as bar:
        task = bar.add_task(f"{command} {service}", total=None)
        last: dict[str, Any] = {}
        for last in _documents(service, command, options):
            bar.update(task, completed=last[what], total=last.get("total"))
    return last


def _documents(service: str, command: str, options: list[str]) -> Iterator[dict[str, Any]]:
    import psutil

    from tandem_local.state import NotRunning, StateDirectory

    running = StateDirectory.find().running()
    if running.pid is None:
        raise NotRunning(
            f"{service} runs in a container; say it there: "
            f"docker compose -f deploy/compose.yaml exec {service} python -m tandem_chassis {command} tandem_{service}"
        )
    pid = next((part.pid for part in running.parts if part.name == service), None)
    # The command acts for the service, so it takes the service's own settings.
    try:
        environment = psutil.Process(pid).environ() if pid else {}
    except psutil.NoSuchProcess as gone:
        raise NotRunning(f"{service} is starting again just now: try once more in a moment.") from gone
    process = subprocess.Popen(
        [sys.executable, "-m", "tandem_chassis", command, f"tandem_{service}", *options],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("{"):
            yield json.loads(line)
    if process.wait() != 0:
        raise typer.Exit(ExitCode.IMPOSSIBLE)


def _say(counts: dict[str, int], words: str, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(counts))
        return
    for name, number in counts.items():
        typer.echo(words.format(number, name) + ".")
