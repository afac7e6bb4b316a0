"""Access tokens for the command: from the embedded identity provider, or the one in `TANDEM_TOKEN`."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2

from tandem_local.addresses import Addresses
from tandem_local.api import Api
from tandem_local.refusals import CannotStart, NotAnswering
from tandem_local.state import CLIENT_SECRET_FILE, StateDirectory

CLIENT = "tandem-cli"


class NobodyKnown(CannotStart):
    """Nobody has this e-mail address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Whom the token shall speak for."""

    admin: bool = False
    programs: tuple[UUID, ...] = ()
    person_id: UUID | None = None
    scope: str = ""

    def as_form(self) -> dict[str, str]:
        """The parameters of the token request."""
        form = {"grant_type": "client_credentials"}
        if self.admin:
            form["roles"] = "platform_admin"
        if self.programs:
            form["programs"] = " ".join(str(program) for program in self.programs)
        if self.person_id is not None:
            form["person_id"] = str(self.person_id)
        if self.scope:
            form["scope"] = self.scope
        return form


def request_token(
    state: StateDirectory, addresses: Addresses, wish: Wish, environment: Mapping[str, str] = os.environ
) -> dict[str, Any]:
    """The provider's answer: access_token, token_type, expires_in (seconds).

    Raises:
        NotAnswering: the embedded provider does not answer.
        CannotStart: this user may not read its secret.
    """
    given = environment.get(CLIENT_SECRET_FILE)
    place = Path(given) if given else state.identity / "clients.json"
    try:
        secret = place.read_text().strip() if given else json.loads(place.read_text())[CLIENT]
    except OSError as refusal:
        raise CannotStart(f"The command's secret in {place} cannot be read: {refusal.strerror}.") from refusal
    try:
        answer = httpx2.post(
            f"{addresses.issuer}/token", data=wish.as_form(), auth=(CLIENT, secret), timeout=10, trust_env=False
        )
        answer.raise_for_status()
    except httpx2.HTTPError as fault:
        raise NotAnswering(f"The identity provider does not answer at {addresses.issuer}.") from fault
    document: dict[str, Any] = answer.json()
    return document


def admin_token(state: StateDirectory, addresses: Addresses, environment: Mapping[str, str] = os.environ) -> str:
    """`TANDEM_TOKEN` where it is set, else a token for the platform's administrator."""
    given = environment.get("TANDEM_TOKEN")
    return given or str(request_token(state, addresses, Wish(admin=True))["access_token"])


def person_called(api: Api, name: str) -> UUID:
    """The person with this id or this e-mail address.

    Raises:
        NobodyKnown: it is no id, and nobody has this address.
    """
    try:
        return UUID(name)
    except ValueError:
        found = api.get("profiles", "/people", email=name)["items"]
    if not found:
        raise NobodyKnown(f"Nobody has the e-mail address {name}.")
    return UUID(found[0]["person_id"])
