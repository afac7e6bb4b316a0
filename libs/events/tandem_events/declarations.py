"""What a service says about itself: which events it sends, and which it reads."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tandem_events.contracts.contract import Event


@dataclass(frozen=True, slots=True)
class ServiceDeclaration:
    """A service by its name, with the events that it sends and those that it reads."""

    name: str
    title: str
    sends: Sequence[type[Event]]
    reads: Sequence[type[Event]]


def readers(event: type[Event], services: Iterable[ServiceDeclaration]) -> tuple[str, ...]:
    """The names of the services that read this event, in the order of the services."""
    return tuple(service.name for service in services if event in service.reads)


def sent(services: Iterable[ServiceDeclaration]) -> tuple[type[Event], ...]:
    """Every event that some service sends, by sender and in its order."""
    return tuple(event for service in services for event in service.sends)


def contradictions(contracts: Iterable[type[Event]], services: Sequence[ServiceDeclaration]) -> list[str]:
    """Everything in which services and contracts disagree, in words; empty where they fit together."""
    known = set(contracts)
    everything = set(sent(services))
    found = []
    for service in services:
        for event in service.sends:
            contract = event.contract
            if contract.sender != service.name:
                found.append(f"{service.name} sends {contract.type}, which belongs to {contract.sender}")
            if event not in known:
                found.append(f"{service.name} sends {contract.type}, which is not among the contracts")
        found += [
            f"{service.name} reads {event.contract.type}, which nobody sends"
            for event in service.reads
            if event not in everything
        ]
    for event in sorted(known - everything, key=lambda event: event.contract.type):
        found.append(f"{event.contract.type} is a contract of {event.contract.sender}, which does not send it")
    return found
