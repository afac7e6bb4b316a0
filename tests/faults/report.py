"""The report of a run: Markdown for people, JSON for everything else."""

import importlib.metadata
import json
import platform
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.bench.machine import describe_machine
from tests.faults.plan import Kind
from tests.faults.run import CONSUMERS, DRAINED_WITHIN_SECONDS, LEDGERS, RELAYS, WRITERS, Findings

DOCS = Path(__file__).parents[2] / "docs"
LIBRARIES = ("aiokafka", "asyncpg", "sqlalchemy", "pydantic")
EARLIER_RUNS_KEPT = 9
FULL_RUN_MINUTES = 20

NOT_TRIED = """\
- One broker and one PostgreSQL on one machine: no loss of a broker out of several, no unclean leader election, no
  failover to a PostgreSQL replica, no disk that loses what it said was written, no power cut.
- No network between the parts: no partition that separates some and not others, no slow or corrupting link.
- Clocks that jump, full disks and exhausted memory.
- Topics whose number of partitions changes, and topics that lose their log (`tandem events republish` has a test of its
  own).
- Events that wait for another topic (`NotYet`), and several topics at once: one topic and one group were used.
- Handlers with effects outside the database: exactly once holds for effects in the transaction only.
"""


def as_json(findings: Findings) -> dict[str, Any]:
    """All findings, and what they mean."""
    found = asdict(findings)
    found |= {
        name: dict(getattr(findings, name)) for name in ("struck", "restarts", "had_to_be_killed", "ended_by_itself")
    }
    found["began_at"] = findings.began_at.isoformat(timespec="seconds")
    found["passed"] = not findings.reasons()
    found["reasons"] = findings.reasons()
    found["machine"] = describe_machine()
    found["libraries"] = {name: importlib.metadata.version(name) for name in LIBRARIES}
    found["controls"] = [{**asdict(one), "caught": one.caught} for one in findings.controls]
    return found


def write(findings: Findings, folder: Path) -> None:
    """Write faults.md and faults.json; earlier runs stay in both as one line each."""
    path = folder / "faults.json"
    before = json.loads(path.read_text()) if path.exists() else None
    earlier = []
    if before is not None:
        earlier = [_in_one_line(before), *before.get("earlier_runs", [])][:EARLIER_RUNS_KEPT]
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**as_json(findings), "earlier_runs": earlier}, indent=2, default=str) + "\n")
    (folder / "faults.md").write_text(markdown(findings, earlier))


def _in_one_line(run: dict[str, Any]) -> dict[str, Any]:
    return {
        "began_at": run["began_at"],
        "seed": run["wishes"]["seed"],
        "transactions": run["transactions"],
        "faults": sum(run["struck"].values()),
        "drained_seconds": run["drained_seconds"],
        "seconds": run["seconds"],
        "controls_caught": sum(control["caught"] for control in run["controls"]),
        "passed": run["passed"],
    }


def markdown(findings: Findings, earlier: list[dict[str, Any]] | None = None) -> str:
    """The report as a page."""
    return "\n".join(_lines(findings, earlier or [])) + "\n"


def _lines(findings: Findings, earlier: list[dict[str, Any]]) -> Iterator[str]:
    wishes = findings.wishes
    reasons = findings.reasons()
    yield "# The event backbone under faults"
    yield ""
    yield (
        "Written by `make faults`, which repeats it. Writers change ledgers and tell an oracle in the same transaction;"
        " relays and consumers of the backbone carry the facts to effects; everything is struck at random moments,"
        " and what happened is compared with the oracle."
    )
    yield ""
    yield f"**{'Everything held.' if not reasons else 'IT FAILED.'}** Seed {wishes.seed}"
    yield f"(`FAULTS_SEED={wishes.seed} make faults` draws the same faults), {findings.began_at:%Y-%m-%d %H:%M} UTC."
    yield ""
    for reason in reasons:
        yield f"- {reason}"
    if reasons:
        yield ""
    yield from _what_was_run(findings)
    yield from _what_was_found(findings)
    yield from _faults(findings)
    yield from _controls(findings)
    yield "## What was not tried"
    yield ""
    yield NOT_TRIED
    if earlier:
        yield "## Earlier full runs"
        yield ""
        yield "| began (UTC) | seed | transactions | faults | minutes | drained | controls caught | |"
        yield "|---|---|---|---|---|---|---|---|"
        for run in earlier:
            drained = "no" if run["drained_seconds"] is None else f"{run['drained_seconds']:.1f} s"
            yield (
                f"| {run['began_at'][:16].replace('T', ' ')} | {run['seed']} | {run['transactions']:,} |"
                f" {run['faults']} | {run['seconds'] / 60:.1f} | {drained} | {run['controls_caught']} |"
                f" {'held' if run['passed'] else 'FAILED'} |"
            )


