"""Parts start in order, crash and come back, and are all gone at the end, however the end comes."""

import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tandem_local import assembly, launch, parts, processes, supervisor
from tandem_local.addresses import Addresses
from tandem_local.assembly import Archives
from tandem_local.brokers import EmbeddedBroker, GivenBroker
from tandem_local.parts import EventBroker, HttpProgram
from tandem_local.ports import free_port
from tandem_local.postgresql import Postgresql
from tandem_local.refusals import CannotStart, DiskFull, PortInUse
from tandem_local.state import AlreadyRunning, NotRunning, StateDirectory
from tandem_local.supervisor import Supervisor

FAKE = Path(__file__).with_name("fake_service.py")


@pytest.fixture
def state(tmp_path: Path) -> StateDirectory:
    directory = StateDirectory(tmp_path / ".tandem")
    directory.prepare()
    return directory


def fake(
    state: StateDirectory, name: str, flaw: str = "", *, start_seconds: float = 20, grace_seconds: float = 5
) -> HttpProgram:
    port = free_port()
    return HttpProgram(
        name=name,
        description="a fake",
        command=[sys.executable, "-S", str(FAKE), str(port), flaw],
        port=port,
        log=state.logs / f"{name}.log",
        environment=dict,
        start_seconds=start_seconds,
        grace_seconds=grace_seconds,
    )


def over(state: StateDirectory, *stages: list[parts.Part], said: list[str] | None = None) -> Supervisor:
    return Supervisor(
        state, stages, base_port=8100, bootstrap_servers="", say=(said if said is not None else []).append
    )


async def until(condition: Callable[[], bool], within_seconds: float = 20) -> None:
    deadline = time.monotonic() + within_seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        await asyncio.sleep(0.02)


def crash(part: HttpProgram) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", part._port, timeout=5)
    connection.request("GET", "/crash")
    with pytest.raises((http.client.HTTPException, OSError)):
        connection.getresponse()


async def test_all_parts_start_stage_by_stage_and_nothing_is_left_after_the_stop(state: StateDirectory) -> None:
    first, second, third = fake(state, "first"), fake(state, "second"), fake(state, "third")
    said: list[str] = []
    platform = over(state, [first], [second, third], said=said)

    await platform.start()

    processes = [psutil.Process(part.process.pid) for part in (first, second, third)]
    assert processes[0].create_time() < min(process.create_time() for process in processes[1:])
    record = state.read_record()
    assert record is not None
    assert record.phase == "running"
    assert [part.pid for part in record.parts] == [process.pid for process in processes]
    assert len(said) == 3

    await platform.stop()

    assert not any(process.is_running() for process in processes)
    assert state.read_record().phase == "stopped"  # type: ignore[union-attr]


async def test_a_part_that_crashes_is_started_again_and_this_is_said(state: StateDirectory) -> None:
    part = fake(state, "fragile")
    said: list[str] = []
    platform = over(state, [part], said=said)
    await platform.start()
    watching = asyncio.create_task(platform.watch())
    before = part.process.pid

    crash(part)
    await until(lambda: "fragile runs again." in said)

    assert part.process.pid not in (None, before)
    assert any("fragile ended with code 7" in sentence and "again in 0.5 s" in sentence for sentence in said)
    assert state.read_record().parts[0].restarts == 1  # type: ignore[union-attr]
    platform.want_stop()
    await watching
    await platform.stop()


async def test_the_pause_before_a_restart_doubles(state: StateDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "FIRST_PAUSE_SECONDS", 0.1)
    part = fake(state, "fragile")
    said: list[str] = []
    platform = over(state, [part], said=said)
    platform._all()[0].pause_seconds = 0.1
    await platform.start()
    watching = asyncio.create_task(platform.watch())

    for crashes in (1, 2, 3):
        crash(part)
        await until(lambda crashes=crashes: said.count("fragile runs again.") == crashes)  # type: ignore[misc]

    pauses = [sentence.rpartition(" in ")[2] for sentence in said if "Starting it again" in sentence]
    assert pauses == ["0.1 s.", "0.2 s.", "0.4 s."]
    platform.want_stop()
    await watching
    await platform.stop()


