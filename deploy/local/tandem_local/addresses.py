"""Where each part of the platform listens: ports that move together."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

SERVICES = ("profiles", "matching", "scheduling", "feedback")
DEFAULT_BASE_PORT = 8100
PORTS_TAKEN = 8


@dataclass(frozen=True, slots=True)
class Addresses:
    """All addresses, from the port that the identity provider has; the others follow it."""

    base_port: int = DEFAULT_BASE_PORT

    @property
    def identity_port(self) -> int:
        return self.base_port

    @property
    def postgresql_port(self) -> int:
        return self.base_port + 5

    @property
    def broker_port(self) -> int:
        """The broker's; Apache Kafka's controller takes the next one."""
        return self.base_port + 6

    def service_port(self, service: str) -> int:
        return self.base_port + 1 + SERVICES.index(service)

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.identity_port}"

    def service_url(self, service: str, environment: Mapping[str, str] = os.environ) -> str:
        """The service's address: `TANDEM_<SERVICE>_URL` where one is given, else the one on this machine."""
        given = environment.get(f"TANDEM_{service.upper()}_URL")
        return given.rstrip("/") if given else f"http://127.0.0.1:{self.service_port(service)}"
