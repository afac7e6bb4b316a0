"""The command's exit codes, its sentences, and its JSON."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from joserfc import jwt
from joserfc.jwk import KeySet
from typer.testing import CliRunner, Result

from tandem_local import invocation
from tandem_local.addresses import Addresses
from tandem_local.assembly import assemble
from tandem_local.brokers import Broker, given
from tandem_local.cli import app
from tandem_local.identity.keys import SigningKey
from tandem_local.ports import free_base_port, free_port
from tandem_local.postgresql import server as given_server
from tandem_local.state import PartRecord, RunRecord, StateDirectory

PROGRAM = uuid4()
MOIRA = uuid4()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "TANDEM_TOKEN", "TANDEM_BASE_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TANDEM_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def tandem(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_help_lists_every_command_and_exit_code() -> None:
    text = tandem("--help").output

    for command in ("up", "down", "status", "token", "import", "match", "events"):
        assert command in text
    assert "4 it already runs" in " ".join(text.split())


def test_a_command_written_wrongly_ends_with_2() -> None:
    assert tandem("up", "--base-port", "many").exit_code == 2
    assert tandem("import").exit_code == 2


@pytest.mark.parametrize("command", [["status"], ["token"], ["match", str(PROGRAM)], ["events", "tail"]])
def test_where_nothing_runs_the_commands_say_so_and_end_with_3(home: Path, command: list[str]) -> None:
    result = tandem(*command)

    assert result.exit_code == 3
    assert "No platform runs on" in result.stderr
    assert "tandem up" in result.stderr


def test_stopping_what_does_not_run_is_no_fault(home: Path) -> None:
    assert tandem("down").exit_code == 0
    assert json.loads(tandem("down", "--json").stdout) == {"stopped": False}


def test_a_refusal_is_json_where_json_was_asked_for(home: Path) -> None:
    result = tandem("status", "--json")

    assert json.loads(result.stderr) == {
        "error": f"No platform runs on {home}; start one with: {invocation.tandem('up')}",
        "exit_code": 3,
    }


def test_a_second_platform_on_the_same_state_ends_with_4(home: Path) -> None:
    running = StateDirectory(home)
    running.prepare()
    running.claim()
    try:
        result = tandem("up")
        assert result.exit_code == 4
        assert "already runs" in result.stderr
        assert tandem("up", "--detach").exit_code == 4
    finally:
        running.release()


def test_a_dead_database_given_is_one_sentence_and_nothing_is_started(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(given_server, "PATIENCE_SECONDS", 0.1)
    monkeypatch.setenv("DATABASE_URL", f"postgresql://me:hidden@127.0.0.1:{free_port()}/postgres")

    result = tandem("up", "--base-port", str(free_base_port()))

    assert result.exit_code == 1
    (sentence,) = result.stderr.splitlines()
    assert "given by DATABASE_URL" in sentence
    assert "does not answer" in sentence
    assert "hidden" not in sentence
    record = StateDirectory(home).read_record()
    assert record is not None
    assert record.phase == "stopped"
    assert not any(part.pid for part in record.parts)


def test_a_dead_broker_given_is_one_sentence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(given, "PATIENCE_SECONDS", 0.1)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", f"127.0.0.1:{free_port()}")

    result = tandem("up", "--base-port", str(free_base_port()))

    assert result.exit_code == 1
    (sentence,) = result.stderr.splitlines()
    assert "given by KAFKA_BOOTSTRAP_SERVERS" in sentence


def test_a_port_in_use_is_one_sentence_and_nothing_is_started(home: Path) -> None:
    base_port = free_base_port()
    with socket.create_server(("127.0.0.1", base_port + 3)):
        result = tandem("up", "--base-port", str(base_port))

    assert result.exit_code == 1
    assert result.stderr == (
        f"Port {base_port + 3}, wanted by scheduling, is already in use; choose others with --base-port.\n"
    )
    assert not (home / "postgresql").exists()


def test_a_state_directory_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("TANDEM_HOME", str(tmp_path / "file" / "home"))

    result = tandem("up")

    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


def test_status_shows_each_part_and_ends_with_6_when_one_is_not_ready(home: Path) -> None:
    state = StateDirectory(home)
    state.prepare()
    state.claim()
    part = PartRecord(name="profiles", description="people", address=f"http://127.0.0.1:{free_port()}", state="running")
    state.write_record(RunRecord(pid=1, base_port=8100, phase="running", parts=[part]))
    try:
        result = tandem("status", "--json")
    finally:
        state.release()

    assert result.exit_code == 6
    (shown,) = json.loads(result.stdout)["parts"]
    assert (shown["name"], shown["health"]) == ("profiles", "it does not listen yet")


def test_the_tail_of_the_events_ends_with_what_is_there(home: Path, broker: Broker) -> None:
    topic = f"tandem.{uuid4().hex}"
    at_the_broker = ("events", "tail", "--topic", topic, "--bootstrap-servers", broker.bootstrap_servers)

    unknown = tandem(*at_the_broker)
    assert unknown.exit_code == 1
    assert f"There is no topic {topic}" in unknown.stderr

    asyncio.run(say_seven_things(broker, topic))
    found = [json.loads(line) for line in tandem(*at_the_broker, "-n", "3", "--json").stdout.splitlines()]
    assert [event["data"] for event in found] == [{"thing": 5}, {"thing": 6}, None]
    assert [event["at"] for event in found] == sorted(event["at"] for event in found)
    shown = tandem(*at_the_broker, "-n", "2").stdout.splitlines()
    assert "pairing.created" in shown[0]
    assert "(gone)" in shown[1]


def test_the_tail_of_a_dead_brokers_events_ends_with_6(home: Path) -> None:
    dead = tandem("events", "tail", "--bootstrap-servers", f"127.0.0.1:{free_port()}")

    assert (dead.exit_code, "does not answer" in dead.stderr) == (6, True)


async def say_seven_things(broker: Broker, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    await admin.start()
    await admin.create_topics([NewTopic(topic, num_partitions=2, replication_factor=1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers) as producer:
        for thing in range(1, 8):
            headers = [("ce_type", b"tandem.pairing.created.v1"), ("ce_time", b"2026-01-01T10:00:0%dZ" % thing)]
            value = json.dumps({"thing": thing}).encode() if thing < 7 else None
            await producer.send_and_wait(topic, value, key=b"%d" % thing, headers=headers)


class FakeServices(ThreadingHTTPServer):
    """Profiles and matching in one, as far as the command calls them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.received: list[tuple[str, dict[str, list[str]], bytes, dict[str, str]]] = []
        self.run_asked = 0


