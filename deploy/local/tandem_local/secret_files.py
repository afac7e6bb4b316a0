"""Files that only the user who runs the platform may read: passwords, client secrets, keys."""

import os
from pathlib import Path


def write_secret(path: Path, text: str) -> None:
    """Write `text` where only this user can read it, whole or not at all."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)
