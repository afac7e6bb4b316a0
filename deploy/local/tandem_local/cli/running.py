"""`tandem up`, `tandem down`, `tandem status`: the platform on this machine."""

import json
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tandem_local.addresses import DEFAULT_BASE_PORT, PORTS_TAKEN, Addresses
from tandem_local.cli.endings import ExitCode, said_in_words
from tandem_local.cli.options import AsJson

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tandem_local.state import RunRecord, StateDirectory

LONGEST_START_SECONDS = 240
LONGEST_STOP_SECONDS = 12


class Kafka(StrEnum):
    """Which broker `up` starts when none is given."""

    EMBEDDED = "embedded"
    APACHE = "apache"


def up(
    base_port: Annotated[
        int,
        typer.Option(
            help=f"The first of {PORTS_TAKEN} ports: identity, the services, PostgreSQL, the broker, its controller.",
            envvar="TANDEM_BASE_PORT",
            min=1024,
            max=65_535 - PORTS_TAKEN,
        ),
    ] = DEFAULT_BASE_PORT,
    kafka: Annotated[
        Kafka | None, typer.Option(help="Apache Kafka (needs Java 17 and Maven) keeps its log; embedded needs nothing.")
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return when it is ready; it goes on running.")
    ] = False,
    sample: Annotated[bool, typer.Option(help="Load the sample program and match it, at the first start.")] = True,
    as_json: AsJson = False,
) -> None:
    """Start the whole platform here: PostgreSQL, a broker, an identity provider, four services.

    A PostgreSQL or broker of yours is used when DATABASE_URL or KAFKA_BOOTSTRAP_SERVERS is set. Data and logs are kept
    in .tandem/ (or TANDEM_HOME). Ctrl-C, or `tandem down` in another terminal, stops everything.
    """
    with said_in_words(as_json=as_json):
        from tandem_local.state import StateDirectory

        state = StateDirectory.find()
        addresses = Addresses(base_port)
        if detach:
            _start_detached(state, addresses, kafka=kafka, as_json=as_json)
            _tell(state, addresses, sample=sample, as_json=as_json)
            return
        import asyncio

        from tandem_local import launch

        asyncio.run(
            launch.run(
                state,
                addresses,
                kafka=kafka.value if kafka is not None else None,
                say=lambda sentence: print(sentence, file=sys.stderr if as_json else sys.stdout, flush=True),
                when_ready=lambda: _tell(state, addresses, sample=sample, as_json=as_json, foreground=True),
            )
        )


def _start_detached(state: "StateDirectory", addresses: Addresses, *, kafka: Kafka | None, as_json: bool) -> None:
    """Start the supervisor in a session of its own and return when everything runs."""
    import subprocess
    import time

    state.prepare()
    command = [sys.executable, "-m", "tandem_local.cli", "up", "--no-sample", "--base-port", str(addresses.base_port)]
    command += ["--kafka", kafka.value] if kafka is not None else []
    errors = state.logs / "supervisor-errors.log"
    with (state.logs / "supervisor.log").open("ab") as log, errors.open("wb") as error_log:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=error_log, start_new_session=True
        )
    deadline = time.monotonic() + LONGEST_START_SECONDS
    try:
        record = _until_it_runs(state, child, errors, deadline)
    except KeyboardInterrupt:
        child.terminate()
        child.wait(LONGEST_STOP_SECONDS)
        raise
    if not as_json:
        for part in record.parts:
            print(f"{part.name:<11} {part.address:<24} {part.description}")


def _until_it_runs(
    state: "StateDirectory", child: "subprocess.Popen[bytes]", errors: "Path", deadline: float
) -> "RunRecord":
    import time

    from tandem_local.refusals import CannotStart
    from tandem_local.state import AlreadyRunning

    while True:
        code = child.poll()
        if code is not None:
            last_words = errors.read_text().strip().splitlines()[-1:] or [f"It ended with code {code}."]
            raise (AlreadyRunning if code == ExitCode.ALREADY_RUNS else CannotStart)(last_words[0])
        record = state.read_record()
        if record is not None and record.pid == child.pid and record.phase == "running":
            return record
        if time.monotonic() > deadline:
            child.terminate()
            child.wait(LONGEST_STOP_SECONDS)
            raise CannotStart(
                f"The platform was not ready within {LONGEST_START_SECONDS} s; its logs are {state.logs}."
            )
        time.sleep(0.05)


