"""Authorization codes: handed out once, redeemed once, by whoever began with the matching verifier (RFC 7636)."""

import base64
import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tandem_local.identity.personas import Persona

LIFETIME = timedelta(seconds=60)
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class InvalidGrant(Exception):
    """The code cannot be redeemed so; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """What a person agreed to on the login page."""

    persona: Persona
    client_id: str
    redirect_uri: str
    challenge: str
    scope: tuple[str, ...]
    nonce: str | None
    expires_at: datetime


class Codes:
    """The codes that were handed out and not yet redeemed; in memory, as they live for a minute."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._waiting: dict[str, Authorization] = {}

    def hand_out(
        self,
        persona: Persona,
        *,
        client_id: str,
        redirect_uri: str,
        challenge: str,
        scope: tuple[str, ...],
        nonce: str | None,
    ) -> str:
        """A new code for this authorization, good for 60 seconds."""
        now = self._now()
        self._waiting = {code: kept for code, kept in self._waiting.items() if kept.expires_at > now}
        code = secrets.token_urlsafe(32)
        self._waiting[code] = Authorization(
            persona=persona,
            client_id=client_id,
            redirect_uri=redirect_uri,
            challenge=challenge,
            scope=scope,
            nonce=nonce,
            expires_at=now + LIFETIME,
        )
        return code

    def redeem(self, code: str, *, client_id: str, redirect_uri: str, verifier: str) -> Authorization:
        """What was agreed. The code is used up, even when it is redeemed wrongly.

        Raises:
            InvalidGrant: unknown, used, expired, of another client or address, or the verifier does not match.
        """
        authorization = self._waiting.pop(code, None)
        if authorization is None or authorization.expires_at <= self._now():
            raise InvalidGrant("the code is unknown, used or expired")
        if (authorization.client_id, authorization.redirect_uri) != (client_id, redirect_uri):
            raise InvalidGrant("the code was given to another client or address")
        if not VERIFIER.fullmatch(verifier) or not secrets.compare_digest(
            s256(verifier).encode(), authorization.challenge.encode()
        ):
            raise InvalidGrant("the code verifier does not match the challenge")
        return authorization


def s256(verifier: str) -> str:
    """The challenge that belongs to a verifier (RFC 7636, section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii", "replace")).digest()).decode().rstrip("=")
