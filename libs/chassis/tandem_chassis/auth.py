"""Identity: who calls, proven by an OIDC bearer token, and what they may do."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import httpx2
import structlog
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import extract_compact

from tandem_chassis.errors import Forbidden, Unauthenticated, Unavailable
from tandem_chassis.settings import ServiceSettings

log = structlog.get_logger(__name__)

ALGORITHMS = ["RS256", "ES256"]
PLATFORM_ADMIN = "platform_admin"

FETCH_AGAIN_SECONDS = 1.0
"""While there are no keys yet, the issuer is asked so often at most; whoever comes meanwhile is refused at once."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a person, an administrator, or a service account with scopes."""

    subject: str
    person_id: UUID | None = None
    roles: frozenset[str] = frozenset()
    programs: frozenset[UUID] = frozenset()
    scopes: frozenset[str] = frozenset()

    @property
    def is_admin(self) -> bool:
        """Whether this caller administers the whole platform."""
        return PLATFORM_ADMIN in self.roles

    def manages(self, program_id: UUID) -> bool:
        """Whether this caller may see and change everything of a program."""
        return self.is_admin or program_id in self.programs

    def require_manager(self, program_id: UUID) -> None:
        """Raises `Forbidden` unless this caller manages the program."""
        if not self.manages(program_id):
            raise NotYourProgram("This belongs to a program that you do not manage.")

    def require_admin(self) -> None:
        """Raises `Forbidden` unless this caller administers the platform."""
        if not self.is_admin:
            raise AdministratorsOnly("Only a platform administrator may do this.")

    def require_scope(self, scope: str) -> None:
        """Raises `Forbidden` unless this caller has the scope or administers the platform."""
        if not self.is_admin and scope not in self.scopes:
            raise ScopeMissing(f"This needs the scope {scope}.")

    def require_person(self) -> UUID:
        """The person that this caller is; raises `Forbidden` where the caller is none."""
        if self.person_id is None:
            raise NotAPerson("This is done by a person, and the token names none (claim person_id).")
        return self.person_id


class TokenRefused(Unauthenticated):
    """The token does not hold."""


class NotYourProgram(Forbidden):
    """Another program manager's program."""


class AdministratorsOnly(Forbidden):
    """Only for platform administrators."""


class ScopeMissing(Forbidden):
    """A service account without the scope."""


class NotAPerson(Forbidden):
    """The token belongs to no person."""


class IssuerAway(Unavailable):
    """The identity provider's keys could not be fetched."""


class Keys:
    """The issuer's public keys: fetched once, and once more for an unknown key id, with a cool-down."""

    def __init__(
        self,
        settings: ServiceSettings,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = settings.oidc_jwks_url
        self._cooldown = settings.oidc_jwks_cooldown_seconds
        self._transport = transport
        self._clock = clock
        self._set: KeySet | None = None
        self._ids: frozenset[str] = frozenset()
        self._asked_at = float("-inf")
        self._fetching = asyncio.Lock()

    async def containing(self, key_id: str | None) -> KeySet:
        """The key set, fetched anew where it does not know this id and the cool-down is over.

        Raises:
            IssuerAway: there are no keys yet, and the issuer does not answer.
        """
        if self._may_fetch(key_id):
            async with self._fetching:
                if self._may_fetch(key_id):
                    await self._fetch()
        if self._set is None:
            raise IssuerAway("The identity provider does not answer, so your token cannot be checked. Try again soon.")
        return self._set

    def _may_fetch(self, key_id: str | None) -> bool:
        if self._set is not None and key_id in self._ids:
            return False
        pause = FETCH_AGAIN_SECONDS if self._set is None else self._cooldown
        return self._clock() - self._asked_at >= pause

    async def _fetch(self) -> None:
        try:
            async with httpx2.AsyncClient(transport=self._transport, timeout=5, trust_env=False) as client:
                answer = await client.get(self._url)
                answer.raise_for_status()
                document = answer.json()
                keys = KeySet.import_key_set(document)
                ids = frozenset(key["kid"] for key in document["keys"] if "kid" in key)
        except (httpx2.HTTPError, ValueError, KeyError, TypeError, AttributeError, JoseError) as fault:
            log.warning("issuer_keys_not_fetched", fault=type(fault).__name__)
        else:
            self._set, self._ids = keys, ids
        finally:
            self._asked_at = self._clock()


class Authenticator:
    """Turns bearer tokens into callers."""

    def __init__(self, settings: ServiceSettings, keys: Keys) -> None:
        self._keys = keys
        self._claims = jwt.JWTClaimsRegistry(
            leeway=settings.oidc_leeway_seconds,
            iss={"essential": True, "value": settings.oidc_issuer},
            aud={"essential": True, "value": settings.oidc_audience},
            exp={"essential": True},
            sub={"essential": True},
        )

    async def authenticate(self, token: str) -> Caller:
        """Who this token speaks for.

        Raises:
            TokenRefused: signature, issuer, audience, expiry, not-before, or a claim's shape does not hold.
            IssuerAway: the keys to check it with cannot be had.
        """
        try:
            key_id = _key_id(token)
            keys = await self._keys.containing(key_id)
            decoded = jwt.decode(token, keys, algorithms=ALGORITHMS)
            self._claims.validate(decoded.claims)
            return caller_of(decoded.claims)
        except (JoseError, ValueError, TypeError, KeyError) as refused:
            raise TokenRefused(f"The token does not hold: {_why(refused)}. Get a new one.") from refused


def _key_id(token: str) -> str | None:
    header = extract_compact(token.encode()).headers()
    key_id = header.get("kid")
    return key_id if isinstance(key_id, str) else None


def _why(refused: Exception) -> str:
    return {
        "ExpiredTokenError": "it has expired",
        "InvalidClaimError": "issuer, audience or time is not what it must be",
        "MissingClaimError": "a required claim is missing",
        "BadSignatureError": "its signature is wrong",
        "InvalidKeyIdError": "its key is unknown",
        "UnsupportedAlgorithmError": "its algorithm is not RS256 or ES256",
    }.get(type(refused).__name__, "it is malformed")


def caller_of(claims: dict[str, Any]) -> Caller:
    """The caller that a token's claims describe. Raises `ValueError` where a claim has the wrong shape."""
    person = _text(claims, "person_id")
    return Caller(
        subject=_text(claims, "sub"),
        person_id=UUID(person) if person else None,
        roles=frozenset(_texts(claims, "roles")),
        programs=frozenset(UUID(program) for program in _texts(claims, "programs")),
        scopes=frozenset(_text(claims, "scope").split()),
    )


def _text(claims: dict[str, Any], name: str) -> str:
    """A claim that is one text; empty where it is absent or null."""
    value = claims.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{name} is not a text")
    return value


def _texts(claims: dict[str, Any], name: str) -> list[str]:
    """A claim that is a list of texts; empty where it is absent."""
    value = claims.get(name, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"{name} is not a list of texts")
    return value


_bearer = HTTPBearer(auto_error=False, description="An access token of the organisation's identity provider.")


async def authenticated(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Caller:
    """The caller of this request. Every route but health and API pages depends on it."""
    if credentials is None:
        raise Unauthenticated("Send an access token: Authorization: Bearer <token>.")
    authenticator: Authenticator = request.app.state.authenticator
    caller = await authenticator.authenticate(credentials.credentials)
    request.state.subject = caller.subject
    return caller


CurrentCaller = Annotated[Caller, Depends(authenticated)]