async def test_a_part_that_says_it_is_not_well_is_started_again(
    state: StateDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "HEALTH_EVERY_SECONDS", 0.05)
    said: list[str] = []
    platform = over(state, [fake(state, "ill", "ill")], said=said)
    await platform.start()
    watching = asyncio.create_task(platform.watch())

    await until(lambda: any("the consumer stalls" in sentence for sentence in said))

    platform.want_stop()
    await watching
    await platform.stop()


async def test_a_broker_without_a_log_that_crashes_takes_the_services_with_it(
    state: StateDirectory,
) -> None:
    broker = EmbeddedBroker(port=free_port(), log=state.logs / "broker.log")
    service = fake(state, "profiles")
    said: list[str] = []
    platform = over(state, [EventBroker(broker, relied_on_by=("profiles",))], [service], said=said)
    await platform.start()
    watching = asyncio.create_task(platform.watch())
    before = service.process.pid

    assert broker.process is not None
    broker.process.kill()
    await until(lambda: "profiles runs again." in said)

    assert said.index("broker runs again.") < said.index("profiles runs again.")
    assert service.process.pid != before
    platform.want_stop()
    await watching
    await platform.stop()


@pytest.mark.parametrize(
    ("flaw", "sentence"),
    [
        ("ends", r"second ended with code 3: OSError: \[Errno 5\] the cable is out"),
        ("disk-full", "second ended because the disk is full"),
        ("doomed", "second says that it cannot go on: waiting for the moon"),
        ("never-ready", "second was not ready within 1.5 s: waiting for the moon"),
    ],
)
async def test_when_one_part_cannot_start_the_others_are_stopped_and_the_reason_is_one_sentence(
    state: StateDirectory, flaw: str, sentence: str
) -> None:
    first, second = fake(state, "first"), fake(state, "second", flaw, start_seconds=1.5)
    platform = over(state, [first], [second])

    with pytest.raises(DiskFull if flaw == "disk-full" else CannotStart, match=sentence):
        await platform.start()

    assert first.process.exit_code is not None
    assert second.process.exit_code is not None


async def test_a_port_in_use_is_named_before_anything_starts(state: StateDirectory) -> None:
    first, second = fake(state, "first"), fake(state, "second")
    sentence = f"Port {second._port}, wanted by second, is already in use"
    with socket.create_server(("127.0.0.1", second._port)), pytest.raises(PortInUse, match=sentence):
        await over(state, [first], [second]).start()

    assert first.process.exit_code is None
    assert not (state.logs / "first.log").exists()


async def test_a_platform_deaf_to_the_request_to_stop_is_killed_within_ten_seconds(state: StateDirectory) -> None:
    server = fake(state, "server", "deaf", grace_seconds=processes.LAST_GRACE_SECONDS)
    services = [fake(state, "profiles", "deaf"), fake(state, "matching", "deaf")]
    platform = over(state, [server], list(services))
    await platform.start()

    began = time.monotonic()
    await platform.stop()

    assert time.monotonic() - began < 10
    assert {part.process.exit_code for part in (server, *services)} == {-signal.SIGKILL}


