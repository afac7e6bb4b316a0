"""Which PostgreSQL the platform runs on, and how each service gets a database and a role of its own there."""

from tandem_local.postgresql.choice import choose
from tandem_local.postgresql.server import Postgresql
from tandem_local.postgresql.started import StartedPostgresql

__all__ = ["Postgresql", "StartedPostgresql", "choose"]
