"""The OpenAPI document against the running service: no 500, and no answer that the document does not know."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.routing import Route

from tandem_chassis.testing import Tokens

from .sheets import ADA, BEN, MENTORS, send

EXAMPLES_EACH = 12


def operations(app: FastAPI) -> Iterator[Any]:
    """Every operation of the document but health and the operators' own, which the chassis tests."""
    schema = schemathesis.openapi.from_dict(app.openapi())
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if not operation.path.startswith(("/health", "/operations")):
            yield operation


CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def try_out(operation: Any, address: str, caller: dict[str, str], known: dict[str, str]) -> None:
    """Call an operation with generated requests, and fail at the first answer that is not as documented."""

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
        headers = {**caller, "If-Match": "*"}
        case.call_and_validate(base_url=address, headers=headers, checks=CHECKS)
        # The same with ids that exist, so that what lies behind them is reached as well.
        for name in case.path_parameters or {}:
            case.path_parameters[name] = known.get(name, case.path_parameters[name])
        if case.path_parameters:
            case.call_and_validate(base_url=address, headers=headers, checks=CHECKS)

    every_answer_is_as_documented()


# Schemathesis draws some of its examples in a way that Hypothesis has begun to discourage.
@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisDeprecationWarning")
async def test_no_request_leads_to_a_500_or_an_undocumented_answer(
    app: FastAPI, client: httpx2.AsyncClient, address: str, tokens: Tokens, program_id: str
) -> None:
    await send(client, program_id, MENTORS + ADA + BEN, tokens.admin())
    (enrollment, _) = (await client.get(f"/programs/{program_id}/enrollments", headers=tokens.admin())).json()["items"]
    known = {name: enrollment[name] for name in ("program_id", "enrollment_id")}
    # Somebody who is never registered: whoever is would depart, be merged and be erased on the way.
    known["person_id"] = enrollment["person_id"]
    for operation in operations(app):
        await asyncio.to_thread(try_out, operation, address, tokens.admin(), known)


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisDeprecationWarning")
@pytest.mark.parametrize("status", [500, 418])
async def test_a_500_and_an_undocumented_answer_would_be_found(
    app: FastAPI, address: str, tokens: Tokens, status: int
) -> None:
    async def planted(_: Any) -> JSONResponse:
        return JSONResponse({}, status_code=status)

    document = app.openapi()
    shown = {**document, "paths": {"/planted": {"get": {"responses": {"200": {"description": "Well."}}}}}}
    app.router.routes.insert(0, Route("/planted", planted))
    (found,) = schemathesis.openapi.from_dict(shown).get_all_operations()
    assert isinstance(found, Ok)
    with pytest.raises(FailureGroup):
        await asyncio.to_thread(try_out, found.ok(), address, tokens.admin(), {})
