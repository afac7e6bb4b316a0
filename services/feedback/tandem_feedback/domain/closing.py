"""Closing: how a relationship ends well."""

from tandem_chassis.errors import Conflict, NotFound


class StillGoingOn(Conflict):
    """Closing comes after the end."""


class ReflectedAlready(Conflict):
    """Each member writes one closing reflection."""


class NoCertificate(NotFound):
    """There was nothing to certify."""


class NotReflectedYet(Conflict):
    """An alumni link is first given, or not, with the closing reflection."""
