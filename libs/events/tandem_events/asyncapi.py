"""The AsyncAPI 3.0 document of the whole platform, made from what its services declare."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tandem_events.contracts.contract import Contract, Event
from tandem_events.declarations import ServiceDeclaration, readers, sent
from tandem_events.envelope import SCHEMA_BASE
from tandem_events.examples import example_of, id_named
from tandem_events.schemas import schema_of

Document = dict[str, Any]

BINDING_VERSION = "0.5.0"
"""The version of the Kafka bindings."""

LEFT_OUT = frozenset({"$schema", "$id", "$defs", "x-tandem"})
"""What a payload says elsewhere in the document, and what AsyncAPI's dialect of JSON Schema does not know."""

HEADERS: tuple[tuple[str, Document, bool], ...] = (
    ("content-type", {"const": "application/json"}, True),
    ("ce_specversion", {"const": "1.0"}, True),
    ("ce_id", {"format": "uuid", "description": "The event's own id (UUIDv7). The same id is the same event."}, True),
    ("ce_source", {"description": "The sender, such as `/tandem/matching`."}, True),
    ("ce_type", {"description": "Name and version, such as `tandem.pairing.created.v1`."}, True),
    ("ce_subject", {"format": "uuid", "description": "The id of what the event is about."}, True),
    ("ce_time", {"format": "date-time", "description": "When it became true, in UTC."}, True),
    ("ce_dataschema", {"format": "uri", "description": "The name of the JSON Schema of the value."}, True),
    ("ce_partitionkey", {"description": "The Kafka key: events under one key are in order."}, True),
    ("ce_correlationid", {"description": "The story that the event belongs to."}, True),
    ("ce_causationid", {"description": "The id of the event that led to this one; absent at the beginning."}, False),
    ("ce_aggregateversion", {"pattern": "^[0-9]+$", "description": "The version of the subject after it."}, True),
    ("ce_traceparent", {"description": "The W3C trace in which the fact arose."}, False),
    ("traceparent", {"description": "The W3C trace of this hop."}, False),
)
"""Each header of a message: its name, its schema (all are UTF-8 text), and whether it is always there."""


def document(services: Sequence[ServiceDeclaration], *, release: str) -> Document:
    """The platform's AsyncAPI 3.0 document: a channel per topic, an operation per service and topic it sends or reads.

    The order of everything follows the services and the contracts, so that the same declarations give the same text.
    """
    events = tuple(dict.fromkeys((*sent(services), *(event for service in services for event in service.reads))))
    topics = tuple(dict.fromkeys(event.contract.topic for event in events))
    return {
        "asyncapi": "3.0.0",
        "id": "urn:tandem:events",
        "info": {
            "title": "Tandem events",
            "version": release,
            "description": (
                "Every fact and state that Tandem's services tell. Messages are CloudEvents 1.0 in Kafka's binary "
                "mode: the value is the JSON data, the attributes are headers. Schemas are open: readers ignore "
                "fields they do not know. Pass over types that you do not read."
            ),
            "license": {"name": "Apache-2.0"},
            "tags": [{"name": service.name, "description": service.title} for service in services],
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "{bootstrapServers}",
                "protocol": "kafka",
                "description": "The brokers of your installation.",
                "variables": {
                    "bootstrapServers": {
                        "default": "127.0.0.1:8106",
                        "description": "One or more host:port, comma separated; the default is `tandem up` here.",
                    }
                },
            }
        },
        "channels": {topic: _channel(topic, events) for topic in topics},
        "operations": _operations(services),
        "components": {
            "messages": {event.contract.type: _message(event, services) for event in events},
            "schemas": _schemas(events),
            "messageTraits": {"cloudEvent": {"headers": _headers()}},
        },
    }


def _channel(topic: str, events: Iterable[type[Event]]) -> Document:
    here = [event for event in events if event.contract.topic == topic]
    contract = here[0].contract
    about = (
        f"The current state of each of them, by its id; compacted. A null value means that it is gone. "
        f"{contract.sender.capitalize()} sends it."
        if contract.compacted
        else f"The facts that {contract.sender} sends, in the past tense, kept."
    )
    return {
        "address": topic,
        "title": topic,
        "description": about,
        "messages": {event.contract.type: {"$ref": f"#/components/messages/{event.contract.type}"} for event in here},
        "bindings": {
            "kafka": {
                "topic": topic,
                "topicConfiguration": {"cleanup.policy": ["compact" if contract.compacted else "delete"]},
                "bindingVersion": BINDING_VERSION,
            }
        },
    }


