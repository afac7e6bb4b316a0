"""`tandem events parked | redrive | discard`: what a service could not handle, and what becomes of it."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tandem_local.addresses import SERVICES
from tandem_local.cli.endings import said_in_words
from tandem_local.cli.options import AsJson
from tandem_local.cli.programs import connected

if TYPE_CHECKING:
    from tandem_local.api import Api

LARGEST_NUMBER = 2**63 - 1
NOT_PARKED = 404
"""Events that wait are tried again by themselves, so one may have taken effect since it was listed."""


def known_service(name: str | None) -> str | None:
    """The name, where there is such a service.

    Raises:
        typer.BadParameter: there is none.
    """
    if name is not None and name not in SERVICES:
        raise typer.BadParameter(f"There is no service {name}; there are: {', '.join(SERVICES)}.")
    return name


Service = Annotated[str, typer.Option(help="The service that parked it.", callback=known_service)]
Number = typer.Argument(metavar="ID", min=1, max=LARGEST_NUMBER, help="The number of a parked event.")


def parked(
    number: Annotated[int | None, Number] = None,
    service: Annotated[
        str | None, typer.Option(help="Only this service's; all without it.", callback=known_service)
    ] = None,
    key: Annotated[str | None, typer.Option(help="Only events of this key, such as a pairing's id.")] = None,
    as_json: AsJson = False,
) -> None:
    """List what could not be handled, and why; with an ID and --service show one event with its headers and payload."""
    if number is not None and service is None:
        raise typer.BadParameter("Say with --service which service parked it: each has numbers of its own.")
    with said_in_words(as_json=as_json), connected() as api:
        if number is not None and service is not None:
            _show_one(api.get(service, f"/operations/parked-events/{number}"), as_json=as_json)
            return
        narrowed: dict[str, Any] = {"key": key} if key else {}
        found = [
            {"service": name, **event}
            for name in ([service] if service else SERVICES)
            for event in api.pages(name, "/operations/parked-events", **narrowed)
        ]
        if as_json:
            print(json.dumps(found))
        else:
            _show_all(found)


def redrive(
    service: Service,
    number: Annotated[int | None, Number] = None,
    everything: Annotated[bool, typer.Option("--all", help="Try every key that has parked events.")] = False,
    as_json: AsJson = False,
) -> None:
    """Try an event's key again from its first parked event on, in order; or with --all every key."""
    if (number is None) is not everything:
        raise typer.BadParameter("Name either the ID of a parked event or --all.")
    with said_in_words(as_json=as_json), connected() as api:
        if number is not None:
            answers = [api.post(service, f"/operations/parked-events/{number}/redrive")]
        else:
            answers = _redrive_every_key(api, service)
        total = {what: sum(answer[what] for answer in answers) for what in ("redriven", "still_parked")}
        if as_json:
            print(json.dumps(total))
        else:
            print(f"{total['redriven']} events took effect; {total['still_parked']} are still parked.")


def discard(
    number: Annotated[
        int, typer.Argument(metavar="ID", min=1, max=LARGEST_NUMBER, help="The number of a parked event.")
    ],
    service: Service,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Give a parked event up FOR GOOD: it never takes effect. Those behind it can then be redriven."""
    with said_in_words(as_json=as_json), connected() as api:
        if not yes:
            event = api.get(service, f"/operations/parked-events/{number}")
            question = f"Give up {event['type'] or 'this message'} of {event['key']} ({event['reason']}) for good?"
            typer.confirm(question, abort=True, err=True)
        given_up = api.post(service, f"/operations/parked-events/{number}/discard")
        if as_json:
            print(json.dumps(given_up))
        else:
            print(f"{service} gave up {given_up['type'] or 'a message'} ({given_up['event_id']}).")


def _redrive_every_key(api: "Api", service: str) -> list[dict[str, Any]]:
    from tandem_local.refusals import Refused

    firsts: dict[tuple[str, str], int] = {}
    for event in api.pages(service, "/operations/parked-events"):
        firsts.setdefault((event["topic"], event["key"]), event["id"])
    answers = []
    for number in firsts.values():
        try:
            answers.append(api.post(service, f"/operations/parked-events/{number}/redrive"))
        except Refused as refusal:
            if refusal.status != NOT_PARKED:
                raise
    return answers


def _show_all(found: list[dict[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    from tandem_local.screen import screen

    if not found:
        print("Nothing is parked.")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("service", "id", "parked at", "event", "key", "standing", "attempts", "reason"):
        table.add_column(
            heading,
            justify="right" if heading in ("id", "attempts") else "left",
            no_wrap=heading in ("id", "parked at"),
        )
    for event in found:
        table.add_row(
            event["service"],
            str(event["id"]),
            event["parked_at"][:19].replace("T", " "),
            (event["type"] or "(no envelope)").removeprefix("tandem."),
            Text(event["key"]),
            event["standing"],
            str(event["attempts"]),
            Text(event["reason"]),
        )
    screen().print(table)


def _show_one(event: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(event))
        return
    headers, payload = event.pop("headers"), event.pop("payload")
    for name, value in event.items():
        if value is not None:
            print(f"{name.replace('_', ' '):<12} {value}")
    print("headers")
    for name, value in headers.items():
        print(f"  {name}: {value}")
    print("payload")
    print(payload if isinstance(payload, str) else json.dumps(payload, indent=2, ensure_ascii=False))
