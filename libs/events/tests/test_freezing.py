"""Freezing: what is written, what is refused, and how a later field is dated."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import Field

from tandem_events.contracts import Fact
from tandem_events.contracts.contract import Event
from tandem_events.freezing import Standing, freeze, judge
from tandem_events.schemas import schema_of


class BoatLaunched(Fact, name="boat.launched", sender="profiles", subject="boat_id"):
    """A boat is on the water."""

    boat_id: UUID
    seats: int = Field(ge=1)


def again(**fields: Any) -> type[Event]:
    """The same event as a later release would define it."""

    return type(
        "BoatLaunched",
        (BoatLaunched,),
        {
            "__doc__": BoatLaunched.__doc__,
            "__annotations__": {name: annotation for name, (annotation, _) in fields.items()},
            **{name: field for name, (_, field) in fields.items()},
            "__module__": __name__,
        },
        name="boat.launched",
        sender="profiles",
        subject="boat_id",
    )


def read(directory: Path) -> dict[str, Any]:
    return {file.name: json.loads(file.read_text()) for file in directory.iterdir()}


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """A directory in which release 1.0 froze the event."""
    freeze(judge([BoatLaunched], {}), {}, release="1.0", directory=tmp_path)
    return tmp_path


def test_a_new_contract_is_frozen_with_the_release_in_which_it_appeared(first: Path) -> None:
    assert read(first) == {"boat.launched.v1.json": {**schema_of(BoatLaunched), "x-since": "1.0"}}


def test_an_unchanged_contract_is_left_alone(first: Path) -> None:
    verdicts = judge([BoatLaunched], read(first))
    assert [verdict.standing for verdict in verdicts] == [Standing.SAME]
    assert freeze(verdicts, read(first), release="2.0", accept_compatible=True, directory=first) == []


def test_a_compatible_change_is_frozen_only_where_it_is_accepted_and_dates_the_new_field(first: Path) -> None:
    event = again(colour=("str | None", None))
    verdicts = judge([event], read(first))
    assert [(verdict.standing, verdict.reasons) for verdict in verdicts] == [
        (Standing.EXTENDED, ("colour was added and is optional",))
    ]
    assert freeze(verdicts, read(first), release="1.1", directory=first) == []
    assert freeze(verdicts, read(first), release="1.1", accept_compatible=True, directory=first)
    schema = read(first)["boat.launched.v1.json"]
    assert schema["x-since"] == "1.0"
    assert schema["properties"]["colour"]["x-since"] == "1.1"
    assert "x-since" not in schema["properties"]["seats"]
    assert [verdict.standing for verdict in judge([event], read(first))] == [Standing.SAME]


def test_the_date_of_a_field_survives_the_next_change(first: Path) -> None:
    event = again(colour=("str | None", None))
    freeze(judge([event], read(first)), read(first), release="1.1", accept_compatible=True, directory=first)
    later = again(colour=("str | None", None), mast=("int | None", None))
    freeze(judge([later], read(first)), read(first), release="1.2", accept_compatible=True, directory=first)
    fields = read(first)["boat.launched.v1.json"]["properties"]
    assert (fields["colour"]["x-since"], fields["mast"]["x-since"]) == ("1.1", "1.2")


def test_an_incompatible_change_is_refused_with_its_reasons_even_where_compatible_ones_are_accepted(
    first: Path,
) -> None:
    before = read(first)
    verdicts = judge([again(seats=("str", ...))], before)
    assert [verdict.standing for verdict in verdicts] == [Standing.REFUSED]
    assert any("seats" in reason for reason in verdicts[0].reasons)
    assert freeze(verdicts, before, release="1.1", accept_compatible=True, directory=first) == []
    assert read(first) == before


def test_a_second_version_may_not_use_a_name_of_the_first_with_another_type(first: Path) -> None:
    class BoatLaunchedV2(Fact, name="boat.launched", sender="profiles", subject="boat_id", version=2):
        """A boat is on the water."""

        boat_id: UUID
        seats: tuple[UUID, ...]

    verdict = judge([BoatLaunchedV2], read(first))[0]
    assert verdict.standing is Standing.REFUSED
    assert "in version 1: choose another name" in verdict.reasons[0]
