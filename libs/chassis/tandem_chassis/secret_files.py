"""Settings from files: the directory named by `TANDEM_SECRETS_DIRECTORY` holds one file for each secret setting."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic_settings import BaseSettings

VARIABLE = "TANDEM_SECRETS_DIRECTORY"
PREFIX = "tandem_"


class SecretsUnusable(Exception):
    """The files cannot be taken as they are; each line of the message names a setting and the reason."""


def directory_for(settings: type[BaseSettings], environment: Mapping[str, str] = os.environ) -> Path | None:
    """Where these settings find their files, such as `tandem_database_url`; None where no directory is named.

    A variable of the environment comes before a file. Files of other names than `tandem_...` are not ours.

    Raises:
        SecretsUnusable: there is no such directory, a file cannot be read, or no setting has its name.
    """
    given = environment.get(VARIABLE)
    if not given:
        return None
    directory = Path(given)
    try:
        files = sorted(path for path in directory.iterdir() if path.name.casefold().startswith(PREFIX))
    except OSError as fault:
        raise SecretsUnusable(f"{VARIABLE}: {given} cannot be listed ({fault.strerror})") from fault
    faults = [f"{file.name.upper()}: {reason}" for file in files if (reason := _why_unusable(file, settings))]
    if faults:
        raise SecretsUnusable("\n".join(faults))
    return directory


def _why_unusable(file: Path, settings: type[BaseSettings]) -> str | None:
    if file.name.casefold().removeprefix(PREFIX) not in settings.model_fields:
        return f"no setting has the name of the file {file}"
    try:
        file.read_text(encoding="utf-8")
    except OSError as fault:
        return f"the file {file} cannot be read ({fault.strerror})"
    except UnicodeDecodeError:
        return f"the file {file} is not text"
    return None
