"""The applications that may ask for tokens."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tandem_local.secret_files import write_secret

CLI = "tandem-cli"
BROWSER = "tandem-browser"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Clients:
    """Two clients: the `tandem` command, with a secret; any page or tool on this machine, with PKCE and no secret."""

    cli_secret: str

    def is_cli(self, client_id: str, secret: str) -> bool:
        """Whether these are the command's credentials."""
        return client_id == CLI and secrets.compare_digest(secret.encode(), self.cli_secret.encode())


def load_clients(directory: Path, *, secret_file: Path | None = None) -> Clients:
    """The clients kept in `directory`; the command's secret is made there (mode 0600) if there is none.

    Where `secret_file` is given, the command's secret is what that file holds.

    Raises:
        OSError, ValueError: the file given cannot be read, or is empty.
    """
    if secret_file is not None:
        secret = secret_file.read_text().strip()
        if not secret:
            raise ValueError(f"the file {secret_file} is empty")
        return Clients(cli_secret=secret)
    file = directory / "clients.json"
    if not file.exists():
        directory.mkdir(parents=True, exist_ok=True)
        write_secret(file, json.dumps({CLI: secrets.token_urlsafe(32)}))
    return Clients(cli_secret=json.loads(file.read_text())[CLI])


def may_return_to(redirect_uri: str) -> bool:
    """Whether a code may be sent there: only to this machine, on any port (RFC 8252, section 7.3)."""
    try:
        parts = urlsplit(redirect_uri)
        return (
            parts.scheme == "http"
            and parts.hostname in LOOPBACK
            and not parts.fragment
            and parts.username is None
            and (parts.port is None or parts.port > 0)
        )
    except ValueError:
        return False
