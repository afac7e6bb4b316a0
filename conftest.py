"""The real PostgreSQL and the real broker that the tests of every package share, started when a test first asks."""

import contextlib
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tandem_local import brokers, postgresql
from tandem_local.brokers import Broker, GivenBroker
from tandem_local.ports import free_port
from tandem_local.postgresql import Postgresql
from tandem_local.postgresql.started import StartedPostgresql
from tandem_local.refusals import CannotStart

WORKPLACE = pytest.StashKey[Path]()
POSTGRESQL = pytest.StashKey[Postgresql]()
BROKER = pytest.StashKey[Broker]()


class NewDatabase(Protocol):
    """Makes databases for tests."""

    def __call__(self, template: str | None = None) -> str:
        """The URL of a fresh database that only this call knows: empty, or a copy of the database named `template`.

        No connection to the template may be open meanwhile.
        """


def pytest_configure(config: pytest.Config) -> None:
    """Look for PostgreSQL and a broker, so that the header can say which will be used; starts nothing."""
    workplace = Path(tempfile.mkdtemp(prefix="tandem-tests-"))
    workplace.chmod(0o711)  # PostgreSQL runs as a user of its own when the tests run as root
    config.stash[WORKPLACE] = workplace
    config.add_cleanup(lambda: shutil.rmtree(workplace, ignore_errors=True))
    try:
        config.stash[POSTGRESQL] = postgresql.choose(
            directory=workplace / "postgresql", port=free_port, log=workplace / "postgresql.log", durable=False
        )
        config.stash[BROKER] = brokers.choose_for_tests(directory=workplace)
    except CannotStart as refusal:
        raise pytest.UsageError(str(refusal)) from refusal


def pytest_report_header(config: pytest.Config) -> list[str]:
    return [
        f"postgresql: {config.stash[POSTGRESQL].description}",
        f"broker: {config.stash[BROKER].description}",
    ]


@pytest.fixture(scope="session", name="postgresql")
def running_postgresql(pytestconfig: pytest.Config) -> Iterator[Postgresql]:
    """The running PostgreSQL of this test run, as `tandem_local` knows it."""
    server = pytestconfig.stash[POSTGRESQL]
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def broker(pytestconfig: pytest.Config) -> Iterator[Broker]:
    """The running broker of this test run; a test that stops it starts it again."""
    with brokers.running(pytestconfig.stash[BROKER]) as running:
        yield running


@pytest.fixture(scope="session")
def broker_choice(pytestconfig: pytest.Config) -> str | None:
    """What `tandem up --kafka` is told so that it runs on the same kind of broker; nothing where one is given."""
    chosen = pytestconfig.stash[BROKER]
    if isinstance(chosen, GivenBroker):
        return None
    return "apache" if chosen.keeps_log else "embedded"


@pytest.fixture(scope="session")
def new_database(postgresql: Postgresql) -> Iterator[NewDatabase]:
    """Makes databases owned by an ordinary role, as a service's is; all are gone when the run ends."""
    run = secrets.token_hex(4)
    owner_url = postgresql.ensure_database(f"tests_{run}")
    made: list[str] = []

    def make(template: str | None = None) -> str:
        name = f"tests_{run}_{len(made)}"
        made.append(name)
        return postgresql.create_database(name, owner_url=owner_url, template=template)

    yield make
    if isinstance(postgresql, StartedPostgresql):
        return  # its data go with the workplace; dropping hundreds of databases one by one takes a minute
    with contextlib.suppress(CannotStart):
        for name in (*made, f"tests_{run}"):
            postgresql.drop_database(name)
        postgresql.drop_role(f"tests_{run}")


@pytest.fixture
def database(new_database: NewDatabase) -> str:
    """The URL of a fresh, empty database for this test: postgresql://role:password@127.0.0.1:port/name."""
    return new_database()
