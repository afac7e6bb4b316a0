"""What the tokens say."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from tandem_local.identity import AUDIENCE
from tandem_local.identity.keys import SigningKey
from tandem_local.identity.personas import Persona

LIFETIME = timedelta(hours=1)


class Tokens:
    """Signs access tokens (RFC 9068) for the services and identity tokens for applications."""

    def __init__(self, key: SigningKey, *, issuer: str, now: Callable[[], datetime]) -> None:
        self._key = key
        self._issuer = issuer
        self._now = now

    def access_token(self, persona: Persona, *, client_id: str) -> str:
        """A bearer token for the services, good for an hour."""
        claims = self._frame(AUDIENCE) | persona.access_claims() | {"client_id": client_id, "jti": str(uuid4())}
        return self._key.sign(claims, kind="at+jwt")

    def identity_token(self, persona: Persona, *, client_id: str, nonce: str | None) -> str:
        """An OpenID Connect identity token for the application itself."""
        claims = self._frame(client_id) | persona.identity_claims()
        return self._key.sign(claims | ({"nonce": nonce} if nonce is not None else {}))

    def _frame(self, audience: str) -> dict[str, Any]:
        now = int(self._now().timestamp())
        return {
            "iss": self._issuer,
            "aud": audience,
            "iat": now,
            "nbf": now,
            "exp": now + int(LIFETIME.total_seconds()),
        }
