"""The catalogue, the front page's map and the AsyncAPI document are as the contracts and the services say now."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tandem_events.catalogue import GENERATED, MAP_BEGINS, MAP_ENDS, NoPlaceForMap, page_name, with_map
from tandem_events.contracts import PairingCreated, ProgramLaunched
from tandem_events.declarations import ServiceDeclaration, contradictions, sent
from tandem_events.schemas import all_frozen, schema_of, without_dates
from tandem_local.cli import app
from tandem_local.declarations import declarations, disagreements

ROOT = Path(__file__).parent.parent
CATALOGUE = ROOT / "docs" / "events"
FRONT_PAGE = ROOT / "README.md"

command = CliRunner()


def test_contracts_declarations_and_code_agree_on_who_sends_and_who_reads() -> None:
    assert disagreements() == []


def test_every_event_that_is_sent_is_frozen_as_its_contract_says_it() -> None:
    frozen = all_frozen()
    for event in sent(declarations()):
        assert without_dates(frozen[event.contract.schema_name]) == schema_of(event)


def test_every_generated_file_is_as_it_would_be_generated_now() -> None:
    answer = command.invoke(
        app, ["events", "catalogue", "--check", "--write", str(CATALOGUE), "--front-page", str(FRONT_PAGE)]
    )
    assert answer.exit_code == 0, answer.output


def test_a_stale_file_is_found_and_put_right(tmp_path: Path) -> None:
    front = tmp_path / "README.md"
    front.write_text(f"# Ours\n\n{MAP_BEGINS}\nold\n{MAP_ENDS}\n\nThe end.\n")
    arguments = ["events", "catalogue", "--write", str(tmp_path / "events"), "--front-page", str(front)]
    assert command.invoke(app, [*arguments, "--check"]).exit_code == 1
    assert not (tmp_path / "events").exists()
    assert command.invoke(app, arguments).exit_code == 0
    assert command.invoke(app, [*arguments, "--check"]).exit_code == 0

    page = tmp_path / "events" / page_name(PairingCreated)
    page.write_text(page.read_text().replace("pairing_id", "couple_id"))
    old = tmp_path / "events" / "pairing.annulled.v1.md"
    old.write_text(GENERATED + "\n")
    own = tmp_path / "events" / "notes.md"
    own.write_text("Written by hand.\n")
    answer = command.invoke(app, [*arguments, "--check"])
    assert answer.exit_code == 1
    assert page.name in answer.output
    assert old.name in answer.output

    assert command.invoke(app, arguments).exit_code == 0
    assert not old.exists()
    assert own.exists()
    assert front.read_text().startswith("# Ours\n")
    assert front.read_text().endswith("The end.\n")


def test_a_front_page_without_markers_is_not_overwritten() -> None:
    with pytest.raises(NoPlaceForMap):
        with_map("# Ours\n", declarations())


def test_every_link_of_the_catalogue_and_of_the_map_leads_to_a_file() -> None:
    pages = [FRONT_PAGE, *CATALOGUE.glob("*.md")]
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#]+)\)", page.read_text())]
    assert len(links) > len(pages)
    dead = [f"{page.name}: {link}" for page, link in links if "://" not in link and not (page.parent / link).exists()]
    assert dead == []


def test_every_page_tells_sender_readers_key_fields_and_an_example() -> None:
    for service in declarations():
        for event in service.sends:
            page = (CATALOGUE / page_name(event)).read_text()
            assert f"| sender | {service.name} |" in page
            assert f"| key | `{event.contract.key}`" in page
            for reader in declarations():
                if event in reader.reads:
                    assert reader.name in next(line for line in page.splitlines() if line.startswith("| readers |"))
            for field in event.model_fields:
                assert f"| `{field}` |" in page
            example = json.loads(page.partition("```json\n")[2].partition("\n```")[0])
            event.model_validate_json(json.dumps(example))


def test_the_list_of_events_can_be_read_by_programs() -> None:
    answer = command.invoke(app, ["events", "catalogue", "--json"])
    told = {one["type"]: one for one in json.loads(answer.stdout)}
    assert told["tandem.pairing.created.v1"]["readers"] == ["scheduling", "feedback"]


def test_the_command_that_holds_contracts_to_their_schemas_finds_nothing_to_freeze() -> None:
    answer = command.invoke(app, ["events", "schemas", "--json"])
    assert answer.exit_code == 0
    told = json.loads(answer.stdout)
    assert {one["standing"] for one in told} == {"same"}
    assert not any(one["written"] for one in told)


def test_services_and_contracts_that_contradict_each_other_are_told_apart() -> None:
    matching = ServiceDeclaration("matching", "Matching", sends=(ProgramLaunched,), reads=(PairingCreated,))
    assert contradictions([PairingCreated], [matching]) == [
        "matching sends tandem.program.launched.v1, which belongs to profiles",
        "matching sends tandem.program.launched.v1, which is not among the contracts",
        "matching reads tandem.pairing.created.v1, which nobody sends",
        "tandem.pairing.created.v1 is a contract of matching, which does not send it",
    ]
