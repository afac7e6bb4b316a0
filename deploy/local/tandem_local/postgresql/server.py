"""A PostgreSQL that answers: the one that was given, and what every kind can be asked."""

import json
import secrets
import threading
from pathlib import Path
from urllib.parse import urlsplit

from tandem_local.postgresql import databases
from tandem_local.postgresql.databases import execute, identifier, run, url_for, wait_for_answer, without_password
from tandem_local.processes import ChildProcess
from tandem_local.refusals import Unreachable
from tandem_local.secret_files import write_secret

PATIENCE_SECONDS = 3.0


class Postgresql:
    """A PostgreSQL that answers at `admin_url`: one that was given, or one that this process starts and stops."""

    description: str
    admin_url: str

    def __init__(self, *, description: str, admin_url: str, secrets_file: Path) -> None:
        self.description = description
        self.admin_url = admin_url
        self._secrets_file = secrets_file
        self._one_at_a_time = threading.Lock()

    def start(self) -> None:
        """Return when it accepts connections. Blocks; harmless when it already runs.

        Raises:
            CannotStart: and the message says why in one sentence.
        """
        refusal = wait_for_answer(self.admin_url, timeout_seconds=PATIENCE_SECONDS)
        if refusal is not None:
            raise Unreachable(f"The PostgreSQL given by DATABASE_URL ({without_password(self.admin_url)}) {refusal}.")

    def stop(self) -> None:
        """Stop it if this process started it. Blocks until it is gone; its data stay."""

    def kill(self) -> None:
        """End it without warning, as a crash would, if this process started it."""

    @property
    def process(self) -> ChildProcess | None:
        """The server's process, where it is ours."""
        return None

    def ensure_database(self, name: str) -> str:
        """The URL of database `name`, owned by a role of the same name that alone may connect.

        Both are made if missing. The role's password is random and kept beside the data. Repeats safely.
        """
        role = identifier(name)
        with self._one_at_a_time:
            password = self.password(role)
            run(databases.ensure(self.admin_url, role, password))
        return url_for(self.admin_url, role=role, password=password, database=role)

    def create_database(self, name: str, *, owner_url: str, template: str | None = None) -> str:
        """The URL of a new database owned by the role of `owner_url`, empty or a copy of database `template`."""
        owner = urlsplit(owner_url)
        assert owner.username is not None
        run(databases.create(self.admin_url, identifier(name), identifier(owner.username), template))
        return url_for(self.admin_url, role=owner.username, password=owner.password or "", database=name)

    def drop_database(self, name: str) -> None:
        """Remove database `name` if it exists, closing whatever is connected to it. ITS DATA ARE GONE."""
        run(execute(self.admin_url, f'DROP DATABASE IF EXISTS "{identifier(name)}" WITH (FORCE)'))

    def drop_role(self, name: str) -> None:
        """Remove role `name` if it exists; it must own nothing any more."""
        run(execute(self.admin_url, f'DROP ROLE IF EXISTS "{identifier(name)}"'))

    def password(self, role: str) -> str:
        kept: dict[str, str] = {}
        if self._secrets_file.exists():
            kept = json.loads(self._secrets_file.read_text())
        if role not in kept:
            kept[role] = secrets.token_hex(24)
            write_secret(self._secrets_file, json.dumps(kept, indent=2))
        return kept[role]