async def test_a_broker_counts_as_told_only_after_a_start_that_succeeded(
    state: StateDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the first start on it failed half way: the second publishes the archives, the third need not."""
    addresses = Addresses(8100)
    given = {"KAFKA_BOOTSTRAP_SERVERS": "kafka.example:9092", "DATABASE_URL": "postgresql://db.example/postgres"}
    monkeypatch.setattr(Postgresql, "ensure_database", lambda _, name: f"postgresql://db.example/{name}")

    def must_publish() -> bool:
        platform = assembly.assemble(state, addresses, kafka=None, environment=given)
        services = [part for part in platform.stages[1] if isinstance(part, HttpProgram)]
        told = {part._environment()["TANDEM_REPUBLISH_AT_START"] for part in services}
        assert len(told) == 1
        return told == {"true"}

    async def run(flaw: str) -> None:
        broker = GivenBroker("kafka.example:9092")
        stages = [[fake(state, "profiles", flaw)]]
        monkeypatch.setattr(launch, "assemble", lambda *_, **__: assembly.Platform(stages, broker, addresses))
        loop = asyncio.get_running_loop()
        try:
            await launch.run(
                state,
                addresses,
                kafka=None,
                say=lambda _: None,
                when_ready=lambda: os.kill(os.getpid(), signal.SIGTERM),
            )
        finally:
            for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                loop.remove_signal_handler(ending)

    state.remember("broker", {"description": "another", "bootstrap_servers": "127.0.0.1:8106"})
    assert must_publish()
    with pytest.raises(CannotStart):
        await run("ends")
    assert must_publish()
    await run("")
    assert not must_publish()


async def test_a_stop_while_parts_still_start_leaves_nothing(state: StateDirectory) -> None:
    part = fake(state, "slow", "never-ready")
    platform = over(state, [part])
    starting = asyncio.create_task(platform.start())
    await until(lambda: part.process.pid is not None)

    platform.want_stop()
    with pytest.raises(supervisor.Stopped):
        await starting

    assert part.process.exit_code is not None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_children_end_with_a_supervisor_that_was_killed(state: StateDirectory, tmp_path: Path) -> None:
    port = free_port()
    program = textwrap.dedent(
        f"""
        import signal, sys
        from pathlib import Path
        from tandem_local.processes import ChildProcess
        child = ChildProcess(name="child", command=[sys.executable, {str(FAKE)!r}, "{port}"], log=Path("log"))
        child.start()
        print(child.pid, flush=True)
        signal.pause()
        """
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=tmp_path)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))

    parent.kill()
    parent.communicate()

    child.wait(5)
    assert not child.is_running()


def test_one_state_directory_has_one_platform(state: StateDirectory) -> None:
    state.claim()
    second = StateDirectory(state.root)

    with pytest.raises(AlreadyRunning, match=r"already runs.*tandem down"):
        second.claim()

    state.release()
    second.claim()
    second.release()


def test_a_record_left_by_a_crash_is_not_taken_for_a_platform(state: StateDirectory) -> None:
    (state.root / "run.json").write_text(
        json.dumps({"pid": os.getpid(), "base_port": 8100, "phase": "running", "parts": []})
    )

    with pytest.raises(NotRunning, match="tandem up"):
        state.running()


def test_the_state_directory_is_the_nearest_above(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    below = tmp_path / "services" / "profiles"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)

    assert StateDirectory.find({}).root == tmp_path / ".tandem"
    (tmp_path / "services" / ".tandem").mkdir()
    assert StateDirectory.find({}).root == tmp_path / "services" / ".tandem"
    assert StateDirectory.find({"TANDEM_HOME": "/elsewhere"}).root == Path("/elsewhere")


def test_a_large_log_is_set_aside_at_the_start(state: StateDirectory) -> None:
    log = state.logs / "profiles.log"
    log.write_bytes(b"x" * 11_000_000)

    state.prepare()

    assert not log.exists()
    assert (state.logs / "profiles.log.1").exists()


def test_a_disk_without_room_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 5_000_000})
    monkeypatch.setattr("tandem_local.refusals.shutil.disk_usage", lambda _: usage)

    with pytest.raises(DiskFull, match="has 5 MB left; the platform needs 300 MB"):
        StateDirectory(tmp_path / "state").prepare()


def test_a_state_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(CannotStart, match="cannot be written: Not a directory"):
        StateDirectory(tmp_path / "file" / ".tandem").prepare()


def test_an_archive_is_published_again_only_to_a_broker_that_lacks_it(state: StateDirectory) -> None:
    broker = EmbeddedBroker(port=free_port(), log=state.logs / "broker.log")
    broker.start()
    archives = Archives(broker, may_lack_history=False)
    try:
        assert archives.must_be_published("profiles")
        archives.note_published("profiles")
        assert not archives.must_be_published("profiles")
        assert archives.must_be_published("matching")

        broker.kill()
        broker.start()
        assert archives.must_be_published("profiles")
    finally:
        broker.kill()


def test_a_broker_that_keeps_its_log_is_told_again_only_when_it_is_another_than_before() -> None:
    kept = GivenBroker("kafka.example:9092")

    assert not Archives(kept, may_lack_history=False).must_be_published("profiles")
    archives = Archives(kept, may_lack_history=True)
    assert archives.must_be_published("profiles")
    archives.note_published("profiles")
    assert not archives.must_be_published("profiles")