def _operations(services: Iterable[ServiceDeclaration]) -> Document:
    operations: Document = {}
    for service in services:
        for action, verb, events in (("send", "sends to", service.sends), ("receive", "reads from", service.reads)):
            for topic in dict.fromkeys(event.contract.topic for event in events):
                operation: Document = {
                    "action": action,
                    "title": f"{service.title} {verb} {topic}",
                    "channel": {"$ref": f"#/channels/{topic}"},
                    "messages": [
                        {"$ref": f"#/channels/{topic}/messages/{event.contract.type}"}
                        for event in events
                        if event.contract.topic == topic
                    ],
                    "tags": [{"name": service.name}],
                }
                if action == "receive":
                    group = {"type": "string", "const": f"tandem.{service.name}"}
                    operation["bindings"] = {"kafka": {"groupId": group, "bindingVersion": BINDING_VERSION}}
                operations[f"{service.name}.{action}.{topic}"] = operation
    return operations


def _message(event: type[Event], services: Sequence[ServiceDeclaration]) -> Document:
    contract = event.contract
    return {
        "name": contract.type,
        "title": contract.name,
        "summary": first_sentence(event),
        "contentType": "application/json",
        "traits": [{"$ref": "#/components/messageTraits/cloudEvent"}],
        "correlationId": {
            "description": "The story that the event belongs to.",
            "location": "$message.header#/ce_correlationid",
        },
        "payload": {"$ref": f"#/components/schemas/{contract.type}"},
        "tags": [{"name": contract.sender}],
        "bindings": {
            "kafka": {
                "key": {
                    "type": "string",
                    "format": "uuid",
                    "description": f"The event's {contract.key}.",
                    "examples": [id_named(contract.key)],
                },
                "bindingVersion": BINDING_VERSION,
            }
        },
        "examples": [{"name": contract.name, "headers": example_headers(contract), "payload": example(event)}],
        "x-schema": SCHEMA_BASE + contract.schema_name,
        "x-readers": list(readers(event, services)),
    }


def first_sentence(event: type[Event]) -> str:
    """What the event says, as the first sentence of its contract puts it."""
    words = " ".join((event.__doc__ or "").split())
    sentence, stop, _ = words.partition(". ")
    return sentence + "." if stop else words


def example(event: type[Event]) -> Document:
    """An example of the event's value."""
    return example_of(schema_of(event))


def example_headers(contract: Contract) -> Document:
    """The headers of the example of an event."""
    return {
        "content-type": "application/json",
        "ce_specversion": "1.0",
        "ce_id": id_named(contract.type),
        "ce_source": f"/tandem/{contract.sender}",
        "ce_type": contract.type,
        "ce_subject": id_named(contract.subject),
        "ce_time": "2026-03-02T09:30:00Z",
        "ce_dataschema": SCHEMA_BASE + contract.schema_name,
        "ce_partitionkey": id_named(contract.key),
        "ce_correlationid": id_named("correlation"),
        "ce_aggregateversion": "1",
    }


def _headers() -> Document:
    return {
        "type": "object",
        "properties": {name: {"type": "string", **schema} for name, schema, _ in HEADERS},
        "required": [name for name, _, always in HEADERS if always],
    }


def _schemas(events: Iterable[type[Event]]) -> Document:
    """The payloads, and the objects inside them under their own names; an event's own where two differ in one name."""
    written = {event.contract.type: schema_of(event) for event in events}
    parts: dict[str, list[Any]] = {}
    for schema in written.values():
        for name, part in schema.get("$defs", {}).items():
            parts.setdefault(name, []).append(part)
    shared = {name for name, found in parts.items() if all(part == found[0] for part in found)}
    schemas: Document = {}
    for type_, schema in written.items():
        places = {f"#/$defs/{name}": name if name in shared else f"{type_}.{name}" for name in schema.get("$defs", {})}
        schemas[type_] = _moved({key: value for key, value in schema.items() if key not in LEFT_OUT}, places)
        for name, part in schema.get("$defs", {}).items():
            schemas.setdefault(places[f"#/$defs/{name}"], _moved(part, places))
    return schemas


def _moved(node: Any, places: Mapping[str, str]) -> Any:
    """The same schema with its references pointing to the document's components."""
    if isinstance(node, Mapping):
        return {
            name: f"#/components/schemas/{places[value]}" if name == "$ref" else _moved(value, places)
            for name, value in node.items()
        }
    if isinstance(node, list):
        return [_moved(part, places) for part in node]
    return node
