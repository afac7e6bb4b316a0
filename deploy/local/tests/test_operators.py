"""`tandem events story | parked | redrive | discard` against services that answer as ours do."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner, Result

from tandem_local.addresses import SERVICES
from tandem_local.cli import app
from tandem_local.ports import free_port

PAIR = "0198a000-0000-7000-8000-00000000aaaa"
CREATED, PROPOSED = "0198a000-0000-7000-8000-000000000001", "0198a000-0000-7000-8000-000000000002"


def archived(identity: str, name: str, *, because_of: str | None, time: str) -> dict[str, Any]:
    return {
        "id": identity,
        "type": f"tandem.{name}.v1",
        "source": "/tandem/x",
        "subject": PAIR,
        "key": PAIR,
        "time": time,
        "recorded_at": time,
        "correlation_id": "story-5",
        "causation_id": because_of,
        "aggregate_version": 1,
        "data": {"pairing_id": PAIR, "format": "one_to_one"},
        "gone": False,
    }


ARCHIVES = {
    "matching": [archived(CREATED, "pairing.created", because_of=None, time="2026-05-04T12:00:09Z")],
    "scheduling": [archived(PROPOSED, "agreement.proposed", because_of=CREATED, time="2026-05-04T12:00:00Z")],
}


def parked(number: int, key: str) -> dict[str, Any]:
    return {
        "id": number,
        "topic": "tandem.matching",
        "key": key,
        "event_id": CREATED,
        "type": "tandem.pairing.created.v1",
        "standing": "poison",
        "reason": "ValueError: no such program",
        "attempts": 2,
        "parked_at": "2026-05-04T12:00:00.123Z",
        "retry_at": None,
    }


class Operations(ThreadingHTTPServer):
    """The operator API of four services, told apart by the first part of the path."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.posted: list[str] = []
        self.refusing: set[str] = set()


class Answers(BaseHTTPRequestHandler):
    """Answers as the services do."""

    server: Operations

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        service, _, path = address.path.removeprefix("/").partition("/")
        query = parse_qs(address.query)
        if service in self.server.refusing:
            return self._answer(403, {"detail": "This needs the scope operations."})
        if path == "operations/archive":
            return self._answer(200, {"items": ARCHIVES.get(service, []) if query.get("key") == [PAIR] else []})
        if path == "operations/parked-events":
            found = [parked(4, "k1"), parked(5, "k1"), parked(6, "k2")] if service == "scheduling" else []
            # In pages of one, so that a client that reads only the first is found out.
            at = int(query.get("cursor", ["0"])[0])
            more = str(at + 1) if at + 1 < len(found) else None
            return self._answer(200, {"items": found[at : at + 1], "next_cursor": more})
        shown = {**parked(4, "k1"), "headers": {"ce_id": CREATED}, "payload": {"format": "one_to_one"}}
        return self._answer(200, shown)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.posted.append(self.path)
        if self.path.endswith("/6/redrive"):
            return self._answer(404, {"detail": "No event with the number 6 is parked here."})
        if self.path.endswith("/discard"):
            return self._answer(200, parked(4, "k1"))
        return self._answer(200, {"redriven": 2, "still_parked": 0})

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def operations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operations]:
    monkeypatch.setenv("TANDEM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TANDEM_TOKEN", "a-token")
    with Operations() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        for service in SERVICES:
            monkeypatch.setenv(f"TANDEM_{service.upper()}_URL", f"http://127.0.0.1:{server.server_port}/{service}")
        yield server
        server.shutdown()
        thread.join()


def tandem(*arguments: str, answer: str | None = None) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["events", *arguments], input=answer)


def test_a_story_is_told_in_causal_order_over_the_services(operations: Operations) -> None:
    result = tandem("story", PAIR)

    assert result.exit_code == 0, result.stderr
    created, proposed = (line for line in result.stdout.splitlines() if line[:1].isdigit())
    assert "matching" in created
    assert "People were paired" in created
    assert "request or timer story-5" in created
    assert "scheduling" in proposed
    assert proposed.rstrip().endswith(" 1"), "because of the first"


