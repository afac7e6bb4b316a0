"""Tokens: which hold, which are refused, and how often the issuer is asked for its keys."""

import asyncio
import base64
import hmac
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from tandem_chassis.auth import PLATFORM_ADMIN, Authenticator, Caller, IssuerAway, Keys, TokenRefused
from tandem_chassis.settings import ServiceSettings
from tandem_chassis.testing import ISSUER, Tokens

COOLDOWN_SECONDS = 30


class Issuer:
    """An identity provider that counts how often it is asked, and a clock that a test moves."""

    def __init__(self) -> None:
        self.rsa = RSAKey.generate_key(2048, parameters={"kid": "rsa"}, auto_kid=False)
        self.ec = ECKey.generate_key("P-256", parameters={"kid": "ec"}, auto_kid=False)
        self.published: list[RSAKey | ECKey] = [self.rsa, self.ec]
        self.away = False
        self.answer_with: Any = None
        self.asked = 0
        self.now = 1000.0

    async def answer(self, _: httpx2.Request) -> httpx2.Response:
        """Its keys, or no answer at all."""
        self.asked += 1
        if self.away:
            raise httpx2.ConnectError("nobody listens")
        await asyncio.sleep(0)
        document = KeySet(list(self.published)).as_dict(private=False) if self.answer_with is None else self.answer_with
        return httpx2.Response(200, json=document)


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def authenticator(issuer: Issuer) -> Authenticator:
    settings = ServiceSettings(
        database_url="postgresql://nobody@127.0.0.1:9/none",
        kafka_bootstrap_servers="127.0.0.1:9",
        oidc_issuer=ISSUER,
        oidc_jwks_url=f"{ISSUER}/jwks",
        oidc_jwks_cooldown_seconds=COOLDOWN_SECONDS,
        oidc_leeway_seconds=0,
    )
    keys = Keys(settings, transport=httpx2.MockTransport(issuer.answer), clock=lambda: issuer.now)
    return Authenticator(settings, keys)


def claims(**changed: Any) -> dict[str, Any]:
    """Sound claims, changed so; None leaves a claim out."""
    at = 1_800_000_000_000
    sound = {"iss": ISSUER, "aud": "tandem", "sub": "somebody", "exp": at, **changed}
    return {name: value for name, value in sound.items() if value is not None}


def signed(key: RSAKey | ECKey, *, alg: str = "RS256", kid: str | None = "rsa", **changed: Any) -> str:
    header = {"alg": alg} | ({"kid": kid} if kid is not None else {})
    return jwt.encode(header, claims(**changed), key, algorithms=[alg])


