"""The envelope: what we write is what the CloudEvents SDK reads, and what we read is what the SDK reads."""

from contextlib import suppress
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given
from hypothesis import strategies as st

from tandem_events.contracts import PersonDeparted, PersonState
from tandem_events.envelope import (
    Cause,
    NotACloudEvent,
    caused_by,
    read_envelope,
    to_message,
    to_tombstone,
)

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
AT = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def departed() -> PersonDeparted:
    return PersonDeparted(person_id=uuid4(), left_on=AT.date(), occurred_at=AT)


def test_the_sdk_and_this_library_read_the_same() -> None:
    with caused_by(Cause(correlation_id="story", causation_id="cause", traceparent=TRACE)):
        message = to_message(departed(), version=7)
    headers = {name: text.encode() for name, text in message.headers.items()}
    sdk = from_binary(KafkaMessage(headers=headers, key=message.key.encode(), value=message.value or b""), JSONFormat())
    ours = read_envelope(headers)
    assert str(ours.event_id) == sdk.get_id()
    assert ours.type == sdk.get_type() == "tandem.person.departed.v1"
    assert ours.source == sdk.get_source() == "/tandem/profiles"
    assert ours.subject == sdk.get_subject()
    assert sdk.get_time() == AT
    assert (ours.correlation_id, ours.causation_id) == ("story", "cause")
    assert ours.correlation_id == sdk.get_extension("correlationid")
    assert ours.key == sdk.get_extension("partitionkey") == message.key
    assert ours.aggregate_version == int(sdk.get_extension("aggregateversion")) == 7
    assert headers["content-type"] == b"application/json"
    assert (sdk.get_dataschema() or "").endswith("person.departed.v1.json")


def test_what_an_event_leads_to_belongs_to_its_story() -> None:
    with caused_by(Cause(correlation_id="story")):
        first = read_envelope({n: t.encode() for n, t in to_message(departed(), version=1).headers.items()})
    with caused_by(first.as_cause()):
        second = read_envelope({n: t.encode() for n, t in to_message(departed(), version=1).headers.items()})
    assert second.correlation_id == "story"
    assert second.causation_id == str(first.event_id)


def test_a_tombstone_has_an_envelope_and_no_value() -> None:
    gone = to_tombstone(PersonState, uuid4(), occurred_at=AT, version=3)
    assert gone.value is None
    assert gone.topic == "tandem.people"
    assert gone.key == gone.subject


@pytest.mark.parametrize("missing", ["ce_specversion", "ce_id", "ce_type", "ce_source"])
def test_a_missing_header_is_named(missing: str) -> None:
    headers = {n: t.encode() for n, t in to_message(departed(), version=1).headers.items() if n != missing}
    with pytest.raises(NotACloudEvent, match=missing):
        read_envelope(headers)


@given(st.lists(st.tuples(st.sampled_from(["ce_id", "ce_type", "ce_source", "ce_specversion", "x"]), st.binary())))
def test_no_headers_whatever_raise_anything_else(headers: list[tuple[str, bytes]]) -> None:
    with suppress(NotACloudEvent):
        assert read_envelope(headers).event_id
