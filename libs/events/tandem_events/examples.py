"""Examples of events: made from a schema, always the same, and telling one and the same story in all of them."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]


class NoExample(ValueError):
    """No example could be made of a field: its contract has to give one with `Field(examples=[...])`."""


WORDS: dict[str, Any] = {
    "given_name": "Ada",
    "family_name": "Berg",
    "email": "ada.berg@example.com",
    "job_title": "Data engineer",
    "level_name": "Senior",
    "unit": "Operations",
    "profession": "Engineering",
    "location": "Lisbon",
    "time_zone": "Europe/Lisbon",
    "languages": "en",
    "biography": "Builds pipelines, and likes to explain them.",
    "skill": "public speaking",
    "name": "Spring mentoring",
    "fingerprint": "9f2c4e71b0a85d36",
    "fields": "job_title",
    "attribute": "unit",
    "value": "Operations",
    "title": "First steps",
    "agenda": "What each of you hopes for",
    "prompts": "Tell of a time when you asked for help",
    "track_id": "first-half-year",
    "module_id": "first-steps",
}
"""What stands in a text field of this name."""

FIGURES: dict[str, int] = {
    "meeting_every_days": 30,
    "meeting_minutes": 60,
    "score": 72,
    "percent_done": 40,
    "percent_of_time_gone": 60,
    "agenda_items": 3,
    "agenda_items_done": 2,
    "agreement_version": 1,
    "position": 1,
}
"""What stands in a number of this name, where its bounds allow it."""

PEOPLE: dict[str, int] = {"author_id": 1, "owner_id": 1, "giver_id": 0, "receiver_id": 1, "attendees": 0, "attended": 0}
"""Ids of people under other names than `person_id`: person 0 of the story is its mentor, person 1 its mentee."""

UNSHOWN = frozenset({"departed_on", "end_reason"})
"""Fields that are null while all goes on, as it does in the examples."""

LATER_IN_ENUM: dict[str, int] = {"previous_band": 1}
"""Enums that would otherwise show the same as another field of the event."""

HOURS: dict[str, str] = {
    "occurred_at": "2026-03-02T09:30:00Z",
    "starts_at": "2026-03-16T14:00:00Z",
    "ends_at": "2026-03-16T15:00:00Z",
    "due_at": "2026-03-30T17:00:00Z",
}
DAYS: dict[str, str] = {
    "starts_on": "2026-03-01",
    "ends_on": "2026-12-31",
    "left_on": "2026-11-30",
    "departed_on": "2026-11-30",
    "due_on": "2026-04-15",
}


def example_of(schema: Schema) -> dict[str, Any]:
    """An event that the schema allows, with every optional field that can be shown.

    Ids depend on the field's name only, so that `pairing_id` is the same in the examples of all events.

    Raises:
        NoExample: a pattern asks for a text that cannot be guessed.
    """
    example: dict[str, Any] = _value(schema, schema, "", 0, frozenset())
    return example


def id_named(name: str, number: int = 0) -> str:
    """The UUID that stands in examples for a field of this name; `number` tells several in a list apart."""
    if name in PEOPLE or name.endswith("_by"):
        name, number = "person_id", number + PEOPLE.get(name, 0)
    digest = hashlib.sha256(f"{name}/{number}".encode()).hexdigest()
    return f"01990000-0000-7000-8000-{digest[:12]}"


def _value(node: Schema, document: Schema, name: str, number: int, inside: frozenset[str]) -> Any:
    while "$ref" in node:
        reference = str(node["$ref"])
        if reference in inside:
            return None
        inside |= {reference}
        target: Any = document
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    if node.get("examples"):
        return node["examples"][number % len(node["examples"])]
    for keyword in ("anyOf", "oneOf"):
        if keyword in node:
            if name in UNSHOWN:
                return None
            shown = [part for part in node[keyword] if part.get("type") != "null"]
            return _value(shown[0], document, name, number, inside) if shown else None
    if "const" in node:
        return node["const"]
    if "enum" in node:
        return node["enum"][(number + LATER_IN_ENUM.get(name, 0)) % len(node["enum"])]
    match node.get("type"):
        case "object":
            return _object(node, document, name, number, inside)
        case "array":
            return _array(node, document, name, inside)
        case "string":
            return _text(node, name, number)
        case "integer" | "number":
            return _number(node, name)
        case "boolean":
            return node.get("default", True)
        case _:
            return node.get("default")


def _object(node: Schema, document: Schema, name: str, number: int, inside: frozenset[str]) -> dict[str, Any]:
    if "properties" in node:
        return {field: _value(part, document, field, number, inside) for field, part in node["properties"].items()}
    values = node.get("additionalProperties")
    if not isinstance(values, Mapping):
        return {}
    names = node.get("propertyNames", {"type": "string"})
    key = _text(names, f"{name}_key" if names.get("format") != "uuid" else "program_id", number)
    return {key: _value(values, document, name, number, inside)}


def _array(node: Schema, document: Schema, name: str, inside: frozenset[str]) -> list[Any]:
    fixed = [_value(part, document, name, place, inside) for place, part in enumerate(node.get("prefixItems", ()))]
    if fixed or not isinstance(node.get("items"), Mapping):
        return fixed
    return [_value(node["items"], document, name, place, inside) for place in range(max(1, node.get("minItems", 0)))]


def _text(node: Schema, name: str, number: int) -> str:
    match node.get("format"):
        case "uuid":
            return id_named(name, number)
        case "date-time":
            return HOURS.get(name, "2026-03-02T09:00:00Z")
        case "date":
            return DAYS.get(name, "2026-03-02")
        case "duration":
            return "PT1H"
        case "uri":
            return "https://example.com/"
    shown: str = WORDS.get(name) or node.get("default") or f"some_{name or 'text'}"
    if "maxLength" in node:
        shown = shown[: node["maxLength"]]
    fits = re.search(node.get("pattern", ""), shown) and len(shown) >= node.get("minLength", 0)
    if not fits:
        raise NoExample(f"{name} must be like {node.get('pattern', 'a longer text')}; give it examples in its contract")
    return shown


def _number(node: Schema, name: str) -> int | float:
    if isinstance(node.get("default"), int | float):
        shown: int | float = node["default"]
        return shown
    lowest = node.get("minimum", node.get("exclusiveMinimum", 0) + ("exclusiveMinimum" in node))
    highest = node.get("maximum", node.get("exclusiveMaximum", lowest + 5) - ("exclusiveMaximum" in node))
    between: int | float = min(max(lowest, FIGURES.get(name, 3)), highest)
    return between