def written(header: Any, body: Any, signature: bytes = b"") -> str:
    """A token of any shape, signed by nobody."""
    parts = (json.dumps(header).encode(), json.dumps(body).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


async def test_a_token_signed_with_rsa_speaks_for_its_caller(authenticator: Authenticator, issuer: Issuer) -> None:
    person, program = uuid4(), uuid4()
    token = signed(
        issuer.rsa, person_id=str(person), programs=[str(program)], roles=[PLATFORM_ADMIN], scope="events:read hr"
    )
    assert await authenticator.authenticate(token) == Caller(
        subject="somebody",
        person_id=person,
        roles=frozenset({PLATFORM_ADMIN}),
        programs=frozenset({program}),
        scopes=frozenset({"events:read", "hr"}),
    )


async def test_a_token_signed_with_an_elliptic_curve_holds_too(authenticator: Authenticator, issuer: Issuer) -> None:
    caller = await authenticator.authenticate(signed(issuer.ec, alg="ES256", kid="ec"))
    assert caller == Caller(subject="somebody")


async def test_one_of_several_audiences_is_enough(authenticator: Authenticator, issuer: Issuer) -> None:
    assert (await authenticator.authenticate(signed(issuer.rsa, aud=["other", "tandem"]))).subject == "somebody"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"iss": "https://another.test"}, "issuer, audience or time"),
        ({"iss": None}, "a required claim is missing"),
        ({"aud": "another"}, "issuer, audience or time"),
        ({"aud": None}, "a required claim is missing"),
        ({"exp": 1_000}, "it has expired"),
        ({"exp": None}, "a required claim is missing"),
        ({"exp": "tomorrow"}, "issuer, audience or time"),
        ({"nbf": 1_800_000_000_000}, "issuer, audience or time"),
        ({"sub": None}, "a required claim is missing"),
        ({"sub": 5}, "issuer, audience or time"),
        ({"person_id": 5}, "it is malformed"),
        ({"person_id": ["a", "b"]}, "it is malformed"),
        ({"person_id": {"is": "mine"}}, "it is malformed"),
        ({"person_id": "nobody"}, "it is malformed"),
        ({"person_id": True}, "it is malformed"),
        ({"programs": "all"}, "it is malformed"),
        ({"programs": ["all"]}, "it is malformed"),
        ({"programs": [5]}, "it is malformed"),
        ({"programs": {"all": True}}, "it is malformed"),
        ({"roles": PLATFORM_ADMIN}, "it is malformed"),
        ({"roles": [[PLATFORM_ADMIN]]}, "it is malformed"),
        ({"scope": ["events:read"]}, "it is malformed"),
        ({"scope": 7}, "it is malformed"),
    ],
    ids=str,
)
async def test_a_signed_token_whose_claims_are_not_as_they_must_be_is_refused(
    authenticator: Authenticator, issuer: Issuer, changed: dict[str, Any], why: str
) -> None:
    with pytest.raises(TokenRefused, match=why):
        await authenticator.authenticate(signed(issuer.rsa, **changed))


def _by_nobody(issuer: Issuer) -> str:
    return written({"alg": "none", "kid": "rsa"}, claims())


def _by_somebody_else(_: Issuer) -> str:
    return signed(RSAKey.generate_key(2048), kid="rsa")


def _with_the_public_key_as_a_secret(issuer: Issuer) -> str:
    unsigned = written({"alg": "HS256", "kid": "rsa"}, claims()).rsplit(".", 1)[0]
    signature = hmac.digest(issuer.rsa.as_pem(private=False), unsigned.encode(), "sha256")
    return f"{unsigned}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def _with_another_algorithm(issuer: Issuer) -> str:
    return signed(issuer.rsa, alg="RS512")


def _with_the_wrong_kind_of_key(issuer: Issuer) -> str:
    return signed(issuer.rsa, kid="ec")


def _changed_on_the_way(issuer: Issuer) -> str:
    header, _, signature = signed(issuer.rsa).split(".")
    body = written({}, claims(roles=[PLATFORM_ADMIN])).split(".")[1]
    return f"{header}.{body}.{signature}"


def _cut_off(issuer: Issuer) -> str:
    return signed(issuer.rsa).rsplit(".", 1)[0]


FORGED: dict[str, Callable[[Issuer], str]] = {
    "by nobody": _by_nobody,
    "by somebody else": _by_somebody_else,
    "with the public key as a secret": _with_the_public_key_as_a_secret,
    "with another algorithm": _with_another_algorithm,
    "with the wrong kind of key": _with_the_wrong_kind_of_key,
    "changed on the way": _changed_on_the_way,
    "cut off": _cut_off,
    "empty": lambda _: "",
    "dots": lambda _: "..",
    "not latin": lambda _: "ключ.ключ.ключ",
    "a header that is a list": lambda _: written([], claims()),
    "a key id that is a number": lambda _: written({"alg": "RS256", "kid": 7}, claims(), b"x"),
    "an algorithm that is a list": lambda _: written({"alg": ["RS256"], "kid": "rsa"}, claims(), b"x"),
    "claims that are a list": lambda issuer: written({"alg": "RS256", "kid": "rsa"}, [1], b"x"),
}


@pytest.mark.parametrize("how", FORGED)
async def test_a_token_that_the_issuer_did_not_sign_is_refused(
    authenticator: Authenticator, issuer: Issuer, how: str
) -> None:
    with pytest.raises(TokenRefused):
        await authenticator.authenticate(FORGED[how](issuer))


