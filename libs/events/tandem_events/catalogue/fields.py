"""The fields of an event as its page lists them: path, type in words, presence, class, and since when."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from pydantic import StringConstraints

from tandem_events.contracts.contract import Code, Term
from tandem_events.schemas import SINCE, Schema


def fields_of(schema: Schema) -> Iterable["Row"]:
    """Every field of an event at any depth, in the schema's order."""
    return _rows(schema, schema, "", frozenset())


class Row:
    """One field of an event as its page lists it."""

    def __init__(self, path: str, node: Schema, whole: Schema, *, required: bool) -> None:
        self.path = path
        self.required = required
        self.classification: str = node.get("x-classification", "")
        parts, self.nullable = _alternatives(node, whole)
        self.closed = any("enum" in part for part in parts)
        self.type = " or ".join(dict.fromkeys(_type(part, whole) for part in parts)) or "anything"
        self.node = node
        self.words: str = node.get("description", "")
        self.since: str = node.get(SINCE, "")

    def cells(self) -> tuple[str, ...]:
        presence = "always"
        if not self.required:
            default = self.node.get("default")
            presence = "optional" if default in (None, [], {}) else f"optional, else `{json.dumps(default)}`"
        type_ = f"{self.type}, or null" if self.nullable else self.type
        return f"`{self.path}`", cell(type_), presence, self.classification, cell(self.words), self.since


def _rows(node: Schema, whole: Schema, path: str, inside: frozenset[str]) -> Iterable[Row]:
    for part in _alternatives(node, whole)[0]:
        name = part.get("title", "")
        if "properties" in part and name not in inside:
            required = part.get("required", ())
            for field, inner in part["properties"].items():
                place = f"{path}.{field}" if path else field
                yield Row(place, inner, whole, required=field in required)
                yield from _rows(inner, whole, place, inside | {name})
        elif isinstance(part.get("items"), Mapping):
            yield from _rows(part["items"], whole, f"{path}[]", inside)
        elif isinstance(part.get("additionalProperties"), Mapping):
            yield from _rows(part["additionalProperties"], whole, f"{path}{{}}", inside)


def _alternatives(node: Schema, whole: Schema) -> tuple[list[Schema], bool]:
    """What the value may be other than null, and whether it may be null."""
    if "$ref" in node:
        return _alternatives(whole["$defs"][node["$ref"].rpartition("/")[2]], whole)
    if "anyOf" in node:
        found = [_alternatives(part, whole) for part in node["anyOf"]]
        return [part for parts, _ in found for part in parts], any(nullable for _, nullable in found)
    return ([], True) if node.get("type") == "null" else ([node], False)


WORDS_BY_PATTERN = {
    constraint.pattern: name
    for name, kind in (("code", Code), ("term", Term))
    for constraint in get_args(kind)[1:]
    if isinstance(constraint, StringConstraints)
}
FORMATS = {"uuid": "UUID", "date-time": "time (RFC 3339, UTC)", "date": "date", "duration": "duration (ISO 8601)"}


def _type(node: Schema, whole: Schema) -> str:
    if "const" in node:
        return f"`{node['const']}`"
    if "enum" in node:
        return "one of " + ", ".join(f"`{value}`" for value in node["enum"])
    if "format" in node:
        return FORMATS.get(node["format"], str(node["format"]))
    match node.get("type"):
        case "array":
            parts, nullable = _alternatives(node.get("items", {}), whole)
            inner = " or ".join(dict.fromkeys(_type(part, whole) for part in parts)) + (", or null" * nullable)
            return f"list of {inner or 'anything'}{_bounds(node, 'minItems', 'maxItems')}"
        case "object" if "properties" in node:
            return str(node.get("title", "object"))
        case "object":
            values = node.get("additionalProperties")
            parts = _alternatives(values, whole)[0] if isinstance(values, dict) else []
            inner = " or ".join(dict.fromkeys(_type(part, whole) for part in parts)) or "anything"
            return f"object of {inner} by {'UUID' if 'propertyNames' in node else 'name'}"
        case "string":
            if node.get("pattern") in WORDS_BY_PATTERN:
                return WORDS_BY_PATTERN[node["pattern"]]
            pattern = f" like `{node['pattern']}`" if "pattern" in node else ""
            return f"text{pattern}{_bounds(node, 'minLength', 'maxLength')}"
        case "integer" | "number" as kind:
            return f"{kind}{_bounds(node, 'minimum', 'maximum')}"
        case other:
            return str(other or "anything")


def _bounds(node: Schema, least: str, most: str) -> str:
    if least in node and most in node:
        return f", {node[least]} to {node[most]}"
    if least in node:
        return f", at least {node[least]}"
    return f", at most {node[most]}" if most in node else ""


def cell(text: Any) -> str:
    """Text that a table's cell can hold."""
    return " ".join(str(text).split()).replace("|", "\\|")
