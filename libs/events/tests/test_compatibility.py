"""What may change in a schema and what may not: one example of each, and what holds for any schema."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tandem_events.compatibility import Kind, additions, field_types, forbidden_changes, reused_names
from tandem_events.contracts import CONTRACTS
from tandem_events.contracts.contract import Event
from tandem_events.examples import NoExample, example_of
from tandem_events.schemas import schema_of

Schema = dict[str, Any]

TRIP: Schema = {
    "title": "TripBooked",
    "type": "object",
    "additionalProperties": True,
    "properties": {
        "trip_id": {"type": "string", "format": "uuid"},
        "class": {"type": "string", "enum": ["first", "second"]},
        "seats": {"type": "integer", "minimum": 1, "maximum": 8},
        "code": {"type": "string", "pattern": "^[a-z]+$", "minLength": 2, "maxLength": 10},
        "note": {"type": "string", "x-classification": "personal"},
        "guide_id": {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}], "default": None},
        "meals": {"type": "integer", "default": 2},
        "stops": {"type": "array", "items": {"$ref": "#/$defs/Stop"}, "minItems": 1},
        "tags": {"type": "array", "items": {"type": "string"}, "default": []},
        "prices": {"type": "object", "propertyNames": {"format": "uuid"}, "additionalProperties": {"type": "integer"}},
        "point": {"type": "array", "prefixItems": [{"type": "number"}, {"type": "number"}]},
        "only": {"const": "yes"},
        "secret": {"anyOf": [{"type": "string", "x-classification": "personal"}, {"type": "null"}], "default": None},
    },
    "required": ["trip_id", "class", "seats", "code", "stops"],
    "$defs": {
        "Stop": {
            "type": "object",
            "additionalProperties": True,
            "properties": {
                "place": {"type": "string"},
                "minutes": {"type": "integer", "minimum": 0, "default": 0},
                "after": {"anyOf": [{"$ref": "#/$defs/Stop"}, {"type": "null"}], "default": None},
            },
            "required": ["place"],
        }
    },
    "x-tandem": {"name": "trip.booked", "version": 1, "topic": "tandem.trips", "key": "trip_id", "sender": "trips"},
}


def changed(path: str, value: Any = None, *, remove: bool = False, of: Schema = TRIP) -> Schema:
    """A copy in which what stands at this path is another value, or is not there."""
    schema = copy.deepcopy(of)
    *way, last = path.split("/")
    place: Any = schema
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place[step]
    if remove:
        del place[last]
    elif isinstance(place, list):
        place[int(last)] = value
    else:
        place[last] = value
    return schema


def renamed(path: str, name: str) -> Schema:
    *way, last = path.split("/")
    schema = changed(path, remove=True)
    place: Any = schema
    before: Any = TRIP
    for step in way:
        place, before = place[step], before[step]
    place[name] = before[last]
    return schema


REQUIRED = TRIP["required"]
FIELD = "properties"
FORBIDDEN: dict[str, tuple[Schema, Kind, str]] = {
    "a field removed": (changed(f"{FIELD}/tags", remove=True), Kind.REMOVED, "tags"),
    "a field renamed": (renamed(f"{FIELD}/note", "remark"), Kind.RENAMED, "note"),
    "a field retyped": (changed(f"{FIELD}/seats/type", "string"), Kind.RETYPED, "seats"),
    "an integer that becomes any number": (changed(f"{FIELD}/meals/type", "number"), Kind.RETYPED, "meals"),
    "another type also allowed": (
        changed(f"{FIELD}/meals", {"anyOf": [{"type": "integer"}, {"type": "string"}], "default": 2}),
        Kind.RETYPED,
        "meals",
    ),
    "an optional field now required": (changed("required", [*REQUIRED, "tags"]), Kind.NEWLY_REQUIRED, "tags"),
    "a new required field": (
        {**changed(f"{FIELD}/gate", {"type": "integer"}), "required": [*REQUIRED, "gate"]},
        Kind.NEWLY_REQUIRED,
        "gate",
    ),
    "a required field now optional": (changed("required", REQUIRED[1:]), Kind.NO_LONGER_REQUIRED, "trip_id"),
    "an enum value added": (
        changed(f"{FIELD}/class/enum", ["first", "second", "third"]),
        Kind.ENUM_VALUE_ADDED,
        "class",
    ),
    "an enum value removed": (changed(f"{FIELD}/class/enum", ["first"]), Kind.ENUM_VALUE_REMOVED, "class"),
    "an enum opened": (changed(f"{FIELD}/class/enum", remove=True), Kind.ENUM_VALUE_ADDED, "class"),
    "an enum made of a free text": (changed(f"{FIELD}/note/enum", ["a"]), Kind.ENUM_VALUE_REMOVED, "note"),
    "a single value joined by another": (
        changed(f"{FIELD}/only", {"type": "string", "enum": ["yes", "no"]}),
        Kind.ENUM_VALUE_ADDED,
        "only",
    ),
    "a minimum raised": (changed(f"{FIELD}/seats/minimum", 2), Kind.CONSTRAINT_TIGHTENED, "seats"),
    "a minimum lowered": (changed(f"{FIELD}/seats/minimum", 0), Kind.CONSTRAINT_LOOSENED, "seats"),
    "a maximum lowered": (changed(f"{FIELD}/seats/maximum", 4), Kind.CONSTRAINT_TIGHTENED, "seats"),
    "a maximum raised": (changed(f"{FIELD}/seats/maximum", 9), Kind.CONSTRAINT_LOOSENED, "seats"),
    "a maximum that was not there": (changed(f"{FIELD}/meals/maximum", 9), Kind.CONSTRAINT_TIGHTENED, "meals"),
    "a maximum dropped": (changed(f"{FIELD}/seats/maximum", remove=True), Kind.CONSTRAINT_LOOSENED, "seats"),
    "a longest text shortened": (changed(f"{FIELD}/code/maxLength", 5), Kind.CONSTRAINT_TIGHTENED, "code"),
    "a shortest text lengthened": (changed(f"{FIELD}/code/minLength", 3), Kind.CONSTRAINT_TIGHTENED, "code"),
    "a pattern changed": (changed(f"{FIELD}/code/pattern", "^[a-f]+$"), Kind.CONSTRAINT_TIGHTENED, "code"),
    "a pattern dropped": (changed(f"{FIELD}/code/pattern", remove=True), Kind.CONSTRAINT_LOOSENED, "code"),
    "more items demanded": (changed(f"{FIELD}/stops/minItems", 2), Kind.CONSTRAINT_TIGHTENED, "stops"),
    "unique items demanded": (changed(f"{FIELD}/tags/uniqueItems", value=True), Kind.CONSTRAINT_TIGHTENED, "tags"),
    "array items retyped": (changed(f"{FIELD}/tags/items/type", "integer"), Kind.RETYPED, "tags[]"),
    "array items given a format": (changed(f"{FIELD}/tags/items/format", "uuid"), Kind.FORMAT_CHANGED, "tags[]"),
    "a fixed item added": (
        changed(f"{FIELD}/point/prefixItems", [{"type": "number"}] * 3),
        Kind.RETYPED,
        "point",
    ),
    "dictionary values retyped": (
        changed(f"{FIELD}/prices/additionalProperties/type", "string"),
        Kind.RETYPED,
        "prices{}",
    ),
    "dictionary names of another format": (
        changed(f"{FIELD}/prices/propertyNames/format", "date"),
        Kind.FORMAT_CHANGED,
        "prices{name}",
    ),
    "a field of a nested object removed": (
        changed(f"$defs/Stop/{FIELD}/minutes", remove=True),
        Kind.REMOVED,
        "stops[].minutes",
    ),
    "a field of a nested object required": (
        changed("$defs/Stop/required", ["place", "minutes"]),
        Kind.NEWLY_REQUIRED,
        "stops[].minutes",
    ),
    "a nested object replaced by text": (changed(f"{FIELD}/stops/items", {"type": "string"}), Kind.RETYPED, "stops[]"),
    "null no longer allowed": (
        changed(f"{FIELD}/guide_id", {"type": "string", "format": "uuid"}),
        Kind.NO_LONGER_NULLABLE,
        "guide_id",
    ),
    "null newly allowed": (
        changed(f"{FIELD}/note", {"anyOf": [{"type": "string"}, {"type": "null"}], "x-classification": "personal"}),
        Kind.NEWLY_NULLABLE,
        "note",
    ),
    "a format changed": (changed(f"{FIELD}/trip_id/format", "date"), Kind.FORMAT_CHANGED, "trip_id"),
    "a format dropped": (changed(f"{FIELD}/trip_id/format", remove=True), Kind.FORMAT_CHANGED, "trip_id"),
    "a default changed": (changed(f"{FIELD}/meals/default", 3), Kind.DEFAULT_CHANGED, "meals"),
    "a personal field shown to all": (
        changed(f"{FIELD}/note/x-classification", remove=True),
        Kind.LESS_PROTECTED,
        "note",
    ),
    "an alternative of a personal field shown to all": (
        changed(f"{FIELD}/secret/anyOf/0/x-classification", remove=True),
        Kind.LESS_PROTECTED,
        "secret",
    ),
    "a rule beside alternatives": (changed(f"{FIELD}/guide_id/maxLength", 3), Kind.NOT_JUDGED, "guide_id"),
    "unknown fields forbidden": (changed("additionalProperties", value=False), Kind.CLOSED, ""),
    "the topic changed": (changed("x-tandem/topic", "tandem.travel"), Kind.ROUTE_CHANGED, ""),
    "the key changed": (changed("x-tandem/key", "guide_id"), Kind.ROUTE_CHANGED, ""),
    "a rule that nobody has judged": (changed(f"{FIELD}/prices/dependentRequired", {}), Kind.NOT_JUDGED, "prices"),
}

ALLOWED: dict[str, Schema] = {
    "an optional field added": changed(f"{FIELD}/gate", {"type": "integer", "default": 0}),
    "an optional field that may be null added": changed(
        f"{FIELD}/gate", {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None}
    ),
    "an optional field added to a nested object": changed(f"$defs/Stop/{FIELD}/gate", {"type": "integer"}),
    "an optional list of new objects added": {
        **changed(f"{FIELD}/meetings", {"type": "array", "items": {"$ref": "#/$defs/Meeting"}, "default": []}),
        "$defs": {**TRIP["$defs"], "Meeting": {"type": "object", "properties": {"a": {}}, "required": ["a"]}},
    },
    "words about a field": changed(f"{FIELD}/seats/description", "How many travel."),
    "another title": changed("title", "Booked"),
    "an example": changed(f"{FIELD}/seats/examples", [3]),
    "enum values in another order": changed(f"{FIELD}/class/enum", ["second", "first"]),
    "required fields in another order": changed("required", REQUIRED[::-1]),
    "a single value spelled as a list of one": changed(f"{FIELD}/only", {"type": "string", "enum": ["yes"]}),
    "a definition written out": changed(f"{FIELD}/stops/items", {**TRIP["$defs"]["Stop"]}),
    "an open field that turns out to be personal": changed(f"{FIELD}/code/x-classification", "personal"),
    "a personal field that turns out to be confidential": changed(f"{FIELD}/note/x-classification", "confidential"),
}


@pytest.mark.parametrize("change", FORBIDDEN)
def test_a_forbidden_change_is_found_and_told_in_words(change: str) -> None:
    new, kind, path = FORBIDDEN[change]
    found = forbidden_changes(TRIP, new)
    assert [(one.kind, one.path) for one in found] == [(kind, path)]
    assert len(found[0].words) > 10
    assert str(found[0]).startswith(path)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.NAME_REUSED])
def test_every_kind_of_forbidden_change_has_an_example(kind: Kind) -> None:
    assert any(shown is kind for _, shown, _ in FORBIDDEN.values())


@pytest.mark.parametrize("change", ALLOWED)
def test_an_allowed_change_is_let_pass(change: str) -> None:
    assert forbidden_changes(TRIP, ALLOWED[change]) == []


def test_several_forbidden_changes_are_all_told() -> None:
    new = changed(f"{FIELD}/tags", remove=True, of=changed(f"{FIELD}/seats/maximum", 4))
    assert {one.kind for one in forbidden_changes(TRIP, new)} == {Kind.CONSTRAINT_TIGHTENED, Kind.REMOVED}


def test_added_fields_are_named_by_their_path() -> None:
    assert additions(TRIP, ALLOWED["an optional field added to a nested object"]) == ["stops[].gate"]


def version(number: int, properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "x-tandem": {"name": "trip.booked", "version": number}}


def test_a_name_is_never_used_again_with_another_type_even_after_it_was_gone_for_a_version() -> None:
    history = [version(1, {"gate": {"type": "string"}}), version(2, {})]
    found = reused_names(history, version(3, {"gate": {"type": "integer"}}))
    assert [(one.kind, one.path) for one in found] == [(Kind.NAME_REUSED, "gate")]
    assert found[0].words == "is integer, but was string in version 1: choose another name"


def test_a_name_is_never_used_again_with_another_type_inside_a_list() -> None:
    def stops(field: Schema) -> Schema:
        return {"stops": {"type": "array", "items": {"type": "object", "properties": {"gate": field}}}}

    found = reused_names([version(1, stops({"type": "string"}))], version(2, stops({"type": "boolean"})))
    assert [one.path for one in found] == ["stops[].gate"]


def test_a_new_version_may_keep_a_name_with_its_type_and_more_values() -> None:
    history = [version(1, {"gate": {"type": "string", "enum": ["a"]}})]
    assert reused_names(history, version(2, {"gate": {"type": "string", "enum": ["a", "b"]}})) == []


@pytest.mark.parametrize("event", CONTRACTS, ids=lambda event: event.contract.name)
def test_a_contract_is_compatible_with_itself(event: type[Event]) -> None:
    assert forbidden_changes(schema_of(event), schema_of(event)) == []
    assert additions(schema_of(event), schema_of(event)) == []


names = st.from_regex(r"[a-z]{1,6}", fullmatch=True)
texts = st.fixed_dictionaries(
    {"type": st.just("string")},
    optional={
        "format": st.sampled_from(["uuid", "date", "date-time"]),
        "maxLength": st.integers(1, 100),
        "pattern": st.just("^a"),
        "x-classification": st.sampled_from(["personal", "confidential"]),
    },
)
numbers = st.fixed_dictionaries(
    {"type": st.sampled_from(["integer", "number"])},
    optional={"minimum": st.integers(-9, 0), "maximum": st.integers(1, 9), "default": st.just(0)},
)
choices = st.builds(lambda values: {"enum": values, "type": "string"}, st.lists(names, min_size=1, unique=True))
leaves = st.one_of(
    texts, numbers, choices, st.just({"type": "boolean"}), st.just({"$ref": "#/$defs/Part"}), st.just({})
)


def grown(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return st.one_of(
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(lambda values: {"type": "object", "additionalProperties": values}, inner),
        st.builds(lambda one: {"anyOf": [one, {"type": "null"}], "default": None}, inner),
        st.builds(lambda one, two: {"anyOf": [one, two]}, inner, inner),
        objects(inner),
    )


def objects(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    def build(fields: Schema, flags: list[bool]) -> Schema:
        required = [name for name, needed in zip(fields, flags, strict=False) if needed]
        return {"type": "object", "properties": fields, "required": required, "additionalProperties": True}

    return st.builds(build, st.dictionaries(names, inner, max_size=4), st.lists(st.booleans(), min_size=4, max_size=4))


fields = st.recursive(leaves, grown, max_leaves=8)
schemas = st.builds(
    lambda root, part: {**root, "$defs": {"Part": part}},
    objects(fields),
    objects(st.one_of(fields, st.just({"$ref": "#/$defs/Part"}))),
)


@given(schemas)
def test_any_schema_is_compatible_with_itself(schema: Schema) -> None:
    assert forbidden_changes(schema, copy.deepcopy(schema)) == []
    assert reused_names([schema], copy.deepcopy(schema)) == []


@given(schemas, fields)
def test_adding_an_optional_field_is_always_compatible(schema: Schema, field: Schema) -> None:
    grown_schema = {**schema, "properties": {**schema["properties"], "entirely_new": field}}
    assert forbidden_changes(schema, grown_schema) == []
    assert "entirely_new" in additions(schema, grown_schema)


@given(schemas, st.data())
def test_removing_or_requiring_any_field_is_never_compatible(schema: Schema, data: st.DataObject) -> None:
    if not schema["properties"]:
        return
    name = data.draw(st.sampled_from(sorted(schema["properties"])))
    without = {other: field for other, field in schema["properties"].items() if other != name}
    assert forbidden_changes(schema, {**schema, "properties": without})
    if name not in schema["required"]:
        assert forbidden_changes(schema, {**schema, "required": [*schema["required"], name]})


@given(schemas, fields, st.data())
def test_what_is_let_pass_can_be_read_in_both_directions(schema: Schema, other: Schema, data: st.DataObject) -> None:
    """Whatever stands somewhere else in the new schema: either it is refused, or each side reads the other's events."""
    places = [("properties", name) for name in schema["properties"]] + [("$defs", "Part")]
    group, name = data.draw(st.sampled_from(places))
    new = {**schema, group: {**schema[group], name: other if group == "properties" else {"type": "object", **other}}}
    try:
        said_by_old, said_by_new = example_of(schema), example_of(new)
    except NoExample:
        return
    if not (Draft202012Validator(schema).is_valid(said_by_old) and Draft202012Validator(new).is_valid(said_by_new)):
        return  # a schema that nothing satisfies, such as a text both shorter than and like something
    if not forbidden_changes(schema, new):
        Draft202012Validator(new).validate(said_by_old)
        known = {field: value for field, value in said_by_new.items() if field in schema["properties"]}
        Draft202012Validator(schema).validate(known)


@given(schemas)
def test_the_fields_of_any_schema_have_types_in_words(schema: Schema) -> None:
    assert all(field_types(schema).values())
