"""Freezing: a contract's schema is written down once; from then on it may only grow optional fields."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from tandem_events.compatibility import additions, forbidden_changes, reused_names
from tandem_events.contracts.contract import Event
from tandem_events.schemas import SINCE, Schema, as_text, schema_of, without_dates

SCHEMAS = Path(__file__).parent / "schemas"
"""Where the frozen schemas lie in a checkout."""


class Standing(StrEnum):
    """How a contract stands to its frozen schema."""

    SAME = "same"
    NEW = "new"
    EXTENDED = "extended"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A contract against what was frozen of it: the reasons say what was added, or what forbids the change."""

    name: str
    standing: Standing
    reasons: tuple[str, ...]
    schema: Schema


def judge(contracts: Iterable[type[Event]], frozen: Mapping[str, Schema]) -> list[Verdict]:
    """Hold every contract to its frozen schema and to the names its other versions ever used."""
    now = {event.contract.schema_name: schema_of(event) for event in contracts}
    return [_judge(name, schema, {**now, **frozen}, frozen.get(name)) for name, schema in now.items()]


def _judge(name: str, schema: Schema, known: Mapping[str, Schema], before: Schema | None) -> Verdict:
    event = schema["x-tandem"]["name"]
    versions = [other for known_name, other in known.items() if known_name != name]
    forbidden = reused_names([other for other in versions if other["x-tandem"]["name"] == event], schema)
    if before is not None and without_dates(before) != schema:
        forbidden = [*forbidden_changes(before, schema), *forbidden]
    if forbidden:
        return Verdict(name, Standing.REFUSED, tuple(str(change) for change in forbidden), schema)
    if before is None:
        return Verdict(name, Standing.NEW, (), schema)
    if without_dates(before) == schema:
        return Verdict(name, Standing.SAME, (), schema)
    reasons = [f"{path} was added and is optional" for path in additions(before, schema)]
    return Verdict(name, Standing.EXTENDED, tuple(reasons or ["only words about it changed"]), schema)


def dated(schema: Schema, *, before: Schema | None, release: str) -> Schema:
    """The schema with the release in which it appeared, and at each field that came later, the release of that."""
    since = before.get(SINCE, release) if before else release
    definitions = {
        name: _dated_fields(part, ((before or {}).get("$defs") or {}).get(name), since, release)
        for name, part in schema.get("$defs", {}).items()
    }
    document = _dated_fields(schema, before, since, release)
    if definitions:
        document["$defs"] = definitions
    return {**document, SINCE: since}


def _dated_fields(part: Schema, before: Mapping[str, Any] | None, since: str, release: str) -> Schema:
    if before is None or "properties" not in part:
        return dict(part)
    known = before.get("properties", {})
    fields = {}
    for name, field in part["properties"].items():
        first = known[name].get(SINCE, since) if name in known else release
        fields[name] = field if first == since else {**field, SINCE: first}
    return {**part, "properties": fields}


def freeze(
    verdicts: Iterable[Verdict],
    frozen: Mapping[str, Schema],
    *,
    release: str,
    accept_compatible: bool = False,
    directory: Path = SCHEMAS,
) -> list[str]:
    """Write the schemas that are new and, where accepted, those that grew compatibly; the answer names the files.

    Nothing is written for a refused contract. Safe to repeat.
    """
    written = []
    for verdict in verdicts:
        wanted = verdict.standing is Standing.NEW or (verdict.standing is Standing.EXTENDED and accept_compatible)
        if wanted:
            document = dated(verdict.schema, before=frozen.get(verdict.name), release=release)
            (directory / verdict.name).write_text(as_text(document), encoding="utf-8")
            written.append(verdict.name)
    return written
