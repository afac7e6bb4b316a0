"""Any request that the API's document allows, or forbids, gets an answer that the document names."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import schemathesis
import uvicorn
from fastapi import FastAPI
from feedback_world import Clock, Pair, World
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok

from tandem_chassis.auth import Authenticator
from tandem_chassis.testing import KnownKeys, Tokens, settings_for
from tandem_events.testing import own_namespace
from tandem_feedback.main import create_app
from tandem_feedback.settings import Settings

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

EXAMPLES = 12
"""For each operation, of requests that the document allows and again of requests that it forbids."""


@dataclass(frozen=True)
class Served:
    """A service that listens."""

    url: str
    settings: Settings
    app: FastAPI


@pytest.fixture(scope="module")
def served(tokens: Tokens, new_database: Callable[..., str], migrated: str, broker: Any) -> Iterator[Served]:
    """A service that listens in a thread of its own."""
    own: Settings = settings_for(
        Settings, database=new_database(template=migrated), broker=broker, namespace=own_namespace()
    )
    app = create_app(own)
    app.state.authenticator = Authenticator(own, KnownKeys(tokens.keys))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            thread.join(0.05)
        yield Served(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", own, app)
    finally:
        server.should_exit = True
        thread.join()


async def seeded(served: Served, tokens: Tokens) -> tuple[Pair, dict[str, str]]:
    """A pair in which everything is, and the ids under which routes find it."""
    async with httpx2.AsyncClient(base_url=served.url, timeout=60) as client:
        pair = await World(client, served.settings, tokens, Clock(), served.app).pair()
        world, base = pair.world, f"/pairings/{pair.pairing_id}"
        asked: dict[str, Any] = {"author_id": str(pair.mentee), "about": "The start"}
        request = await world.post(f"{base}/feedback-requests", pair.as_mentor, **asked)
        goal: dict[str, Any] = {**dict.fromkeys(("specific", "measure", "unit", "why"), "x"), "due_on": "2190-01-01"}
        made = await world.post(f"{base}/goals", pair.as_mentee, **goal, start_value=0, target_value=10**9)
        opportunity: dict[str, Any] = {"kind": "sponsorship", "opportunity": "job", "words": "x"}
        sponsored = await world.post(f"{base}/contributions", pair.as_mentor, **opportunity)
        call = await world.post(f"{base}/calls-for-help", pair.as_mentee, words="x")
    return pair, {
        "pairing_id": str(pair.pairing_id),
        "program_id": str(pair.program_id),
        "feedback_request_id": request["feedback_request_id"],
        "goal_id": made["goal_id"],
        "contribution_id": sponsored["contribution_id"],
        "call_id": call["call_id"],
    }


# The service's thread draws random numbers meanwhile, which Hypothesis takes for a strategy's doing.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning")
def test_every_answer_to_any_request_is_documented(served: Served, tokens: Tokens) -> None:
    schema = schemathesis.openapi.from_url(f"{served.url}/openapi.json", timeout=60)
    pair, ids = asyncio.run(seeded(served, tokens))
    callers: tuple[dict[str, str], ...] = (tokens.admin(), pair.as_manager, pair.as_mentee, pair.as_mentor, {})
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) > 50
    faults: list[str] = []
    done: set[str] = set()
    for operation in operations:
        for mode in GenerationMode:

            @settings(
                max_examples=EXAMPLES,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                derandomize=True,
                suppress_health_check=list(HealthCheck),
            )
            @given(
                case=operation.as_strategy(generation_mode=mode),
                headers=some.sampled_from(callers),
                about_what_is_there=some.sampled_from((True, True, True, False)),
            )
            def any_request(case: Case[Any], headers: dict[str, str], about_what_is_there: bool) -> None:
                if about_what_is_there:
                    case.path_parameters.update(
                        {name: one for name, one in ids.items() if name in case.path_parameters}
                    )
                try:
                    answer = case.call_and_validate(headers=headers, timeout=60, checks=CHECKS)
                    if answer.status_code < 300:
                        done.add(case.operation.label)
                except FailureGroup as group:
                    # Gathered rather than raised: shrinking would ask a service that has changed since.
                    faults.extend(f"{case.operation.label}: {fault}" for fault in group.exceptions)

            # What takes no input at all cannot be asked wrongly.
            with contextlib.suppress(*((Unsatisfiable,) if mode is GenerationMode.NEGATIVE else ())):
                any_request()
    assert not faults, "\n\n".join(faults)
    refused = {operation.label for operation in operations} - done
    assert len(refused) < len(operations) / 2, f"most requests must get somewhere; all were refused: {sorted(refused)}"
