"""`python -m tests.faults`: the fault run, and its report."""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from pathlib import Path

import structlog

from tests.faults import report
from tests.faults.run import Wishes, run

FULL_TRANSACTIONS, FULL_FAULTS = 100_000, 200


def main() -> int:
    """Run as asked; 0 when everything held, 1 when not."""
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--transactions", type=int, default=FULL_TRANSACTIONS)
    parser.add_argument("--faults", type=int, default=FULL_FAULTS)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("FAULTS_SEED") or random.randrange(1_000_000)))
    parser.add_argument("--seconds-per-fault", type=float, default=3.2, help="sets how fast is written")
    parser.add_argument("--no-controls", dest="controls", action="store_false", help="leave out the negative controls")
    parser.add_argument("--report", type=Path, help="folder for faults.md and faults.json; of a full run it is docs/")
    parser.add_argument("--keep", type=Path, help="keep every process's log in this folder")
    arguments = parser.parse_args()
    wishes = Wishes(
        seed=arguments.seed,
        transactions=arguments.transactions,
        faults=arguments.faults,
        seconds_per_fault=arguments.seconds_per_fault,
        controls=arguments.controls,
    )
    folder = arguments.report
    if folder is None and wishes.transactions >= FULL_TRANSACTIONS and wishes.faults >= FULL_FAULTS and wishes.controls:
        folder = report.DOCS
    structlog.configure(logger_factory=structlog.WriteLoggerFactory(file=sys.stderr))
    began = time.monotonic()

    def say(words: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {words}", flush=True)

    with tempfile.TemporaryDirectory(prefix="tandem-faults-", ignore_cleanup_errors=True) as temporary:
        workplace = arguments.keep or Path(temporary)
        workplace.mkdir(parents=True, exist_ok=True)
        workplace.chmod(0o711)  # PostgreSQL runs as a user of its own when the run is root's
        findings = asyncio.run(run(wishes, workplace=workplace, say=say))
    print(report.markdown(findings))
    if folder is not None:
        report.write(findings, folder)
    return 1 if findings.reasons() else 0


if __name__ == "__main__":
    sys.exit(main())
