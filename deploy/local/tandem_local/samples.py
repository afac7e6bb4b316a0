"""Samples of what a service relies on in the events that it reads, as a start for its authors to cut and correct."""

import ast
import inspect
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tandem_events.examples import example_of
from tandem_events.schemas import schema_of
from tandem_events.subscriptions import Handler, Subscription


def samples_of(service: str, *, root: Path) -> Path:
    """Where a service of the checkout at `root` keeps its samples, one file for each event that it reads."""
    return root / "services" / service / "tests" / "contract_samples"


def completed(sample: Mapping[str, Any], subscription: Subscription) -> dict[str, Any]:
    """The sample with the fields that are always there, and those that the handler looks at, where it lacks them.

    What it has is kept; what is added has the value of the event's example.
    """
    schema = schema_of(subscription.event)
    needed = fields_read_by(subscription.handler) | set(schema["required"])
    missing = {name: value for name, value in example_of(schema).items() if name in needed and name not in sample}
    return {**sample, **missing}


def fields_read_by(handler: Handler) -> set[str]:
    """The attributes of its event that a handler's own lines look at."""
    (function,) = ast.parse(textwrap.dedent(inspect.getsource(handler))).body
    assert isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
    event = function.args.args[0].arg
    return {
        node.attr
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == event
    }
