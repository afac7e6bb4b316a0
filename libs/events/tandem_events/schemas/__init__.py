"""From a contract to its JSON Schema document, and the frozen document of every version, which lie beside this file."""

import json
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from tandem_events.contracts.contract import Event
from tandem_events.envelope import SCHEMA_BASE

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SINCE = "x-since"
"""The release in which a schema or a later field appeared. Written when a schema is frozen; no contract knows it."""


class UnknownSchema(LookupError):
    """No schema of this name was ever frozen."""


class _Documents(GenerateJsonSchema):
    """Pydantic's schemas without a title at every field, which would only repeat the field's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> dict[str, Any]:
        return {**super().model_schema(schema), "additionalProperties": True}


def schema_of(event: type[Event]) -> Schema:
    """The JSON Schema 2020-12 document of an event, as its contract says it now."""
    contract = event.contract
    body = event.model_json_schema(schema_generator=_Documents, mode="validation")
    definitions = body.pop("$defs", None)
    document: Schema = {
        "$schema": DIALECT,
        "$id": SCHEMA_BASE + contract.schema_name,
        "title": body.pop("title"),
        "description": body.pop("description"),
        "type": body.pop("type"),
        **body,
    }
    if definitions:
        document["$defs"] = definitions
    document["x-tandem"] = {
        "name": contract.name,
        "version": contract.version,
        "sender": contract.sender,
        "topic": contract.topic,
        "subject": contract.subject,
        "key": contract.key,
        "compacted": contract.compacted,
    }
    return document


def frozen(name: str) -> Schema:
    """The frozen schema of this file name, such as `pairing.created.v1.json`.

    Raises:
        UnknownSchema: it was never frozen.
    """
    file = resources.files(__name__) / name
    if not name.endswith(".json") or not file.is_file():
        raise UnknownSchema(f"no schema {name} was ever frozen")
    document: Schema = json.loads(file.read_text(encoding="utf-8"))
    return document


def all_frozen() -> dict[str, Schema]:
    """Every frozen schema by its file name, sorted by it; also those whose event nobody sends any more."""
    names = (file.name for file in resources.files(__name__).iterdir() if file.name.endswith(".json"))
    return {name: frozen(name) for name in sorted(names)}


def without_dates(schema: Schema) -> Schema:
    """The schema as its contract says it: without the releases that freezing wrote into it."""
    return {name: _undated(value) for name, value in schema.items() if name != SINCE}


def _undated(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _undated(part) for name, part in value.items() if name != SINCE}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_undated(part) for part in value]
    return value


def as_text(schema: Schema) -> str:
    """The schema as its file holds it: two spaces, fields in the contract's order, a line break at the end."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
