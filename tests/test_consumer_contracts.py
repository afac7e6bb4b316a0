"""What readers rely on, held against what senders have promised: every reader's samples against the frozen schemas."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis.app import Service
from tandem_events.envelope import to_message
from tandem_events.reading import Incoming, Reader
from tandem_events.schemas import all_frozen, frozen
from tandem_events.subscriptions import Subscription
from tandem_local.declarations import services
from tandem_local.samples import fields_read_by, samples_of

ROOT = Path(__file__).parent.parent
LARGEST = 1_048_576


@dataclass(frozen=True, slots=True)
class Reliance:
    """A service that reads an event, and the sample in which it says what it needs of it."""

    service: Service
    subscription: Subscription

    @property
    def schema_name(self) -> str:
        return self.subscription.event.contract.schema_name

    @property
    def file(self) -> Path:
        return samples_of(self.service.name, root=ROOT) / self.schema_name

    @property
    def sample(self) -> dict[str, Any]:
        if not self.file.exists():
            pytest.fail(
                f"{self.service.name} reads {self.schema_name} and has no sample at {self.file}; "
                "`tandem events samples --write` makes one to begin with"
            )
        read: dict[str, Any] = json.loads(self.file.read_text())
        return read

    def __str__(self) -> str:
        return f"{self.service.name} reads {self.schema_name.removesuffix('.json')}"


RELIANCES = [Reliance(service, subscription) for service in services() for subscription in service.subscriptions]
for_each_reliance = pytest.mark.parametrize("reliance", RELIANCES, ids=str)


def fields_unknown_to(schema: Mapping[str, Any], value: Any) -> list[str]:
    """The fields of a value that a schema does not have, at any depth; an open schema would let them pass."""
    return list(_unknown(schema, schema, value, ""))


def _unknown(node: Mapping[str, Any], whole: Mapping[str, Any], value: Any, path: str) -> Iterator[str]:
    if "$ref" in node:
        node = whole["$defs"][node["$ref"].rpartition("/")[2]]
    if "anyOf" in node:
        found = [list(_unknown(part, whole, value, path)) for part in node["anyOf"]]
        yield from min(found, key=len)
    elif isinstance(value, dict) and "properties" in node:
        for name, inner in value.items():
            place = f"{path}.{name}" if path else name
            if name in node["properties"]:
                yield from _unknown(node["properties"][name], whole, inner, place)
            else:
                yield place
    elif isinstance(value, dict) and isinstance(node.get("additionalProperties"), dict):
        for name, inner in value.items():
            yield from _unknown(node["additionalProperties"], whole, inner, f"{path}.{name}")
    elif isinstance(value, list) and isinstance(node.get("items"), dict):
        for inner in value:
            yield from _unknown(node["items"], whole, inner, f"{path}[]")


@for_each_reliance
def test_what_a_reader_relies_on_is_valid_under_the_sender_s_frozen_schema(reliance: Reliance) -> None:
    schema = frozen(reliance.schema_name)
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(schema, format_checker=checker).validate(reliance.sample)


@for_each_reliance
def test_every_field_that_a_reader_relies_on_is_in_the_sender_s_frozen_schema(reliance: Reliance) -> None:
    assert fields_unknown_to(frozen(reliance.schema_name), reliance.sample) == []


@for_each_reliance
def test_a_sample_shows_every_field_that_its_handler_looks_at(reliance: Reliance) -> None:
    fields = fields_read_by(reliance.subscription.handler) & set(reliance.subscription.event.model_fields)
    assert fields - set(reliance.sample) == set()


@for_each_reliance
def test_a_reader_can_read_its_sample_as_kafka_carries_it_also_with_fields_of_a_later_release(
    reliance: Reliance,
) -> None:
    event = reliance.subscription.event
    message = to_message(event.model_validate_json(json.dumps(reliance.sample)), version=1)
    reader = Reader(reliance.service.subscriptions, max_event_bytes=LARGEST)
    for sample in (reliance.sample, {**reliance.sample, "added_in_a_later_release": {"a": [1]}}):
        item = reader.read(
            Incoming(
                topic=message.topic,
                partition=0,
                offset=0,
                timestamp_milliseconds=0,
                key=message.key.encode(),
                headers=tuple((name, text.encode()) for name, text in message.headers.items()),
                value=json.dumps(sample).encode(),
            )
        )
        assert item.fault is None
        assert item.passed_over is None
        assert isinstance(item.event, event)
        read = json.loads(item.event.model_dump_json())
        assert {name: read[name] for name in reliance.sample} == reliance.sample


def test_every_sample_belongs_to_a_subscription() -> None:
    wanted = {reliance.file for reliance in RELIANCES}
    assert (
        sorted(
            file
            for service in services()
            for file in samples_of(service.name, root=ROOT).glob("*")
            if file not in wanted
        )
        == []
    )


def test_a_reader_that_relies_on_a_field_nobody_promised_would_be_found() -> None:
    schema = all_frozen()["pairing.created.v1.json"]
    sample = {"pairing_id": "x", "members": [{"person_id": "x", "shoe_size": 43}], "mood": "good"}
    assert fields_unknown_to(schema, sample) == ["members[].shoe_size", "mood"]


def test_a_field_that_a_handler_looks_at_would_be_found() -> None:
    async def on_something(happening: Any, session: AsyncSession) -> None:
        session.add_all([happening.pairing_id, *(member.person_id for member in happening.members)])

    assert fields_read_by(on_something) == {"pairing_id", "members"}
