"""Any request, whether the API's document allows it or not, gets an answer that the document names, and never a 500."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some
from scheduling_scene import MONDAY, NewPair, Pair, Scheduling, at
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tandem_chassis.testing import served
from tandem_scheduling.storage.busy_feeds import BusyFeed

EXAMPLES_EACH, REFUSED_EACH = 5, 2
"""How many requests of each kind are tried that the document allows, and how many that it does not."""

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@schemathesis.serializer("text/calendar")
def calendar_text(_: Any, value: Any) -> bytes:
    """Calendars are sent as they are, whatever they are."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


@pytest.fixture
async def address(scheduling: Scheduling) -> AsyncIterator[str]:
    """Where the service answers over a real socket."""
    async with served(scheduling.app) as url:
        yield url


def operations(app: FastAPI) -> Iterator[Any]:
    """Every operation of the document but health and the operators' own, which the chassis tests."""
    schema = schemathesis.openapi.from_dict(app.openapi())
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if not operation.path.startswith(("/health", "/operations")):
            yield operation


async def known_ids(scheduling: Scheduling, pair: Pair) -> dict[str, str]:
    """An id of every kind, so that what lies behind them is reached as well."""
    path = f"/pairings/{pair.pairing_id}"
    agreement = await scheduling.ask("GET", f"{path}/agreement", pair.mentor)
    options = [{key: at(MONDAY + timedelta(days=3))[key] for key in ("starts_at", "ends_at")}]
    offer = {"options": options, "way_of_meeting": "video"}
    proposal = await scheduling.ask("POST", f"{path}/session-proposals", pair.mentee, status=201, json=offer)
    recurring = {
        "starts_at": "2027-03-10T10:00:00",
        "minutes": 30,
        "way_of_meeting": "video",
        "recurrence": {"frequency": "weekly", "count": 3},
    }
    series = await scheduling.ask("POST", f"{path}/series", pair.mentor, status=201, json=recurring)
    first = await scheduling.ask(
        "POST", f"{path}/sessions", pair.mentor, status=201, json=at(MONDAY + timedelta(hours=1))
    )
    later = await scheduling.ask(
        "POST", f"{path}/sessions", pair.mentor, status=201, json=at(MONDAY + timedelta(days=5))
    )
    scheduling.clock.at = MONDAY + timedelta(hours=2)
    completion = {
        "attended": [str(pair.mentor)],
        "action_items": [{"words": "Try it", "owner_id": str(pair.mentor)}],
    }
    await scheduling.ask("POST", f"/sessions/{first['session_id']}/completion", pair.mentor, json=completion)
    items = await scheduling.ask("GET", f"{path}/action-items", pair.mentor)
    steps = await scheduling.ask("GET", f"{path}/steps", pair.mentor)
    assistant = str(uuid4())
    await scheduling.ask("POST", "/me/delegates", pair.mentor, status=201, json={"delegate_id": assistant})
    feed = await scheduling.ask("POST", "/me/calendar-feed", pair.mentor, status=201)
    address = "https://calendar.google.com/private.ics"
    never = MONDAY + timedelta(days=10_000)
    async with scheduling.app.state.database.transaction() as session:
        session.add(BusyFeed(person_id=pair.mentor, address=address, fetch_at=never, failures=0))
    return {
        "delegate_id": assistant,
        "secret": feed["path"].removeprefix("/calendar-feeds/").removesuffix(".ics"),
        "pairing_id": str(pair.pairing_id),
        "program_id": str(pair.program_id),
        "agreement_id": agreement["agreement_id"],
        "proposal_id": proposal["proposal_id"],
        "series_id": series["series_id"],
        "session_id": later["session_id"],
        "action_item_id": items["items"][0]["action_item_id"],
        "step_id": steps["items"][0]["step_id"],
    }


# The service in the same process draws random numbers of its own, which are no part of the requests made up here.
@pytest.mark.filterwarnings("ignore:Do not use the .random. module:hypothesis.errors.HypothesisDeprecationWarning")
async def test_no_request_leads_to_a_500_or_an_undocumented_answer(
    scheduling: Scheduling, new_pair: NewPair, address: str
) -> None:
    module = {"module_id": "first", "title": "First", "due_after_days": 7}
    pair = await new_pair(tracks=({"track_id": "main", "title": "Main", "modules": (module,)},))
    known = await known_ids(scheduling, pair)
    token = scheduling.tokens.issue(sub="mentor", person_id=str(pair.mentor), roles=["platform_admin"])
    callers = {
        "an administrator who is the mentor": {"Authorization": f"Bearer {token}"},
        "the mentor": scheduling.tokens.person(pair.mentor),
        "the mentee": scheduling.tokens.person(pair.mentee),
        "the mentor's assistant": scheduling.tokens.person(UUID(known["delegate_id"])),
        "the program's manager": scheduling.tokens.manager(pair.program_id),
        "who delivers calendars": scheduling.tokens.service(["calendar"]),
    }
    tried: list[str] = []
    answers: dict[str, set[int]] = defaultdict(set)

    def try_out(operation: Any, mode: GenerationMode, examples: int) -> None:
        @settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(mode), who=some.permutations(sorted(callers)))
        def every_answer_is_as_documented(case: Any, who: list[str]) -> None:
            headers = {**callers[who[0]], "If-Match": "*"}
            if mode is GenerationMode.POSITIVE:
                case.call_and_validate(base_url=address, headers=headers, checks=CHECKS)
            for name in case.path_parameters or {}:
                case.path_parameters[name] = known.get(name, case.path_parameters[name])
            # What is there is asked for by whom it concerns, and by those whom it does not.
            for one in who if mode is GenerationMode.POSITIVE else who[:1]:
                headers = {**callers[one], "If-Match": "*"}
                answer = case.call_and_validate(base_url=address, headers=headers, checks=CHECKS)
                answers[operation.label].add(answer.status_code)

        every_answer_is_as_documented()

    for operation in operations(scheduling.app):
        await asyncio.to_thread(try_out, operation, GenerationMode.POSITIVE, EXAMPLES_EACH)
        if any(body.media_type == "application/json" for body in operation.body):
            await asyncio.to_thread(try_out, operation, GenerationMode.NEGATIVE, REFUSED_EACH)
        tried.append(operation.label)
    assert len(tried) == len(set(tried)) > 50
    unseen = {label for label, codes in answers.items() if label.startswith("GET") and 200 not in codes}
    assert unseen == set(), "whoever asks for what is there is shown it by everything that shows"
    unreached = {label for label, codes in answers.items() if codes <= {401, 404}}
    assert unreached == set(), "everything was asked to do something with what is there"
    documented = {
        f"{method.upper()} {path}" for path, methods in scheduling.app.openapi()["paths"].items() for method in methods
    }
    left_out = {
        label for label in documented - set(tried) if not label.split()[1].startswith(("/health", "/operations"))
    }
    assert left_out == set(), "every operation of the document was tried"
    served = {
        f"{method} {route.path}"
        for route in scheduling.app.routes
        if isinstance(route, APIRoute) and route.include_in_schema
        for method in route.methods or ()
    }
    assert served <= documented, "every route is in the document"
