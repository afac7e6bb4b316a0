"""Ports on 127.0.0.1 that can be listened on.

Those found lie below the ones that the kernel gives to outgoing connections: such a connection, opened between finding
a port and listening on it, would take it.
"""

import errno
import random
import socket

from tandem_local.addresses import PORTS_TAKEN
from tandem_local.refusals import PortInUse

NEVER_OUTGOING = range(20_000, 32_000)
TRIES = 200
CHANCE = random.SystemRandom()


def require_free_port(port: int, *, wanted_by: str) -> None:
    """Return if `port` on 127.0.0.1 can be listened on now.

    Raises:
        PortInUse: another program has it.
    """
    if not is_free(port):
        raise PortInUse(f"Port {port}, wanted by {wanted_by}, is already in use; choose others with --base-port.")


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` of 127.0.0.1 now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as refusal:
            if refusal.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            return False
    return True


def free_port() -> int:
    """A port that was free a moment ago."""
    return _free(NEVER_OUTGOING, neighbours=1)


def free_base_port() -> int:
    """The first of as many ports in a row as a platform takes, all free a moment ago."""
    return _free(NEVER_OUTGOING[::PORTS_TAKEN], neighbours=PORTS_TAKEN)


def _free(candidates: range, *, neighbours: int) -> int:
    for first in CHANCE.sample(candidates, TRIES):
        if all(is_free(port) for port in range(first, first + neighbours)):
            return first
    raise PortInUse(
        f"Of the ports from {NEVER_OUTGOING.start} to {NEVER_OUTGOING.stop}, {TRIES} were tried: all are in use."
    )