def _what_was_run(findings: Findings) -> Iterator[str]:
    latencies = findings.latencies
    writing = max(findings.writing_seconds, 0.001)
    libraries = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
    rows = [
        ("Machine", f"{describe_machine()}; load average {findings.load_average:.1f}, others' work included"),
        ("Database", f"{findings.postgresql}, durable (fsync on)"),
        ("Broker", f"{findings.broker}, one node, its log kept over stops and kills"),
        ("Libraries", f"Python {platform.python_version()}, {libraries}"),
        ("Processes", f"{WRITERS} writers, {RELAYS} relays (one leads), {CONSUMERS} consumers in one group"),
        ("Written", f"{findings.transactions:,} transactions, {findings.events:,} events of {LEDGERS} ledgers"),
        (
            "Speed",
            f"{findings.transactions / writing:,.0f} transactions/s, {findings.events / writing:,.0f} events/s written",
        ),
    ]
    if latencies is not None:
        rows.append(
            (
                "From writing to effect, the outages included",
                latencies.words(),
            )
        )
    drained = findings.drained_seconds
    rows += [
        (
            "Drained after the last fault and the last write",
            f"{drained:.1f} s (at most {DRAINED_WITHIN_SECONDS:g} s)" if drained is not None else "NOT IN TIME",
        ),
        ("The whole run", f"{findings.seconds / 60:.1f} minutes (a full one in at most {FULL_RUN_MINUTES})"),
    ]
    yield "| | |"
    yield "|---|---|"
    for name, value in rows:
        yield f"| {name} | {value} |"
    yield ""


def _what_was_found(findings: Findings) -> Iterator[str]:
    first, second = findings.verdict, findings.verdict_after_release
    yield "## Verdict"
    yield ""
    yield "| | under faults | after the release |"
    yield "|---|---|---|"
    kinds = (
        ("lost: neither effect nor parked", "lost"),
        ("two effects, or an effect beside being parked", "doubled"),
        ("effects of what was never committed", "invented"),
        ("out of order within a ledger, or against the topic within a book", "inverted"),
        ("parked, and should not be", "parked_wrongly"),
        ("not parked, and should be", "not_parked"),
        ("written, and not on the topic", "not_on_topic"),
        ("out of order on the topic (first comings)", "inverted_on_topic"),
    )
    for words, kind in kinds:
        after = "" if kind in ("not_parked", "not_on_topic", "inverted_on_topic") else len(getattr(second, kind))
        yield f"| {words} | {len(getattr(first, kind))} | {after} |"
    yield ""
    yield (
        f"On the topic {first.duplicates_on_topic:,} messages came more than once"
        f" ({findings.produced_again:,} of them produced again on purpose, the others by relays that began again)."
        f" Parked were {findings.parked:,} events, exactly the {first.expected_parked:,} that the topic demands:"
        f" {findings.poison_refused} refused and {findings.poison_malformed} malformed ones and their followers of the"
        f" same key."
        if not (first.parked_wrongly or first.not_parked)
        else f"Parked were {findings.parked:,} events; the topic demands {first.expected_parked:,}."
    )
    yield ""
    yield (
        f"Then the malformed messages were discarded, the handler accepted what it had refused, and all that was parked"
        f" was redriven while {findings.written_while_redriven:,} more events were written:"
        f" {findings.redriven:,} redriven in {findings.redriving_seconds:.1f} s."
    )
    yield ""


def _faults(findings: Findings) -> Iterator[str]:
    yield "## Faults"
    yield ""
    yield "| fault | times |"
    yield "|---|---|"
    for kind in Kind:
        yield f"| {kind.value} | {findings.struck[kind.value]} |"
    yield f"| **all** | **{sum(findings.struck.values())}** |"
    yield ""
    restarts = ", ".join(f"{role} {number}" for role, number in sorted(findings.restarts.items()))
    yield f"Processes started again: {restarts or 'none'}."
    killed = ", ".join(f"{role} {number}" for role, number in sorted(findings.had_to_be_killed.items()))
    yield f"Did not end within 20 s of SIGTERM and were killed: {killed or 'none'}."
    if findings.ended_by_itself:
        yield "Ended by themselves, and were started again:"
        yield ""
        for words, times in findings.ended_by_itself.items():
            yield f"- {times} times {words}"
    else:
        yield "Ended by themselves: none."
    yield ""


def _controls(findings: Findings) -> Iterator[str]:
    yield "## Negative controls"
    yield ""
    if not findings.controls:
        yield "Left out."
        yield ""
        return
    yield "Designs that are known to be wrong, judged by the same verdict: it must see what is wrong with each."
    yield ""
    yield "| design | conditions | transactions | must be caught at | found | |"
    yield "|---|---|---|---|---|---|"
    for one in findings.controls:
        found = ", ".join(f"{number} {kind}" for kind, number in one.found.items()) or "nothing"
        yield (
            f"| {one.design} | {one.conditions} | {one.transactions} | {one.caught_at} | {found} |"
            f" {'caught' if one.caught else 'NOT CAUGHT'} |"
        )
    yield ""
