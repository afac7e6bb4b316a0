"""Reading a JSON Schema: what a value may be, and which fields it has."""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

CLASSIFICATION = "x-classification"
PROTECTION = {None: 0, "personal": 1, "confidential": 2}

ABSENT: Any = object()


def field_types(schema: Schema) -> dict[str, str]:
    """Every field of a schema, by its path such as `members[].role`, with its type in words."""
    found: dict[str, str] = {}
    _gather(schema, schema, "", found, frozenset())
    return found


def _gather(node: Schema, document: Schema, path: str, found: dict[str, str], inside: frozenset[str]) -> None:
    for reference, part in alternatives(node, document):
        if reference in inside:
            continue
        deeper = inside | {reference} if reference else inside
        for name, field in part.get("properties", {}).items():
            place = f"{path}.{name}" if path else name
            found.setdefault(place, _words_for_type(field, document))
            _gather(field, document, place, found, deeper)
        if isinstance(part.get("items"), Mapping):
            _gather(part["items"], document, f"{path}[]", found, deeper)
        if isinstance(part.get("additionalProperties"), Mapping):
            _gather(part["additionalProperties"], document, f"{path}{{}}", found, deeper)


def alternatives(node: Schema, document: Schema) -> list[tuple[str, Schema]]:
    """What a value may be, null left out: each alternative with the name of the definition it came from, or ""."""
    reference, node = resolved(node, document)
    for keyword in ("anyOf", "oneOf"):
        if keyword in node:
            return [found for part in node[keyword] for found in alternatives(part, document)]
    if isinstance(node.get("type"), list):
        return [(reference, {**node, "type": name}) for name in node["type"] if name != "null"]
    return [] if _is_null(node) else [(reference, node)]


def resolved(node: Schema, document: Schema) -> tuple[str, Schema]:
    reference = ""
    while "$ref" in node:
        reference = str(node["$ref"])
        target: Any = document
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]
        node = {**target, **{name: value for name, value in node.items() if name != "$ref"}}
    return reference, node


def _is_null(node: Schema) -> bool:
    return node.get("type") == "null" or node.get("const", ABSENT) is None


def may_be_null(node: Schema, document: Schema) -> bool:
    _, node = resolved(node, document)
    parts = node.get("anyOf", node.get("oneOf"))
    if parts is not None:
        return any(may_be_null(part, document) for part in parts)
    return _is_null(node) or (isinstance(node.get("type"), list) and "null" in node["type"])


def classification(node: Schema, document: Schema) -> str | None:
    """The strictest class that the value or one of its alternatives has."""
    classes: list[str | None] = [node.get(CLASSIFICATION)]
    classes += [part.get(CLASSIFICATION) for _, part in alternatives(node, document)]
    return max(classes, key=lambda name: PROTECTION.get(name, len(PROTECTION)))


def beside_alternatives(node: Schema) -> Schema:
    """What is demanded of the value whichever of its alternatives it is."""
    if "anyOf" not in node and "oneOf" not in node:
        return {}
    return {name: value for name, value in node.items() if name not in ("anyOf", "oneOf", "default", CLASSIFICATION)}


def type_of(node: Schema) -> str:
    if "type" in node:
        return str(node["type"])
    values = values_of(node)
    if values:
        names = {bool: "boolean", int: "integer", float: "number", str: "string"}
        return " or ".join(sorted({names.get(type(value), "anything") for value in values}))
    return "anything"


def values_of(node: Schema) -> list[Any] | None:
    if "const" in node:
        return [node["const"]]
    values: list[Any] | None = node.get("enum")
    return values


def _words_for_type(field: Schema, document: Schema) -> str:
    words = set()
    for _, part in alternatives(field, document):
        word = type_of(part)
        if "format" in part:
            word += f" ({part['format']})"
        if isinstance(part.get("items"), Mapping):
            word += f" of {_words_for_type(part['items'], document)}"
        if isinstance(part.get("additionalProperties"), Mapping):
            word += f" of {_words_for_type(part['additionalProperties'], document)} by name"
        words.add(word)
    return " or ".join(sorted(words)) or "null"
