"""The command against a platform in containers: the same addresses, and a secret from a file."""

import json
from pathlib import Path

import httpx2
import pytest

from tandem_local.access import Wish, request_token
from tandem_local.addresses import Addresses
from tandem_local.identity.app import create_app
from tandem_local.refusals import CannotStart
from tandem_local.state import CLIENT_SECRET_FILE, NotRunning, StateDirectory


def test_a_platform_in_containers_counts_as_running_without_a_supervisor(tmp_path: Path) -> None:
    state = StateDirectory(tmp_path)
    record = state.running({CLIENT_SECRET_FILE: "anywhere", "TANDEM_BASE_PORT": "9100"})
    assert record.pid is None
    assert (record.base_port, record.bootstrap_servers) == (9100, "127.0.0.1:9106")
    assert {part.name: part.address for part in record.parts} == {
        "identity": "http://127.0.0.1:9100",
        "profiles": "http://127.0.0.1:9101",
        "matching": "http://127.0.0.1:9102",
        "scheduling": "http://127.0.0.1:9103",
        "feedback": "http://127.0.0.1:9104",
    }
    with pytest.raises(NotRunning):
        state.running({})


def test_a_secret_that_cannot_be_read_is_said_with_its_file(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere")
    with pytest.raises(CannotStart, match="nowhere cannot be read: No such file"):
        request_token(StateDirectory(tmp_path), Addresses(), Wish(admin=True), {CLIENT_SECRET_FILE: nowhere})


async def asked(app: object, *, host: str, secret: str) -> httpx2.Response:
    """What the provider answers the command, called by this name and with this secret."""
    transport = httpx2.ASGITransport(app=app)  # type: ignore[arg-type]
    async with httpx2.AsyncClient(transport=transport, base_url=f"http://{host}:8100") as client:
        form = {"grant_type": "client_credentials", "roles": "platform_admin"}
        return await client.post("/token", data=form, auth=("tandem-cli", secret))


async def test_the_identity_provider_takes_the_commands_secret_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    app = create_app(directory=tmp_path, issuer="http://127.0.0.1:8100", client_secret_file=tmp_path / "secret")
    assert (await asked(app, host="127.0.0.1", secret="from a file")).is_success
    assert (await asked(app, host="127.0.0.1", secret="another")).status_code == 401
    assert not (tmp_path / "clients.json").exists()


async def test_an_empty_secret_file_stops_the_identity_provider(tmp_path: Path) -> None:
    (tmp_path / "secret").touch()
    with pytest.raises(ValueError, match="secret is empty"):
        create_app(directory=tmp_path, issuer="http://127.0.0.1:8100", client_secret_file=tmp_path / "secret")


async def test_the_identity_provider_answers_to_the_names_it_was_given_and_to_no_others(tmp_path: Path) -> None:
    app = create_app(directory=tmp_path, issuer="http://127.0.0.1:8100", also_known_as=["identity"])
    secret = json.loads((tmp_path / "clients.json").read_text())["tandem-cli"]
    assert (await asked(app, host="identity", secret=secret)).is_success
    assert (await asked(app, host="elsewhere", secret=secret)).status_code == 400
