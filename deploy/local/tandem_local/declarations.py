"""What the services of this platform say of themselves: which events each sends, and which it reads."""

import ast
import importlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from tandem_chassis.app import Service
from tandem_events.contracts import CONTRACTS
from tandem_events.contracts.contract import Event
from tandem_events.declarations import ServiceDeclaration, contradictions
from tandem_local.addresses import SERVICES

NOWHERE = {
    "database_url": "postgresql://nobody@127.0.0.1:1/nothing",
    "kafka_bootstrap_servers": "127.0.0.1:1",
    "oidc_issuer": "http://127.0.0.1:1",
    "oidc_jwks_url": "http://127.0.0.1:1/jwks",
}
"""Settings with which an application can be made, and not started: nothing answers there."""


@cache
def services() -> tuple[Service, ...]:
    """Every service of the platform, as its own `main` puts it together. Nothing is started or connected."""
    return tuple(_service(name) for name in SERVICES)


@cache
def declarations() -> tuple[ServiceDeclaration, ...]:
    """What each service sends and reads, in the order of the services.

    An event that a service lists and never says in its code is left out: nobody may be promised it.
    """
    return tuple(
        ServiceDeclaration(
            name=service.name,
            title=service.title,
            sends=tuple(event for event in service.sends if event.__name__ in names_used_by(service.name)),
            reads=tuple(subscription.event for subscription in service.subscriptions),
        )
        for service in services()
    )


def disagreements() -> list[str]:
    """Everything in which contracts, declarations and the services' code disagree, in words."""
    found = []
    for service in services():
        said = names_used_by(service.name)
        found += [
            f"{service.name} lists {event.contract.type} and never says it"
            for event in service.sends
            if event.__name__ not in said
        ]
        found += [
            f"{service.name} says {event.contract.type} and does not list it"
            for event in _events_of(service.name, CONTRACTS)
            if event.__name__ in said and event not in service.sends
        ]
    return found + contradictions(CONTRACTS, declarations())


def _events_of(sender: str, events: Iterable[type[Event]]) -> list[type[Event]]:
    return [event for event in events if event.contract.sender == sender]


@cache
def names_used_by(service: str) -> frozenset[str]:
    """Every name that a service's code uses, as opposed to only importing or listing it in its `main`."""
    package = importlib.import_module(f"tandem_{service}")
    used: set[str] = set()
    for folder in package.__path__:
        for file in Path(folder).rglob("*.py"):
            if file.name != "main.py" and "migrations" not in file.parts:
                tree = ast.parse(file.read_text(encoding="utf-8"))
                used |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
                used |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return frozenset(used)


def _service(name: str) -> Service:
    package = f"tandem_{name}"
    settings = importlib.import_module(f"{package}.settings").Settings(**NOWHERE)
    application = importlib.import_module(f"{package}.main").create_app(settings)
    service: Service = application.state.service
    return service
