"""What every contract must hold, whoever writes it."""

import types
import typing
from collections.abc import Iterator
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from pydantic import AwareDatetime, BaseModel, Field
from pydantic.fields import FieldInfo

from tandem_events.compatibility import field_types
from tandem_events.contracts import CONTRACTS, Fact, PersonRegistered, State
from tandem_events.contracts.contract import Event
from tandem_events.schemas import schema_of

FACTS = [event for event in CONTRACTS if issubclass(event, Fact)]
WORDLESS = (UUID, int, float, bool, datetime, date, AwareDatetime)


def leaves(annotation: object, metadata: tuple[object, ...] = ()) -> list[tuple[object, tuple[object, ...]]]:
    """The simple types that an annotation is made of, with the constraints that stand at each."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        inner, *constraints = typing.get_args(annotation)
        return leaves(inner, (*metadata, *constraints))
    if origin is typing.Literal:
        return []
    if origin in (typing.Union, types.UnionType, tuple, list, set, frozenset, dict):
        return [
            leaf
            for part in typing.get_args(annotation)
            if part not in (type(None), Ellipsis)
            for leaf in leaves(part, metadata)
        ]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [
            leaf
            for field in annotation.model_fields.values()
            for leaf in leaves(field.annotation, tuple(field.metadata))
        ]
    return [(annotation, metadata)]


def field_leaves(field: FieldInfo) -> list[tuple[object, tuple[object, ...]]]:
    return leaves(field.annotation, tuple(field.metadata))


def carries_only_ids_and_codes(event: type[Event]) -> bool:
    for field in event.model_fields.values():
        if isinstance(field.json_schema_extra, dict) and "x-classification" in field.json_schema_extra:
            return False
        for leaf, constraints in field_leaves(field):
            wordless = leaf in WORDLESS or (isinstance(leaf, type) and issubclass(leaf, Enum))
            is_code = leaf is str and any(getattr(c, "pattern", None) for c in constraints)
            if not (wordless or is_code):
                return False
    return True


@pytest.mark.parametrize("event", FACTS, ids=lambda event: event.contract.name)
def test_a_fact_carries_ids_and_codes_and_no_personal_data(event: type[Event]) -> None:
    assert carries_only_ids_and_codes(event)


def test_a_fact_with_free_text_or_personal_data_would_be_found() -> None:
    class Gossip(Fact, name="gossip.heard", sender="feedback", subject="person_id"):
        person_id: UUID
        words: str

    class Address(Fact, name="address.heard", sender="feedback", subject="person_id"):
        person_id: UUID
        street: int = Field(json_schema_extra={"x-classification": "personal"})

    assert not carries_only_ids_and_codes(Gossip)
    assert not carries_only_ids_and_codes(Address)


def test_every_event_is_registered_once_under_its_own_type() -> None:
    types_ = [event.contract.type for event in CONTRACTS]
    assert len(types_) == len(set(types_))


@pytest.mark.parametrize("event", CONTRACTS, ids=lambda event: event.contract.name)
def test_the_four_spellings_agree(event: type[Event]) -> None:
    from_name = "".join(word.capitalize() for word in event.contract.name.replace(".", "_").split("_"))
    versioned = f"{from_name}V{event.contract.version}"
    assert event.__name__ in (from_name, versioned)
    assert event.__doc__
    assert event.contract.subject in event.model_fields
    assert event.contract.key in event.model_fields


@pytest.mark.parametrize("event", [e for e in CONTRACTS if issubclass(e, State)], ids=lambda e: e.contract.name)
def test_a_state_is_keyed_by_its_own_id(event: type[Event]) -> None:
    assert event.contract.compacted
    assert event.contract.key == event.contract.subject


def test_a_name_means_the_same_type_wherever_it_stands() -> None:
    """What one event calls `module_id` can be looked up in every other."""
    types_of: dict[str, dict[str, list[str]]] = {}
    for event in CONTRACTS:
        for path, type_ in field_types(schema_of(event)).items():
            types_of.setdefault(path.rpartition(".")[2], {}).setdefault(type_, []).append(event.contract.type)
    assert {name: found for name, found in types_of.items() if len(found) > 1} == {}


def test_a_module_is_a_code_of_its_program_wherever_it_stands() -> None:
    rules = {"maxLength", "minLength", "pattern", "format"}
    said = {
        (event.contract.name, tuple(sorted((rule, str(found[rule])) for rule in rules & set(found))))
        for event in CONTRACTS
        for found in of_name(schema_of(event), "module_id")
    }
    assert {name for name, _ in said} == {"program.state", "module.due", "module.completed", "reminder.due"}
    assert len({how for _, how in said}) == 1, said


def of_name(schema: Any, name: str) -> Iterator[dict[str, Any]]:
    """What a schema says of every field of this name, wherever it stands, without that it may be null."""
    if isinstance(schema, list):
        for part in schema:
            yield from of_name(part, name)
    if isinstance(schema, dict):
        for found in [schema["properties"][name]] if name in schema.get("properties", {}) else []:
            yield from [one for one in found.get("anyOf", [found]) if one.get("type") != "null"]
        for part in schema.values():
            yield from of_name(part, name)


def test_readers_ignore_what_they_do_not_know() -> None:
    event = PersonRegistered.model_validate_json(
        b'{"person_id":"01900000-0000-7000-8000-000000000000","occurred_at":"2026-01-01T00:00:00Z","new":1}'
    )
    assert event.occurred_at == datetime(2026, 1, 1, tzinfo=UTC)