async def test_the_keys_are_fetched_once_for_many_callers(authenticator: Authenticator, issuer: Issuer) -> None:
    await asyncio.gather(*(authenticator.authenticate(signed(issuer.rsa)) for _ in range(8)))
    assert issuer.asked == 1


async def test_a_new_key_is_fetched_once_when_the_cool_down_is_over(
    authenticator: Authenticator, issuer: Issuer
) -> None:
    await authenticator.authenticate(signed(issuer.rsa))
    fresh = RSAKey.generate_key(2048, parameters={"kid": "fresh"}, auto_kid=False)
    issuer.published = [issuer.rsa, fresh]
    with pytest.raises(TokenRefused, match="key is unknown"):
        await authenticator.authenticate(signed(fresh, kid="fresh"))
    assert issuer.asked == 1, "within the cool-down nobody is asked again"
    issuer.now += COOLDOWN_SECONDS
    await asyncio.gather(*(authenticator.authenticate(signed(fresh, kid="fresh")) for _ in range(8)))
    assert issuer.asked == 2


async def test_keys_that_nobody_knows_do_not_make_the_issuer_busy(authenticator: Authenticator, issuer: Issuer) -> None:
    await authenticator.authenticate(signed(issuer.rsa))
    issuer.now += COOLDOWN_SECONDS
    for number in range(20):
        with pytest.raises(TokenRefused):
            await authenticator.authenticate(signed(issuer.rsa, kid=f"made up {number}"))
    assert issuer.asked == 2


async def test_known_keys_hold_while_the_issuer_is_away(authenticator: Authenticator, issuer: Issuer) -> None:
    await authenticator.authenticate(signed(issuer.rsa))
    issuer.away = True
    issuer.now += 10 * COOLDOWN_SECONDS
    with pytest.raises(TokenRefused):
        await authenticator.authenticate(signed(issuer.rsa, kid="unknown"))
    assert (await authenticator.authenticate(signed(issuer.rsa))).subject == "somebody"


async def test_without_keys_callers_are_put_off_and_the_issuer_is_asked_once_a_second(
    authenticator: Authenticator, issuer: Issuer
) -> None:
    issuer.away = True
    for _ in range(2):
        answers = await asyncio.gather(
            *(authenticator.authenticate(signed(issuer.rsa)) for _ in range(8)), return_exceptions=True
        )
        assert {type(answer) for answer in answers} == {IssuerAway}
    assert issuer.asked == 1
    issuer.away = False
    issuer.now += 1
    assert (await authenticator.authenticate(signed(issuer.rsa))).subject == "somebody"
    assert issuer.asked == 2


@pytest.mark.parametrize("document", [[], {}, {"keys": 5}, {"keys": [5]}, {"keys": [{"kty": "none"}]}, "keys"], ids=str)
async def test_an_issuer_whose_keys_cannot_be_read_counts_as_away(
    authenticator: Authenticator, issuer: Issuer, document: Any
) -> None:
    issuer.answer_with = document
    with pytest.raises(IssuerAway):
        await authenticator.authenticate(signed(issuer.rsa))


async def test_a_signed_token_with_a_strange_person_is_answered_401_and_not_500(
    client: httpx2.AsyncClient, tokens: Tokens
) -> None:
    for person in (5, ["x"], {"a": 1}, "nobody"):
        bearer = {"Authorization": f"Bearer {tokens.issue(person_id=person)}"}
        answer = await client.get(f"/notes/manager/{UUID(int=1)}", headers=bearer)
        assert answer.status_code == 401, person
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_while_the_issuer_is_away_a_service_answers_503(
    client: httpx2.AsyncClient, authenticator: Authenticator, issuer: Issuer, app: Any
) -> None:
    issuer.away = True
    app.state.authenticator = authenticator
    bearer = {"Authorization": f"Bearer {signed(issuer.rsa)}"}
    answer = await client.get(f"/notes/manager/{UUID(int=1)}", headers=bearer)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
