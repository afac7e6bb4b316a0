"""Signing in with a code and PKCE, tokens for the command, and keys by which anyone can verify both."""

import json
import secrets
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tandem_local.identity.app import create_app
from tandem_local.identity.clients import may_return_to
from tandem_local.identity.codes import s256

ISSUER = "http://127.0.0.1:8100"
HERE = "http://127.0.0.1:9999/back"
VERIFIER = secrets.token_urlsafe(48)
MOIRA = {
    "person_id": str(uuid4()),
    "name": "Moira Ngata",
    "email": "moira.ngata@example.org",
    "programs": [str(uuid4())],
}


class Clock:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(tmp_path: Path, clock: Clock) -> httpx2.AsyncClient:
    (tmp_path / "people.json").write_text(json.dumps([MOIRA]))
    app = create_app(directory=tmp_path, issuer=ISSUER, now=clock)
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=ISSUER)


def wish(**changed: str) -> dict[str, str]:
    return {
        "response_type": "code",
        "client_id": "tandem-browser",
        "redirect_uri": HERE,
        "code_challenge": s256(VERIFIER),
        "code_challenge_method": "S256",
        "scope": "openid profile",
        "state": "xyz",
        "nonce": "n-1",
        **changed,
    }


async def code_for(client: httpx2.AsyncClient, subject: str, **changed: str) -> str:
    answer = await client.post("/authorize", data=wish(**changed) | {"subject": subject})
    assert answer.status_code == 303, answer.text
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert query["state"] == ["xyz"]
    assert query["iss"] == [ISSUER]
    return query["code"][0]


async def redeem(client: httpx2.AsyncClient, code: str, **changed: str) -> httpx2.Response:
    form = {
        "grant_type": "authorization_code",
        "client_id": "tandem-browser",
        "code": code,
        "redirect_uri": HERE,
        "code_verifier": VERIFIER,
    }
    return await client.post("/token", data=form | changed)


async def verified(client: httpx2.AsyncClient, token: str) -> dict[str, object]:
    keys = KeySet.import_key_set((await client.get("/jwks")).json())
    return dict(jwt.decode(token, keys, algorithms=["RS256"]).claims)


async def test_the_discovery_document_leads_to_every_door(client: httpx2.AsyncClient) -> None:
    document = (await client.get("/.well-known/openid-configuration")).json()

    assert document["issuer"] == ISSUER
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert (await client.get(document["jwks_uri"])).status_code == 200
    assert (await client.post(document["token_endpoint"])).json()["error"] == "invalid_request"


async def test_the_public_keys_hold_nothing_private(client: httpx2.AsyncClient) -> None:
    (key,) = (await client.get("/jwks")).json()["keys"]

    assert {"d", "p", "q", "dp", "dq", "qi"}.isdisjoint(key)
    assert key["alg"] == "RS256"


async def test_the_login_page_lists_the_sample_people_and_loads_nothing_from_elsewhere(
    client: httpx2.AsyncClient,
) -> None:
    page = await client.get("/authorize", params=wish(state='"><script>alert(1)</script>'))

    assert "Moira Ngata" in page.text
    assert "administrator" in page.text
    assert "<script" not in page.text
    assert "src=" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_a_person_signs_in_with_a_code_and_its_verifier(client: httpx2.AsyncClient) -> None:
    code = await code_for(client, MOIRA["person_id"])  # type: ignore[arg-type]

    answer = (await redeem(client, code)).json()

    claims = await verified(client, answer["access_token"])
    assert claims["aud"] == "tandem"
    assert claims["iss"] == ISSUER
    assert claims["person_id"] == claims["sub"] == MOIRA["person_id"]
    assert claims["programs"] == MOIRA["programs"]
    assert claims["roles"] == []
    assert claims["exp"] - claims["iat"] == answer["expires_in"] == 3600  # type: ignore[operator]
    identity = await verified(client, answer["id_token"])
    assert (identity["aud"], identity["nonce"], identity["name"]) == ("tandem-browser", "n-1", "Moira Ngata")


async def test_the_administrator_signs_in_with_that_role(client: httpx2.AsyncClient) -> None:
    answer = (await redeem(client, await code_for(client, "platform-admin"))).json()

    claims = await verified(client, answer["access_token"])
    assert claims["roles"] == ["platform_admin"]
    assert "person_id" not in claims


