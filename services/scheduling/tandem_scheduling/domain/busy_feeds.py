"""Busy feeds: the address of somebody's own calendar, which is looked at from time to time."""

from collections.abc import Collection
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from tandem_chassis.errors import Fault, Invalid, NotFound

LONGEST_WAIT = timedelta(days=1)


class FeedRefused(Invalid):
    """An address that is none, or of a place that this installation does not ask."""


class NoBusyFeed(NotFound):
    """The caller follows no calendar."""


def require_allowed(address: str, *, origins: Collection[str]) -> None:
    """Only calendars of places that the operators named are asked for: this service stands inside the network.

    Raises:
        FeedRefused: the address is malformed, carries a password, or is of another place.
    """
    try:
        parts = urlsplit(address)
        origin = f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"
    except ValueError as malformed:
        raise _refused("This is not an address. Copy it out of your calendar program.") from malformed
    if parts.username or parts.password or parts.fragment:
        raise _refused("An address of a calendar carries no user, password or fragment.")
    if origin not in {known.rstrip("/").lower() for known in origins}:
        raise _refused("Calendars of this place are not followed here. Upload a file instead, or ask the operators.")


def next_look(now: datetime, *, every: timedelta, failures: int) -> datetime:
    """When a calendar is looked at again: later each time that it could not be read, once a day at the least."""
    later = every * (1 << min(failures, 10))
    return now + min(later, max(every, LONGEST_WAIT))


def _refused(sentence: str) -> FeedRefused:
    return FeedRefused(sentence, faults=[Fault(sentence, field="address")])
