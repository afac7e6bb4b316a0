"""Feeds: a calendar's private address cannot be guessed, and only its digest is kept."""

import hashlib

from tandem_chassis.errors import NotFound


class NoSuchFeed(NotFound):
    """No calendar has this address (any more)."""


class NoFeed(NotFound):
    """The caller has no calendar feed."""


def digest_of(secret: str) -> bytes:
    """What is kept of a feed's secret."""
    return hashlib.sha256(secret.encode()).digest()
