"""Programs, as scheduling knows them."""

from tandem_chassis.errors import NotFound


class NoSuchProgram(NotFound):
    """No program has this id."""
