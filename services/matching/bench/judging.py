"""Judging: which figures a run of the bench must reach, which it missed, and how they are written down."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

LIMITS = {
    "500 x 500": (0.05, 250),
    "5,000 x 2,000": (0.1, 250),
    "20,000 x 8,000": (0.8, 300),
    "20,000 scarce": (4.0, 350),
    "100,000 x 40,000": (15.0, 500),
}
"""By size: so many seconds and megabytes at most."""
REASONS_SECONDS = 2.0
AGAIN_TIMES = 5.0
"""A match after few changes is so many times as fast as from scratch."""
HTTP_SECONDS = 15.0
EXCEEDED = "LIMIT EXCEEDED"
FAULTS = ("FAILED", "NOT ", "DIFFER", EXCEEDED)
"""What a line says only where something is wrong."""

BEGIN, END = "<!-- The figures: make bench-matching ARGS='--write docs/matching.md' -->", "<!-- The figures end. -->"


def exceeded(size: str, seconds: float, megabytes: int) -> str:
    """What a size of the engine was allowed and did not keep, in words; empty where it kept it."""
    if size not in LIMITS:
        return ""
    most_seconds, most_megabytes = LIMITS[size]
    found = []
    if seconds > most_seconds:
        found.append(f"{seconds:.3f} s are more than {most_seconds:g}")
    if megabytes > most_megabytes:
        found.append(f"{megabytes} MB are more than {most_megabytes}")
    return f"{EXCEEDED}: {' and '.join(found)}" if found else ""


def judged(line: str, value: float, *, most: float | None = None, least: float | None = None) -> str:
    """The line, and that its value is beyond what it may be, where it is."""
    if (most is not None and value > most) or (least is not None and value < least):
        return f"{line}; {EXCEEDED}: {value:.2f}, at {'most' if least is None else 'least'} {most or least:g}"
    return line


def wrong(line: str) -> bool:
    """Whether a line says that something is wrong."""
    return any(fault in line for fault in FAULTS)


def write(page: Path, lines: list[str]) -> None:
    """Put these lines with their day and machine into a page, in place of those of an earlier run."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**30
    head = (
        f"Measured on {datetime.now(UTC).date()}, {os.cpu_count()} cores, {memory} GB, Python "
        f"{platform.python_version()}, {platform.system()} on {platform.machine()}:"
    )
    text = "\n".join(line.rstrip() for line in lines).strip()
    page.write_text(f"{before}{BEGIN}\n\n{head}\n\n```\n{text}\n```\n\n{END}{after}")
