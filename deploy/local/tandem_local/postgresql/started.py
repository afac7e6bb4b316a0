"""A PostgreSQL server that this process starts and stops."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from tandem_local.ports import require_free_port
from tandem_local.postgresql.databases import refusal_of, url_for
from tandem_local.postgresql.server import Postgresql
from tandem_local.processes import ChildProcess
from tandem_local.refusals import CannotStart, NotWritable
from tandem_local.secret_files import write_secret

SERVER_USER = "tandem_postgres"
ADMIN_ROLE = "tandem_admin"


class StartedPostgresql(Postgresql):
    """A PostgreSQL server of our own: TCP on 127.0.0.1 only, no socket file, passwords required."""

    def __init__(
        self,
        *,
        description: str,
        binaries: Path,
        major: int,
        directory: Path,
        port: int,
        log: Path,
        durable: bool = True,
    ) -> None:
        """A server on `directory`/data. `durable=False` gives up surviving a power cut for speed: for tests only."""
        self._binaries = binaries
        self._major = major
        self._directory = directory
        self._data = directory / "data"
        self._port = port
        self._durable = durable
        self._user = SERVER_USER if os.geteuid() == 0 else ""
        super().__init__(description=description, admin_url="", secrets_file=directory / "passwords.json")
        self._process = ChildProcess(
            name="PostgreSQL",
            command=[str(binaries / "postgres"), "-D", str(self._data), *_settings(port, durable=durable)],
            log=log,
            user=self._user,
            stop_signal=signal.SIGINT,  # "fast shutdown": clients are disconnected, nothing is lost
            death_signal=signal.SIGINT,
        )

    @property
    def process(self) -> ChildProcess:
        """The server's process."""
        return self._process

    def start(self) -> None:
        if self._process.pid is not None:
            return
        require_free_port(self._port, wanted_by="PostgreSQL")
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            self.admin_url = url_for(
                f"postgresql://127.0.0.1:{self._port}",
                role=ADMIN_ROLE,
                password=self.password(ADMIN_ROLE),
                database="postgres",
            )
            if self._user:
                _ensure_server_user()
                _let_traverse(self._directory / "data")
                _let_traverse(self._binaries / "postgres")
            self._ensure_cluster()
        except PermissionError as refusal:
            raise NotWritable(
                f"PostgreSQL's directory {self._directory} cannot be prepared: {refusal.strerror}."
            ) from refusal
        self._process.start()
        self._process.wait_until(lambda: refusal_of(self.admin_url) is None, timeout_seconds=30)

    def stop(self) -> None:
        self._process.stop()

    def kill(self) -> None:
        self._process.kill()

    def _ensure_cluster(self) -> None:
        version_file = self._data / "PG_VERSION"
        if version_file.exists():
            found = version_file.read_text().strip()
            if found != str(self._major):
                raise CannotStart(
                    f"The data in {self._data} belong to PostgreSQL {found} and the one found is {self._major}; "
                    f"upgrade them with pg_upgrade, or remove the directory to begin anew."
                )
            return
        # Made beside and then renamed: an interrupted initdb leaves nothing that looks like a cluster.
        fresh = self._directory / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        password_file = self._directory / "initdb-password"
        write_secret(password_file, self.password(ADMIN_ROLE))
        if self._user:
            shutil.chown(fresh, self._user, self._user)
            shutil.chown(password_file, self._user, self._user)
        initdb = ChildProcess(
            name="initdb",
            command=[
                str(self._binaries / "initdb"),
                *("-D", str(fresh), "-U", ADMIN_ROLE, "--pwfile", str(password_file)),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"),
            ],
            log=self._process.log.with_name("initdb.log"),
            user=self._user,
        )
        try:
            initdb.start()
            initdb.wait_until(lambda: initdb.exit_code == 0, timeout_seconds=60)
        finally:
            initdb.kill()
            password_file.unlink(missing_ok=True)
        shutil.rmtree(self._data, ignore_errors=True)
        fresh.rename(self._data)


def _settings(port: int, *, durable: bool) -> list[str]:
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "shared_buffers": "64MB",
        "max_connections": "200",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "jit": "off",
        "max_wal_size": "512MB",
        "password_encryption": "scram-sha-256",
    }
    if not durable:
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum_naptime": "5s"}
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _ensure_server_user() -> None:
    import pwd

    try:
        pwd.getpwnam(SERVER_USER)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SERVER_USER]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)
        except (OSError, subprocess.CalledProcessError) as refusal:
            raise CannotStart(
                f"PostgreSQL refuses to run as root and the user {SERVER_USER} cannot be made; "
                f"run as another user, or set DATABASE_URL."
            ) from refusal


def _let_traverse(path: Path) -> None:
    """Let other users pass through (not list) the directories above `path`: PostgreSQL runs as a user of its own."""
    for directory in path.resolve().parents:
        mode = directory.stat().st_mode
        if not mode & 0o001:
            directory.chmod(mode | 0o001)
