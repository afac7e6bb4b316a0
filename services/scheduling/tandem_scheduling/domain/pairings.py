"""Pairings, as scheduling knows them: who belongs together, and whether still."""

from tandem_chassis.errors import Conflict, Forbidden, NotFound


class NoSuchPairing(NotFound):
    """No pairing has this id, or the caller may not know of it."""


class PairingOver(Conflict):
    """The relationship has ended, so nothing more is planned in it."""


class MembersOnly(Forbidden):
    """A program manager may look; what a relationship does is done by its members."""
