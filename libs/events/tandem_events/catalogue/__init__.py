"""The catalogue of events for people: a table of all, a page for each, and the map for the front page."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tandem_events.asyncapi import document, example, example_headers, first_sentence
from tandem_events.catalogue.fields import Row, cell, fields_of
from tandem_events.contracts.contract import Event
from tandem_events.declarations import ServiceDeclaration, readers, sent
from tandem_events.schemas import SINCE, Schema

GENERATED = "<!-- Generated from the contracts by `make generate`: edit those, not this. -->"
MAP_BEGINS = "<!-- event map -->"
MAP_ENDS = "<!-- end of event map -->"
SCHEMAS_FROM_PAGES = "../../libs/events/tandem_events/schemas"
PAGES_FROM_FRONT = "docs/events"


INTRODUCTION = f"""\
Everything that Tandem's services tell each other and anyone else who may read. Each event is a CloudEvent 1.0 in
Kafka's binary mode: the value is JSON, the attributes are headers. [asyncapi.json](asyncapi.json) describes all of it
for machines; the [frozen schemas]({SCHEMAS_FROM_PAGES}) are JSON Schema 2020-12.

A *code* is a word out of a list that somebody keeps (a reason, a time zone, a language), a *term* belongs to a
vocabulary such as skills. Facts carry ids, codes and figures; personal data is on `tandem.people` only."""

EVOLUTION = """\
An event's schema is frozen when it first appears. From then on optional fields may be added to it, and nothing else:
`make schemas` names the fields that would be added, and refuses every other change with its reasons;
`tandem events schemas --write --accept-compatible` freezes the addition. Any other change is a new version, `.v2`,
which is sent beside the first as long as a reader of the first is declared. A field's name is never used again with
another type, in no version. [Why bounds may not be loosened either](../decisions/frozen-contracts.md)."""


class NoPlaceForMap(ValueError):
    """The front page lacks the two markers between which the event map stands."""


def pages(services: Sequence[ServiceDeclaration], frozen: Mapping[str, Schema], *, release: str) -> dict[str, str]:
    """Every file of the catalogue by its name: `README.md`, a page for each event, and `asyncapi.json`."""
    files = {"README.md": _contents(services, frozen)}
    for event in sent(services):
        files[page_name(event)] = _page(event, services, frozen[event.contract.schema_name])
    described = document(services, release=release)
    files["asyncapi.json"] = json.dumps(described, indent=2, ensure_ascii=False) + "\n"
    return files


def page_name(event: type[Event]) -> str:
    """The file name of an event's page."""
    return f"{event.contract.name}.v{event.contract.version}.md"


def leftovers(directory: Path, files: Iterable[str]) -> list[Path]:
    """Pages in a catalogue's directory that were generated once and are none of these files."""
    return [
        page
        for page in sorted(directory.glob("*.md"))
        if page.name not in files and page.read_text(encoding="utf-8").startswith(GENERATED)
    ]


def with_map(front_page: str, services: Sequence[ServiceDeclaration]) -> str:
    """The front page with the event map between its markers made anew.

    Raises:
        NoPlaceForMap: a marker is missing.
    """
    before, begins, rest = front_page.partition(MAP_BEGINS)
    _, ends, after = rest.partition(MAP_ENDS)
    if not begins or not ends:
        raise NoPlaceForMap(f"the front page needs the lines {MAP_BEGINS} and {MAP_ENDS}")
    return f"{before}{MAP_BEGINS}\n{event_map(services)}{MAP_ENDS}{after}"


