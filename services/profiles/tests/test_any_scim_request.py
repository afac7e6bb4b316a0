"""Whatever an identity provider sends: an answer in SCIM's words, and never a 500."""

import asyncio
import json
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tandem_chassis.testing import Tokens

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ATTRIBUTES = (
    "userName", "active", "emails", "emails.value", 'emails[type eq "work"].value', "name", "name.givenName", "manager",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", "members", "displayName", "meta", "id",
    "timezone", "externalId", "x509Certificates", "[", "..", "nobody", "",
)  # fmt: skip
OPERATORS = ("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr", "is", "EQ")

texts = st.one_of(
    st.sampled_from(["ada", "Ada", "\u0000", "ß", "2026-01-01T00:00:00Z", '"', "\\", "*"]), st.text(max_size=9)
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(ATTRIBUTES) | texts, inner, max_size=3),
    max_leaves=8,
)
attributes = st.sampled_from(ATTRIBUTES)
comparisons = st.builds(
    lambda attribute, operator, value: f"{attribute} {operator} {json.dumps(value)}",
    attributes, st.sampled_from(OPERATORS), values,
)  # fmt: skip
filters = st.one_of(
    comparisons,
    st.builds(
        lambda one, word, other: f"({one}) {word} not ({other})",
        comparisons,
        st.sampled_from(["and", "or"]),
        comparisons,
    ),
    texts,
)
resources = st.dictionaries(attributes, values, max_size=6).map(
    lambda given: {"schemas": [USER], "userName": "x", **given}
)
patches = st.builds(
    lambda operations: {"schemas": [PATCH], "Operations": operations},
    st.lists(
        st.fixed_dictionaries(
            {"op": st.sampled_from(["add", "replace", "remove", "Add", "move"]) | values},
            optional={"path": attributes | comparisons, "value": values},
        ),
        max_size=3,
    ),
)
numbers = st.one_of(st.integers(-(2**70), 2**70).map(str), texts)
questions = st.fixed_dictionaries(
    {}, optional={"filter": filters, "sortBy": attributes, "sortOrder": texts, "startIndex": numbers, "count": numbers,
                  "attributes": attributes, "excludedAttributes": attributes},
)  # fmt: skip
bulks = st.fixed_dictionaries(
    {},
    optional={
        "failOnErrors": values,
        "Operations": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "method": st.sampled_from(["POST", "PUT", "PATCH", "DELETE", "GET"]) | values,
                    "path": st.sampled_from(["/Users", "/Groups", "/Users/{id}", "/Users/bulkId:a", "//"]) | texts,
                    "bulkId": values,
                    "data": resources | patches | values,
                    "version": values,
                },
            ),
            max_size=3,
        )
        | values,
    },
)
requests = st.one_of(
    st.tuples(st.just("POST"), st.sampled_from(["/Users", "/Groups"]), st.just({}), resources | values),
    st.tuples(st.just("PUT"), st.sampled_from(["/Users/{id}", "/Groups/{group}"]), questions, resources | values),
    st.tuples(st.just("PATCH"), st.sampled_from(["/Users/{id}", "/Groups/{group}"]), questions, patches | values),
    st.tuples(st.just("GET"), st.sampled_from(["/Users", "/Groups", "/Users/{id}"]), questions, st.none()),
    st.tuples(st.just("POST"), st.sampled_from(["/.search", "/Users/.search"]), st.just({}), questions | values),
    st.tuples(st.just("POST"), st.just("/Bulk"), st.just({}), bulks | values),
)


# The service in the same process draws random numbers of its own, which are no part of the requests made up here.
@pytest.mark.filterwarnings("ignore:Do not use the .random. module:hypothesis.errors.HypothesisDeprecationWarning")
async def test_no_scim_request_leads_to_a_500(client: httpx2.AsyncClient, address: str, tokens: Tokens) -> None:
    scim = tokens.service(["scim"])
    made = await client.post("/scim/v2/Users", json={"schemas": [USER], "userName": "ada"}, headers=scim)
    group = await client.post("/scim/v2/Groups", json={"displayName": "All"}, headers=scim)
    known = {"{id}": made.json()["id"], "{group}": group.json()["id"]}
    answered: set[int] = set()

    def try_out() -> None:
        with httpx2.Client(
            base_url=f"{address}/scim/v2", headers={**scim, "Content-Type": "application/scim+json"}
        ) as http:

            @settings(
                max_examples=150,
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=list(HealthCheck),
            )
            @given(requests)
            def every_answer_is_scim(request: tuple[str, str, dict[str, str], Any]) -> None:
                method, path, parameters, body = request
                content = json.dumps(body)
                for name, value in known.items():
                    path, content = path.replace(name, value), content.replace(name, value)
                answer = http.request(method, path, params=parameters, content=content if method != "GET" else None)
                answered.add(answer.status_code)
                assert answer.status_code < 500, answer.text
                if answer.content:
                    assert answer.headers["content-type"] == "application/scim+json"
                    assert answer.json().get("schemas"), answer.text

            every_answer_is_scim()

    await asyncio.to_thread(try_out)
    assert {200, 201, 400} <= answered
