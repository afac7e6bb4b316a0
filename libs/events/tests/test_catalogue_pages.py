"""Catalogue and AsyncAPI document of events that exist only here: versions, shared parts, retired events."""

import json
from pathlib import Path
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from tandem_events.asyncapi import document, first_sentence
from tandem_events.catalogue import event_map, leftovers, pages
from tandem_events.contracts import Fact, State
from tandem_events.declarations import ServiceDeclaration
from tandem_events.freezing import dated
from tandem_events.schemas import Schema, schema_of


class Oar(BaseModel):
    """Something to row with."""

    length: int = Field(ge=1, le=5)


class BoatLaunched(Fact, name="boat.launched", sender="profiles", subject="boat_id"):
    """A boat is on the water. It has oars."""

    boat_id: UUID
    oars: tuple[Oar, ...] = ()
    kind: Literal["row", "sail"]


class BoatLaunchedV2(Fact, name="boat.launched", sender="profiles", subject="boat_id", version=2):
    """A boat is on the water."""

    boat_id: UUID
    kind: Literal["row", "sail", "motor"] = "row"


class BoatState(State, name="boat.state", sender="profiles", topic="tandem.boats", subject="boat_id"):
    """What a boat is now."""

    boat_id: UUID
    owner: str | None = Field(
        default=None, description="Whose | it is.", json_schema_extra={"x-classification": "personal"}
    )
    oars: tuple[Oar, ...] = Field(default=(), min_length=1)


def other_oar() -> type[Fact]:
    class Oar(BaseModel):
        """Another thing of the same name."""

        wooden: bool

    class RaceWon(Fact, name="race.won", sender="matching", subject="race_id"):
        """A race was won."""

        race_id: UUID
        oar: Oar

    return RaceWon


RaceWon = other_oar()
HARBOUR = ServiceDeclaration("profiles", "Harbour", sends=(BoatLaunched, BoatLaunchedV2, BoatState), reads=())
RACES = ServiceDeclaration("matching", "Races", sends=(RaceWon,), reads=(BoatLaunched, BoatState))
SERVICES = (HARBOUR, RACES)


def frozen() -> dict[str, Schema]:
    events = (BoatLaunched, BoatLaunchedV2, BoatState, RaceWon)
    schemas = {event.contract.schema_name: schema_of(event) for event in events}
    return {name: dated(schema, before=None, release="1.0") for name, schema in schemas.items()}


def test_each_version_of_an_event_has_a_page_of_its_own() -> None:
    made = pages(SERVICES, frozen(), release="1.0")
    assert made["boat.launched.v1.md"].splitlines()[2] == "# boat.launched"
    assert made["boat.launched.v2.md"].splitlines()[2] == "# boat.launched, version 2"
    assert "| readers | matching |" in made["boat.launched.v1.md"]
    assert "| readers | none |" in made["boat.launched.v2.md"]


def test_a_page_says_of_each_field_its_type_bounds_default_and_class() -> None:
    made = pages(SERVICES, frozen(), release="1.0")
    rows = made["boat.state.v1.md"].splitlines()
    assert "| `owner` | text, or null | optional | personal | Whose \\| it is. |  |" in rows
    assert "| `oars` | list of Oar, at least 1 | optional |  |  |  |" in rows
    assert "| `oars[].length` | integer, 1 to 5 | always |  |  |  |" in rows
    assert '| `kind` | one of `row`, `sail`, `motor` | optional, else `"row"` |  |  |  |' in made["boat.launched.v2.md"]


def test_a_later_field_shows_the_release_since_which_it_is_there() -> None:
    known = frozen()
    schema = known["boat.launched.v1.json"]
    before = {**schema, "properties": {name: field for name, field in schema["properties"].items() if name != "oars"}}
    known["boat.launched.v1.json"] = dated(schema_of(BoatLaunched), before=before, release="1.1")
    made = pages(SERVICES, known, release="1.1")
    assert "| `oars` | list of Oar | optional |  |  | 1.1 |" in made["boat.launched.v1.md"]


def test_the_page_of_a_state_warns_of_null_values_and_of_personal_data() -> None:
    made = pages(SERVICES, frozen(), release="1.0")
    assert "A null value: the thing is gone" in made["boat.state.v1.md"]
    assert "Duties of care for `owner`" in made["boat.state.v1.md"]
    assert "A null value" not in made["boat.launched.v1.md"].partition("## What a reader must tolerate")[2]


def test_the_contents_list_what_is_no_longer_sent() -> None:
    known = {**frozen(), "boat.sunk.v1.json": frozen()["boat.launched.v1.json"]}
    assert "boat.sunk.v1.json" in pages(SERVICES, known, release="1.0")["README.md"].partition("No longer sent")[2]
    assert "No longer sent" not in pages(SERVICES, frozen(), release="1.0")["README.md"]


def test_the_map_shows_who_tells_whom() -> None:
    drawn = event_map(SERVICES)
    assert '  profiles -- "boat" --> matching' in drawn
    assert "matching --" not in drawn.replace("--> matching", "")
    assert "| [`boat.state`](docs/events/boat.state.v1.md) | sends | reads |" in drawn


def test_the_same_declarations_give_the_same_document() -> None:
    assert json.dumps(document(SERVICES, release="1.0")) == json.dumps(document(SERVICES, release="1.0"))


def test_parts_of_the_same_shape_are_shared_and_different_parts_of_one_name_are_kept_apart() -> None:
    schemas = document((HARBOUR,), release="1.0")["components"]["schemas"]
    assert schemas["tandem.boat.launched.v1"]["properties"]["oars"]["items"] == {"$ref": "#/components/schemas/Oar"}
    assert schemas["tandem.boat.state.v1"]["properties"]["oars"]["items"] == {"$ref": "#/components/schemas/Oar"}

    schemas = document(SERVICES, release="1.0")["components"]["schemas"]
    assert "Oar" not in schemas
    assert "length" in schemas["tandem.boat.launched.v1.Oar"]["properties"]
    assert "wooden" in schemas["tandem.race.won.v1.Oar"]["properties"]
    assert schemas["tandem.race.won.v1"]["properties"]["oar"] == {"$ref": "#/components/schemas/tandem.race.won.v1.Oar"}


def test_a_state_topic_is_described_as_compacted_and_a_fact_topic_as_kept() -> None:
    channels = document(SERVICES, release="1.0")["channels"]
    policies = {
        name: channel["bindings"]["kafka"]["topicConfiguration"]["cleanup.policy"] for name, channel in channels.items()
    }
    assert policies == {"tandem.profiles": ["delete"], "tandem.boats": ["compact"], "tandem.matching": ["delete"]}


def test_an_event_is_summed_up_by_its_first_sentence() -> None:
    assert first_sentence(BoatLaunched) == "A boat is on the water."
    assert first_sentence(BoatState) == "What a boat is now."


def test_only_generated_pages_that_are_no_longer_made_are_leftovers(tmp_path: Path) -> None:
    made = pages(SERVICES, frozen(), release="1.0")
    for name, text in made.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "by_hand.md").write_text("# By hand\n")
    fewer = [name for name in made if name != "race.won.v1.md"]
    assert leftovers(tmp_path, fewer) == [tmp_path / "race.won.v1.md"]