def test_a_story_as_json_is_whole(operations: Operations) -> None:
    document = json.loads(tandem("story", PAIR, "--json").stdout)

    assert document["complete"]
    assert [one["id"] for one in document["happenings"]] == [CREATED, PROPOSED]
    assert document["happenings"][1]["causation_id"] == CREATED


def test_a_story_without_a_service_is_told_and_says_what_is_missing(
    operations: Operations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TANDEM_MATCHING_URL", f"http://127.0.0.1:{free_port()}")

    result = tandem("story", PAIR)

    assert result.exit_code == 6
    assert "agreement.proposed" in result.stdout
    assert "unknown event …00000001" in result.stdout
    assert "The story is not complete: matching does not answer" in result.stderr
    missing = json.loads(tandem("story", PAIR, "--json").stdout)["missing"]
    assert [one["service"] for one in missing] == ["matching"]


def test_a_story_that_a_service_refuses_to_tell_ends_with_5(operations: Operations) -> None:
    operations.refusing = {"feedback"}

    result = tandem("story", PAIR)

    assert (result.exit_code, "feedback refused" in result.stderr) == (5, True)


def test_a_relationship_that_nobody_knows_ends_with_1(operations: Operations) -> None:
    result = tandem("story", CREATED)

    assert (result.exit_code, "No service has said anything" in result.stderr) == (1, True)
    assert tandem("story", "x").exit_code == 2


def test_parked_events_are_listed_with_their_reasons(operations: Operations) -> None:
    lines = tandem("parked").stdout.splitlines()

    assert len(lines) == 4
    assert all("no such program" in line for line in lines[1:])
    assert [one["id"] for one in json.loads(tandem("parked", "--service", "scheduling", "--json").stdout)] == [4, 5, 6]
    assert "Nothing is parked" in tandem("parked", "--service", "matching").stdout


def test_a_parked_event_is_shown_with_headers_and_payload(operations: Operations) -> None:
    shown = tandem("parked", "4", "--service", "scheduling").stdout

    assert f"ce_id: {CREATED}" in shown
    assert '"format": "one_to_one"' in shown
    assert "no such program" in shown
    assert json.loads(tandem("parked", "4", "--service", "scheduling", "--json").stdout)["headers"]
    assert tandem("parked", "4").exit_code == 2
    assert tandem("parked", "--service", "moon").exit_code == 2


def test_an_event_is_redriven(operations: Operations) -> None:
    assert "2 events took effect" in tandem("redrive", "4", "--service", "scheduling").stdout
    assert operations.posted == ["/scheduling/operations/parked-events/4/redrive"]


def test_all_is_redriven_by_the_first_of_each_key_and_what_is_gone_meanwhile_is_no_fault(
    operations: Operations,
) -> None:
    result = tandem("redrive", "--all", "--service", "scheduling", "--json")

    assert json.loads(result.stdout) == {"redriven": 2, "still_parked": 0}
    assert [path.split("/")[-2] for path in operations.posted] == ["4", "6"]
    assert tandem("redrive", "--service", "scheduling").exit_code == 2
    assert tandem("redrive", "4", "--all", "--service", "scheduling").exit_code == 2
    assert tandem("redrive", "6", "--service", "scheduling").exit_code == 5


def test_nothing_is_given_up_unless_somebody_says_yes(operations: Operations) -> None:
    refused = tandem("discard", "4", "--service", "scheduling", answer="n\n")
    assert (refused.exit_code, operations.posted) == (1, [])
    assert "no such program" in refused.stderr

    assert tandem("discard", "4", "--service", "scheduling", answer="y\n").exit_code == 0
    assert tandem("discard", "4", "--service", "scheduling", "--yes", "--json").exit_code == 0
    assert operations.posted == ["/scheduling/operations/parked-events/4/discard"] * 2