def event_map(services: Sequence[ServiceDeclaration]) -> str:
    """Who tells whom, as a drawing of the nouns, and who sends and reads each event, as a table."""
    lines = ["", "```mermaid", "flowchart LR"]
    for sender in services:
        for reader in services:
            told = [event for event in sender.sends if event in reader.reads and reader is not sender]
            nouns = dict.fromkeys(event.contract.name.partition(".")[0].replace("_", " ") for event in told)
            if nouns:
                lines.append(f'  {sender.name} -- "{", ".join(nouns)}" --> {reader.name}')
    lines += ["```", ""]
    lines.append(f"| event | {' | '.join(service.name for service in services)} |")
    lines.append("|---|" + ":-:|" * len(services))
    for event in sent(services):
        cells = []
        for service in services:
            roles = ["sends"] * (event in service.sends) + ["reads"] * (event in service.reads)
            cells.append(" ".join(roles))
        link = f"[`{event.contract.name}`]({PAGES_FROM_FRONT}/{page_name(event)})"
        lines.append(f"| {link} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n\n"


def _contents(services: Sequence[ServiceDeclaration], frozen: Mapping[str, Schema]) -> str:
    lines = [
        GENERATED,
        "",
        "# Events",
        "",
        INTRODUCTION,
        "",
        "| event | sender | readers | topic | key | when |",
        "|---|---|---|---|---|---|",
    ]
    for event in sent(services):
        contract = event.contract
        name = contract.name if contract.version == 1 else f"{contract.name} v{contract.version}"
        lines.append(
            f"| [`{name}`]({page_name(event)}) | {contract.sender} | {_listed(readers(event, services))} "
            f"| `{contract.topic}` | `{contract.key}` | {cell(first_sentence(event))} |"
        )
    lines += ["", "## Topics", "", "| topic | sender | what is on it | events |", "|---|---|---|---|"]
    topics: dict[str, list[type[Event]]] = {}
    for event in sent(services):
        topics.setdefault(event.contract.topic, []).append(event)
    for topic, events in topics.items():
        contract = events[0].contract
        kind = "the current state of each, compacted; null is gone" if contract.compacted else "facts, kept"
        names = ", ".join(f"[`{event.contract.name}`]({page_name(event)})" for event in events)
        lines.append(f"| `{topic}` | {contract.sender} | {kind} | {names} |")
    written = {event.contract.schema_name for event in sent(services)}
    retired = [name for name in frozen if name not in written]
    if retired:
        lines += ["", "## No longer sent", ""]
        lines += [f"- [{name}]({SCHEMAS_FROM_PAGES}/{name})" for name in retired]
    lines += [
        "",
        "## How a contract changes",
        "",
        EVOLUTION,
        "",
    ]
    return "\n".join(lines)


def _page(event: type[Event], services: Sequence[ServiceDeclaration], schema: Schema) -> str:
    contract = event.contract
    gone = "; a null value means that it is gone" if contract.compacted else ""
    facts = (
        ("sender", contract.sender),
        ("readers", _listed(readers(event, services))),
        ("topic", f"`{contract.topic}`, {'compacted' if contract.compacted else 'kept'}{gone}"),
        ("key", f"`{contract.key}`: events under one key are read in the order in which they happened"),
        ("subject", f"`{contract.subject}`"),
        ("type", f"`{contract.type}`"),
        ("schema", f"[{contract.schema_name}]({SCHEMAS_FROM_PAGES}/{contract.schema_name})"),
        ("since", f"release {schema[SINCE]}, version {contract.version} of the event"),
    )
    title = contract.name if contract.version == 1 else f"{contract.name}, version {contract.version}"
    lines = [GENERATED, "", f"# {title}", "", " ".join((event.__doc__ or "").split()), "", "| | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in facts]
    lines += [
        "",
        "## Fields",
        "",
        "| field | type | there | class | what it says | since |",
        "|---|---|---|---|---|---|",
    ]
    rows = list(fields_of(schema))
    lines += [f"| {' | '.join(row.cells())} |" for row in rows]
    headers = "\n".join(f"{name}: {value}" for name, value in example_headers(contract).items())
    value = json.dumps(example(event), indent=2, ensure_ascii=False)
    key = example_headers(contract)["ce_partitionkey"]
    lines += [
        "",
        "## Example",
        "",
        f"Key `{key}`, with the headers",
        "",
        "```",
        headers,
        "```",
        "",
        "and the value",
        "",
    ]
    lines += ["```json", value, "```", "", "## What a reader must tolerate", ""]
    lines += [f"- {sentence}" for sentence in _tolerances(event, rows)]
    return "\n".join(lines) + "\n"


def _tolerances(event: type[Event], rows: Sequence[Row]) -> Iterable[str]:
    contract = event.contract
    yield "The same event twice: it has the same `ce_id`, and must have no second effect."
    yield "Fields that this page does not know, and types on the topic that it does not read: pass over both."
    yield (
        f"Other topics that are ahead or behind: order holds under one `{contract.key}` on `{contract.topic}`, "
        "and nowhere else."
    )
    optional = [f"`{row.path}`" for row in rows if not row.required]
    if optional:
        yield f"The absence of {_listed(optional)}: an event from before the field has none, and its default holds."
    if contract.compacted:
        yield "Gaps: after compaction only the last state under a key is sure to be left."
        yield "A null value: the thing is gone, and what was kept of it has to go too."
    personal = [f"`{row.path}`" for row in rows if row.classification]
    if personal:
        yield (
            f"Duties of care for {_listed(personal)}: personal data is not logged, is shown only to whom the class "
            "allows, and is erased at the null value."
        )
    if any(row.closed for row in rows):
        yield (
            f"A new version, `tandem.{contract.name}.v{contract.version + 1}`, beside this one: lists of words are "
            "closed, so a new word is a new version."
        )


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words) or "none"
