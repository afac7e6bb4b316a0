"""The provider's HTTP door: discovery, keys, login with code and PKCE, tokens, health."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode

from fastapi import FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.trustedhost import TrustedHostMiddleware
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from tandem_local.identity import pages, personas
from tandem_local.identity.clients import BROWSER, CLI, Clients, load_clients, may_return_to
from tandem_local.identity.codes import CHALLENGE, Codes, InvalidGrant
from tandem_local.identity.keys import ALGORITHM, SigningKey
from tandem_local.identity.personas import SamplePeople
from tandem_local.identity.tokens import LIFETIME, Tokens

LONGEST_FORM_BYTES = 64_000


def create_app(
    *,
    directory: Path,
    issuer: str,
    client_secret_file: Path | None = None,
    also_known_as: Sequence[str] = (),
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> FastAPI:
    """The provider that calls itself `issuer` and keeps its key, its clients and the sample people in `directory`.

    The secret of the command's client may be given in a file of its own; `also_known_as` are the host names by which
    services find the provider where they do not share a machine's 127.0.0.1 with it.
    """
    key = SigningKey(directory)
    tokens = Tokens(key, issuer=issuer, now=now)
    codes = Codes(now)
    clients = load_clients(directory, secret_file=client_secret_file)
    people = SamplePeople(directory)
    app = FastAPI(title="Tandem's embedded identity provider", docs_url=None, redoc_url=None, openapi_url=None)
    # A page elsewhere that has its own name resolved to 127.0.0.1 must not reach a sign-in without passwords.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", *also_known_as])
    app.add_middleware(
        CORSMiddleware,
        allow_origin_regex=r"http://(127\.0\.0\.1|localhost)(:\d+)?",
        allow_methods=["GET", "POST"],
        allow_headers=["authorization", "content-type", "x-requested-with"],
    )

    @app.get("/health/live")
    @app.get("/health/ready")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/.well-known/openid-configuration")
    async def discovery() -> dict[str, Any]:
        return _discovery(issuer)

    @app.get("/jwks")
    async def public_keys() -> dict[str, Any]:
        return key.public_keys()

    @app.get("/authorize")
    async def ask(request: Request) -> Response:
        wish = dict(request.query_params)
        refused = _refuse(wish, issuer)
        if refused is not None:
            return refused
        return HTMLResponse(pages.login(people.all(), request=wish), headers=pages.HEADERS)

    @app.post("/authorize")
    async def decide(request: Request) -> Response:
        form = await _form(request)
        refused = _refuse(form, issuer)
        if refused is not None:
            return refused
        persona = people.known(form.get("subject", ""))
        if persona is None:
            return _back(form, issuer, error="access_denied", error_description="nobody was chosen")
        code = codes.hand_out(
            persona,
            client_id=form["client_id"],
            redirect_uri=form["redirect_uri"],
            challenge=form["code_challenge"],
            scope=tuple(form.get("scope", "").split()),
            nonce=form.get("nonce"),
        )
        return _back(form, issuer, code=code)

    @app.post("/token")
    async def token(request: Request) -> Response:
        form = await _form(request)
        client_id, secret = _credentials(request, form)
        match form.get("grant_type"):
            case "authorization_code":
                return _redeem(codes, tokens, form, client_id=client_id)
            case "client_credentials":
                return _client_credentials(clients, tokens, form, client_id=client_id, secret=secret)
            case None:
                return _error("invalid_request", "grant_type is missing")
            case other:
                return _error("unsupported_grant_type", f"{other} is not offered")

    return app


def _discovery(issuer: str) -> dict[str, Any]:
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/jwks",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "client_credentials"],
        "code_challenge_methods_supported": ["S256"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "scopes_supported": ["openid", "profile", "email"],
        "claims_supported": ["sub", "name", "email", "person_id", "roles", "programs", "scope"],
        "authorization_response_iss_parameter_supported": True,
    }


def _refuse(wish: dict[str, str], issuer: str) -> Response | None:
    """What is wrong with an authorization request: told to the person where the application cannot be trusted."""
    if wish.get("client_id") != BROWSER:
        return _page_refusal(f"The application is unknown; applications on this machine call themselves {BROWSER}.")
    if not may_return_to(wish.get("redirect_uri", "")):
        return _page_refusal("The address to return to (redirect_uri) must be http on this machine.")
    if wish.get("response_type") != "code":
        return _back(wish, issuer, error="unsupported_response_type", error_description="only code is offered")
    if wish.get("code_challenge_method") != "S256" or not CHALLENGE.fullmatch(wish.get("code_challenge", "")):
        return _back(
            *(wish, issuer),
            error="invalid_request",
            error_description="a code_challenge with code_challenge_method=S256 is required",
        )
    return None


def _page_refusal(reason: str) -> Response:
    return HTMLResponse(pages.refusal(reason), status_code=400, headers=pages.HEADERS)


def _back(wish: dict[str, str], issuer: str, **answer: str) -> Response:
    state = {"state": wish["state"]} if "state" in wish else {}
    mark = "&" if "?" in wish["redirect_uri"] else "?"
    location = f"{wish['redirect_uri']}{mark}{urlencode({**answer, **state, 'iss': issuer})}"
    return RedirectResponse(location, status_code=303, headers={"cache-control": "no-store"})


def _redeem(codes: Codes, tokens: Tokens, form: dict[str, str], *, client_id: str) -> Response:
    if client_id != BROWSER:
        return _error("invalid_client", "this client does not use codes", status=401)
    try:
        agreed = codes.redeem(
            form.get("code", ""),
            client_id=client_id,
            redirect_uri=form.get("redirect_uri", ""),
            verifier=form.get("code_verifier", ""),
        )
    except InvalidGrant as refusal:
        return _error("invalid_grant", str(refusal))
    answer = _bearer(tokens.access_token(agreed.persona, client_id=client_id))
    if "openid" in agreed.scope:
        answer["id_token"] = tokens.identity_token(agreed.persona, client_id=client_id, nonce=agreed.nonce)
    return JSONResponse(answer, headers={"cache-control": "no-store"})


def _client_credentials(
    clients: Clients, tokens: Tokens, form: dict[str, str], *, client_id: str, secret: str
) -> Response:
    if not clients.is_cli(client_id, secret):
        return _error("invalid_client", "client id or secret is wrong", status=401)
    try:
        persona = personas.asked_for(form)
    except ValueError:
        return _error("invalid_request", "person_id and programs are UUIDs")
    return JSONResponse(_bearer(tokens.access_token(persona, client_id=CLI)), headers={"cache-control": "no-store"})


def _bearer(access_token: str) -> dict[str, Any]:
    return {"access_token": access_token, "token_type": "Bearer", "expires_in": int(LIFETIME.total_seconds())}


def _error(error: str, description: str, *, status: int = 400) -> Response:
    headers = {"cache-control": "no-store", **({"www-authenticate": "Basic"} if status == 401 else {})}
    return JSONResponse({"error": error, "error_description": description}, status_code=status, headers=headers)


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_FORM_BYTES:
            return {}
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _credentials(request: Request, form: dict[str, str]) -> tuple[str, str]:
    """Client id and secret, from the Authorization header (RFC 6749, section 2.3.1) or else from the form."""
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.casefold() == "basic":
        try:
            client_id, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return unquote_plus(client_id), unquote_plus(secret)
    return form.get("client_id", ""), form.get("client_secret", "")
