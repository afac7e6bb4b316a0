"""Nobody overwrites what they have not seen: an update says which version it changes, or is listed with its reason."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from tandem_local.addresses import SERVICES

WITHOUT_A_VERSION = {
    ("feedback", "put", "/hr/employees"): "the HR system sends everything anew, and is its only author",
    ("feedback", "put", "/hr/job-titles"): "the HR system sends everything anew, and is its only author",
    ("feedback", "put", "/hr/departments"): "the HR system sends everything anew, and is its only author",
    ("feedback", "put", "/hr/salaries"): "the HR system sends everything anew, and is its only author",
    ("feedback", "put", "/me/recognition"): "one's own yes or no: the last word counts",
    (
        "feedback",
        "put",
        "/feedback-requests/{feedback_request_id}/draft",
    ): "saved while one types: the last word counts",
    ("feedback", "put", "/pairings/{pairing_id}/alumni-link"): "one's own yes or no: the last word counts",
    ("profiles", "put", "/people/{person_id}/private-section"): "only ever replaced as a whole, by the person alone",
    ("scheduling", "put", "/me/busy-calendar"): "one's own file, replaced as a whole",
    ("scheduling", "put", "/me/busy-feed"): "one's own address, replaced as a whole",
}


def updates(service: str) -> Iterator[tuple[tuple[str, str, str], bool]]:
    """Each PUT and PATCH of a service, and whether it takes If-Match."""
    settings = import_module(f"tandem_{service}.settings").Settings(
        database_url="postgresql://nobody@127.0.0.1:9/none",
        kafka_bootstrap_servers="127.0.0.1:9",
        oidc_issuer="https://issuer.test",
        oidc_jwks_url="https://issuer.test/jwks",
    )
    document: dict[str, Any] = import_module(f"tandem_{service}.main").create_app(settings).openapi()
    for path, methods in document["paths"].items():
        for method in methods.keys() & {"put", "patch"}:
            names = {parameter["name"].lower() for parameter in methods[method].get("parameters", ())}
            yield (service, method, path), "if-match" in names


@pytest.fixture(scope="module")
def all_updates() -> dict[tuple[str, str, str], bool]:
    return {update: matched for service in SERVICES for update, matched in updates(service)}


def test_every_update_takes_if_match_or_is_listed_with_its_reason(
    all_updates: dict[tuple[str, str, str], bool],
) -> None:
    assert sum(all_updates.values()) >= 10
    assert {update for update, matched in all_updates.items() if not matched} == set(WITHOUT_A_VERSION)
