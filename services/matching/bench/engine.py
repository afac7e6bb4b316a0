"""The engine beside what a user would pick instead, on the same instances: `make bench-matching`.

Every result is checked by code that shares nothing with the solvers: nobody beyond their places, no forbidden pair, and
for the engine that no pair at all is worth more than its two prices together. Each row runs in a process of its own,
so that the peak memory is its own. With other work on the machine, read the processor seconds.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tandem_matching.domain.assignment import best_round

from . import variants
from .checker import check
from .instances import instance
from .judging import LIMITS, exceeded, write, wrong
from .peers import PEERS, problem, timed

SIZES = {
    "100 x 40": (100, 40, False),
    "300 x 120": (300, 120, False),
    "500 x 500": (500, 500, False),
    "1,000 x 400": (1_000, 400, False),
    "5,000 x 2,000": (5_000, 2_000, False),
    "5,000 scarce": (5_000, 2_000, True),
    "20,000 x 8,000": (20_000, 8_000, False),
    "20,000 scarce": (20_000, 8_000, True),
    "50,000 x 20,000": (50_000, 20_000, False),
    "100,000 x 40,000": (100_000, 40_000, False),
}
PATIENCE_SECONDS = 60
"""A peer that is not done by then is left out, and said so."""
FIGURES_SECONDS = 600
"""One of the other figures is not waited for any longer."""


@dataclass
class Row:
    """What one solver did with one instance."""

    size: str
    solver: str
    seconds: float
    processor_seconds: float
    peak_megabytes: int
    pairs: int
    points: int
    verdict: str


def measure(size: str, solver: str, repeat: int) -> Row:
    """One row; of several repeats the quickest."""
    mentees, mentors, scarce = SIZES[size]
    pool = instance(mentees, mentors, scarce=scarce)
    proof = None
    if solver == "Tandem":
        everybody = np.ones(mentees, np.bool_)
        small = instance(300, 120, scarce=True)
        best_round(small, np.ones(300, np.bool_), small.places, dense_cells=0)  # loads what was compiled
        seconds = used = float("inf")
        for _ in range(repeat):
            began, before = time.perf_counter(), time.process_time()
            best = best_round(pool, everybody, pool.places)
            seconds, used = min(seconds, time.perf_counter() - began), min(used, time.process_time() - before)
        match, proof = best.match.astype(np.int64), (best.gains, best.prices, best.stake)
    else:
        match, seconds, used = timed(solver, problem(pool))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    pairs, points, verdict = check(pool, match, proof=proof)
    return Row(size, solver, seconds, used, peak, pairs, points, verdict)


def _asked_elsewhere(arguments: list[str], *, patience: float) -> Any:
    """What a process of its own answers as JSON; a sentence where it failed or took too long."""
    command = [sys.executable, "-m", "services.matching.bench.engine", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=patience)  # noqa: S603 - this very module
    except subprocess.TimeoutExpired:
        return f"left out: not done in {patience:.0f} s"
    if done.returncode:
        return f"FAILED: {(done.stderr.strip().splitlines() or ['killed'])[-1]}"
    return json.loads(done.stdout)


def _table(largest: int, repeat: int, tell: Callable[[str], None]) -> None:
    """Tell the sizes side by side."""
    tell(f"{'size':18} {'solver':16} {'seconds':>9} {'cpu s':>8} {'MB':>6} {'pairs':>8} {'points':>16}")
    for size, (mentees, mentors, scarce) in SIZES.items():
        if mentees > largest:
            continue
        totals, left_out = set(), []
        for solver in ("Tandem", *PEERS):
            peer = PEERS.get(solver)
            if peer is not None and mentees > (peer.most_scarce if scarce else peer.most):
                left_out.append(solver)
                continue
            patience = PATIENCE_SECONDS if peer is not None else 300
            answer = _asked_elsewhere(["--one", size, solver, "--repeat", str(repeat)], patience=patience)
            if isinstance(answer, str):
                tell(f"{size:18} {solver:16} {answer}" + ("" if peer else "; NOT measured"))
                continue
            row = Row(**answer)
            if peer is None or peer.same_aim:
                totals.add((row.pairs, row.points))
            note = "" if peer is None or peer.same_aim else "(another aim)"
            if peer is None:
                note = f"{1e9 * row.seconds / (mentees * mentors):.2f} ns a pair"
                if size in LIMITS:
                    note += f" (at most {LIMITS[size][0]:g} s, {LIMITS[size][1]} MB)"
                note += f" {exceeded(size, row.seconds, row.peak_megabytes)}"
            if row.verdict not in ("proven", "feasible"):
                note += " NOT right"
            tell(
                f"{size:18} {solver:16} {row.seconds:9.3f} {row.processor_seconds:8.3f} {row.peak_megabytes:6} "
                f"{row.pairs:8} {row.points:16,}  {row.verdict} {note}"
            )
        if left_out:
            tell(f"{size:18} left out, over a minute or too much memory: {', '.join(left_out)}")
        if len(totals) > 1:
            tell(f"{size:18} THE SOLVERS' TOTALS DIFFER: {sorted(totals)}")


def _over_http() -> list[str]:
    from . import http  # the service is no part of the memory that the engine's rows show

    return http.measured(20_000, 8_000)


VARIANTS: dict[str, Callable[[], list[str]]] = {
    "changed": lambda: variants.after_changes(20_000, 8_000),
    "flash": lambda: variants.rotations(5_000, 2_000),
    "peers": lambda: variants.peers(1_000),
    "circles": lambda: variants.circles(2_000),
    "reasons": lambda: variants.reasons(20_000, 8_000),
    "whole": lambda: variants.whole_again(20_000, 8_000),
    "http": _over_http,
}


def main() -> int:
    """Print the tables; 1 where a result is wrong, two solvers' totals differ, or a limit is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", nargs=2, metavar=("SIZE", "SOLVER"), help="one row as JSON")
    parser.add_argument("--variant", choices=VARIANTS, help="one of the other figures as JSON")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--largest", type=int, default=100_000, help="up to so many mentees")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="also write the figures into this page")
    asked = parser.parse_args()
    if asked.one:
        size, solver = asked.one
        sys.stdout.write(json.dumps(asdict(measure(size, solver, asked.repeat))) + "\n")
        return 0
    if asked.variant:
        sys.stdout.write(json.dumps(VARIANTS[asked.variant]()) + "\n")
        return 0
    lines: list[str] = []

    def tell(line: str) -> None:
        lines.append(line)
        sys.stdout.write(line.rstrip() + "\n")
        sys.stdout.flush()

    _table(asked.largest, asked.repeat, tell)
    tell("")
    for name in VARIANTS:
        answer = _asked_elsewhere(["--variant", name], patience=FIGURES_SECONDS)
        for line in [f"{name}: NOT measured: {answer}"] if isinstance(answer, str) else answer:
            tell(line)
    faults = [line for line in lines if wrong(line)]
    if faults:
        sys.stdout.write("\nWrong, or beyond what is allowed:\n" + "".join(f"  {line.strip()}\n" for line in faults))
    if asked.write:
        write(asked.write, lines)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
