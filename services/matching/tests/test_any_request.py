"""Any request that the API's document allows gets an answer that the document names, and never a 500."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from matching_scene import Scene, Somebody, mentee, mentor
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tandem_chassis.testing import served

EXAMPLES_EACH = 6
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture
async def address(scene: Scene) -> AsyncIterator[str]:
    """Where the service answers over a real socket."""
    async with served(scene.app) as url:
        yield url


def operations(app: FastAPI) -> Iterator[Any]:
    """Every operation of the document but health and the operators' own, which the chassis tests."""
    schema = schemathesis.openapi.from_dict(app.openapi())
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if not operation.path.startswith(("/health", "/operations")):
            yield operation


async def known_ids(scene: Scene, caller: Somebody) -> dict[str, str]:
    """An id of every kind, so that what lies behind them is reached as well."""
    boss, junior, asker, offered = mentor(5), mentee(), mentee(), mentee()
    program_id = await scene.matched(boss, junior)
    await scene.join(program_id, asker, offered, caller)
    run = await scene.run(program_id)
    (pairing,) = await scene.all(f"/programs/{program_id}/pairings", scene.manager(program_id))
    requested = await scene.post(
        f"/programs/{program_id}/match-requests",
        scene.tokens.person(asker.person_id),
        {"mentor_ids": [str(caller.person_id)]},
        expect=201,
    )
    offer = await scene.post(
        f"/programs/{program_id}/mentor-offers",
        scene.tokens.person(caller.person_id),
        {"mentee_id": str(offered.person_id)},
        expect=201,
    )
    return {
        "program_id": str(program_id),
        "run_id": run["run_id"],
        "pairing_id": pairing["pairing_id"],
        "request_id": requested["items"][0]["match_request_id"],
        "offer_id": offer["mentor_offer_id"],
    }


# The service in the same process draws random numbers of its own, which are no part of the requests made up here.
@pytest.mark.filterwarnings("ignore:Do not use the .random. module:hypothesis.errors.HypothesisDeprecationWarning")
async def test_no_request_leads_to_a_500_or_an_undocumented_answer(scene: Scene, address: str) -> None:
    caller = mentor(3)
    known = await known_ids(scene, caller)
    token = scene.tokens.issue(sub="caller", person_id=str(UUID(str(caller.person_id))), roles=["platform_admin"])
    headers = {"Authorization": f"Bearer {token}", "If-Match": "*"}
    tried: list[str] = []

    def try_out(operation: Any) -> None:
        @settings(
            max_examples=EXAMPLES_EACH,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def every_answer_is_as_documented(case: Any) -> None:
            case.call_and_validate(base_url=address, headers=headers, checks=CHECKS)
            for name in case.path_parameters or {}:
                case.path_parameters[name] = known.get(name, case.path_parameters[name])
            if case.path_parameters:
                case.call_and_validate(base_url=address, headers=headers, checks=CHECKS)

        every_answer_is_as_documented()
        tried.append(operation.label)

    for operation in operations(scene.app):
        await asyncio.to_thread(try_out, operation)
    assert len(tried) > 25
