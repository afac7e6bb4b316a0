"""Secrets from files: a service takes them under their settings' names, and says which one it cannot take."""

from pathlib import Path

import pytest
import typer

from tandem_chassis.__main__ import settings_of

URL = "postgresql://tandem:hidden-word@127.0.0.1:1/nothing"


@pytest.fixture(autouse=True)
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory named to the service, which is told everything but its database by the environment."""
    monkeypatch.delenv("TANDEM_DATABASE_URL", raising=False)
    monkeypatch.setenv("TANDEM_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setenv("TANDEM_OIDC_ISSUER", "http://127.0.0.1:1")
    monkeypatch.setenv("TANDEM_OIDC_JWKS_URL", "http://127.0.0.1:1/jwks")
    monkeypatch.setenv("TANDEM_SECRETS_DIRECTORY", str(tmp_path))
    return tmp_path


def refusal(capsys: pytest.CaptureFixture[str]) -> str:
    """What the service says when it does not start."""
    with pytest.raises(typer.Exit) as ended:
        settings_of("tandem_demo")
    said = capsys.readouterr().err
    assert ended.value.exit_code == 78
    assert "hidden-word" not in said
    return said


def test_a_secret_is_taken_from_the_file_named_after_its_setting(secrets: Path) -> None:
    (secrets / "tandem_database_url").write_text(f"{URL}\n")
    (secrets / "ca.crt").write_text("not ours")
    assert settings_of("tandem_demo").asyncpg_dsn() == URL


def test_a_variable_comes_before_a_file(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (secrets / "tandem_log_level").write_text("ERROR")
    (secrets / "tandem_database_url").write_text(URL)
    monkeypatch.setenv("TANDEM_LOG_LEVEL", "WARNING")
    assert settings_of("tandem_demo").log_level == "WARNING"


def test_a_missing_file_is_named_by_its_setting(capsys: pytest.CaptureFixture[str]) -> None:
    assert "TANDEM_DATABASE_URL: Field required" in refusal(capsys)


def test_a_wrong_value_in_a_file_is_named_by_its_setting(secrets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (secrets / "tandem_database_url").write_text("mysql://x:hidden-word@y/z")
    assert "TANDEM_DATABASE_URL: URL scheme should be" in refusal(capsys)


def test_an_empty_file_is_named_by_its_setting(secrets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (secrets / "tandem_database_url").touch()
    assert "TANDEM_DATABASE_URL: Input should be a valid URL, input is empty" in refusal(capsys)


def test_a_misspelled_file_stops_the_start(secrets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (secrets / "tandem_database_url").write_text(URL)
    (secrets / "tandem_kafka_password").write_text("hidden-word")
    assert f"TANDEM_KAFKA_PASSWORD: no setting has the name of the file {secrets}" in refusal(capsys)


def test_what_cannot_be_read_stops_the_start(secrets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (secrets / "tandem_database_url").mkdir()
    (secrets / "tandem_kafka_sasl_password").write_bytes(b"\xff\xfe")
    said = refusal(capsys)
    assert "TANDEM_DATABASE_URL: the file" in said
    assert "cannot be read (Is a directory)" in said
    assert "TANDEM_KAFKA_SASL_PASSWORD: the file" in said
    assert "is not text" in said


def test_a_directory_that_is_not_there_stops_the_start(
    secrets: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TANDEM_SECRETS_DIRECTORY", str(secrets / "nowhere"))
    assert "nowhere cannot be listed (No such file or directory)" in refusal(capsys)
