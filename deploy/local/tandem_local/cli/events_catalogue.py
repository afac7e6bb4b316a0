"""`tandem events schemas | catalogue | asyncapi | samples`: what the events are, as files for people and machines."""

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tandem_local.cli.endings import ExitCode
from tandem_local.cli.options import AsJson

if TYPE_CHECKING:
    from tandem_events.freezing import Verdict

WIDTH_OF_FILES = 160


def release() -> str:
    """The release that the contracts belong to."""
    return version("tandem-events")


def schemas(
    write: Annotated[bool, typer.Option("--write", help="Freeze the events that have no schema yet.")] = False,
    accept_compatible: Annotated[
        bool, typer.Option("--accept-compatible", help="Freeze added optional fields too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Hold every event that is sent to its frozen schema; with --write freeze new ones. Exit code 1 if any differs."""
    from tandem_events.declarations import sent
    from tandem_events.freezing import Standing, freeze, judge
    from tandem_events.schemas import all_frozen
    from tandem_local.declarations import declarations

    frozen = all_frozen()
    verdicts = judge(sent(declarations()), frozen)
    written = freeze(verdicts, frozen, release=release(), accept_compatible=accept_compatible) if write else []
    if as_json:
        told = [
            {"schema": one.name, "standing": one.standing, "reasons": one.reasons, "written": one.name in written}
            for one in verdicts
        ]
        print(json.dumps(told))
    else:
        for verdict in verdicts:
            if verdict.standing is not Standing.SAME:
                _tell(verdict, frozen_now=verdict.name in written)
        same = sum(verdict.standing is Standing.SAME for verdict in verdicts)
        print(f"{same} of {len(verdicts)} events are as frozen; {len(written)} schemas written.")
    if any(one.standing is not Standing.SAME and one.name not in written for one in verdicts):
        raise typer.Exit(ExitCode.IMPOSSIBLE)


def _tell(verdict: "Verdict", *, frozen_now: bool) -> None:
    from tandem_events.freezing import Standing

    words = {
        Standing.NEW: "is new" + ("" if frozen_now else "; freeze it with --write"),
        Standing.EXTENDED: "grew" + ("" if frozen_now else "; freeze that with --write --accept-compatible"),
        Standing.REFUSED: "may not change so; leave it as it was, or make a new version",
        Standing.SAME: "is as frozen",
    }
    print(f"{verdict.name} {words[verdict.standing]}")
    for reason in verdict.reasons:
        print(f"  - {reason}")


def catalogue(
    write: Annotated[
        Path | None, typer.Option("--write", help="Write the catalogue into this directory.", file_okay=False)
    ] = None,
    front_page: Annotated[
        Path | None, typer.Option("--front-page", help="Also make the event map in this file anew.", dir_okay=False)
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit code 1 if a file is not as it would be written.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List every event with its sender and readers, or write the catalogue's pages."""
    if write is None and front_page is None:
        _list(as_json=as_json)
        return
    from tandem_events import catalogue as generated
    from tandem_events.schemas import all_frozen
    from tandem_local.declarations import declarations

    services = declarations()
    wanted: dict[Path, str | None] = {}
    if write is not None:
        frozen = all_frozen()
        missing = [event for one in services for event in one.sends if event.contract.schema_name not in frozen]
        if missing:
            name = missing[0].contract.schema_name
            print(f"{name} is not frozen yet; run tandem events schemas --write first.", file=sys.stderr)
            raise typer.Exit(ExitCode.IMPOSSIBLE)
        made = generated.pages(services, frozen, release=release())
        wanted |= {write / name: text for name, text in made.items()}
        wanted |= dict.fromkeys(generated.leftovers(write, made))
    if front_page is not None:
        wanted[front_page] = generated.with_map(front_page.read_text(encoding="utf-8"), services)
    stale = [path for path, text in wanted.items() if _now(path) != text]
    for path in stale:
        if check:
            print(f"{path} is stale; run make generate.", file=sys.stderr)
        else:
            _put(path, wanted[path])
            print(f"{path} {'removed' if wanted[path] is None else 'written'}.")
    if check and stale:
        raise typer.Exit(ExitCode.IMPOSSIBLE)


def _now(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _put(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _list(*, as_json: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    from tandem_events.declarations import readers, sent
    from tandem_local.declarations import declarations

    services = declarations()
    rows = [(event.contract, readers(event, services)) for event in sent(services)]
    if as_json:
        told = [
            {
                "event": one.name,
                "type": one.type,
                "sender": one.sender,
                "readers": who,
                "topic": one.topic,
                "key": one.key,
            }
            for one, who in rows
        ]
        print(json.dumps(told))
        return
    table = Table("event", "sender", "topic", "key", "readers", box=None, pad_edge=False)
    for contract, who in rows:
        table.add_row(contract.name, contract.sender, contract.topic, contract.key, ", ".join(who))
    Console(width=None if sys.stdout.isatty() else WIDTH_OF_FILES).print(table)


def samples(
    write: Annotated[
        bool, typer.Option("--write", help="Begin the samples that are missing, and add the fields that are.")
    ] = False,
    root: Annotated[Path, typer.Option(help="The checkout whose services are looked at.", file_okay=False)] = Path(),
) -> None:
    """Hold the samples of what each service relies on to what its handlers look at. Exit code 1 if something lacks."""
    from tandem_local.declarations import services
    from tandem_local.samples import completed, samples_of

    lacking = False
    for service in services():
        for subscription in service.subscriptions:
            file = samples_of(service.name, root=root) / subscription.event.contract.schema_name
            now = _now(file)
            before = json.loads(now) if now is not None else {}
            wanted = completed(before, subscription)
            if wanted == before:
                continue
            added = ", ".join(name for name in wanted if name not in before)
            if write:
                _put(file, json.dumps(wanted, indent=2, ensure_ascii=False) + "\n")
                print(f"{file} written: keep of {added} what {service.name} relies on.")
            else:
                lacking = True
                print(f"{file} lacks {added}.")
    if lacking:
        raise typer.Exit(ExitCode.IMPOSSIBLE)


def asyncapi() -> None:
    """Print the AsyncAPI 3 document of the whole platform."""
    from tandem_events.asyncapi import document
    from tandem_local.declarations import declarations

    print(json.dumps(document(declarations(), release=release()), indent=2, ensure_ascii=False))
