"""Runs the identity provider as a process: `python -m tandem_local.identity`, settings from the environment."""

import os
from pathlib import Path

from tandem_chassis import serving
from tandem_local.identity.app import create_app


def main() -> None:
    """Serve until SIGTERM."""
    port = int(os.environ["TANDEM_HTTP_PORT"])
    host = os.environ.get("TANDEM_HTTP_HOST", "127.0.0.1")
    secret_file = os.environ.get("TANDEM_IDENTITY_CLIENT_SECRET_FILE")
    app = create_app(
        directory=Path(os.environ["TANDEM_IDENTITY_DIRECTORY"]),
        issuer=os.environ.get("TANDEM_OIDC_ISSUER", f"http://127.0.0.1:{port}"),
        client_secret_file=Path(secret_file) if secret_file else None,
        also_known_as=os.environ.get("TANDEM_IDENTITY_ALSO_KNOWN_AS", "").split(),
    )
    serving.run(app, host=host, port=port, access_log=False, log_level="warning", timeout_graceful_shutdown=2)


if __name__ == "__main__":
    main()
