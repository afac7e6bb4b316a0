"""How a command ends when it cannot do what was asked: one sentence on stderr, and an exit code for its kind."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import typer

from tandem_local.refusals import CannotStart, NotAnswering, Refused
from tandem_local.state import AlreadyRunning, NotRunning


class ExitCode(IntEnum):
    """What the shell is told; `tandem --help` lists them."""

    DONE = 0
    IMPOSSIBLE = 1
    WRITTEN_WRONGLY = 2
    NOTHING_RUNS = 3
    ALREADY_RUNS = 4
    REFUSED = 5
    NO_ANSWER = 6


KINDS: tuple[tuple[type[Exception], ExitCode], ...] = (
    (AlreadyRunning, ExitCode.ALREADY_RUNS),
    (NotRunning, ExitCode.NOTHING_RUNS),
    (Refused, ExitCode.REFUSED),
    (NotAnswering, ExitCode.NO_ANSWER),
    (CannotStart, ExitCode.IMPOSSIBLE),
)


@contextmanager
def said_in_words(*, as_json: bool) -> Iterator[None]:
    """Turn what a person can act on into a sentence and an exit code; anything else is a defect and shows."""
    try:
        yield
    except tuple(kind for kind, _ in KINDS) as refusal:
        code = next(code for kind, code in KINDS if isinstance(refusal, kind))
        document = {"error": str(refusal), "exit_code": int(code)}
        if isinstance(refusal, Refused):
            document["problem"] = refusal.problem
        if as_json:
            print(json.dumps(document), file=sys.stderr)
        else:
            print(str(refusal), file=sys.stderr)
        raise typer.Exit(code) from refusal
