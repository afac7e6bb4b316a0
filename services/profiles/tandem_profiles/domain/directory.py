"""The directory: what identity providers may do with users and groups, and what is refused."""

from tandem_chassis.errors import Conflict, Invalid, NotFound


class NoSuchEntry(NotFound):
    """No user or group of the directory has this id."""

    def __init__(self) -> None:
        super().__init__("The directory has no such user or group.")


class NameTaken(Conflict):
    """A name, an address or an employee number belongs to somebody else."""

    def __init__(self, what: str) -> None:
        super().__init__(f"The {what} belongs to somebody else already.")


class TooManyToLookThrough(Invalid):
    """A filter fits no index, and the directory is too large to be read whole for it."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"This filter would have to read more than {most:,} entries. Filter by userName, externalId, id, "
            "emails.value, displayName or active with eq, or by a later meta.lastModified, besides."
        )
