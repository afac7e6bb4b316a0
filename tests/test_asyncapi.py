"""The AsyncAPI document of the platform is accepted by the official parser, and says what the services declare."""

import copy
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tandem_events.asyncapi import HEADERS, document
from tandem_events.declarations import sent
from tandem_events.envelope import to_message
from tandem_events.examples import example_of
from tandem_events.schemas import schema_of
from tandem_local.cli.events_catalogue import release
from tandem_local.declarations import declarations

PARSER = Path(__file__).parent / "asyncapi_parser"
REQUIRED = os.environ.get("CI", "").lower() == "true"
"""In CI a missing parser is a failure; elsewhere it is said and passed over."""

Document = dict[str, Any]
Parse = Callable[[Document], Document]

SEVERITY_OF_ERRORS = 0


def not_here(reason: str) -> None:
    if REQUIRED:
        pytest.fail(f"{reason}: the official AsyncAPI parser is required in CI")
    pytest.skip(f"{reason}: the official AsyncAPI parser was not asked")


@pytest.fixture(scope="module")
def parser() -> Path:
    """The folder in the user's cache in which the locked parser is installed; each lock file has its own."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        not_here("node and npm are not on this machine")
    locked = hashlib.sha256((PARSER / "package-lock.json").read_bytes()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tandem"
    home = cache / f"asyncapi-parser-{locked}"
    if not home.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="asyncapi-parser-") as folder:
            fresh = Path(folder) / "parser"
            shutil.copytree(PARSER, fresh, ignore=shutil.ignore_patterns("node_modules"))
            installed = subprocess.run(
                [str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
                cwd=fresh,
                capture_output=True,
                text=True,
                check=False,
            )
            if installed.returncode != 0:
                not_here(f"npm could not install it ({installed.stderr.strip()[-300:]})")
            if not home.exists():
                fresh.rename(home)
    return home


@pytest.fixture(scope="module")
def parse(parser: Path, tmp_path_factory: pytest.TempPathFactory) -> Parse:
    """What the official parser says of a document."""

    def run(described: Document) -> Document:
        file = tmp_path_factory.mktemp("asyncapi") / "asyncapi.json"
        file.write_text(json.dumps(described))
        script = parser / "parse.mjs"
        shutil.copy(PARSER / "parse.mjs", script)
        answer = subprocess.run(["node", str(script), str(file)], capture_output=True, text=True, check=True)
        told: Document = json.loads(answer.stdout)
        return told

    return run


def errors(told: Document) -> list[str]:
    return [f"{one['path']}: {one['message']}" for one in told["diagnostics"] if one["severity"] == SEVERITY_OF_ERRORS]


@pytest.fixture(scope="module")
def described() -> Document:
    return document(declarations(), release=release())


def test_the_official_parser_accepts_the_document_of_the_whole_platform(described: Document, parse: Parse) -> None:
    told = parse(described)
    assert told["accepted"]
    assert errors(told) == []
    assert told["version"] == "3.0.0"
    events = {*sent(declarations()), *(event for service in declarations() for event in service.reads)}
    assert set(told["channels"]) == {event.contract.topic for event in events}
    assert set(told["messages"]) == {event.contract.type for event in events}
    assert len(told["operations"]) == len(described["operations"])


def without_channel(described: Document) -> None:
    del described["operations"]["matching.send.tandem.matching"]["channel"]


def pointing_nowhere(described: Document) -> None:
    described["components"]["messages"]["tandem.pairing.created.v1"]["payload"]["$ref"] = "#/components/schemas/none"


def with_a_type_that_is_none(described: Document) -> None:
    described["components"]["schemas"]["tandem.pairing.created.v1"]["properties"]["format"]["type"] = "duel"


def with_a_topic_twice_as_a_binding(described: Document) -> None:
    described["channels"]["tandem.matching"]["bindings"]["kafka"]["topic"] = ["tandem.matching", "tandem.people"]


@pytest.mark.parametrize(
    "spoil", [without_channel, pointing_nowhere, with_a_type_that_is_none, with_a_topic_twice_as_a_binding]
)
def test_the_official_parser_refuses_a_document_that_was_spoiled(
    spoil: Callable[[Document], None], described: Document, parse: Parse
) -> None:
    spoiled = copy.deepcopy(described)
    spoil(spoiled)
    told = parse(spoiled)
    assert errors(told)
    assert not told["accepted"]


def test_every_message_that_is_sent_has_the_headers_that_the_document_promises(described: Document) -> None:
    headers = described["components"]["messageTraits"]["cloudEvent"]["headers"]
    for event in sent(declarations()):
        said = to_message(event.model_validate_json(json.dumps(example_of(schema_of(event)))), version=1)
        jsonschema.Draft7Validator(headers).validate(said.headers)
        assert set(said.headers) <= {name for name, _, _ in HEADERS}


def test_a_payload_of_the_document_accepts_and_refuses_what_the_schema_does(described: Document) -> None:
    for event in sent(declarations()):
        payload = {
            "$ref": f"#/components/schemas/{event.contract.type}",
            "components": {"schemas": described["components"]["schemas"]},
        }
        validator = jsonschema.Draft7Validator(payload)
        example = example_of(schema_of(event))
        (shown,) = described["components"]["messages"][event.contract.type]["examples"]
        assert shown["payload"] == example
        validator.validate(example)
        for name in schema_of(event)["required"]:
            without = {field: value for field, value in example.items() if field != name}
            assert not validator.is_valid(without), f"{event.contract.type} without {name}"


def test_every_service_has_an_operation_for_each_topic_that_it_sends_to_or_reads_from(described: Document) -> None:
    wanted = {
        f"{service.name}.{action}.{event.contract.topic}"
        for service in declarations()
        for action, events in (("send", service.sends), ("receive", service.reads))
        for event in events
    }
    assert set(described["operations"]) == wanted