def _tell(
    state: "StateDirectory", addresses: Addresses, *, sample: bool, as_json: bool, foreground: bool = False
) -> None:
    """Load the sample if wanted, and show what happened; a refusal is said, and leaves the platform running."""
    from tandem_local import story
    from tandem_local.refusals import NotAnswering, Refused

    try:
        say = (lambda _: None) if as_json else (lambda sentence: print(sentence, flush=True))
        told = story.tell(state, addresses, say=say) if sample else None
    except (Refused, NotAnswering) as refusal:
        if state.read_record() is not None and state.running().phase != "running":
            return  # it was stopped meanwhile, and said so
        if not foreground:
            raise
        print(f"The sample program could not be shown: {refusal}", file=sys.stderr, flush=True)
        return
    if as_json:
        print(json.dumps(story.as_document(told, addresses)), flush=True)
    else:
        story.show(told, addresses, foreground=foreground)


def down(as_json: AsJson = False) -> None:
    """Stop the platform that runs here, within 10 s; its data stay. Does nothing when none runs."""
    with said_in_words(as_json=as_json):
        from tandem_local.state import NotRunning, StateDirectory

        state = StateDirectory.find()
        try:
            record = state.running()
        except NotRunning as nothing:
            print(json.dumps({"stopped": False}) if as_json else str(nothing))
            return
        _stop(state, record)
        print(json.dumps({"stopped": True}) if as_json else "Stopped.")


def _stop(state: "StateDirectory", record: "RunRecord") -> None:
    """Ask the supervisor to stop; when it does not, kill it, and its children end with it."""
    import os
    import signal
    import time
    from contextlib import suppress

    from tandem_local.processes import is_alive
    from tandem_local.state import NotRunning

    if record.pid is None:
        raise NotRunning("The platform runs in containers; stop it with: docker compose -f deploy/compose.yaml down")
    with suppress(ProcessLookupError):
        os.kill(record.pid, signal.SIGTERM)
    deadline = time.monotonic() + LONGEST_STOP_SECONDS
    while state.is_claimed() or is_alive(record.pid):
        if time.monotonic() > deadline:
            for pid in (record.pid, *(part.pid for part in record.parts if part.pid is not None)):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return
        time.sleep(0.05)


def status(as_json: AsJson = False) -> None:
    """Show what runs here and how it is. Exit code 3 when nothing runs, 6 when a part is not ready."""
    with said_in_words(as_json=as_json):
        from tandem_local.state import StateDirectory

        state = StateDirectory.find()
        record = state.running()
        parts = [_part_status(part) for part in record.parts]
        own_megabytes = _memory_megabytes(record.pid, with_children=False) if record.pid is not None else 0.0
        total_megabytes = sum(part["memory_megabytes"] or 0 for part in parts) + own_megabytes
        document = {
            "phase": record.phase,
            "supervisor_pid": record.pid,
            "state_directory": str(state.root),
            "bootstrap_servers": record.bootstrap_servers,
            "memory_megabytes": round(total_megabytes),
            "parts": parts,
        }
        if as_json:
            print(json.dumps(document))
        else:
            _show_status(document)
        if any(part["health"] != "ready" for part in parts):
            raise typer.Exit(ExitCode.NO_ANSWER)


def _part_status(part: Any) -> dict[str, Any]:
    from urllib.parse import urlsplit

    from tandem_local.parts import ask

    health = "ready" if part.state == "running" else part.state
    if part.address.startswith("http") and part.state == "running":
        health = ask(urlsplit(part.address).port or 80, "/health/ready", timeout_seconds=2).words
    memory = _memory_megabytes(part.pid, with_children=True) if part.pid is not None else None
    return {**vars(part), "health": health, "memory_megabytes": None if memory is None else round(memory)}


def _memory_megabytes(pid: int, *, with_children: bool) -> float:
    """Memory in MB: the proportional share where the system tells it (Linux), else what is resident."""
    import psutil

    try:
        process = psutil.Process(pid)
        family = [process, *(process.children(recursive=True) if with_children else [])]
        memories = [each.memory_full_info() for each in family]
    except psutil.Error:
        return 0.0
    return sum(float(getattr(memory, "pss", memory.rss)) for memory in memories) / 1_000_000


def _show_status(document: dict[str, Any]) -> None:
    from rich.table import Table

    from tandem_local.screen import screen

    table = Table(box=None, pad_edge=False)
    for heading in ("part", "address", "health", "restarts", "MB", "what"):
        table.add_column(
            heading, justify="right" if heading in ("restarts", "MB") else "left", no_wrap=heading != "health"
        )
    for part in document["parts"]:
        colour = "green" if part["health"] == "ready" else "red"
        memory = "" if part["memory_megabytes"] is None else str(part["memory_megabytes"])
        table.add_row(
            *(part["name"], part["address"], f"[{colour}]{part['health']}[/{colour}]"),
            *(str(part["restarts"]), memory, part["description"]),
        )
    console = screen()
    console.print(table)
    console.print(
        f"{document['phase']}; {document['memory_megabytes']} MB in all; data in {document['state_directory']}"
    )