class Answers(BaseHTTPRequestHandler):
    """Answers as the services do."""

    server: FakeServices

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.received.append(
            (parts.path, parse_qs(parts.query), body, {name.lower(): value for name, value in self.headers.items()})
        )
        if parts.path.endswith("/sign-up-sheets"):
            if b"@" in body:
                return self._answer(200, {"created": 1})
            faults = [{"row": 2, "column": "email address", "reason": "this is no e-mail address"}]
            return self._answer(422, {"detail": "1 row has faults; nothing was stored.", "faults": faults})
        return self._answer(202, {"run_id": str(PROGRAM)})

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        if path == "/people":
            known = query["email"] == ["moira@example.org"]
            return self._answer(200, {"items": [{"person_id": str(MOIRA)}] if known else []})
        if path.endswith("/unmatched"):
            alone = {
                "person_id": "m3",
                "role": "mentee",
                "words": "No mentor speaks Maori.",
                "meanwhile": "A group is.",
            }
            return self._answer(200, {"items": [alone], "next_cursor": None})
        if path.endswith("/peer-groups"):
            reasons = [{"words": "All 3 want to learn Maori.", "share": 1.0}, {"words": "None is alike.", "share": 0.0}]
            group = {"member_ids": ["m3", "m4", "m5"], "score": 80, "reasons": reasons}
            return self._answer(200, {"items": [group], "next_cursor": None})
        if path.endswith("/proposals"):
            reason = {"words": "both in Digital", "share": 0.5}
            item = {"mentor_id": "m1", "mentee_id": "m2", "score": 7, "reasons": [reason]}
            return self._answer(200, {"items": [item], "next_cursor": None})
        if path.startswith("/people/"):
            return self._answer(200, {"given_name": "Moira", "family_name": path[-2:]})
        self.server.run_asked += 1
        state = "running" if self.server.run_asked == 1 else "completed"
        return self._answer(200, {"state": state, "progress": 0.5, "program_id": str(PROGRAM)})

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
def services(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServices]:
    with FakeServices() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        for service in ("PROFILES", "MATCHING"):
            monkeypatch.setenv(f"TANDEM_{service}_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("TANDEM_TOKEN", "a-token")
        yield server
        server.shutdown()
        thread.join()


def test_tokens_speak_for_whom_one_asked(home: Path, services: FakeServices, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TANDEM_TOKEN")
    state = StateDirectory(home)
    state.prepare()
    state.claim()
    addresses = Addresses(free_base_port())
    identity = assemble(state, addresses, kafka=None, environment={}).stages[0][2]
    person = uuid4()
    try:
        identity.start()
        state.write_record(RunRecord(pid=1, base_port=addresses.base_port, phase="running"))
        assert claims(state, tandem("token"))["roles"] == ["platform_admin"]
        assert claims(state, tandem("token", "--manager", str(PROGRAM)))["programs"] == [str(PROGRAM)]
        assert claims(state, tandem("token", "--person", str(person)))["person_id"] == str(person)
        assert claims(state, tandem("token", "--person", "moira@example.org"))["person_id"] == str(MOIRA)
        assert claims(state, tandem("token", "--service", "a:read b:write"))["scope"] == "a:read b:write"
        assert json.loads(tandem("token", "--json").stdout)["expires_in"] == 3600
        stranger = tandem("token", "--person", "stranger@example.org")
        assert (stranger.exit_code, "Nobody" in stranger.stderr) == (1, True)

        identity.stop()
        silent = tandem("token")
        assert (silent.exit_code, "does not answer" in silent.stderr) == (6, True)
    finally:
        identity.stop()
        state.release()


def test_a_sheet_is_sent_as_it_is_under_a_quoted_key(services: FakeServices, tmp_path: Path) -> None:
    sheet = tmp_path / "mentors.csv"
    sheet.write_bytes("first name,email address\nZoë,zoe@example.org\n".encode("latin-1"))

    what = ("--program", str(PROGRAM), "--role", "mentor", "--encoding", "latin-1")
    result = tandem("import", str(sheet), *what, "--partial", "--json")

    assert json.loads(result.stdout) == {"created": 1}
    ((path, query, body, headers),) = services.received
    key = headers["idempotency-key"]
    assert headers["content-type"] == "text/csv; charset=latin-1"
    assert path == f"/programs/{PROGRAM}/sign-up-sheets"
    assert query == {"role": ["mentor"], "partial": ["true"]}
    assert body == sheet.read_bytes()
    assert key[0] == key[-1] == '"'
    assert UUID(key.strip('"'))


def test_the_faults_of_a_sheet_are_listed_and_the_command_ends_with_5(services: FakeServices, tmp_path: Path) -> None:
    sheet = tmp_path / "mentors.csv"
    sheet.write_text("first name,email address\nZoë,zoe\n")
    arguments = ("import", str(sheet), "--program", str(PROGRAM), "--role", "mentor")

    result = tandem(*arguments)

    assert result.exit_code == 5
    assert "email address" in result.stderr
    assert "this is no e-mail address" in result.stderr
    assert "nothing was stored" in result.stderr
    assert json.loads(tandem(*arguments, "--json").stderr)["problem"]["faults"][0]["row"] == 2


def test_a_match_is_awaited_and_shown_with_its_reasons(services: FakeServices) -> None:
    result = tandem("match", str(PROGRAM))

    assert "Moira m1" in result.stdout
    assert "both in Digital" in result.stdout
    said = " ".join(result.stdout.split())
    assert "Moira m3 (mentee) has nobody: No mentor speaks Maori. A group is." in said
    assert "Peer group until they have mentors: Moira m3, Moira m4, Moira m5. All 3 want to learn Maori." in said
    assert "None is alike" not in said
    assert "1 pairs, 1 people without one, 1 peer groups of mentees among them; nobody was told" in said
    assert "nobody was told" in result.stdout
    assert not any(path.endswith("/publication") for path, *_ in services.received)


def test_a_match_is_published_when_asked_for(services: FakeServices) -> None:
    result = tandem("match", str(PROGRAM), "--publish", "--json")

    document = json.loads(result.stdout)
    assert document["published"]
    assert document["pairs"][0]["reasons"] == ["both in Digital"]
    assert services.received[-1][0] == f"/match-runs/{PROGRAM}/publication"


def test_a_service_that_does_not_answer_ends_with_6(services: FakeServices, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TANDEM_MATCHING_URL", f"http://127.0.0.1:{free_port()}")

    result = tandem("match", str(PROGRAM))

    assert (result.exit_code, "matching does not answer" in result.stderr) == (6, True)


def claims(state: StateDirectory, result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.stderr
    keys = KeySet.import_key_set(SigningKey(state.identity).public_keys())  # type: ignore[arg-type]
    return dict(jwt.decode(result.stdout.strip(), keys, algorithms=["RS256"]).claims)