async def test_a_code_is_good_once(client: httpx2.AsyncClient) -> None:
    code = await code_for(client, "platform-admin")
    await redeem(client, code)

    assert (await redeem(client, code)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "changed",
    [
        {"code_verifier": secrets.token_urlsafe(48)},
        {"code_verifier": ""},
        {"code_verifier": s256(VERIFIER)},
        {"redirect_uri": "http://127.0.0.1:9999/elsewhere"},
    ],
)
async def test_a_code_redeemed_wrongly_is_refused_and_used_up(
    client: httpx2.AsyncClient, changed: dict[str, str]
) -> None:
    code = await code_for(client, "platform-admin")

    answer = await redeem(client, code, **changed)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert (await redeem(client, code)).json()["error"] == "invalid_grant"


async def test_a_code_made_up_is_refused(client: httpx2.AsyncClient) -> None:
    assert (await redeem(client, "made-up")).json()["error"] == "invalid_grant"


async def test_a_code_expires_after_a_minute(client: httpx2.AsyncClient, clock: Clock) -> None:
    code = await code_for(client, "platform-admin")

    clock.time += timedelta(seconds=61)

    assert (await redeem(client, code)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
    ],
)
async def test_a_request_without_pkce_goes_back_with_the_reason(
    client: httpx2.AsyncClient, changed: dict[str, str], error: str
) -> None:
    for answer in (
        await client.get("/authorize", params=wish(**changed)),
        await client.post("/authorize", data=wish(**changed) | {"subject": "platform-admin"}),
    ):
        assert answer.status_code == 303
        assert parse_qs(urlsplit(answer.headers["location"]).query)["error"] == [error]


@pytest.mark.parametrize(
    "changed", [{"client_id": "somebody"}, {"redirect_uri": "https://elsewhere.example/back"}, {"redirect_uri": ""}]
)
async def test_a_code_is_never_sent_to_a_stranger(client: httpx2.AsyncClient, changed: dict[str, str]) -> None:
    answer = await client.post("/authorize", data=wish(**changed) | {"subject": "platform-admin"})

    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1.evil.example/",
        "http://user@127.0.0.1/",
        "javascript:alert(1)",
        "http://[::1",
        "http://x:99999/",
    ],
)
def test_only_this_machine_is_returned_to(address: str) -> None:
    assert not may_return_to(address)
    assert may_return_to("http://localhost:8101/docs/oauth2-redirect")


async def test_the_command_gets_any_persona_with_its_secret(client: httpx2.AsyncClient, tmp_path: Path) -> None:
    secret_file = tmp_path / "clients.json"
    assert stat.S_IMODE(secret_file.stat().st_mode) == 0o600
    secret = json.loads(secret_file.read_text())["tandem-cli"]
    programs = [str(uuid4()), str(uuid4())]

    answer = await client.post(
        "/token",
        data={"grant_type": "client_credentials", "programs": " ".join(programs)},
        auth=("tandem-cli", secret),
    )
    claims = await verified(client, answer.json()["access_token"])
    assert claims["programs"] == programs

    service = await client.post(
        "/token",
        data={"grant_type": "client_credentials", "scope": "people:read events:read"},
        auth=("tandem-cli", secret),
    )
    assert (await verified(client, service.json()["access_token"]))["scope"] == "people:read events:read"


@pytest.mark.parametrize("credentials", [("tandem-cli", "guess"), ("tandem-browser", ""), ("", "")])
async def test_a_wrong_secret_gets_nothing(client: httpx2.AsyncClient, credentials: tuple[str, str]) -> None:
    answer = await client.post("/token", data={"grant_type": "client_credentials"}, auth=credentials)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["www-authenticate"] == "Basic"


async def test_a_persona_with_a_malformed_id_is_refused(client: httpx2.AsyncClient, tmp_path: Path) -> None:
    secret = json.loads((tmp_path / "clients.json").read_text())["tandem-cli"]

    answer = await client.post(
        "/token", data={"grant_type": "client_credentials", "person_id": "me"}, auth=("tandem-cli", secret)
    )

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_another_host_name_is_not_answered(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/authorize", params=wish(), headers={"host": "rebound.example"})

    assert answer.status_code == 400


async def test_tokens_outlive_a_restart(client: httpx2.AsyncClient, tmp_path: Path) -> None:
    token = (await redeem(client, await code_for(client, "platform-admin"))).json()["access_token"]

    again = create_app(directory=tmp_path, issuer=ISSUER)

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=again), base_url=ISSUER) as restarted:
        assert (await verified(restarted, token))["sub"] == "platform-admin"
