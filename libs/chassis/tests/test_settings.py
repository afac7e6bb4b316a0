"""Settings: a wrong one ends the start with its name and the reason, and no secret is quoted."""

import os
import socket
import subprocess
import sys

import pytest
import typer

from tandem_chassis.__main__ import settings_of

SOUND: dict[str, str] = {
    "TANDEM_DATABASE_URL": "postgresql://tandem:hidden-word@127.0.0.1:1/nothing",
    "TANDEM_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "TANDEM_OIDC_ISSUER": "http://127.0.0.1:1",
    "TANDEM_OIDC_JWKS_URL": "http://127.0.0.1:1/jwks",
}

WRONG: dict[str, tuple[dict[str, str | None], str]] = {
    "missing": ({"TANDEM_DATABASE_URL": None}, "TANDEM_DATABASE_URL: Field required"),
    "no address": ({"TANDEM_DATABASE_URL": "mysql://x:hidden-word@y/z"}, "TANDEM_DATABASE_URL: URL scheme should be"),
    "not host:port": ({"TANDEM_KAFKA_BOOTSTRAP_SERVERS": "kafka"}, "TANDEM_KAFKA_BOOTSTRAP_SERVERS: String should"),
    "not a number": ({"TANDEM_HTTP_PORT": "eighty"}, "TANDEM_HTTP_PORT: Input should be a valid integer"),
    "out of bounds": ({"TANDEM_HTTP_PORT": "70000"}, "TANDEM_HTTP_PORT: Input should be less than or equal to 65535"),
    "no such word": ({"TANDEM_LOG_LEVEL": "LOUD"}, "TANDEM_LOG_LEVEL: String should match pattern"),
    "no such file": (
        {"TANDEM_KAFKA_SSL_CA_FILE": "/nowhere/ca.pem"},
        "TANDEM_KAFKA_SSL_CA_FILE: Path does not point to a file",
    ),
    "no such database CA": (
        {"TANDEM_DATABASE_SSL_CA_FILE": "/nowhere/ca.pem"},
        "TANDEM_DATABASE_SSL_CA_FILE: Path does not point to a file",
    ),
    "no such TLS mode": ({"TANDEM_DATABASE_SSL_MODE": "on"}, "TANDEM_DATABASE_SSL_MODE: String should match pattern"),
    "SASL without a user": (
        {"TANDEM_KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "TANDEM_KAFKA_SASL_PASSWORD": "hidden-word"},
        "TANDEM_KAFKA_SASL_USERNAME: needed",
    ),
    "SASL without a password": (
        {"TANDEM_KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "TANDEM_KAFKA_SASL_USERNAME": "tandem"},
        "TANDEM_KAFKA_SASL_PASSWORD: needed",
    ),
    "a certificate without its key": (
        {"TANDEM_KAFKA_SSL_CERTIFICATE_FILE": __file__},
        "TANDEM_KAFKA_SSL_CERTIFICATE_FILE, TANDEM_KAFKA_SSL_KEY_FILE: one needs the other",
    ),
    "PgBouncer without the way past it": (
        {"TANDEM_DATABASE_PGBOUNCER": "true"},
        "TANDEM_DATABASE_DIRECT_URL: needed with TANDEM_DATABASE_PGBOUNCER",
    ),
    "an inbox that forgets too soon": ({"TANDEM_INBOX_RETENTION_DAYS": "30"}, "TANDEM_INBOX_RETENTION_DAYS: shorter"),
    "polling the wrong way round": (
        {"TANDEM_OUTBOX_POLL_MIN_MILLISECONDS": "900"},
        "TANDEM_OUTBOX_POLL_MAX_MILLISECONDS: less than",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_setting_stops_the_start_with_its_name_and_the_reason(
    wrong: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    changes, sentence = WRONG[wrong]
    for name, value in {**SOUND, **changes}.items():
        monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
    with pytest.raises(typer.Exit) as ended:
        settings_of("tandem_demo")
    said = capsys.readouterr().err
    assert ended.value.exit_code == 78
    assert sentence in said
    assert "hidden-word" not in said


def test_every_wrong_setting_is_named_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in SOUND.items():
        monkeypatch.setenv(name, value)
    for name in ("TANDEM_HTTP_PORT", "TANDEM_LOG_LEVEL", "TANDEM_DUE_BATCH"):
        monkeypatch.setenv(name, "nonsense")
    with pytest.raises(typer.Exit):
        settings_of("tandem_scheduling")
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines] == ["TANDEM_HTTP_PORT", "TANDEM_LOG_LEVEL", "TANDEM_DUE_BATCH"]


@pytest.mark.parametrize(
    "keys", ["hidden-word", "k1:hidden-word", f"k1:{'A' * 43}=,k1:{'B' * 43}=", ":" + "A" * 43 + "="]
)
def test_a_key_that_could_seal_nothing_stops_the_start_and_is_not_quoted(
    keys: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (SOUND | {"TANDEM_PRIVATE_SECTION_KEYS": keys}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(typer.Exit):
        settings_of("tandem_profiles")
    said = capsys.readouterr().err
    assert said.startswith("TANDEM_PRIVATE_SECTION_KEYS: key ")
    assert "hidden-word" not in said
    assert "A" * 43 not in said


def ended_with(**settings: str) -> subprocess.CompletedProcess[str]:
    """How a service ends that is served with these settings."""
    return subprocess.run(
        [sys.executable, "-m", "tandem_chassis", "serve", "tandem_matching"],
        env={name: value for name, value in os.environ.items() if not name.startswith("TANDEM_")} | SOUND | settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_process_itself_ends_with_the_settings_name() -> None:
    ended = ended_with(TANDEM_MATCH_RUN_WORKERS="none")
    assert ended.returncode == 78
    assert "TANDEM_MATCH_RUN_WORKERS: Input should be a valid integer" in ended.stderr
    assert ended.stdout == ""


def test_a_metrics_port_that_is_in_use_ends_the_process_with_its_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = ended_with(TANDEM_METRICS_PORT=str(port))
    assert ended.returncode == 78
    assert ended.stderr == f"TANDEM_METRICS_PORT: port {port}: Address already in use\n"
