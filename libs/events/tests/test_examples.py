"""Examples: valid against the schema and readable as the event, always the same."""

import json

import jsonschema
import pytest

from tandem_events.contracts import CONTRACTS
from tandem_events.contracts.contract import Event
from tandem_events.examples import NoExample, example_of
from tandem_events.schemas import schema_of


@pytest.mark.parametrize("event", CONTRACTS, ids=lambda event: event.contract.type)
def test_every_contract_has_an_example_that_its_schema_and_its_class_accept(event: type[Event]) -> None:
    schema = schema_of(event)
    jsonschema.Draft202012Validator.check_schema(schema)
    example = example_of(schema)
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER).validate(
        example
    )
    read = event.model_validate_json(json.dumps(example))
    assert read.partition_key()
    assert set(example) == set(event.model_fields)
    assert example == example_of(schema)


def test_the_examples_of_all_events_are_about_the_same_pairing() -> None:
    of_pairings = [example_of(schema_of(event)) for event in CONTRACTS if "pairing_id" in event.model_fields]
    assert len({example["pairing_id"] for example in of_pairings}) == 1


def test_members_of_an_example_are_different_people_in_different_roles() -> None:
    event = next(event for event in CONTRACTS if event.contract.name == "pairing.created")
    members = example_of(schema_of(event))["members"]
    assert len({member["person_id"] for member in members}) == len({member["role"] for member in members}) == 2


def test_a_pattern_that_cannot_be_guessed_asks_its_author_for_an_example() -> None:
    schema = {"type": "object", "properties": {"plate": {"type": "string", "pattern": "^[0-9]{9}$"}}}
    with pytest.raises(NoExample, match="plate must be like"):
        example_of(schema)
    schema["properties"]["plate"]["examples"] = ["123456789"]  # type: ignore[index]
    assert example_of(schema) == {"plate": "123456789"}
