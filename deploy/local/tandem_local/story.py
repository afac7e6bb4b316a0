"""What a newcomer sees once everything runs: who was paired and why, where the API pages are, how to get a token."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tandem_local import matching, sample
from tandem_local.access import admin_token
from tandem_local.addresses import SERVICES, Addresses
from tandem_local.api import Api
from tandem_local.invocation import tandem
from tandem_local.matching import Outcome
from tandem_local.state import StateDirectory

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, slots=True)
class Told:
    """The sample program's story so far."""

    outcome: Outcome
    called: dict[str, str]
    active_pairings: int
    fresh: bool
    seconds: float


def tell(state: StateDirectory, addresses: Addresses, *, say: sample.Tell = lambda _: None) -> Told:
    """Load the sample if it is not there yet, and gather what there is to show.

    Raises:
        Refused, NotAnswering: a service refused, or does not answer.
    """
    began = time.monotonic()
    with Api(addresses, token=lambda: admin_token(state, addresses)) as api:
        found = sample.ensure(api, state, tell=say)
        outcome = matching.outcome(api, found.run_id)
        called = matching.names(api, matching.shown_people(outcome)) if found.fresh else {}
        pairings = list(api.pages("matching", f"/programs/{found.program_id}/pairings"))
    return Told(
        outcome=outcome,
        called=called,
        active_pairings=sum(1 for pairing in pairings if pairing.get("status", "active") == "active"),
        fresh=found.fresh,
        seconds=time.monotonic() - began,
    )


def as_document(told: Told | None, addresses: Addresses) -> dict[str, Any]:
    """The story as JSON says it."""
    document: dict[str, Any] = {
        "services": {service: addresses.service_url(service) for service in SERVICES},
        "identity": addresses.issuer,
        "broker_port": addresses.broker_port,
        "postgresql_port": addresses.postgresql_port,
    }
    if told is not None:
        document["sample"] = {
            "program_id": told.outcome.program_id,
            "run_id": told.outcome.run_id,
            "pairs": len(told.outcome.pairs),
            "unmatched": len(told.outcome.unmatched),
            "active_pairings": told.active_pairings,
            "fresh": told.fresh,
            "seconds": round(told.seconds, 2),
        }
    return document


def show(told: Told | None, addresses: Addresses, *, foreground: bool) -> None:
    """Print the story for a person."""
    from tandem_local.screen import screen

    console = screen()
    if told is not None:
        console.print()
        _show_sample(told, console)
    console.print()
    console.print("[bold]API pages[/bold]")
    for service in SERVICES:
        console.print(f"  {service:<11} {addresses.service_url(service)}/docs")
    console.print("[bold]Next[/bold]")
    example = addresses.service_url(SERVICES[0])
    console.print(f'  curl -H "Authorization: Bearer $({tandem("token")})" {example}/programs', soft_wrap=True)
    if told is not None:
        console.print(f"  {tandem('token')} --manager {told.outcome.program_id}", soft_wrap=True)
    for arguments in ("status", "events tail --follow", "--help"):
        console.print(f"  {tandem(arguments)}")
    console.print("  Ctrl-C stops everything." if foreground else f"  {tandem('down')} stops everything.")


def _show_sample(told: Told, console: "Console") -> None:
    pairs = len(told.outcome.pairs)
    if not told.fresh:
        console.print(
            f"[bold]{sample.NAME}[/bold] was found again: {told.active_pairings} active pairings "
            f"(on an empty state directory it is made anew)."
        )
        return
    console.print(
        f"[bold]{sample.NAME}[/bold]: {sum(sample.SHEETS.values())} people signed up, {pairs} pairs were matched "
        f"({told.seconds:.1f} s). The best of them:"
    )
    matching.show(told.outcome, told.called, console)
