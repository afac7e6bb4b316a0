"""Which Kafka broker the platform runs on: one that was given, the embedded one, or Apache Kafka itself."""

from tandem_local.brokers.apache import ApacheFromJars
from tandem_local.brokers.choice import choose, choose_for_tests, running, running_for_tests
from tandem_local.brokers.embedded import EmbeddedBroker
from tandem_local.brokers.given import GivenBroker
from tandem_local.brokers.interface import Broker

__all__ = [
    "ApacheFromJars",
    "Broker",
    "EmbeddedBroker",
    "GivenBroker",
    "choose",
    "choose_for_tests",
    "running",
    "running_for_tests",
]
